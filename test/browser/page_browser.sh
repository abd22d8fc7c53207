#!/usr/bin/env bash
# The page in headless Chromium (Debian's package) under playwright-core, with axe-core: a device with
# a peer, sets and snapshots. Ends with 77 when something it needs is missing. make browser.
# seconds: 180
chromium=${CHROMIUM:-/usr/bin/chromium}
modules=$(realpath -m "$(dirname "$0")/../../build/browser")
for need in "$chromium" "$modules/node_modules/playwright-core" "$modules/node_modules/axe-core"; do
  [ -e "$need" ] || { echo "skipped: there is no $need"; exit 77; }
done
shots=${SHOTS:-$modules/shots}
mkdir -p "$shots"
export CHROMIUM=$chromium SHOTS=$shots
source "$(dirname "$0")/../process/lib.sh"

lan A B
mkdir -p "$WORK/A" "$WORK/home/photos"
for i in {1..40}; do head -c 20000 /dev/urandom >"$WORK/home/photos/$i"; done
found A
{
  printf '[backup documents]\npaths = %s\nat = 02:00\nkeep-daily = 7\n' "$WORK/home"
  printf '[backup photos]\npaths = %s\nevery = 6h\n' "$WORK/home/photos"
} >"$WORK/A/drey.conf"
stop A
start A
admit A B full
soon 20 peers_alive A 1 || fail "A does not see B"
for set in documents photos; do
  expect 0 drey_at A backup "$WORK/home" --set "$set"
  echo "$set" >>"$WORK/home/notes"
done
# The schedule catches up on both sets soon after the start: not beside what the browser asks for.
caught_up() { drey_at A --json status | jq -e '[.schedule[] | select(.state == "waiting" and .last_age_s != null)] | length == 2'; }
soon 60 caught_up || fail "the sets did not run by themselves"
expect 0 drey_at A page
link=$(head -n 1 "$OUT")
in_lan A node "$LIB_DIR/../browser/page.mjs" "$modules" http://127.0.0.1:4748/ "$link" "$shots" 2>&1 | tee "$WORK/told"
[ "${PIPESTATUS[0]}" = 0 ] || fail "the browser found faults"
stop B
stop A
