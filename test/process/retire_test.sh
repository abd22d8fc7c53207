#!/usr/bin/env bash
# A device leaves in peace: what it keeps for the others is made anew elsewhere first, meanwhile it
# serves; then it goes, and the backups of everybody are whole without it.
# seconds: 90
source "$(dirname "$0")/lib.sh"

gone_from() { ! drey_at "$1" --json peers | jq -e --arg n "$2" 'any(.[]; .name == $n)'; }
leaving() { drey_at "$1" --json peers | jq -e --arg n "$2" 'any(.[]; .name == $n and .leaving)'; }
whole() { # whole DEVICE SNAPSHOT: restores it and compares
  rm -rf back
  expect 0 drey_at "$1" restore "$2" --target back
  diff -r data "back$WORK/data" >/dev/null || fail "snapshot $2 restored on $1 differs"
}

three_devices D
admit A D full
soon 20 peers_alive A 3 || fail "A does not see all three"
mkdir data
for i in $(seq 30); do head -c 100000 /dev/urandom >"data/$i"; done
expect 0 drey_at A --json backup data --wait
of_a=$(summary .snapshot)
expect 0 drey_at D --json backup data --wait
of_d=$(summary .snapshot)
expect 10 drey_at A retire nobody
expect 2 drey_at C retire D

# While B is off nobody knows whether it needs what D keeps.
stop B
expect 0 drey_at A retire D
contains "words of retire" "$OUT" 'leave it switched on'
soon 5 leaving A D || fail "A does not show that D is leaving"
sleep 3
drey_at D status | grep -q "is leaving the mesh" || fail "D does not say that it is leaving"
gone_from A D >/dev/null && fail "D left although B was not heard"
whole A "$of_d"
holds "asked to leave, it waits for a device that is off, and serves"

start B
expect 0 timeout 40 nsenter --net=/run/netns/A "$DREY" --dir "$WORK/A" retire D --wait
contains "words of retire --wait" "$OUT" 'has left the mesh'
soon 5 gone_from A D || fail "A still has D"
soon 5 gone_from B D || fail "B still has D"
drey_at D status | grep -q "has left the mesh" || fail "D does not say that it has left"
holds "it left when everybody had what they need"
stop D
expect 0 drey_at A wait --timeout 20
same "under-replicated" "$(status_of A .replication.under_replicated)" 0
whole A "$of_a"
whole B "$of_d"
holds "without it every backup is whole, its own too"
