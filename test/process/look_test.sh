#!/usr/bin/env bash
# Looking into snapshots and restoring parts: snapshots, ls, find, cat, diff, restore.
# seconds: 60
source "$(dirname "$0")/lib.sh"
source "$LIB_DIR/trees.sh"

home=$WORK/home
mkdir -p "$home/letters" "$home/pictures/2024"
printf 'dear' >"$home/letters/to aunt.txt"
seq 100000 >"$home/letters/numbers"
head -c 3000000 /dev/urandom >"$home/pictures/2024/beach.jpg"
ln -s ../letters "$home/pictures/link"
lan A B
found A
admit A B full
expect 0 drey_at A --json backup "$home" --set family
first=$(summary .snapshot)
find "$home" | sort >"$WORK/expected"
same "files" "$(summary .files)" 3
printf 'dear aunt' >"$home/letters/to aunt.txt"
rm "$home/letters/numbers"
mkdir "$home/new" && printf n >"$home/new/n"
expect 0 drey_at A --json backup "$home" --set family --exclude '*.jpg'
second=$(summary .snapshot)

expect 0 drey_at A --json snapshots
same "snapshots" "$(jq length "$OUT")" 2
same "their fields" "$(jq -r '.[0] | [has("id","node","set","time","paths","files","bytes","protected")] | all' "$OUT")" true
same "paths" "$(jq -r '.[0].paths[0]' "$OUT")" "$home"
same "set" "$(jq -r '.[0].set' "$OUT")" family
expect 0 drey_at A snapshots
contains "the table" "$OUT" "${first:0:12}.*family"
soon 20 listed B "$second" || fail "B does not learn of the snapshot"
holds "snapshots, on both devices"

expect 0 drey_at A ls "$first"
sort "$OUT" | grep -F "$home" | diff - "$WORK/expected" >"$ERR" || fail "ls lists something else"
expect 0 drey_at B ls "A:latest:$home/letters"
contains "ls of a folder" "$OUT" 'to aunt.txt'
expect 0 drey_at A ls "${first:0:8}:$home/pictures/2024/beach.jpg"
same "ls of a file" "$(cat "$OUT")" "$home/pictures/2024/beach.jpg"
expect 0 drey_at A ls --long "$first"
contains "ls --long" "$OUT" '^-rw.* 3000000 .*beach.jpg'
expect 0 drey_at A find '*.jpg'
same "found pictures" "$(wc -l <"$OUT")" 1
expect 0 drey_at B find 'to aunt*'
same "found letters" "$(wc -l <"$OUT")" 2
expect 0 drey_at B cat "$first:$home/letters/to aunt.txt"
same "cat of the older letter" "$(cat "$OUT")" dear
expect 0 drey_at A cat "latest:$home/letters/to aunt.txt"
same "cat of the newer letter" "$(cat "$OUT")" 'dear aunt'
holds "ls, find, cat, by id, prefix, latest and NODE:latest"

expect 0 drey_at A diff "$first" "$second"
# Directories whose times changed are told as U.
grep -v '^U ' "$OUT" | sed "s#$home/##" | sort | tr '\n' ';' >"$WORK/changes"
same "diff" "$(cat "$WORK/changes")" \
  '+ new;+ new/n;- letters/numbers;- pictures/2024/beach.jpg;M letters/to aunt.txt;'
holds "diff"

target=$WORK/target
expect 0 drey_at A --json restore "$first:$home/letters" --target "$target"
same "restored letters" "$(find "$target$home" -type f | wc -l)" 2
[ ! -e "$target$home/pictures" ] || fail "more than the asked folder was restored"
printf 'my own' >"$target$home/letters/to aunt.txt"
expect 3 drey_at A restore "$first:$home/letters" --target "$target"
same "an existing file" "$(cat "$target$home/letters/to aunt.txt")" 'my own'
expect 0 drey_at A restore "$first:$home/letters" --target "$target" --overwrite
same "an overwritten file" "$(cat "$target$home/letters/to aunt.txt")" dear
holds "restore of a folder; existing files stay unless --overwrite"

mkdir "$WORK/elsewhere" "$WORK/trap" && printf keep >"$WORK/elsewhere/to aunt.txt"
mkdir -p "$WORK/trap$home" && ln -s "$WORK/elsewhere" "$WORK/trap$home/letters"
drey_at A restore "$first:$home/letters" --target "$WORK/trap" >"$OUT" 2>"$ERR"
same "exit of a restore through a planted link" "$([ $? != 0 ] && echo refused)" refused
same "a file outside the target" "$(cat "$WORK/elsewhere/to aunt.txt")" keep
same "files outside the target" "$(find "$WORK/elsewhere" | wc -l)" 2
holds "a link planted in the target does not lead the restore outside"
expect 0 drey_at A doctor
expect 0 drey_at A peers
contains "peers" "$OUT" 'B.*full.*alive'
expect 0 drey_at A status
expect 0 drey_at A wait --timeout 20
