#!/usr/bin/env bash
# drey setup: three questions on stdin make a node, a second one joins; bad answers are asked again,
# the root card is not taken by accident, answers that end change nothing. And the notifier.
# seconds: 90
source "$(dirname "$0")/lib.sh"

unset DREY_CAPACITY
lan A B
mkdir -p "$WORK/docs" "$WORK/usb"
mount -t tmpfs -o size=3g none "$WORK/usb" || fail "no tmpfs"
echo text >"$WORK/docs/a"

answers() { printf '%s\n' "$@" >"$WORK/answers"; }
setup() { local name=$1; shift; typing "$WORK/answers" drey_at "$name" setup --name "$name" --path "$WORK/docs" "$@"; }
asked() { "$@" >"$OUT" 2>"$ERR"; }

: >"$WORK/answers"
asked setup A
same "exit when the answers end at once" $? 2
contains "the end" "$ERR" 'the answers ended; nothing was changed'
answers new here
asked setup A
same "exit when the answers end in between" $? 2
[ ! -e "$WORK/A/drey.conf" ] && [ ! -e "$WORK/A/drey.keys" ] || fail "an unfinished setup left something"
holds "answers that end change nothing"

answers maybe lusab-lusab new /usr /nowhere 77 "$WORK/usb" lots 1M 900G 2G
asked setup A || fail "setup with some bad answers"
for words in 'please type: new, or the words' 'word . of the code' 'is on the card this system runs from' \
  '/nowhere does not exist' 'here, a number of the list, or a path' 'a size such as 20G' 'at least 1 GiB' 'only .* are free'; do
  contains "asked again" "$ERR" "$words"
done
contains "the phrase" "$OUT" '^ +[a-z]{5}( [a-z]{5}){9}|^ +[a-z]{5}(-[a-z]{5}){9}'
contains "what next" "$ERR" 'Next: drey'
contains "the disk" "$WORK/A/drey.conf" "^store = $WORK/usb/drey"
contains "the space" "$WORK/A/drey.conf" '^capacity = 2048M'
expect 0 drey_at A config check
asked setup A
same "exit on a node that is there" $? 1
holds "bad answers are asked again with words; the card of the system is refused"

cat >>"$WORK/A/drey.conf" <<END
every = 1h
END
expect 2 drey_at A config check # both at and every
sed -i '/^every/d; 1i notify = cat >>'"$WORK"'/told' "$WORK/A/drey.conf"
start A
same "capacity" "$(status_of A .store.capacity_bytes)" $((2 << 30))
[ -e "$WORK/usb/drey/drey.format" ] || fail "the log is not on the disk"
drey_at A notify >"$WORK/logs/notify" 2>&1 &
NOTIFIER=$!
expect 0 drey_at A notify --test
contains "the test" "$WORK/told" '"verdict":"at_risk"'
invite A
answers "$CODE" here ''
asked setup B || fail "setup that joins"
contains "the role" "$OUT" 'B is now a full device of the mesh home'
wait "$INVITING" || fail "the invitation did not end well"
unset "LOGS[invitation]"
contains "its space" "$WORK/B/drey.conf" '^capacity = [0-9]+M'
start B
backed_up() { [ "$(status_of A .snapshots.count)" -ge 2 ]; }
soon 30 backed_up || fail "not both backed themselves up"
holds "the second device joins with the code; both back themselves up"

# At the start something was amiss (too few devices): told once it holds. A change: told in a minute.
told() { grep -q "\"verdict\":\"$1\"" "$WORK/told"; }
told_risk() { [ "$(grep -c '"verdict":"at_risk"' "$WORK/told")" -ge 2 ]; }
soon 60 told_risk || fail "the notifier says nothing"
same "JSON" "$(tail -n 1 "$WORK/told" | jq -r '.node + " " + .type')" "A verdict"
kill -TERM "$NOTIFIER"
holds "the notifier runs the command with the verdict on its stdin"

# A disk that is not mounted stops the node with one sentence.
stop A
umount "$WORK/usb"
asked drey_at A run
same "exit without the disk" $? 1
contains "the sentence" "$ERR" 'the disk that keeps the pieces.*cannot be opened'
same "one line" "$(wc -l <"$ERR")" 1
[ -z "$(ls -A "$WORK/usb")" ] || fail "it wrote where the disk belongs"
holds "without its disk it does not start, and writes nothing elsewhere"
