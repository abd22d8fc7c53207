#!/usr/bin/env bash
# seconds: 90
# A device that replaces a dead one owns its backups: it knows of them, counts their copies and
# makes new ones when a holder dies for good.
source "$(dirname "$0")/lib.sh"

lan F
three_devices
mkdir "$WORK/source"
for i in $(seq 20); do head -c 30000 /dev/urandom >"$WORK/source/f$i"; done
head -c 5000000 /dev/urandom >"$WORK/source/big"
expect 0 drey_at A backup --wait "$WORK/source"
kill9 A

expect 0 typing "$PHRASE" drey_at F --json recover --replace A
start F
owns() { [ "$(status_of F .replication.records)" -ge 15 ]; }
soon 20 owns || fail "F owns $(status_of F .replication.records) records of the device it replaced"
expect 0 drey_at F wait --timeout 30
same "verdict of F" "$(status_of F .verdict)" protected
[[ $(status_of F .sentence) != Nothing* ]] || fail "F says that nothing is backed up"
holds "the new device owns the replaced one's backups"

# Nothing changed: everything is known, and what is new is pages and the head.
expect 0 drey_at F --json backup --wait "$WORK/source"
at_most "bytes a backup after the replacement adds" "$(summary .added_bytes)" 200000
expect 0 drey_at F restore latest --target "$WORK/out"
diff -r "$WORK/source" "$WORK/out$WORK/source" || fail "the restored files differ"
holds "its backup continues where the replaced device stopped"
