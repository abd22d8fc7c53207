#!/usr/bin/env bash
# Where a restore may go wrong at its target: full, read-only, killed, not empty. No file ever stands
# half under its name, --overwrite finishes the work, nothing is overwritten without it.
# DREY_TEST_CYCLES: kills (3).
# seconds: 180
source "$(dirname "$0")/lib.sh"
source "$LIB_DIR/trees.sh"
source "$LIB_DIR/disks.sh"

cycles=${DREY_TEST_CYCLES:-3}
seeded
lan A
many_files "$WORK/home/small" 300 3000 && many_files "$WORK/home/large" 12 2500000 ||
  fail "cannot make the files"
ln -s small/0/file-0001 "$WORK/home/link"
found A
expect 0 drey_at A --json backup "$WORK/home"
mkdir "$WORK/target"
restored=$WORK/target$WORK/home

restore() { drey_at A restore latest --target "$WORK/target" "$@"; }
finishes() { # what a person does next
  # A killed restore may leave the file that it was writing, under a name of its own.
  find "$WORK/target" -name '.drey-*' -delete
  expect 0 restore --overwrite
  same_tree "$WORK/home" "$restored" >"$OUT" 2>&1 || fail "after --overwrite the tree differs"
}
no_half_files() { # every file under its own name is whole
  local path
  [ -d "$restored" ] || return 0
  while IFS= read -r -d '' path; do
    cmp -s "$WORK/home/$path" "$restored/$path" || fail "$path is there, but not whole"
  done < <(cd "$restored" && find . -type f ! -name '.drey-*' -print0)
}
leftovers() { find "$WORK/target" -name '.drey-*' | wc -l; }

mount -t tmpfs -o size=10M none "$WORK/target" || fail "no tmpfs"
expect 1 restore
contains "words for a full target" "$ERR" 'no space left'
contains "what to do" "$ERR" 'run the same command again with --overwrite'
no_half_files
same "files left under other names" "$(leftovers)" 0
mount -o remount,size=100M "$WORK/target"
finishes
holds "a full target: words, no half file; with more room --overwrite makes it whole"

rm -rf "${WORK:?}/target/"*
mount -o remount,ro "$WORK/target"
expect 1 restore
contains "words for a read-only target" "$ERR" 'read-only'
mount -o remount,rw "$WORK/target"
drey_at A restore latest --target "$WORK/target" >"$OUT" 2>"$ERR" &
client=$!
soon 10 [ -e "$restored/large/0/file-0001" ] # it has begun
mount -o remount,ro "$WORK/target" 2>/dev/null && holds "it turned read-only in the middle"
wait "$client"
mount -o remount,rw "$WORK/target"
no_half_files
finishes
holds "a read-only target: words, no half file, --overwrite makes it whole"

killed=0
for ((cycle = 1; cycle <= cycles; ++cycle)); do
  rm -rf "${WORK:?}/target/"*
  nsenter --net=/run/netns/A "$DREY" --dir "$WORK/A" restore latest --target "$WORK/target" \
    >"$OUT" 2>"$ERR" &
  client=$!
  pause_ms "$(between 20 400)"
  kill -KILL "$client" 2>/dev/null && killed=$((killed + 1))
  wait "$client" 2>/dev/null
  no_half_files
  at_most "files left under other names by one kill" "$(leftovers)" 1
  finishes
done
holds "$cycles restores, $killed of them killed: no half file, --overwrite makes it whole"
umount "$WORK/target"

# A target that is not empty. Without --overwrite nothing there changes.
rm -rf "$WORK/target" && mkdir -p "$restored/small/0" "$restored/large/0" "$restored/link" "$WORK/away"
echo mine >"$restored/small/0/file-0001"
echo away >"$WORK/away/file-0000"
ln -s "$WORK/away" "$restored/large/1"
ln -s "$WORK/away/file-0000" "$restored/small/0/file-0002"
mkdir "$restored/small/0/file-0003"
echo kept >"$restored/not in the snapshot"
expect 3 restore
contains "words for a file in the way" "$ERR" 'file-0001.*exists already; --overwrite replaces it'
same "the file in the way" "$(cat "$restored/small/0/file-0001")" mine
same "a link in the way" "$(readlink "$restored/small/0/file-0002")" "$WORK/away/file-0000"
[ -d "$restored/small/0/file-0003" ] || fail "a directory in the way is gone"
[ -d "$restored/link" ] && [ ! -L "$restored/link" ] || fail "a directory where a link belongs is gone"
cmp -s "$WORK/home/small/0/file-0004" "$restored/small/0/file-0004" || fail "the rest is not restored"
holds "a target that is not empty: named, left as it was, the rest restored"
echo other >"$restored/small/0/file-0005"
expect 0 restore --overwrite
same "what a link pointed to" "$(cat "$WORK/away/file-0000")" away
same "files in its directory" "$(ls "$WORK/away")" file-0000
same "what is not in the snapshot" "$(cat "$restored/not in the snapshot")" kept
rm "$restored/not in the snapshot" "$restored/large/1"
touch -r "$WORK/home" "$restored" && touch -r "$WORK/home/large" "$restored/large"
same_tree "$WORK/home" "$restored" >"$OUT" 2>&1 || fail "after --overwrite the tree differs"
holds "with --overwrite they are replaced; what is not in the snapshot stays, links are not followed"
