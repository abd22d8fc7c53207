#!/usr/bin/env bash
# Rot: bytes of a holder's log are flipped on its disk, under the running daemon. Its scrub finds
# them, the owner brings the pieces again, and everything restores from that holder alone.
# seconds: 120
source "$(dirname "$0")/lib.sh"

lan A B
found A
admit A B full
mkdir "$WORK/source"
for i in $(seq 30); do head -c 400000 /dev/urandom >"$WORK/source/f$i"; done
expect 0 drey_at A backup "$WORK/source"
soon 30 drey_at A wait --timeout 1 || fail "not all copies after 30 s"
expect 0 drey_at B --json scrub --wait
same "damage in a log that is well" "$(summary .damaged)" 0
holds "a scrub of a well log finds nothing"

# Forty single bytes, half a megabyte apart or nearer; each is 0xff where it was not.
log=$WORK/B/log/00000001.seg
size=$(stat -c %s "$log")
[ "$size" -gt 10000000 ] || fail "the holder's log has only $size bytes"
for i in $(seq 20); do
  at=$((4096 + i * (size - 8192) / 21))
  byte=$(od -An -tu1 -j "$at" -N 1 "$log")
  printf "\\x$(printf %02x $((byte ^ 0x20)))" | dd of="$log" bs=1 seek="$at" conv=notrunc status=none
done
expect 0 drey_at B --json scrub --wait
damaged=$(summary .damaged)
[ "$damaged" -ge 10 ] || fail "20 flips damaged only $damaged pieces"
holds "20 flipped bytes: $damaged damaged pieces found"

healed() { [ "$(status_of B .store.records)" -ge "$records" ]; }
records=$(status_of A .replication.records)
soon 40 healed || fail "B has $(status_of B .store.records) of $records records again"
expect 0 drey_at A wait --timeout 30
expect 0 drey_at B --json scrub --wait
same "damage after healing" "$(summary .damaged)" 0
holds "the owner brought them again; the next scrub finds nothing"

kill9 A
expect 0 drey_at B restore "A:latest" --target "$WORK/out"
diff -r "$WORK/source" "$WORK/out$WORK/source" || fail "the restored files differ"
holds "everything restores from the holder that had rotted"
