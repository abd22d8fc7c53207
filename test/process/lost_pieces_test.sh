#!/usr/bin/env bash
# One piece in a hundred is lost on every device that had it: restore stops and says so, and with
# --skip-bad gives every other file back, whole, and names each one that it cannot.
# seconds: 60
source "$(dirname "$0")/lib.sh"

three_devices
# A file of this size is one record, as a rule; forty small ones share one.
mkdir -p "$WORK/home/big" "$WORK/home/small"
head -c 16000000 /dev/urandom | split -a 3 -d -b 80000 - "$WORK/home/big/f"
for i in {1..40}; do head -c 1000 /dev/urandom >"$WORK/home/small/s$i"; done
same "files" "$(find "$WORK/home" -type f | wc -l)" 240
expect 0 drey_at A --json backup "$WORK/home" --wait
expect 0 drey_at A wait --timeout 30

number_at() { od -An -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '; } # number_at FILE OFFSET BYTES
hex_at() { od -An -v -tx1 -j "$2" -N "$3" "$1" | tr -d ' \n'; }
spoil() { # spoil FILE ENTRY: one byte in the middle of the entry's body (store/FORMAT.md)
  local at byte
  at=$(($2 + 64 + $(number_at "$1" $(($2 + 8)) 4) / 2))
  byte=$(number_at "$1" "$at" 1)
  # shellcheck disable=SC2059
  printf "\\x$(printf %02x $((byte ^ 0x20)))" | dd of="$1" bs=1 seek="$at" conv=notrunc status=none
}
log_b=$WORK/B/log/00000001.seg log_c=$WORK/C/log/00000001.seg # A has no pieces of its own
[ "$(find "$WORK/B/log" "$WORK/C/log" -name '*.seg' | wc -l)" = 2 ] || fail "more than one segment"

# The entry at C of a record at B: eight bytes of C without a newline among them lead to it.
same_record_at_c() { # same_record_at_c ENTRY: its entry at C
  local c piece i at
  c=$(hex_at "$log_b" $(($1 + 16)) 32)
  for i in 0 8 16 24; do
    piece=$(fold -w 2 <<<"${c:i*2:16}")
    grep -q 0a <<<"$piece" && continue
    piece=$(sed 's/^/\\x/' <<<"$piece" | tr -d '\n')
    for at in $(grep -obUaP "$piece" "$log_c" | cut -d : -f 1); do
      at=$((at - 16 - i))
      [ $((at % 64)) = 0 ] && [ "$(hex_at "$log_c" "$at" 5)" = 6445525901 ] &&
        [ "$(hex_at "$log_c" $((at + 16)) 32)" = "$c" ] && echo $at && return
    done
  done
  fail "C has no record $c"
}

whole=0 bundles=0 records=0 next=20
while read -r at; do
  [ $((at % 64)) = 0 ] || continue
  records=$((records + 1))
  size=$(number_at "$log_b" $((at + 8)) 4)
  if [ "$size" -ge 80000 ] && [ "$size" -lt 90000 ] && [ $records -ge $next ]; then
    next=$((records + 70)) whole=$((whole + 1))
  elif [ "$size" -ge 30000 ] && [ "$size" -lt 60000 ]; then
    bundles=$((bundles + 1))
  else
    continue
  fi
  other=$(same_record_at_c "$at") || fail "C lacks a record"
  spoil "$log_b" "$at"
  spoil "$log_c" "$other"
done < <(grep -obUaP '\x64\x45\x52\x59\x01\x01' "$log_b" | cut -d : -f 1)
[ $whole -ge 2 ] || fail "only $whole of $records records are whole files"
same "bundles" $bundles 1
holds "$((whole + bundles)) of $records records spoilt on both devices that have them"

expect 13 drey_at A restore latest --target "$WORK/stopped"
contains "words" "$ERR" 'skip-bad'
contains "witnesses" "$ERR" 'incomplete, seen by 2 of 2 other devices'
expect 13 drey_at A --json restore latest --target "$WORK/out" --skip-bad
same "complete" "$(summary .complete)" false
# Each file is either there and equal, or named and not there.
find "$WORK/home" -type f -printf '%p\n' | sort >"$WORK/all"
find "$WORK/out" -type f -printf '/%P\n' | sort >"$WORK/back"
sed -n 's/^drey: \(.*\): [0-9]* bytes at [0-9]* are on no reachable device$/\1/p' "$ERR" | sort -u \
  >"$WORK/named"
sort "$WORK/back" "$WORK/named" | diff "$WORK/all" - >"$OUT" ||
  fail "neither restored nor named, or both"
diff -rq "$WORK/home" "$WORK/out$WORK/home" | grep -v '^Only in ' >"$OUT" &&
  fail "restored differently"
same "named big files" "$(grep -c /big/ "$WORK/named")" $whole
same "named small files" "$(grep -c /small/ "$WORK/named")" 40
holds "all $(wc -l <"$WORK/back") others are restored and equal; $(wc -l <"$WORK/named") are named"

# Of a device that is off nobody knows what it has, nor of one that keeps it to itself.
stop C
expect 13 drey_at A --json restore latest --target "$WORK/out" --skip-bad --overwrite
same "devices" "$(summary '"\(.seen_by) of \(.devices)"')" '1 of 2'
contains "witnesses" "$ERR" 'incomplete, seen by 1 of 2 other devices; start the others'
holds "a restore that is not whole says how many devices were there"
for name in A B; do stop $name; done
