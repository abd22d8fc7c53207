#!/usr/bin/env bash
# What `whatif --lose` says is what happens: the devices are lost, and exactly the files that it
# named cannot be restored.
# seconds: 120
source "$(dirname "$0")/lib.sh"

lan A B C
found A
mkdir "$WORK/old" "$WORK/new"
for i in $(seq 12); do head -c 300000 /dev/urandom >"$WORK/old/f$i"; done
for i in $(seq 6); do head -c 300000 /dev/urandom >"$WORK/new/g$i"; done
admit A B full
expect 0 drey_at A backup --set old "$WORK/old"
soon 30 drey_at A wait --timeout 1 || fail "not all copies after 30 s"
expect 0 drey_at A whatif --lose A
expect 0 drey_at A whatif --lose B
expect 13 drey_at A --json whatif --lose A B
same "files lost with both devices" "$(summary .files)" 12
expect 10 drey_at A whatif --lose nobody
expect 2 drey_at A whatif
holds "of two devices each alone can go; both cannot"

# B is away while the second set is backed up: a third device and A have it.
admit A C full
soon 30 drey_at A wait --timeout 1 || fail "not all copies after 30 s"
kill9 B
expect 0 drey_at A backup --set new "$WORK/new"
away() { [ "$(drey_at A --json peers | jq -r '.[] | select(.name == "B").state')" != alive ]; }
soon 60 away || fail "A does not see that B is away"
expect 13 drey_at A --json whatif --lose A C
jq -r 'select(.type == "lost_file").path' "$OUT" | sort >"$WORK/named"
same "files named" "$(wc -l <"$WORK/named")" 6
holds "what only A and C have is named: $(wc -l <"$WORK/named") files"

# It comes true.
kill9 A
kill9 C
start B
expect 0 drey_at B restore "$(drey_at B --json snapshots | jq -r '[.[] | select(.set == "old")][0].id')" --target "$WORK/out"
diff -r "$WORK/old" "$WORK/out$WORK/old" || fail "the old set does not restore from B"
holds "the set it did not name restores from B alone"
