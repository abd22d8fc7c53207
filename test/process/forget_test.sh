#!/usr/bin/env bash
# Forgetting: by name, by rules; the space of the own log returns, and what is kept restores.
# seconds: 120
source "$(dirname "$0")/lib.sh"

home=$WORK/home
mkdir -p "$home"
lan A B
found A
admit A B full
# Three backups; most of each is its own.
for n in 1 2 3; do
  head -c 90000000 /dev/urandom >"$home/large"
  printf '%s' "$n" >"$home/version"
  [ $n = 1 ] && head -c 3000000 /dev/urandom >"$home/stays"
  expect 0 drey_at A --json backup "$home" --set s
  id[n]=$(summary .snapshot)
done
cp -a "$home" "$WORK/third"

count() { drey_at "$1" --json snapshots | jq length; }
counted() { [ "$(count "$1")" = "$2" ]; }

# What cannot be understood removes nothing.
expect 2 drey_at A forget
contains "no rule" "$ERR" 'nothing was removed'
expect 2 drey_at A forget --keep-last 0
expect 2 drey_at A forget --keep-daily many
contains "no number" "$ERR" 'nothing was removed'
expect 10 drey_at A forget 00000000 "${id[1]}"
contains "no such snapshot" "$ERR" 'there is no snapshot 00000000; nothing was removed'
expect 1 drey_at B forget "${id[1]}"
contains "another's snapshot" "$ERR" "another device's"
expect 0 drey_at A --json forget --keep-last 1 --dry-run
same "would go" "$(jq '.removed' "$OUT") $(jq '.kept' "$OUT") $(jq -r '.dry_run' "$OUT")" "2 1 true"
same "snapshots" "$(count A)" 3
holds "nothing is removed by an empty rule, an unknown name, another device, --dry-run"

expect 0 drey_at A --json forget "${id[1]:0:10}"
same "removed, kept" "$(jq '.removed' "$OUT") $(jq '.kept' "$OUT")" "1 2"
same "which" "$(jq -r '.snapshots[0]' "$OUT")" "${id[1]}"
contains "when the space returns" "$OUT" 'on the other devices 14 days of their running time after every device that is not lost'
expect 0 drey_at A forget --keep-last 1
contains "the sentence" "$OUT" '1 snapshot is removed, 1 stays'
soon 10 counted A 1 || fail "A still lists what was forgotten"
soon 20 counted B 1 || fail "B still lists what was forgotten"
expect 10 drey_at A ls "${id[2]}"
same "the newest stays" "$(drey_at A --json snapshots | jq -r '.[0].id')" "${id[3]}"
expect 0 drey_at A forget --keep-last 1
contains "nothing more" "$OUT" 'Nothing is removed'
holds "forgotten by name and by rule, on both devices"

# Two devices of which one owns: everything lies in the own log as well, and the log shrinks.
stored() { drey_at "$1" --json status | jq .store.stored_bytes; }
shrunk() { [ "$(stored A)" -lt $((220 * 1000 * 1000)) ]; }
soon 40 shrunk || fail "the own log still has $(stored A) bytes"
holds "the own log's space is back: $(stored A) bytes"
[ "$(stored B)" -gt $((270 * 1000 * 1000)) ] || fail "the holder gave up pieces before their time"
holds "the holder keeps them for its minimum age"

stop A
start A
same "snapshots after a restart" "$(count A)" 1
expect 0 drey_at A restore latest --target "$WORK/out"
diff -r "$WORK/third" "$WORK/out$home" >"$ERR" || fail "the kept snapshot restores otherwise"
expect 0 drey_at B restore A:latest --target "$WORK/out2"
diff -r "$WORK/third" "$WORK/out2$home" >"$ERR" || fail "the kept snapshot restores otherwise on B"
# Contents that were given up come again.
printf 1 >"$home/version"
expect 0 drey_at A --json backup "$home" --set s
same "numbers go on" "$(count A)" 2
expect 0 drey_at A restore latest --target "$WORK/out3"
diff -r "$home" "$WORK/out3$home" >"$ERR" || fail "the next snapshot restores otherwise"
holds "what is kept restores, on both devices, and backups go on"
