#!/usr/bin/env bash
# 30,000 small files make few records; an unchanged file is not opened again; one byte costs little.
# seconds: 240
source "$(dirname "$0")/lib.sh"
source "$LIB_DIR/trees.sh"

lan A
# Under /run, which is this test's own: no other process changes the times of the folders above.
home=/run/home
many_files "$home" 30000 1024 || fail "cannot make the files"
sleep 2.1 # an entry whose ctime is younger than two seconds is never taken as unchanged
found A
expect 0 drey_at A --json backup "$home"
same "files" "$(summary .files)" 30000
at_most "records of 30,000 files" "$(summary .added_records)" 400
holds "30,000 files of 1 KiB make $(summary .added_records) records"

# Follows every open of the daemon; the trace of backup $1 goes to $TRACE.
traced_backup() {
  local tracer
  TRACE=$WORK/trace.$1
  strace -f -qq -e trace=open,openat,openat2 -e signal=none -o "$TRACE" -p "${PIDS[A]}" \
    2>"$ERR" </dev/null &
  tracer=$!
  soon 10 traced_by "$tracer" || fail "strace does not attach"
  expect 0 drey_at A --json backup "$home"
  kill -INT "$tracer"
  wait "$tracer"
}
traced_by() {
  local task
  for task in /proc/"${PIDS[A]}"/task/*/status; do
    grep -q "^TracerPid:[[:space:]]*$1\$" "$task" || return 1
  done
}
source_opens() { grep -E '"[^"]*file-[0-9]+"' "$TRACE" | grep -vc 'O_PATH'; }

traced_backup second
same "unchanged files" "$(summary .unchanged)" 30000
same "source files opened" "$(source_opens)" 0
same "records added" "$(summary .added_records)" 0
holds "a second backup opens no source file and adds $(summary .added_records) records"

printf '!' | dd of="$home/31/file-0123" bs=1 seek=512 conv=notrunc status=none
sleep 2.1
traced_backup third
same "unchanged files" "$(summary .unchanged)" 29999
[ "$(source_opens)" -ge 1 ] || fail "the trace does not show the one file that must be opened"
at_most "records added" "$(summary .added_records)" 5
at_most "bytes added" "$(summary .added_bytes)" $((300 * 1024))
holds "one changed byte adds $(summary .added_records) records, $(summary .added_bytes) bytes"
restores_as "$home" A latest
holds "and restores equal"
stop A
