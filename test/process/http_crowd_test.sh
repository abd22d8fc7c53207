#!/usr/bin/env bash
# H2: 200 connections that send a byte in 10 s, while eight honest clients stream and others ask
# small things: those are closed within 10 s, the honest ones unharmed, the memory within the
# board's budget. http_crowd_long.sh: 1 GiB.
# seconds: 60
source "$(dirname "$0")/lib.sh"

mib=${DREY_TEST_STREAM_MIB:-96} # of all eight together
HOSTILE=$(helper hostile_tcp) || fail "no hostile_tcp"
lan A
found A
page=http://127.0.0.1:4748
token=$(drey_at A --json token create --scope write --name crowd | jq -r .token)
ask() { in_lan A curl -sS --max-time "${ASK_SECONDS:-20}" -H "Authorization: Bearer $token" "$@"; }

head -c "$((mib / 8))M" /dev/urandom >"$WORK/big"
head -c 3000 /dev/urandom >"$WORK/small"
big=$(ask -T "$WORK/big" -X POST "$page/files/upload?name=big" | jq -r .file_id)
small=$(ask -T "$WORK/small" -X POST "$page/files/upload?name=small" | jq -r .file_id)
[ "${#big} ${#small}" = "32 32" ] || fail "the files are not there: '$big' '$small'"
sum=$(sha256sum <"$WORK/big")

# Alone, they are closed when their ten seconds are over.
alone_seconds=${DREY_TEST_ALONE_SECONDS:-0}
if [ "$alone_seconds" -gt 0 ]; then
  in_lan A "$HOSTILE" slow 127.0.0.1 4748 6 "$alone_seconds" >"$WORK/alone" || fail "hostile_tcp ended badly"
  contains "slow ones alone" "$WORK/alone" 'closed [1-9]'
  at_most "ms that a slow one may stay" "$(sed 's/.*longest_ms //' "$WORK/alone")" 10500
fi

# What an honest client waits for: the status, a small file, the list of files.
asked=0
slowest() { sort -n "$WORK/times" | awk '{ t[NR] = $1 } END { print int(1000 * t[int((99 * NR + 99) / 100)]) }'; }
honest() {
  local path code
  for path in api/v1/status "files/$small" files healthz; do
    code=$(ask -o "$OUT" -w '%{http_code} %{time_total}\n' "$page/$path") || fail "no answer to $path"
    same "the answer to $path" "${code% *}" 200
    echo "${code#* } $path" >>"$WORK/times"
    [ "$path" != "files/$small" ] || cmp -s "$OUT" "$WORK/small" || fail "the small file comes otherwise"
    asked=$((asked + 1))
  done
}

in_lan A "$HOSTILE" slow 127.0.0.1 4748 200 "${DREY_TEST_CROWD_SECONDS:-5}" >"$WORK/crowd" &
crowd=$!
begin=$(date +%s%3N)
for i in {1..8}; do
  (ASK_SECONDS=600 ask "$page/files/$big" | sha256sum >"$WORK/sum.$i") &
  clients[i]=$!
done
streaming() {
  local i
  for i in "${clients[@]}"; do kill -0 "$i" 2>/dev/null && return; done
  return 1
}
sleep 0.5
while streaming; do honest; done
took=$(($(date +%s%3N) - begin))
until [ "$asked" -ge 40 ]; do honest; done
for i in {1..8}; do
  wait "${clients[i]}" || fail "client $i was not served"
  same "what client $i got" "$(cat "$WORK/sum.$i")" "$sum"
done
wait "$crowd" || fail "hostile_tcp ended badly"
read -r _ opened _ closed _ longest <"$WORK/crowd"
[ "$opened" -ge 200 ] || fail "only $opened slow connections"
[ "$closed" -ge 190 ] || fail "only $closed slow connections were closed"
at_most "ms that a slow one of 200 may stay" "$longest" 10500
at_most "ms for 99 of 100 small requests" "$(slowest)" 1000
budget=$(status_of A .memory.budget_bytes)
text=$(awk '/^RssFile:/ { print $2 }' "/proc/${PIDS[A]}/status")
at_most "KiB of peak memory" "$(peak_kib A)" $((budget / 1024 + text))
holds "8 streams of $((mib / 8)) MiB in $took ms beside $opened slow connections ($closed closed, $longest ms at most);" \
  "$asked small requests, p99 $(slowest) ms; peak $(peak_kib A) KiB of $((budget / 1024)) and $text of the program"

# The limit: nine downloads at once; one more is told to come again. More than sockets hold.
truncate -s 64M "$WORK/long"
long=$(ask -T "$WORK/long" -X POST "$page/files/upload?name=long" | jq -r .file_id)
for i in {1..9}; do
  (exec nsenter --net=/run/netns/A curl -sS --limit-rate 100k -o /dev/null \
    -H "Authorization: Bearer $token" "$page/files/$long") &
  clients[i]=$!
done
refused() {
  [ "$(in_lan A curl -sS --unix-socket "$WORK/A/control.sock" -D "$WORK/head" -o "$OUT" -w '%{http_code}' \
    "http://drey/files/$small")" = 503 ]
}
all_here() { # and the one that asks
  in_lan A curl -sS --unix-socket "$WORK/A/control.sock" http://drey/metrics | grep -q '^drey_http_connections 10$'
}
soon 10 all_here || fail "nine downloads do not run at once"
soon 10 refused || fail "a tenth download is not refused"
contains "when to come again" "$WORK/head" '^retry-after: [0-9]+'
kill "${clients[1]}"
soon 10 ask --fail -o "$OUT" "$page/files/$small" || fail "nobody is let in for the one that left"
cmp -s "$OUT" "$WORK/small" || fail "the ninth gets something else"
kill "${clients[@]}" 2>/dev/null
holds "nine slow readers leave nobody waiting; a tenth download gets 503 and when to come again"
