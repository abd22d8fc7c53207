#!/usr/bin/env bash
# Single files through HTTP and the command line: up and down, versions, ranges, deletion, names,
# repeated uploads, folders as tar, and what other devices see.
# seconds: 120
source "$(dirname "$0")/lib.sh"

lan A B
found A
admit A B full
socket=$WORK/A/control.sock
http() { in_lan A curl -sS --unix-socket "$socket" "$@"; }

# ---- put, get, files, rm ----
head -c 5000000 /dev/urandom >"$WORK/photo.jpg"
printf 'first' >"$WORK/notes.txt"
expect 0 drey_at A --json put "$WORK/photo.jpg"
photo=$(jq -r .file_id "$OUT")
expect 0 drey_at A --json put "$WORK/notes.txt"
first=$(jq -r .file_id "$OUT")
printf 'second' >"$WORK/notes.txt"
expect 0 drey_at A put "$WORK/notes.txt"
second=$(cat "$OUT")
expect 0 drey_at A get "$photo"
cmp -s "$OUT" "$WORK/photo.jpg" || fail "the photo comes back otherwise"
expect 0 drey_at A get "$first"
same "an older version" "$(cat "$OUT")" first
expect 0 drey_at A get "$second" --output "$WORK/back.txt"
same "the newer version" "$(cat "$WORK/back.txt")" second
expect 0 drey_at A --json files
same "versions" "$(jq length "$OUT")" 3
same "their fields" "$(jq -r '.[0] | [has("file_id","name","size","time","node")] | all' "$OUT")" true
expect 10 drey_at A get 00000000000000000000000000000000
holds "files and versions come back"

# ---- The same bytes again are the same version ----
expect 0 drey_at A --json put "$WORK/notes.txt"
same "the same version" "$(jq -r '.file_id, .existed' "$OUT" | paste -sd' ')" "$second true"
expect 0 drey_at A --json snapshots
same "one table, shown once" "$(jq length "$OUT")" 1
same "its set" "$(jq -r '.[0].set' "$OUT")" files
holds "a repeated upload adds nothing"

# ---- HTTP: raw, form, metadata, ranges ----
same "raw" "$(http -T "$WORK/notes.txt" -X POST "http://drey/files/upload?name=raw" | jq -r .name)" raw
same "form" "$(http -F "file=@$WORK/photo.jpg" "http://drey/files/upload" | jq -r '.file_id, .existed' | paste -sd' ')" "$photo true"
: >"$WORK/empty"
form=$(http -F "f=@$WORK/empty;filename=nothing" "http://drey/files/upload" | jq -r .file_id)
same "an empty form" "$(http "http://drey/files/metadata/$form" | jq -r '.name, .size' | paste -sd' ')" "nothing 0"
same "an empty file" "$(http -o /dev/null -w '%{http_code} %{size_download}' "http://drey/files/$form")" "200 0"
for range in 0-0 10-99 4999990- -17 1048570-3000000; do
  http -r "$range" -o "$WORK/part" -w '%{http_code}' "http://drey/files/$photo" >"$OUT"
  same "the status of range $range" "$(cat "$OUT")" 206
  curl -s -r "$range" "file://$WORK/photo.jpg" | cmp -s - "$WORK/part" || fail "range $range gives other bytes"
done
same "behind the end" "$(http -r 5000000- -o /dev/null -w '%{http_code}' "http://drey/files/$photo")" 416
same "HEAD" "$(http -I "http://drey/files/$photo" | tr -d '\r' | sed -n 's/^Content-Length: //p')" 5000000
same "no size" "$(http -X POST -H 'Transfer-Encoding: chunked' -d x -o /dev/null -w '%{http_code}' 'http://drey/files/upload?name=x')" 411
holds "curl uploads, forms and ranges"

# ---- Names ----
for name in '%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E' '%FF%FE' 'a%20b%0Ac' "$(printf 'n%.0s' {1..255})" '...'; do
  id=$(http -d "$name" "http://drey/files/upload?name=$name" | jq -r .file_id)
  [ "${#id}" = 32 ] || fail "the name $name is not taken"
  same "contents of $name" "$(http "http://drey/files/$id")" "$name"
done
http "http://drey/files" >"$OUT"
grep -q '<img' "$OUT" && fail "a name stands unescaped in the list"
for name in . .. a%2Fb %2e%2e%2fx a%00b '' "$(printf 'n%.0s' {1..256})"; do
  same "the name '$name'" "$(http -d x -o /dev/null -w '%{http_code}' "http://drey/files/upload?name=$name")" 400
done
holds "odd names are kept exactly or refused"

# ---- The other device ----
expect 0 drey_at B --json put "$WORK/empty" --name theirs
theirs=$(jq -r .file_id "$OUT")
soon 20 bash -c "curl -sS --unix-socket '$socket' http://drey/files | grep -q $theirs" || fail "A does not learn of B's file"
expect 0 drey_at B get "$photo"
cmp -s "$OUT" "$WORK/photo.jpg" || fail "B gives other bytes"
expect 10 drey_at A rm "$theirs"
contains "where it is deleted" "$ERR" "deleted there"
expect 0 drey_at B rm "$theirs"
expect 0 drey_at A rm "$first" "$second"
expect 10 drey_at A get "$first"
expect 0 drey_at A get "$photo"
holds "every device shows all; each deletes its own"

# ---- Folders of snapshots ----
mkdir -p "$WORK/home/deep/er"
seq 100000 >"$WORK/home/numbers"
printf x >"$WORK/home/deep/er/$(printf 'long%.0s' {1..40})"
ln -s ../numbers "$WORK/home/deep/link"
truncate -s 3M "$WORK/home/deep/hole"
expect 0 drey_at A --json backup "$WORK/home"
snapshot=$(summary .snapshot)
http "http://drey/api/v1/snapshots/$snapshot/files$WORK/home/numbers" | cmp -s - "$WORK/home/numbers" || fail "a file of a snapshot differs"
http "http://drey/api/v1/snapshots/latest/files$WORK/home" >"$WORK/home.tar"
mkdir "$WORK/unpacked"
tar -C "$WORK/unpacked" -xf "$WORK/home.tar" || fail "tar does not read it"
diff -r --no-dereference "$WORK/home" "$WORK/unpacked/home" || fail "the tar holds something else"
same "no such path" "$(http -o /dev/null -w '%{http_code}' "http://drey/api/v1/snapshots/latest/files/nowhere")" 404
holds "a file and a folder of a snapshot"

# ---- Beside a backup, and many at once ----
mkdir "$WORK/much"
for i in {1..40}; do head -c 1500000 /dev/urandom >"$WORK/much/$i"; done
in_lan A "$DREY" --dir "$WORK/A" backup "$WORK/much" >/dev/null 2>&1 &
backup=$!
for i in {1..6}; do
  http -T "$WORK/notes.txt" -X POST -o "$WORK/line.$i" "http://drey/files/upload?name=line$i" &
  lines[i]=$!
done
for i in {1..6}; do
  wait "${lines[i]}" || fail "an upload in line fails"
  same "upload $i of six at once" "$(jq -r .name "$WORK/line.$i")" "line$i"
done
wait "$backup" || fail "the backup fails beside uploads"
holds "uploads wait in line for a backup and for each other"

# ---- Tables that newer ones have replaced are forgotten, many at a time ----
table() { drey_at A --json snapshots | jq -r '.[] | select(.set == "files" and .node == "A") | .id'; }
gone() { drey_at A ls "$1" >/dev/null 2>&1; [ $? = 10 ]; }
old=$(table)
for i in {1..34}; do
  http -d "$i" -o /dev/null "http://drey/files/upload?name=often"
done
[ "$(table)" != "$old" ] || fail "the table stays the same"
soon 20 gone "$old" || fail "old tables are never forgotten"
expect 0 drey_at A ls "$(table)"
same "versions of a name" "$(drey_at A --json files | jq '[.[] | select(.name == "often")] | length')" 34
expect 0 drey_at A get "$photo"
cmp -s "$OUT" "$WORK/photo.jpg" || fail "the photo went with an old table"
expect 2 drey_at A forget "$(table)"
contains "why the table stays" "$ERR" "single files"
expect 0 drey_at A forget --keep-last 1
expect 0 drey_at A get "$photo"
holds "old tables go, the newest stays whatever is forgotten"

# ---- The same after a crash ----
kill9 A
start A
expect 0 drey_at A get "$photo"
cmp -s "$OUT" "$WORK/photo.jpg" || fail "the photo is lost with the process"
holds "what was acknowledged is there after a crash"
