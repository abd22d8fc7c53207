#!/usr/bin/env bash
# The status page and its API: reachable where it should be, and only as far as it should.
# seconds: 60
source "$(dirname "$0")/lib.sh"

lan A B
found A
page=http://127.0.0.1:4748
ask() { # ask PATH [CURL OPTIONS...]: prints the status; headers to $WORK/head, body to $OUT
  local path=$1
  shift
  in_lan A curl -s --max-time 10 -D "$WORK/head" -o "$OUT" -w '%{http_code}' "$@" "$page$path"
}
answers() { # answers CODE PATH [CURL OPTIONS...]
  local code=$1
  shift
  same "answer to $*" "$(ask "$@")" "$code"
  local header
  for header in "Content-Security-Policy: default-src 'none'" 'X-Content-Type-Options: nosniff' \
    'Referrer-Policy: no-referrer' "frame-ancestors 'none'"; do
    contains "headers of $*" "$WORK/head" "$header"
  done
}

answers 200 /
contains "the page" "$OUT" '<h1>'
contains "type of the page" "$WORK/head" 'content-type: text/html'
answers 200 /api/v1/status
same "schema" "$(jq -r .schema "$OUT")" 1
for key in verdict sentence node.name mesh.copies store.state replication.missing memory wear; do
  [ "$(jq -r ".$key" "$OUT")" != null ] || fail "status has no $key"
done
drey_at A --json status | jq -S 'keys' >"$WORK/keys"
jq -S keys "$OUT" | cmp -s - "$WORK/keys" || fail "the socket and the page tell different things"
answers 200 /api/v1/peers
answers 200 /healthz
answers 503 /readyz # one device alone is at risk
answers 200 /metrics
contains "metrics" "$OUT" '^drey_store_records [0-9]+$'
if command -v promtool >/dev/null; then
  promtool check metrics <"$OUT" >"$ERR" 2>&1 || fail "promtool does not like /metrics"
  holds "promtool check metrics: $(grep -c '^# TYPE' "$OUT") families, nothing to complain"
else
  holds "skipped: promtool check metrics (no promtool here; Debian's package prometheus)"
fi
same "families that stand twice" "$(grep '^# TYPE' "$OUT" | sort | uniq -d)" ''
answers 200 / --head
answers 200 / --compressed -H 'Accept-Encoding: gzip'
contains "packed page" "$WORK/head" 'content-encoding: gzip'
contains "packed page" "$OUT" '<h1>'
answers 200 / -H 'Accept-Encoding: gzip'
at_most "bytes of the packed page" "$(stat -c %s "$OUT")" 14336
holds "page, status, peers, healthz, readyz, metrics"

for host in evil.example evil.example:4748 localhost.evil.example 127.0.0.1.evil.example; do
  answers 421 /api/v1/status -H "Host: $host"
done
for host in localhost localhost:4748 127.0.0.1 '[::1]:4748'; do
  answers 200 /api/v1/status -H "Host: $host"
done
answers 400 / -H 'Host:'
holds "a foreign Host gets 421"

for path in backup stream invite wait; do
  answers 401 "/api/v1/$path" -X POST -d '{"paths":["/etc"]}'
  answers 401 "/api/v1/$path" -X POST -d '{}' -H 'Authorization: Bearer aaaaaaaaaaaaaaaa'
  answers 405 "/api/v1/$path"
done
answers 401 /api/v1/snapshots
answers 401 /api/v1/events
answers 401 /api/v1/recovery
answers 404 /no/such/path
answers 404 /../../etc/passwd --path-as-is
same "snapshots" "$(drey_at A --json snapshots | jq length)" 0
holds "orders and secrets without a login: refused; nothing was done"

answers 413 /api/v1/backup -X POST -d "$(head -c 20000 /dev/zero | tr '\0' x)"
answers 431 / -H "X-Long: $(head -c 70000 /dev/zero | tr '\0' x)"
printf 'GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n' |
  in_lan A bash -c 'exec 3<>/dev/tcp/127.0.0.1/4748; cat >&3; timeout 5 head -n 1 <&3' >"$OUT"
contains "answer to two lengths" "$OUT" '^HTTP/1.1 400'
holds "oversized and ambiguous requests are refused"

in_lan B curl -s --max-time 3 "http://$(address_of A):4748/" >"$OUT" && fail "the LAN reaches the page"
holds "by default the page is on loopback only"
stop A
