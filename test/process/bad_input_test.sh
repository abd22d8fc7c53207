#!/usr/bin/env bash
# What people mistype and what breaks around the program gets the right words and exit codes, and
# nothing is lost by it.
# seconds: 180
source "$(dirname "$0")/lib.sh"
source "$LIB_DIR/trees.sh"

lan A X
mkdir -p "$WORK/home/sub"
seq 1000 >"$WORK/home/sub/numbers"
printf 'secret' >"$WORK/home/unreadable"
chmod 0 "$WORK/home/unreadable"
mkdir -p "$WORK/home/closed" && printf x >"$WORK/home/closed/x" && chmod 0 "$WORK/home/closed"

# ---- The command line ----
expect 2 "$DREY" backpu /x
contains "words for a mistyped command" "$ERR" "did you mean 'backup'"
expect 2 "$DREY"
expect 2 "$DREY" restore latest
expect 2 "$DREY" ls --no-such-flag latest
expect 1 drey_at A status
contains "words without a daemon" "$ERR" 'run'
expect 10 drey_at A run
contains "words for a directory without a node" "$ERR" 'drey init'
holds "mistyped commands, flags, a missing daemon, a missing node"

# ---- A daemon without the right to read everything (no capabilities, as a service has) ----
expect 0 drey_at A --json init --name A
summary .phrase >"$PHRASE"
RUN_WITH='setpriv --bounding-set=-all --inh-caps=-all'
start A
RUN_WITH=
expect 3 drey_at A --json backup "$WORK/home"
same "errors" "$(summary .errors)" 2
for name in unreadable closed; do
  contains "the path that cannot be read" "$OUT" "\"problem\".*home/$name"
done
expect 0 drey_at A cat "latest:$WORK/home/sub/numbers"
cmp -s "$OUT" "$WORK/home/sub/numbers" || fail "the readable file is not in the snapshot"
expect 1 drey_at A backup "$WORK/home/closed"
expect 10 drey_at A backup "$WORK/no/such/folder"
contains "the root that does not exist" "$ERR" 'no/such/folder'
chmod 700 "$WORK/home/closed" && chmod 600 "$WORK/home/unreadable"
expect 0 drey_at A --json backup "$WORK/home"
holds "unreadable paths are named, the rest is backed up, exit 3"

# ---- A source that turned empty ----
snapshots=$(drey_at A --json snapshots | jq length)
mv "$WORK/home" "$WORK/home.away" && mkdir "$WORK/home"
expect 1 drey_at A backup "$WORK/home"
contains "words for an empty source" "$ERR" 'empty'
same "snapshots" "$(drey_at A --json snapshots | jq length)" "$snapshots"
rmdir "$WORK/home" && mv "$WORK/home.away" "$WORK/home"
restores_as "$WORK/home" A latest
holds "a source that turned empty is an error and no snapshot"

# ---- Names that do not exist ----
for name in 0123456789ab nobody:latest latest:/no/such/file; do
  expect 10 drey_at A ls "$name"
  expect 10 drey_at A restore "$name" --target "$WORK/nothing"
done
expect 10 drey_at A cat latest:/no/such/file
expect 1 drey_at A cat "latest:$WORK/home/sub"
expect 10 drey_at A find 'no-such-name*'
holds "what does not exist: exit 10"

# ---- What is never backed up ----
for source in /proc "$WORK/A"; do
  expect 1 drey_at A backup "$source"
  contains "words for $source as a source" "$ERR" 'never backed up'
done
holds "/proc and drey's own directory as a source: refused with words"

# ---- One directory, one daemon; one directory, one node ----
expect 11 drey_at A run
contains "words for a second daemon" "$ERR" 'already'
expect 1 drey_at A --json init --name again
contains "words for a second init" "$ERR" 'already'
same "the refusal of a second init as JSON" "$(jq -r .error "$OUT")" error
expect 0 drey_at A status
holds "a second daemon on one directory: exit 11; the first goes on"

# ---- Phrases ----
first=$(cut -c 1 "$PHRASE")
sed "s/^./$([ "$first" = b ] && echo d || echo b)/" "$PHRASE" >"$WORK/mistyped"
expect 12 typing "$WORK/mistyped" in_lan X strace -f -e trace=network -o "$WORK/sockets" \
  "$DREY" --dir "$WORK/X" recover --name X
contains "words for a mistyped phrase" "$ERR" 'words'
grep -E 'socket\(|connect\(|sendto\(|sendmsg\(' "$WORK/sockets" >"$OUT" &&
  fail "a mistyped phrase used the network"
[ ! -e "$WORK/X/drey.keys" ] || fail "a mistyped phrase left keys"
expect 12 typing "$WORK/mistyped" drey_at A phrase check
expect 0 typing "$PHRASE" drey_at A phrase check
tr ' a-z' '\nA-Z' <"$PHRASE" >"$WORK/upper case"
expect 0 typing "$WORK/upper case" drey_at A phrase check
holds "a mistyped phrase is refused without one socket; a well-written one is known"
stop A

# ---- A directory of a newer format ----
# shellcheck source=crc32c.sh
source "$LIB_DIR/crc32c.sh"
newer_format "$WORK/A/drey.format"
state_of() { (cd "$WORK/A" && find . -printf '%p %T@ %C@ %s\n' | sort && find . -type f -print0 | sort -z | xargs -0 sha256sum); }
state_of >"$WORK/before"
timeout 10 nsenter --net=/run/netns/A "$DREY" --dir "$WORK/A" run >"$OUT" 2>"$ERR" </dev/null
status=$?
[ $status != 0 ] && [ $status != 124 ] || fail "a directory of a newer format was opened (exit $status)"
contains "words for a newer format" "$ERR" 'newer'
state_of >"$WORK/after"
diff "$WORK/before" "$WORK/after" >"$OUT" || fail "a directory of a newer format was touched"
holds "a directory of a newer format is refused and untouched"
