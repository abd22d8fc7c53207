#!/usr/bin/env bash
# E2: the kernel's up-time clocks differ by 30 days and more from device to device (time
# namespaces), and jump from start to start: invitation, session, backup, restore and forgetting
# work as ever, and nothing given for a time outlives it or ends before. fleet_time.cc (E2): a
# suspend of 30 days.
# seconds: 60
source "$(dirname "$0")/lib.sh"

unshare --time true 2>"$ERR" || {
  echo "no time namespaces here: $(head -n 1 "$ERR")"
  trap - EXIT
  exit 77
}
day=86400
shifted() { echo "unshare --time --boottime $1 --monotonic $1 --"; }
uptime_of() { nsenter --time="/proc/${PIDS[$1]}/ns/time" awk '{ print int($1) }' /proc/uptime; }

lan A B C
expect 0 drey_at A --json init --name A --mesh test
summary .phrase >"$PHRASE"
RUN_WITH=$(shifted $((30 * day))) start A
at_least() { [ "$2" -ge "$3" ] || fail "$1: $2, less than $3"; }
at_least "up-time of A" "$(uptime_of A)" $((30 * day))
invite A --uses 2
for name in B C; do expect 0 drey_at "$name" --json join "$CODE" --name "$name"; done
wait "$INVITING" || fail "the invitation did not end well"
unset "LOGS[invitation]"
RUN_WITH=$(shifted $((400 * day))) start B
start C
soon 20 peers_alive A 2 || fail "A does not see B and C"
holds "devices with up-times of $(uptime_of A), $(uptime_of B) and $(uptime_of C) s meet"

mkdir "$WORK/home"
for i in {1..20}; do head -c 50000 /dev/urandom >"$WORK/home/$i"; done
expect 0 drey_at A --json backup "$WORK/home" --wait
first=$(summary .snapshot)
link=$(drey_at A page 2>/dev/null | head -n 1)
same "a sign-in link in its ten minutes" \
  "$(in_lan A curl -s -o /dev/null -w '%{http_code}' "$link")" 200

# The same devices after starts at which those clocks went forth and back.
for offset in 0 $((3650 * day)) $((7 * day)); do
  for name in A B; do
    stop "$name"
    RUN_WITH=$(shifted "$offset") start "$name"
  done
  soon 20 peers_alive A 2 || fail "A is alone at an offset of $offset s"
  code=${link#*code=}
  same "a link of an earlier start" "$(in_lan A curl -s -o /dev/null -w '%{http_code}' \
    -H 'Origin: http://127.0.0.1:4748' -d "code=$code" http://127.0.0.1:4748/signin)" 401
  date +%s%N >"$WORK/home/1"
  expect 0 drey_at A --json backup "$WORK/home" --wait
  id=$(summary .snapshot)
  soon 10 listed B "$id" || fail "B does not know the snapshot made at an offset of $offset s"
  expect 0 drey_at B restore A:latest --target "$WORK/back.$offset"
  diff -r "$WORK/home" "$WORK/back.$offset$WORK/home" >/dev/null || fail "B restores something else at $offset s"
  # Fourteen days of the holder's own up-time have not gone by, whatever its clock says.
  same "pieces that B gave up" "$(in_lan B curl -sS http://127.0.0.1:4748/metrics |
    awk '$1 == "drey_unpins_done_total" { print $2 }')" 0
  [ "$offset" != 0 ] || expect 0 drey_at A forget "$first"
done
holds "clocks that go 10 years forth and back between starts: nothing is misused"
