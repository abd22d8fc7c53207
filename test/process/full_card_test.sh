#!/usr/bin/env bash
# A full card gets a clear message, and nothing that was acknowledged is lost.
# seconds: 180
source "$(dirname "$0")/lib.sh"
source "$LIB_DIR/trees.sh"

lan A
mkdir "$WORK/A" && mount -t tmpfs -o size=400M,mode=0700 none "$WORK/A" || fail "no tmpfs"
many_files "$WORK/home" 200 100000 || fail "cannot make the files"
found A
expect 0 drey_at A --json backup "$WORK/home"
first=$(summary .snapshot)
holds "$(summary .bytes) bytes are on a card of 400 MiB"

mkdir "$WORK/big"
head -c 600M /dev/urandom >"$WORK/big/file" || fail "no space for the source"
expect 1 drey_at A backup "$WORK/big"
contains "words for a full card" "$ERR" 'no space|full'
contains "what becomes of earlier snapshots" "$ERR" 'earlier snapshots are safe'
same "snapshots" "$(drey_at A --json snapshots | jq length)" 1
running A || fail "the daemon ended on a full card"
contains "state of the store" <(status_of A .store.state) 'full|ok'
restores_as "$WORK/home" A "$first"
holds "600 MiB more are refused with clear words; the first snapshot restores"

expect 1 drey_at A backup "$WORK/big"
stop A
start A
restores_as "$WORK/home" A "$first"
kill9 A
start A
restores_as "$WORK/home" A "$first"
holds "and it does after a restart, and after a kill"
used=$(df --output=pcent "$WORK/A" | tail -n 1 | tr -d ' %')
at_most "percent of the card used" "$used" 99

# A second device brings space: the next small backup works again.
lan B
invite A
expect 0 drey_at B --json join "$CODE" --name B
start B
soon 20 peers_alive A 1 || fail "A does not see B"
seq 100000 >"$WORK/home/new file"
expect 0 drey_at A --json backup "$WORK/home"
restores_as "$WORK/home" A latest
holds "with another device in the mesh the next backup works"
