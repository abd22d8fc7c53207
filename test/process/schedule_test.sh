#!/usr/bin/env bash
# A set of drey.conf backs itself up: soon after the start, not again after a restart, and a source
# that is gone is told. Times and clocks are unit tests (schedule_test, scheduler_test).
# seconds: 60
source "$(dirname "$0")/lib.sh"

lan A B
mkdir -p "$WORK/A" "$WORK/home/My Files" "$WORK/home/cache"
echo text >"$WORK/home/My Files/a"
echo left >"$WORK/home/cache/b.tmp"
cat >"$WORK/A/drey.conf" <<END
[backup home]
paths = $WORK/home/My Files $WORK/home/cache
exclude = *.tmp
every = 6h
keep-last = 2
END
found A --copies 1
admit A B full
count() { drey_at "$1" --json snapshots | jq length; }
has() { [ "$(count A)" = "$1" ]; }
soon 30 has 1 || fail "no scheduled backup after the start"
same "its set" "$(drey_at A --json snapshots | jq -r '.[0].set')" home
ran() { [ "$(status_of A '.schedule[0].last_age_s')" != null ]; }
soon 10 ran || fail "the status does not know that it ran"
[ "$(status_of A '.schedule[0].next_s')" -gt 3600 ] || fail "it would run again at once"
expect 0 drey_at A status
contains "for people" "$OUT" 'backup home: last .* ago, next in'
expect 0 drey_at A ls -- "latest:$WORK/home/cache"
if grep -q 'b.tmp' "$OUT"; then fail "the pattern was not obeyed"; fi
safe() { [ "$(status_of A .verdict)" = protected ]; }
soon 20 safe || fail "the scheduled backup is not protected"
holds "a set backs itself up once, with its paths and patterns, and is protected"

stop A
start A
same "nothing again after a restart" "$(status_of A '.schedule[0].next_s > 3600')" true
expect 0 drey_at A restore latest --target "$WORK/out"
same "restored" "$(cat "$WORK/out$WORK/home/My Files/a")" text
holds "it is remembered over a restart, and restores"

# A folder that is gone: no snapshot, no forgetting, and a word.
cat >>"$WORK/A/drey.conf" <<END
[backup gone]
path = $WORK/gone
END
kill -HUP "${PIDS[A]}"
failed() { [ "$(status_of A '.schedule[] | select(.set == "gone").state')" = failed ]; }
soon 30 failed || fail "nobody says that the folder is gone"
expect 0 drey_at A status
contains "for people" "$OUT" 'backup gone: last never, FAILED: a folder of it does not exist'
same "snapshots" "$(count A)" 1
holds "a source that is gone is told, and nothing is removed"
