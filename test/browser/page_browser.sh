#!/usr/bin/env bash
# The page in headless Chromium (Debian's package) under playwright-core, with axe-core: a device with
# a peer, sets, snapshots and files, and a third device that joins by the page's code. Ends with 77
# when something it needs is missing. make browser.
# seconds: 300
chromium=${CHROMIUM:-/usr/bin/chromium}
modules=$(realpath -m "$(dirname "$0")/../../build/browser")
for need in "$chromium" "$modules/node_modules/playwright-core" "$modules/node_modules/axe-core"; do
  [ -e "$need" ] || { echo "skipped: there is no $need"; exit 77; }
done
SHOTS=$(realpath -m "${SHOTS:-$modules/shots}")
mkdir -p "$SHOTS"
export CHROMIUM=$chromium SHOTS
source "$(dirname "$0")/../process/lib.sh"

lan laptop attic shed
home=$WORK/home
odd='<b>odd<b> #1?'
mkdir -p "$WORK/laptop" "$home/photos" "$home/$odd"
for i in {1..40}; do head -c 20000 /dev/urandom >"$home/photos/$i"; done
printf odd >"$home/$odd/\"quoted\" & 100%"
echo first >"$home/notes"
ln -s notes "$home/link"
mkfifo "$home/pipe"
found laptop
{
  printf '[backup documents]\npaths = %s\nat = 02:00\nkeep-daily = 7\n' "$home"
  printf '[backup photos]\npaths = %s\nevery = 6h\n' "$home/photos"
} >"$WORK/laptop/drey.conf"
stop laptop
start laptop
admit laptop attic full
soon 20 peers_alive laptop 1 || fail "laptop does not see attic"
for set in documents photos; do
  expect 0 drey_at laptop backup "$home" --set "$set"
  echo "$set" >>"$home/notes"
done
# The schedule catches up on both sets soon after the start: not beside what the browser asks for.
caught_up() { drey_at laptop --json status | jq -e '[.schedule[] | select(.state == "waiting" and .last_age_s != null)] | length == 2'; }
soon 60 caught_up || fail "the sets did not run by themselves"
echo "of attic" >"$WORK/theirs.txt"
expect 0 drey_at attic put "$WORK/theirs.txt"
seen() { drey_at laptop --json files | grep -q theirs.txt; }
soon 20 seen || fail "laptop does not learn of attic's file"
expect 0 drey_at laptop page
link=$(head -n 1 "$OUT")

in_browser() { # in_browser SCRIPT ARGS...
  in_lan laptop node "$LIB_DIR/../browser/$1.mjs" "$modules" http://127.0.0.1:4748/ "$WORK" "${@:2}" 2>&1 | tee "$WORK/told"
  [ "${PIPESTATUS[0]}" = 0 ] || fail "the browser found faults ($1)"
}
in_browser page "$link"
in_browser files "$home"
(
  soon 60 [ -s "$WORK/code" ] && drey_at shed --json join "$(cat "$WORK/code")" --name shed >"$WORK/joined" 2>&1
) &
joining=$!
in_browser invite
wait "$joining" || fail "shed does not join: $(cat "$WORK/joined")"
start shed
drey_at laptop wait --timeout 60 >"$OUT" 2>"$ERR"
in_browser shots "$SHOTS"
for shot in phone-dark desktop-light; do
  at_most "bytes of the picture $shot" "$(stat -c %s "$SHOTS/$shot.png")" 61440
done
stop shed
stop attic
stop laptop
