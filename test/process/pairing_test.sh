#!/usr/bin/env bash
# Bad codes: a wrong, used up or reused code is refused with exit 12 and leaves no trace in the mesh
# nor a node in the directory that tried. (An expired one needs ten minutes: a unit test has that.)
# seconds: 150
source "$(dirname "$0")/lib.sh"

# CODE with another last letter: the right room, the wrong secret.
wrong() {
  local last=${1: -1}
  if [ "$last" = b ]; then printf '%sd' "${1%?}"; else printf '%sb' "${1%?}"; fi
}
no_node() { [ ! -e "$WORK/$1/drey.keys" ] || fail "$1 has keys after a refused join"; }

lan A B C X Y
found A
invite A
first=$CODE
expect 0 drey_at B --json join "$first" --name B
wait "$INVITING" || fail "invite ended with an error"
start B
# A used up code has no room any more: the joiner looks for it for a while. Meanwhile, the others.
drey_at Y join "$first" --name Y >"$WORK/reused" 2>&1 &
reused=$!
same "devices" "$(status_of A .mesh.nodes)" 2

expect 12 drey_at X join not-a-code --name X
expect 12 drey_at X join "${first%?}" --name X
contains "words for a malformed code" "$ERR" 'word 4'
holds "a malformed code is refused at once"

invite A
second=$CODE
for i in 1 2 3 4 5; do
  [ "$i" = 5 ] || running A || fail "A died"
  expect 12 drey_at X --json join "$(wrong "$second")" --name X
  contains "words for a wrong code" "$ERR" 'code'
done
no_node X
wait "$INVITING"
same "exit of invite after five wrong codes" $? 12
holds "five wrong codes: exit 12 each, and the invitation ends"
drey_at X join "$second" --name X >"$WORK/sixth" 2>&1 &
sixth=$!

wait "$reused"
same "exit of join with a reused code" $? 12
no_node Y
holds "a reused code is refused: $(tail -n 1 "$WORK/reused" | cut -c 1-80)"
wait "$sixth"
same "exit of join with the right code after five wrong ones" $? 12
no_node X
holds "after five wrong ones the right code is refused, too"

for name in A B; do
  same "devices known to $name" "$(status_of "$name" .mesh.nodes)" 2
  same "peers of $name" "$(drey_at "$name" --json peers | jq length)" 1
done
holds "no trace of them in the mesh"
admit A C vault
soon 10 knows B 3 || fail "B does not hear of C"
holds "a good code still works, and B hears of C"

# Whoever interrupts a waiting invitation may open the next one at once: nobody sees its code any more.
nsenter --net=/run/netns/A "$DREY" --dir "$WORK/A" --json invite >"$WORK/interrupted" 2>&1 &
interrupted=$!
soon 10 grep -q '"code"' "$WORK/interrupted" || fail "no code from drey invite on A"
kill -TERM $interrupted
soon 5 drey_at A invite --no-wait || fail "an interrupted invitation stands in the way of the next"
holds "an interrupted invitation is over"
