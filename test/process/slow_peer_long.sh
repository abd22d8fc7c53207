#!/usr/bin/env bash
# D14: beside a device that takes 50 KB/s (a token bucket at its port) a backup runs at the pace of
# the others, within a tenth; in the end it waits for the one record that is on its way there, 22 s
# at most for 1 MiB. Nothing is missing afterwards. Not yet so: see D14 in test/CATALOGUE.md.
# seconds: 900
source "$(dirname "$0")/lib.sh"

mib=200
three_devices D
admit A D full
soon 20 peers_alive A 3 || fail "A does not see all three"
tc qdisc add dev "port${NUMBERS[C]}" root tbf rate 400kbit burst 16kb latency 200ms 2>"$ERR" || {
  echo "no tc tbf here: $(head -n 1 "$ERR")"
  trap - EXIT
  exit 77
}
tc qdisc del dev "port${NUMBERS[C]}" root

mkdir "$WORK/home"
sample() { # sample: a backup of a new file, in ms, to $took
  local begin
  head -c "${mib}M" /dev/urandom >"$WORK/home/big"
  begin=$(date +%s%3N)
  expect 0 drey_at A backup "$WORK/home"
  took=$(($(date +%s%3N) - begin))
}
sample # the first one sizes what grows once
expect 0 drey_at A wait --timeout 120
sample
quick=$took
expect 0 drey_at A wait --timeout 120
tc qdisc add dev "port${NUMBERS[C]}" root tbf rate 400kbit burst 16kb latency 200ms || fail "no tbf"
sample
slow=$took
tc qdisc del dev "port${NUMBERS[C]}" root
holds "$mib MiB: $quick ms beside quick devices, $slow ms beside one at 50 KB/s"
at_most "ms beside a slow device (a tenth more than $quick, and one record)" "$slow" $((quick + quick / 10 + 22000))
expect 0 drey_at A wait --timeout 120
expect 0 drey_at B restore A:latest --target "$WORK/back"
cmp "$WORK/home/big" "$WORK/back$WORK/home/big" || fail "B restores something else"
holds "all copies made once the slow device is quick again"
