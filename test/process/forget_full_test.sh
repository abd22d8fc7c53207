#!/usr/bin/env bash
# Forgetting on a full card: the reserve is enough to take a snapshot out and to compact, and the
# space that returns is used again, without a restart.
# seconds: 180
source "$(dirname "$0")/lib.sh"
source "$LIB_DIR/trees.sh"

lan A
mkdir "$WORK/A" && mount -t tmpfs -o size=420M,mode=0700 none "$WORK/A" || fail "no tmpfs"
mkdir "$WORK/old" "$WORK/keep" "$WORK/big" "$WORK/new"
head -c 150M /dev/urandom >"$WORK/old/file" || fail "no space for the source"
head -c 8M /dev/urandom >"$WORK/keep/file"
head -c 500M /dev/urandom >"$WORK/big/file" || fail "no space for the source"
head -c 120M /dev/urandom >"$WORK/new/file"
found A
expect 0 drey_at A --json backup --set old "$WORK/old"
old=$(summary .snapshot)
expect 0 drey_at A --json backup --set keep "$WORK/keep"
keep=$(summary .snapshot)
expect 1 drey_at A backup --set big "$WORK/big"
contains "words for a full card" "$ERR" 'no space|full'
expect 1 drey_at A backup --set new "$WORK/new"
rm -r "$WORK/big"
holds "the card is full: $(status_of A .store.stored_bytes) bytes"

expect 0 drey_at A forget "$old"
again() { drey_at A --json backup --set new "$WORK/new" >"$OUT" 2>"$ERR"; }
soon 90 again || fail "no space came back: $(status_of A .store.stored_bytes) bytes, $(tail -n 1 "$ERR")"
new=$(summary .snapshot)
holds "forgotten, compacted, used again: $(status_of A .store.stored_bytes) bytes"
expect 10 drey_at A ls "$old"
restores_as "$WORK/keep" A "$keep"
restores_as "$WORK/new" A "$new"
kill9 A
start A
restores_as "$WORK/keep" A "$keep"
restores_as "$WORK/new" A "$new"
holds "what is kept restores, also after a kill"
