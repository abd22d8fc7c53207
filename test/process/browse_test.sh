#!/usr/bin/env bash
# The pages behind the page: the list of single files and the folders of a snapshot, as HTML, for
# whoever may read; complete however long they are, and said to be incomplete when they are not.
# seconds: 90
source "$(dirname "$0")/lib.sh"

lan A
found A
page=http://127.0.0.1:4748
expect 0 drey_at A --json token create --scope read
reader=$(jq -r .token "$OUT")
expect 0 drey_at A --json token create --scope write
writer=$(jq -r .token "$OUT")
get() { # get CODE TYPE PATH [CURL OPTIONS...]: the body to $OUT
  local code=$1 type=$2 path=$3
  shift 3
  same "answer to $path" "$(in_lan A curl -sS -D "$WORK/head" -o "$OUT" -w '%{http_code}' "$@" "$page$path")" "$code"
  contains "type of $path" "$WORK/head" "^content-type: $type"
  contains "policy of $path" "$WORK/head" "content-security-policy: default-src 'none'"
  contains "policy of $path" "$WORK/head" "nosniff"
}
as() { # as TOKEN CODE TYPE PATH...
  get "${@:2}" -H "Authorization: Bearer $1"
}
count() { grep -o -- "$1" "$OUT" | wc -l; }
links() { grep -oE '^<li><a href="[^"]*"' "$OUT" | cut -d '"' -f 2; }

# ---- Single files ----
for path in /browse /browse/latest/; do
  get 401 text/html "$path"
  contains "what a stranger sees of $path" "$OUT" 'Sign in'
  same "files that a stranger sees" "$(count '"/files/')" 0
done
as "$reader" 200 text/html /browse
same "files" "$(count '"/files/')" 0
contains "an empty list" "$OUT" 'Nothing here'
echo one >"$WORK/notes"
expect 0 drey_at A put "$WORK/notes"
first=$(cat "$OUT")
echo two >"$WORK/notes"
expect 0 drey_at A put "$WORK/notes"
second=$(cat "$OUT")
as "$reader" 200 text/html /browse
same "versions, the older one first" "$(grep -o '"/files/[0-9a-f]*"' "$OUT" | tr -d '"' | paste -sd' ')" "/files/$first /files/$second"
same "folds" "$(count '<details>')" 1
same "what a reader may change" "$(count 'DELETE\|action="/files')" 0
as "$writer" 200 text/html /browse
same "what a writer may delete" "$(grep -c DELETE "$OUT")" 2
same "where a writer may upload" "$(count 'action="/files/upload"')" 1
as "$reader" 200 application/octet-stream "/files/$first"
same "an older version" "$(cat "$OUT")" one
expect 0 drey_at A rm "$first"
for name in '<img src=x onerror=alert(1)>' "\"'><script>" '&lt;b&gt;{name}'; do
  expect 0 drey_at A put "$WORK/notes" --name "$name"
done
as "$writer" 200 text/html /browse
same "folds" "$(count '<details>')" 0
contains "a name" "$OUT" '&lt;img src=x onerror=alert\(1\)&gt;'
same "tags of names" "$(count '<img\|"><script>')" 0
holds "the list of files: for who may read; names are escaped"

# ---- A form without JavaScript ----
same "where a form leads" "$(in_lan A curl -sS -o "$OUT" -D "$WORK/head" -w '%{http_code} %{redirect_url}' -F "f=@$WORK/notes;filename=by form" \
  -H 'Accept: text/html,*/*' -H "Authorization: Bearer $writer" "$page/files/upload")" "303 $page/browse"
same "and without a page" "$(in_lan A curl -sS -o "$OUT" -w '%{http_code}' -F "f=@$WORK/notes;filename=by form" -H "Authorization: Bearer $writer" "$page/files/upload")" 200
as "$reader" 200 text/html /browse
contains "the list" "$OUT" 'by form'
as "$reader" 403 application/json /files/upload -X POST -F "f=@$WORK/notes;filename=no" -H 'Accept: text/html'
holds "a form uploads and leads to the list"

# ---- Folders of a snapshot ----
home=$WORK/home
mkdir -p "$home/many" "$home/none" "$home/a b/<i>c"
(cd "$home/many" && seq -f 'a file with a name of its own, number %05.0f' 12000 | xargs -d '\n' touch)
echo deep >"$home/a b/<i>c/100% \"x\"#?"
expect 0 drey_at A --json backup "$home"
id=$(summary .snapshot)
as "$reader" 200 text/html "/browse/$id$home/many/"
same "rows of a long folder" "$(links | wc -l)" 12000
same "in order" "$(links | sort -c && links | uniq | wc -l)" 12000
contains "its end" "$OUT" '</html>'
as "$reader" 200 text/html "/browse/$id$home/none/"
contains "an empty folder" "$OUT" 'Nothing here'
# From the root down, only by the links.
path=/browse/$id/
for _ in $(tr -cd / <<<"$home" | grep -o /) 'a b' c; do
  as "$reader" 200 text/html "$path"
  path=$path$(links | grep -E '^(a%20b|%3ci%3ec|[a-z.A-Z0-9_-]*)/$' | grep -v '^many/\|^none/' | head -n 1)
done
as "$reader" 200 text/html "$path"
same "the tags of a name" "$(count '<i>')" 0
as "$reader" 200 application/octet-stream "$path$(links)"
same "the deepest file" "$(cat "$OUT")" deep
as "$reader" 200 application/x-tar "${path%/}"
same "the folder as tar" "$(tar -tf "$OUT" | paste -sd' ')" '<i>c/ <i>c/100% "x"#?'
as "$reader" 200 application/x-tar "/api/v1/snapshots/$id/files$home/none/"
holds "folder by folder to a file and to a tar, by the links alone"

as "$reader" 404 application/json "/browse/$id/nowhere/"
as "$reader" 404 application/json "/browse/$id$home/none/x"
as "$reader" 404 application/json "/browse/ffffffffffff/"
as "$reader" 400 application/json "/browse/$id/a//b/"
as "$reader" 200 application/octet-stream "/browse/$id$WORK/home/a%20b/%3ci%3ec/100%25%20%22x%22%23%3f/"
same "a file with a / behind it" "$(cat "$OUT")" deep
holds "what is not there is not found"
stop A

# ---- A list of which a part is nowhere ----
# Empty files alone: each record of this device is a page of entries.
lan B
found B
expect 0 drey_at B --json backup "$home/many"
expect 0 drey_at B --json token create --scope read
reader=$(jq -r .token "$OUT")
stop B
log=$WORK/B/log/00000001.seg
number_at() { od -An -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '; } # number_at FILE OFFSET BYTES
# The entries of the log (store/FORMAT.md), the largest first: pages of names rather than one that
# leads to them. Without the page that holds the folder itself there is no list at all.
grep -obUaP 'dERY\x01' "$log" | cut -d : -f 1 | while read -r at; do
  [ $((at % 64)) != 0 ] || echo "$(number_at "$log" $((at + 8)) 4) $at"
done | sort -rn | cut -d ' ' -f 2 >"$WORK/records"
cp "$log" "$WORK/whole"
gaps=0 none=0
while read -r at; do
  cat "$WORK/whole" >"$log"
  printf 'spoilt' | dd of="$log" bs=1 seek=$((at + 100)) conv=notrunc status=none
  start B
  code=$(in_lan B curl -sS -o "$OUT" -w '%{http_code}' -H "Authorization: Bearer $reader" "$page/browse/latest$home/many/")
  if [ "$code" = 200 ]; then
    gaps=$((gaps + 1))
    contains "what is missing" "$OUT" 'on no device that answers'
    [ "$(links | wc -l)" -lt 12000 ] || fail "nothing is missing"
    contains "the end of a list with a gap" "$OUT" '</html>'
  else
    none=$((none + 1))
    same "answer without the folder" "$code" 503
    contains "answer without the folder" "$OUT" '"error":"not_enough"'
  fi
  stop B
  [ $gaps = 0 ] || break
done < <(head -n 40 "$WORK/records") # which of them lead to the folder is each mesh's own
[ $gaps -gt 0 ] || fail "no list had a gap: $none could not begin"
holds "a list with a gap says so ($gaps lists; $none could not begin)"
