#!/usr/bin/env bash
# Disks that vanish. A source that comes up empty is refused with words, and nothing is recorded as
# good. The store's disk goes under a running node (every call fails, or umount -l): backups are
# refused with words or really are on that disk; back again, everything acknowledged restores.
# DREY_TEST_CYCLES: of the store's disk (2). DREY_TEST_SEED: the moments.
# seconds: 180
# needs: root
source "$(dirname "$0")/lib.sh"
source "$LIB_DIR/trees.sh"
source "$LIB_DIR/disks.sh"

cycles=${DREY_TEST_CYCLES:-2}
CUT_POWER=$(helper cut_power) || fail "no cut_power"
seeded
lan A
card A $((600 + cycles * 40))
mkdir "$WORK/home" "$WORK/usb" "$WORK/folder"
edit_home 0
found A
acknowledged A || fail "the first backup is refused"

# ---- The source ----
cases=0
refused() { # refused WHAT PATH...: the backup is refused with words, no snapshot is new
  local before what=$1
  shift
  before=$(drey_at A --json snapshots | jq length)
  expect 1 drey_at A backup "$@"
  contains "words for $what" "$ERR" 'has become empty, or its disk is not mounted'
  contains "what was recorded" "$ERR" 'nothing was recorded, earlier snapshots stay'
  same "snapshots after $what" "$(drey_at A --json snapshots | jq length)" "$before"
  cases=$((cases + 1))
}
plug() { mount -t tmpfs -o size=20M none "$WORK/usb" && cp -r "$WORK/home/note" "$WORK/usb/"; }
echo mine >"$WORK/folder/file"
for ((round = 0; round < 3; ++round)); do
  plug
  echo "$round" >"$WORK/usb/round"
  expect 0 drey_at A --json backup "$WORK/usb"
  expect 0 drey_at A --json backup "$WORK/folder" "$WORK/usb"
  if [ $round = 1 ]; then umount -l "$WORK/usb"; else umount "$WORK/usb"; fi
  refused "a source that is not mounted" "$WORK/usb"
  refused "one of two sources that is not mounted" "$WORK/folder" "$WORK/usb"
  echo stray >"$WORK/usb/stray"
  refused "a file beneath the mount point" "$WORK/usb"
  rm "$WORK/usb/stray"
  expect 0 drey_at A --json backup "$WORK/folder"
  mv "$WORK/folder/file" "$WORK/file"
  refused "a folder that became empty" "$WORK/folder"
  mv "$WORK/file" "$WORK/folder/file"
done
plug
expect 0 drey_at A --json backup "$WORK/usb"
umount "$WORK/usb"
holds "$cases sources that came up empty: refused with words, nothing recorded"

# ---- The store's disk ----
says_so() { [ "$(status_of A .store.state)" != ok ]; }
for ((cycle = 1; cycle <= cycles; ++cycle)); do
  work A $((cycle * 100))
  pause_ms "$(between 50 1500)"
  if [ $((cycle % 2)) = 1 ]; then
    cut_power A
    rest
    edit_home $((cycle * 100 + 99))
    expect 1 drey_at A backup "$WORK/home"
    contains "what becomes of earlier snapshots" "$ERR" 'earlier snapshots are safe'
    soon 10 says_so || fail "status says that a store is ok whose disk is gone"
    running A || fail "the daemon ended"
    kill9 A
    eject A
  else
    # The disk is still there for who has it open: what is acknowledged now is on it.
    umount -l "$WORK/A"
    pause_ms 300
    rest
    running A || fail "the daemon ended"
    kill9 A
    expect 10 timeout 20 nsenter --net=/run/netns/A "$DREY" --dir "$WORK/A" run
    same "files in the directory without its disk" "$(ls "$WORK/A" | wc -l)" 0
  fi
  insert A || fail "the card cannot be mounted again"
  starts_again A
  restores_some A
  acknowledged A || fail "the backup with the disk back is refused"
  cases=$((cases + 1))
done
restores_all A
holds "$cycles times the store's disk vanished: $(acknowledged_count) acknowledged snapshots restore;" \
  "$cases cases altogether"
