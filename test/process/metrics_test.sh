#!/usr/bin/env bash
# /metrics of three devices: traffic, hits and misses of the own log, what was asked for, as they
# follow from what happened; and promtool has nothing to complain.
# seconds: 60
source "$(dirname "$0")/lib.sh"

three_devices
metrics() { in_lan "$1" curl -sS http://127.0.0.1:4748/metrics >"$WORK/metrics"; }
figure() { # figure NAME SERIES: its value now
  metrics "$1" || fail "no metrics of $1"
  awk -v series="$2" 'index($0, series " ") == 1 { print $NF; found = 1 } END { exit !found }' "$WORK/metrics" ||
    fail "there is no $2"
}
at_least() { [ "$2" -ge "$3" ] || fail "$1: $2, less than $3"; }

mkdir "$WORK/home"
head -c 3000000 /dev/urandom >"$WORK/home/photo"
sent=$(figure A drey_mesh_sent_bytes_total)
got=$(figure B drey_mesh_received_bytes_total)
expect 0 drey_at A backup "$WORK/home" --wait
at_least "bytes that A sent" $(($(figure A drey_mesh_sent_bytes_total) - sent)) 6000000
at_least "bytes that B got" $(($(figure B drey_mesh_received_bytes_total) - got)) 3000000
at_most "bytes that A sent" $(($(figure A drey_mesh_sent_bytes_total) - sent)) 7200000
holds "traffic of a backup"

# B has the records: its restore finds them in its own log; whoever has them not, asks.
own='drey_record_reads_total{from="own_log"}' peer='drey_record_reads_total{from="peer"}'
for name in A B C; do
  for what in "$own" "$peer" drey_fetched_bytes_total drey_served_records_total drey_served_bytes_total; do
    printf '%s\n' "$(figure $name "$what")" >"$WORK/$name.$(tr -dc a-z_ <<<"$what")"
  done
done
before() { cat "$WORK/$1.$(tr -dc a-z_ <<<"$2")"; }
grown() { echo $(($(figure "$1" "$2") - $(before "$1" "$2"))); }
expect 0 drey_at B restore A:latest --target "$WORK/at_b"
cmp "$WORK/home/photo" "$WORK/at_b$WORK/home/photo" || fail "B restores something else"
at_least "hits of B" "$(grown B "$own")" 5
expect 0 drey_at A restore latest --target "$WORK/at_a"
asked=$(grown A "$peer") given=$(($(grown B drey_served_records_total) + $(grown C drey_served_records_total)))
at_least "hits of A and what it asked for" $(($(grown A "$own") + asked)) 5
at_least "records that A asked for" "$asked" 3
at_least "records that B and C gave" "$given" "$asked"
at_least "their bytes" "$(($(grown B drey_served_bytes_total) + $(grown C drey_served_bytes_total)))" "$(grown A drey_fetched_bytes_total)"
holds "B: $(grown B "$own") reads from its own log; A: $(grown A "$own") from its own, $asked from others," \
  "$(grown A drey_fetched_bytes_total) bytes"

row='drey_http_requests_total{method="GET",path="/healthz"}'
before=$(figure A "$row")
for _ in 1 2 3; do in_lan A curl -sS -o /dev/null http://127.0.0.1:4748/healthz; done
same "requests for /healthz" "$(($(figure A "$row") - before))" 3
same "families that stand twice" "$(grep '^# TYPE' "$WORK/metrics" | sort | uniq -d)" ''
if command -v promtool >/dev/null; then
  promtool check metrics <"$WORK/metrics" >"$ERR" 2>&1 || fail "promtool does not like /metrics"
  holds "promtool check metrics: $(grep -c '^# TYPE' "$WORK/metrics") families, $(wc -c <"$WORK/metrics") bytes"
else
  holds "skipped: promtool check metrics (no promtool here; Debian's package prometheus)"
fi
