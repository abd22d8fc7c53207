#!/usr/bin/env bash
# Who may do what on the page's address: nothing changes by GET, nor without a login, nor by a
# foreign page's order; links, cookies, tokens and passwords open what they should, and no more.
# seconds: 60
source "$(dirname "$0")/lib.sh"

lan A B
found A
page=http://127.0.0.1:4748
cases=0
ask() { # ask CODE METHOD PATH [CURL OPTIONS...]
  local code=$1 method=$2 path=$3 got
  shift 3
  got=$(in_lan A curl -s --max-time 10 -D "$WORK/head" -o "$OUT" -w '%{http_code}' -X "$method" "$@" "$page$path")
  same "answer to $method $path $*" "$got" "$code"
  cases=$((cases + 1))
}
nothing_changed() {
  same "snapshots" "$(drey_at A --json snapshots | jq length)" 0
  same "tokens" "$(drey_at A --json token list | jq length)" "${1:-0}"
}
origin=(-H "Origin: $page")
json=(-H 'Content-Type: application/json')

# H4: nobody.
changing='/api/v1/backup /api/v1/forget /api/v1/invite /api/v1/scrub /api/v1/revoke /api/v1/retire
  /api/v1/tokens /api/v1/users /api/v1/link /api/v1/phrase'
for path in $changing; do
  ask 401 POST "$path" -d '{"paths":["/etc"],"scope":"admin","role":"full"}'
  ask 401 POST "$path" -d '{}' "${origin[@]}"
  ask 401 POST "$path" -d '{}' -H 'Authorization: Bearer 0123456789abcdef'
  case $path in
    /api/v1/tokens | /api/v1/users) ask 401 GET "$path" ;;
    *) ask 405 GET "$path" ;;
  esac
done
for path in /signin /login; do ask 403 POST "$path" -d 'code=1&name=a&password=b'; done
ask 403 POST /signout -d '' -H 'Origin: http://evil.example'
nothing_changed
holds "$cases requests without a login changed nothing"

# A sign-in link.
expect 0 drey_at A page
link=$(head -n 1 "$OUT")
[[ $link = "$page"/signin?code=* ]] || fail "drey page says $link"
code=${link#*=}
ask 200 GET "/signin?code=$code"
contains "the form" "$OUT" "value=\"$code\""
ask 403 POST /signin -d "code=$code"
ask 403 POST /signin -d "code=$code" -H 'Origin: http://evil.example'
ask 403 POST /signin -d "code=$code" -H 'Origin: null'
ask 401 POST /signin -d "code=${code/?/x}" "${origin[@]}"
ask 303 POST /signin -d "code=$code" "${origin[@]}"
contains "cookie" "$WORK/head" '^set-cookie: drey4748=[0-9a-f]{64}; path=/; httponly; samesite=strict; max-age='
cookie=$(sed -n 's/^[Ss]et-[Cc]ookie: \([^;]*\);.*/\1/p' "$WORK/head")
ask 401 POST /signin -d "code=$code" "${origin[@]}"
signed=(-H "Cookie: other=1; $cookie")
ask 200 GET /api/v1/snapshots "${signed[@]}"
ask 403 POST /api/v1/scrub -d '{}' "${signed[@]}"
ask 403 POST /api/v1/scrub -d '{}' "${signed[@]}" -H 'Origin: http://evil.example'
ask 403 POST /api/v1/scrub -d '{}' "${signed[@]}" -H "Origin: https://127.0.0.1:4748"
ask 200 POST /api/v1/scrub -d '{}' "${signed[@]}" "${origin[@]}"
ask 403 POST /api/v1/tokens -d '{"scope":"admin"}' "${signed[@]}" "${origin[@]}" # owner only
ask 401 GET /api/v1/snapshots -H "Cookie: x$cookie"
ask 303 POST /signout -d '' -H 'Content-Type: application/x-www-form-urlencoded' "${signed[@]}" "${origin[@]}"
ask 401 GET /api/v1/snapshots "${signed[@]}"
nothing_changed
holds "a link signs in once; its cookie works from this page only, until it signs out"

# Tokens.
for scope in read write admin; do
  expect 0 drey_at A --json token create --scope "$scope" --name "a $scope token"
  jq -r .token "$OUT" >"$WORK/$scope"
done
bearer() { echo "Authorization: Bearer $(cat "$WORK/$1")"; }
ask 200 GET /api/v1/snapshots -H "$(bearer read)"
ask 403 POST /api/v1/scrub -d '{}' -H "$(bearer read)"
ask 200 POST /api/v1/scrub -d '{}' -H "$(bearer write)"
ask 403 POST /api/v1/forget -d '{"snapshots":["latest"]}' -H "$(bearer write)"
ask 403 POST /api/v1/backup -d '{"paths":["/etc"],"set":"any"}' -H "$(bearer write)"
ask 403 POST /api/v1/phrase/draft -d '{}' -H "$(bearer admin)"
ask 403 POST /api/v1/scrub -d '{}' -H "$(bearer admin)" -H 'Origin: http://evil.example'
expect 0 drey_at A token revoke 2
ask 401 POST /api/v1/scrub -d '{}' -H "$(bearer write)"
expect 10 drey_at A token revoke 2
expect 2 drey_at A token create
kill9 A
start A
ask 200 GET /api/v1/snapshots -H "$(bearer admin)"
ask 401 POST /api/v1/scrub -d '{}' -H "$(bearer write)"
nothing_changed 2
grep -qaF -e "$(cat "$WORK/admin")" -r "$WORK/A" && fail "a token itself is on disk"
same "mode" "$(stat -c %a "$WORK/A/drey.access")" 600
holds "tokens do what their scope says, survive a kill, end when revoked, and are on no disk"

# Users.
echo 'correct horse' >"$WORK/password"
expect 0 typing "$WORK/password" drey_at A user add ann --scope read
same "users" "$(drey_at A --json user list | jq -r '.[0].name')" ann
ask 401 POST /login -d '{"name":"ann","password":"wrong horse"}' "${json[@]}" "${origin[@]}"
ask 401 POST /login -d '{"name":"bob","password":"correct horse"}' "${json[@]}" "${origin[@]}"
ask 200 POST /login -d '{"name":"ann","password":"correct horse"}' "${json[@]}" "${origin[@]}"
cookie=$(sed -n 's/^[Ss]et-[Cc]ookie: \([^;]*\);.*/\1/p' "$WORK/head")
ask 200 GET /api/v1/snapshots -H "Cookie: $cookie"
ask 403 POST /api/v1/scrub -d '{}' -H "Cookie: $cookie" "${origin[@]}"
for _ in 1 2 3 4 5; do ask 401 POST /login -d '{"name":"ann","password":"guess guess"}' "${json[@]}" "${origin[@]}"; done
ask 429 POST /login -d '{"name":"ann","password":"correct horse"}' "${json[@]}" "${origin[@]}"
contains "headers" "$WORK/head" '^retry-after: '
expect 0 drey_at A user remove ann
ask 401 GET /api/v1/snapshots -H "Cookie: $cookie"
holds "passwords log in; wrong ones soon have to wait"

# The LAN.
stop A
start A --page lan
page="http://$(address_of A):4748"
ask 401 GET /api/v1/status
ask 401 GET /metrics
ask 401 GET /readyz
ask 200 GET /healthz
ask 200 GET /metrics -H "$(bearer read)"
ask 421 GET /healthz -H 'Host: evil.example'
ask 421 GET /healthz -H 'Host: 10.47.0.99:4748'
ask 200 GET /healthz -H "Host: $(hostname).local:4748"
page=http://127.0.0.1:4748
ask 401 GET /api/v1/status
holds "on the LAN nobody sees anything without a login; $cases answers in all"
stop A
