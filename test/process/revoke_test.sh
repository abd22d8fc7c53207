#!/usr/bin/env bash
# A stolen device is cast out: the connected ones refuse it within seconds, one that was off at its
# first contact; what it writes later is nobody's; new backups open with keys it does not have, on
# every device that is left, after restarts and with the phrase.
# seconds: 120
source "$(dirname "$0")/lib.sh"

gone_from() { ! drey_at "$1" --json peers | jq -e --arg n "$2" 'any(.[]; .name == $n)'; }
cast_out() { drey_at "$1" status | grep -qi "cast out"; }
epoch_of() { status_of "$1" .mesh.epoch; }
same_epoch() { [ "$(epoch_of "$1")" = "$(epoch_of "$2")" ]; }
reads() { drey_at "$1" cat "$2:$WORK/data/new" | cmp - "$WORK/data/new"; }

three_devices X
admit A X full
soon 20 peers_alive A 3 || fail "A does not see all three"
mkdir data
head -c 300000 /dev/urandom >data/old
expect 0 drey_at A --json backup data --wait
first_epoch=$(epoch_of A)
expect 0 drey_at X --json backup data
honest=$(summary .snapshot)
soon 10 listed A "$honest" || fail "A never heard of the snapshot X made in time"
stop B

expect 10 drey_at A revoke nobody
expect 2 drey_at A revoke A
contains "words for casting oneself out" "$ERR" 'cannot cast itself out'
expect 1 drey_at C revoke X
begin=$(date +%s%3N)
expect 0 drey_at A revoke X
contains "words of revoke" "$OUT" 'stays readable to it'
contains "words of revoke" "$OUT" '1 that is away'
soon 5 gone_from A X || fail "A still has X among its peers"
soon 5 gone_from C X || fail "the vault still has X among its peers"
soon 5 cast_out X || fail "X does not say that it was cast out"
holds "cast out on A and the vault, and told so, $(($(date +%s%3N) - begin)) ms after the order"
[ "$(epoch_of A)" -gt "$first_epoch" ] || fail "no new epoch after the revocation"
expect 0 drey_at A revoke X
contains "words of a second revoke" "$OUT" 'before'

head -c 200000 /dev/urandom >data/new
expect 0 drey_at A --json backup data
newest=$(summary .snapshot)
# It may go on alone; nobody hears of it.
drey_at X --json backup data >"$OUT" 2>"$ERR" </dev/null
later=$(summary .snapshot 2>/dev/null)

start B
soon 15 knows B 3 && soon 5 gone_from B X || fail "B, which was off, still has X in its mesh"
soon 10 same_epoch A B || fail "B has not the new epoch"
soon 10 peers_alive B 2 || fail "B does not see A and the vault"
soon 10 reads B "$newest" || fail "B cannot read what was sealed after the revocation"
holds "B heard of it at its first contact, has the new keys and reads the new backup"
expect 0 drey_at B --json backup data
soon 10 listed A "$(summary .snapshot)" || fail "A does not know B's backup"

stop A
stop B
stop X
start A
start B
start X
soon 15 peers_alive A 2 || fail "A, B and the vault are not together after a restart"
reads A "$newest" || fail "A cannot read the new backup after a restart"
reads B "$newest" || fail "B cannot read the new backup after a restart"
cast_out X || fail "X has forgotten that it was cast out"
for name in A B; do
  gone_from "$name" X || fail "$name has X again"
  listed "$name" "$honest" >/dev/null || fail "$name has lost the snapshot X made in time"
  [ -z "$later" ] || ! listed "$name" "$later" >/dev/null || fail "$name took a snapshot X made later"
done
same "devices" "$(status_of C .mesh.nodes)" 3
holds "after restarts the keys are there, X is out, and nothing it wrote later is known"

lan E
expect 0 typing "$PHRASE" drey_at E --json recover --name E
start E
soon 15 peers_alive E 3 || fail "the recovered device does not see the others"
soon 10 reads E "$newest" || fail "the phrase does not open what was sealed after the revocation"
holds "the phrase opens it, too"
