#!/usr/bin/env bash
# drey.conf: what config check says, what a daemon takes over at SIGHUP, what it refuses.
# seconds: 40
source "$(dirname "$0")/lib.sh"

unset DREY_CAPACITY
lan A
mkdir -p "$WORK/A" "$WORK/docs"
conf=$WORK/A/drey.conf
write() { printf '%s\n' "$@" >"$conf"; }

expect 0 drey_at A config check
contains "no file" "$ERR" 'there is no .*drey.conf'
write 'name = attic' 'capacity = 20G' '' '[backup docs]' "paths = $WORK/docs" 'every = 6h' 'keep-daily = 7'
expect 0 drey_at A config check
contains "a right file" "$OUT" 'drey.conf is right: 1 set to back up'
write 'name = attic' 'capcity = 20G'
expect 2 drey_at A config check
contains "line and suggestion" "$ERR" 'drey.conf:2: there is no key capcity; did you mean capacity\?'
expect 2 drey_at A --json config check
same "line in JSON" "$(jq -r '[.ok, .findings[0].line] | @csv' "$OUT")" "false,2"
write 'page = wan'
expect 2 drey_at A config check
contains "page = wan" "$ERR" 'drey.conf:1: page = wan: wants .*loopback lan off'
write 'page = lan'
expect 0 drey_at A config check
write '[backup docs]' 'paths = /nowhere/at/all'
expect 0 drey_at A config check
contains "a path that is not there" "$ERR" 'warning: .*/nowhere/at/all does not exist'
printf 'capacity = 5X\n' >"$WORK/other.conf"
expect 2 drey_at A config check "$WORK/other.conf"
contains "another file" "$ERR" 'other.conf:1: .*wants a size'
expect 2 drey_at A config check /nowhere/drey.conf
expect 2 drey_at A config chekc
holds "config check names line, fault and the nearest key; exit 0 and 2"

# A daemon with a wrong file does not start, and says which line.
write 'listen = nowhere'
expect 1 drey_at A init --name A
contains "init refuses" "$ERR" 'drey.conf:1: listen = nowhere'
write 'capacity = 3G'
found A
same "capacity" "$(status_of A .store.capacity_bytes)" $((3 << 30))
same "no set yet" "$(status_of A '.schedule | length')" 0
write 'capacity = 3G' '[backup docs]' "path = $WORK/docs" 'every = 6h'
kill -HUP "${PIDS[A]}"
has_set() { [ "$(status_of A '.schedule[0].set')" = docs ]; }
soon 10 has_set || fail "SIGHUP did not bring the set"
write 'capacity = 3G' '[backup docs]' "path = $WORK/docs" 'evrey = 6h'
kill -HUP "${PIDS[A]}"
soon 10 grep -q 'drey.conf was not taken over, see line 4' "${LOGS[A]}" || fail "no word about the wrong line"
has_set || fail "a wrong file took the set away"
write 'capacity = 4G' '[backup docs]' "path = $WORK/docs" '[backup more]' "path = $WORK/docs"
kill -HUP "${PIDS[A]}"
soon 10 grep -q 'capacity in drey.conf counts from the next start' "${LOGS[A]}" || fail "capacity is not named"
same "sets" "$(status_of A '.schedule | length')" 2
stop A
start A
same "capacity after a restart" "$(status_of A .store.capacity_bytes)" $((4 << 30))
holds "SIGHUP brings sets, keeps the old ones where the file is wrong, names what needs a restart"
