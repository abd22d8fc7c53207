#!/usr/bin/env bash
# New words: the old ones must be known, count no more afterwards, and open nothing new; the new ones
# open everything, also what was sealed before, and a device that was off learns of it.
# seconds: 60
source "$(dirname "$0")/lib.sh"

lan A B E F
found A
admit A B full
soon 20 peers_alive A 1 || fail "A does not see B"
mkdir data
head -c 100000 /dev/urandom >data/old
expect 0 drey_at A --json backup data
first=$(summary .snapshot)
stop B

expect 0 typing "$PHRASE" drey_at A phrase check
echo "lusab lusab lusab lusab lusab lusab lusab lusab lusab lusab" >wrong
expect 12 typing wrong drey_at A phrase new
expect 2 typing "$PHRASE" drey_at A phrase old
expect 0 typing "$PHRASE" drey_at A --json phrase new
summary .phrase >new
[ "$(wc -w <new)" = 10 ] || fail "no ten new words"
holds "new words for old ones"
expect 12 typing "$PHRASE" drey_at A phrase check
expect 0 typing new drey_at A phrase check
expect 12 typing "$PHRASE" drey_at A phrase new
grep -qF "$(cut -d' ' -f1-3 new)" "${LOGS[A]}" && fail "the daemon's log has the words"

# Nobody shows these words any more: the attempt would look for them for a minute.
typing "$PHRASE" timeout 5 nsenter --net=/run/netns/F "$DREY" --dir "$WORK/F" recover --name F \
  >"$WORK/old-words" 2>&1 &
old=$!
head -c 100000 /dev/urandom >data/later
expect 0 drey_at A --json backup data
newest=$(summary .snapshot)
expect 0 typing new drey_at E --json recover --name E
start E
soon 15 peers_alive E 1 || fail "the recovered device does not see A"
for snapshot in "$first" "$newest"; do
  drey_at E cat "$snapshot:$WORK/data/old" | cmp -s - data/old || fail "E cannot read $snapshot"
done
holds "the new words open what was sealed before and after"
# Before B comes back, which still believes them until it meets another.
wait "$old"
same "exit of an attempt with the old words, ended after 5 s" $? 124
[ ! -e F/drey.keys ] || fail "the old words made a node"
holds "the old words recover nothing"
start B
soon 15 peers_alive B 2 || fail "B does not see A and E"
soon 5 typing new drey_at B phrase check || fail "B, which was off, does not know the new words"
expect 12 typing "$PHRASE" drey_at B phrase check
holds "a device that was off knows the new words"
