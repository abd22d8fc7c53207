#!/usr/bin/env bash
# D7: silent connections, RST storms and garbage at the mesh port, 1,000 connects a second each: no
# more descriptors than sessions, members served meanwhile, all as before within 5 s of the end.
# tcp_storm_long.sh: ten seconds of each, and a peer whose connection is half open.
# seconds: 60
source "$(dirname "$0")/lib.sh"

seconds=${DREY_TEST_STORM_SECONDS:-2}
HOSTILE=$(helper hostile_tcp) || fail "no hostile_tcp"
three_devices E
sessions() { # sessions NAME COUNT: so many members are connected
  [ "$(in_lan "$1" curl -sS http://127.0.0.1:4748/metrics | awk '$1 == "drey_sessions" { print $2 }')" -ge "$2" ]
}
fds() { find "/proc/${PIDS[A]}/fd" -mindepth 1 | wc -l; }
soon 20 sessions A 2 || fail "A does not meet B and C"
sleep 1
rest=$(fds)
mkdir "$WORK/home"

storm() { # storm MODE NUMBER
  local hostile most=0 now rounds=0 begin after told
  in_lan E "$HOSTILE" "$1" "$(address_of A)" 4747 "$2" "$seconds" >"$WORK/storm" &
  hostile=$!
  while kill -0 "$hostile" 2>/dev/null; do
    date +%s%N >"$WORK/home/now"
    begin=$(date +%s%3N)
    expect 0 timeout 20 nsenter --net=/run/netns/A "$DREY" --dir "$WORK/A" backup "$WORK/home" --wait
    at_most "ms for a backup in the $1 storm" $(($(date +%s%3N) - begin)) 10000
    rounds=$((rounds + 1))
    now=$(fds)
    [ "$now" -le "$most" ] || most=$now
  done
  wait "$hostile" || fail "hostile_tcp ended badly"
  begin=$(date +%s%3N)
  calm() { [ "$(fds)" -le $((rest + 1)) ] && sessions A 2; }
  soon 5 calm || fail "5 s after the $1 storm: $(fds) descriptors, $rest before"
  after=$(($(date +%s%3N) - begin))
  read -r _ told _ <"$WORK/storm"
  # Sixteen sessions, and what a request of ours takes.
  at_most "descriptors" "$most" $((rest + 16 + 3))
  holds "$1: $told connections, $rounds backups with their copies, $most descriptors at most ($rest at rest), calm after $after ms"
}
storm hold 200
storm reset 1000
read -r _ told _ <"$WORK/storm"
[ "$told" -ge $((seconds * 500)) ] || fail "only $told connects in $seconds s"
storm drop 1000

# A member that comes back in the midst of it is let in.
in_lan E "$HOSTILE" drop "$(address_of A)" 4747 1000 $((seconds + 8)) >"$WORK/storm" &
hostile=$!
kill9 B
start B
soon $((seconds + 12)) sessions A 2 || fail "B is not let in while a storm goes on"
soon $((seconds + 12)) sessions B 2 || fail "B does not see A while a storm goes on"
holds "a member that restarts is let in"
kill "$hostile"

[ -n "${DREY_TEST_HALF_OPEN:-}" ] || exit 0
# Half open: B is gone without a word, and A notices by its silence.
ip link set "port${NUMBERS[B]}" down
silent() { sessions A 1 && ! sessions A 2; }
soon 45 silent || fail "A still counts a connection to a device that is gone"
ip link set "port${NUMBERS[B]}" up
soon 20 sessions A 2 || fail "B is back and not connected"
expect 0 drey_at A backup "$WORK/home" --wait
at_most "descriptors in the end" "$(fds)" $((rest + 3))
holds "a half-open connection is closed within 45 s, and made anew"
