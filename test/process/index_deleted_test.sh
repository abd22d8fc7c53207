#!/usr/bin/env bash
# The index is a cache: deleted or spoiled under a stopped device it comes back by itself, and
# listing, restore and deduplication are as before.
# seconds: 240
source "$(dirname "$0")/lib.sh"
source "$LIB_DIR/trees.sh"

document_tree "$WORK/home" || fail "cannot make the tree"
lan A B
found A
admit A B full
expect 0 drey_at A --json backup "$WORK/home"
snapshot=$(summary .snapshot)
bytes=$(summary .added_bytes)
soon 30 drey_at A wait --timeout 1 || fail "not all copies after 30 s"
for name in A B; do drey_at "$name" --json ls "$snapshot" >"$WORK/ls.$name" || fail "ls on $name"; done

as_before() { # as_before WHEN
  local name
  for name in A B; do
    expect 0 drey_at "$name" --json ls "$snapshot"
    cmp -s "$OUT" "$WORK/ls.$name" || fail "another ls on $name $1"
    restores_as "$WORK/home" "$name" "$snapshot"
  done
  # Read every file again: a copy has other inodes, so only deduplication can save it.
  rm -rf "$WORK/home2"
  cp -a "$WORK/home" "$WORK/home2"
  expect 0 drey_at A --json backup "$WORK/home2" --set "copy $1"
  at_most "bytes added by a copy of the tree, $1" "$(summary .added_bytes)" $((bytes / 20))
  holds "$1: same ls and restore on both; a copy of the tree adds $(summary .added_bytes) of $bytes bytes"
}

as_before "with the index"
stop A
stop B
rm "$WORK/A/drey.index"* "$WORK/B/drey.index"* || fail "there is no index file to delete"
start A
start B
soon 20 peers_alive A 1 || fail "A does not see B"
as_before "index deleted"

stop A
stop B
for name in A B; do
  size=$(stat -c %s "$WORK/$name/drey.index")
  head -c 8192 /dev/urandom |
    dd of="$WORK/$name/drey.index" bs=1 seek=$((size / 2)) conv=notrunc status=none
done
start A
start B
soon 20 peers_alive A 1 || fail "A does not see B"
as_before "index spoiled"

kill9 A
truncate -s 100 "$WORK/A/drey.index"
start A
soon 20 peers_alive A 1 || fail "A does not see B"
as_before "index cut after a kill"
stop A
stop B
