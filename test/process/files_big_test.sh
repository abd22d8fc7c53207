#!/usr/bin/env bash
# One large file up and down through HTTP: the device's peak resident memory stays where a small
# file left it, within 1 MiB. test/full/files_big.sh: 4 GiB.
# seconds: 120
source "$(dirname "$0")/lib.sh"

mib=${DREY_TEST_FILE_MIB:-96}
lan A
found A
socket=$WORK/A/control.sock
http() { in_lan A curl -sS --unix-socket "$socket" "$@"; }

# What a file of any size touches.
head -c "${DREY_TEST_WARM_MIB:-20}M" /dev/urandom >"$WORK/small"
id=$(http -T "$WORK/small" -X POST "http://drey/files/upload?name=small" | jq -r .file_id)
http "http://drey/files/$id" | cmp -s - "$WORK/small" || fail "the small file comes back otherwise"
before=$(peak_kib A)

head -c "${mib}M" /dev/urandom >"$WORK/big"
sum=$(sha256sum <"$WORK/big")
id=$(http -T "$WORK/big" -X POST "http://drey/files/upload?name=big" | jq -r .file_id)
[ "${#id}" = 32 ] || fail "the upload is not acknowledged"
rm "$WORK/big"
up=$(peak_kib A)
at_most "KiB more after $mib MiB up" $((up - before)) 1024
same "what comes back" "$(http "http://drey/files/$id" | sha256sum)" "$sum"
down=$(peak_kib A)
at_most "KiB more after $mib MiB up and down" $((down - before)) 1024
holds "$mib MiB up and down; peak KiB: before $before, up $up, down $down"

# A client that stops reading stops the device's reading, and is no burden to others.
in_lan A curl -sS --unix-socket "$socket" --limit-rate 10k -o /dev/null "http://drey/files/$id" &
slow=$!
http "http://drey/files/$id" -r 0-999 -o "$WORK/part" || fail "a second download does not run"
same "the second one" "$(stat -c %s "$WORK/part")" 1000
http -o /dev/null http://drey/api/v1/status || fail "no status beside a slow download"
kill "$slow"
wait "$slow" 2>/dev/null
at_most "KiB more after a slow client" $(($(peak_kib A) - before)) 1024
# An upload that breaks off stores nothing and lets the next one in.
in_lan A timeout 1 curl -sS --limit-rate 2M --unix-socket "$socket" -T "$WORK/small" -X POST \
  "http://drey/files/upload?name=cut" >/dev/null 2>&1
same "after an upload that broke off" \
  "$(http -T "$WORK/small" -X POST "http://drey/files/upload?name=whole" | jq -r .name)" whole
http http://drey/files | grep -q '"cut"' && fail "half an upload is listed"
holds "slow and broken clients"
