#!/usr/bin/env bash
# Every route that src/node/API.md documents: it exists, it answers on the control socket, and on the
# page's address only whom it says.
# seconds: 60
source "$(dirname "$0")/lib.sh"

lan A
found A
document=$LIB_DIR/../../src/node/API.md
rows=0 methods='GET POST DELETE PUT'

ask() { # ask METHOD PATH [CURL OPTIONS...]: the status; what never ends is cut after its head
  local method=$1 path=$2
  shift 2
  in_lan A curl -s --max-time 2 -o "$OUT" -w '%{http_code}' -X "$method" \
    $([ "$method" = POST ] && echo "-d {}") "$@" "$path"
}

while IFS='|' read -r _ method path need _; do
  method=${method// /} path=${path//[\` ]/} need=${need// /}
  case " $methods " in *" $method "*) ;; *) continue ;; esac
  path=${path//\{id\}/nothing} path=${path//\{number\}/9} path=${path//\{name\}/nobody}
  rows=$((rows + 1))
  code=$(ask "$method" "http://127.0.0.1:4748$path")
  case $need in
    always | open) [ "$code" != 401 ] || fail "$method $path is $need, and wants a login" ;;
    *) [[ $code = 40[13] ]] || fail "$method $path is $need, and answers everybody $code" ;;
  esac
  code=$(ask "$method" "http://drey$path" --unix-socket "$WORK/A/control.sock")
  case $code in
    200 | 303 | 400 | 404 | 503) ;;
    401) same "refused" "$method $path" "POST /signin" ;; # an empty code
    *) fail "$method $path answers $code on the control socket" ;;
  esac
  [ "$code" != 404 ] || contains "$method $path" "$OUT" '"error":"not_found","message":"no '
  code=$(ask PATCH "http://127.0.0.1:4748$path")
  same "PATCH $path" "$code" 405
done <"$document"
[ "$rows" -ge 20 ] || fail "only $rows rows in API.md"
holds "$rows routes are as API.md says"
stop A
