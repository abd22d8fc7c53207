#!/usr/bin/env bash
# A card that turns read-only under a running node (ext4, errors=remount-ro, by its error trigger):
# what is there is served, new backups are refused with words, status says so; with the file system
# repaired the node is ready within 10 s. DREY_TEST_CYCLES: how many (2). DREY_TEST_SEED: the moments.
# seconds: 120
# needs: root
source "$(dirname "$0")/lib.sh"
source "$LIB_DIR/trees.sh"
source "$LIB_DIR/disks.sh"

cycles=${DREY_TEST_CYCLES:-2}
seeded
lan A
card A $((600 + cycles * 40)) errors=remount-ro
mkdir "$WORK/home"
edit_home 0
found A
acknowledged A || fail "the first backup is refused"

turn_read_only() {
  local trigger
  trigger=/sys/fs/ext4/$(card_device A)/trigger_fs_error
  [ -w "$trigger" ] || skip "this kernel has no trigger_fs_error"
  echo 1 >"$trigger"
}
says_read_only() { [ "$(status_of A .store.state)" = read_only ]; }

for ((cycle = 1; cycle <= cycles; ++cycle)); do
  work A $((cycle * 100))
  pause_ms "$(between 50 1500)"
  turn_read_only
  rest
  pid=${PIDS[A]}
  edit_home $((cycle * 100 + 99))
  expect 1 drey_at A backup "$WORK/home"
  contains "words of the refused backup" "$ERR" 'read-only'
  contains "what becomes of earlier snapshots" "$ERR" 'earlier snapshots are safe'
  soon 10 says_read_only || fail "status says $(status_of A .store.state), not read_only"
  # What was written in the last moment may be readable only after the repair, when ext4 has replayed
  # its journal (one card in about 60, Linux 6.18): what was acknowledged before that must be now.
  restores A "$(tail -n 3 "$WORK/ids" | head -n 1)"
  restores A "$(head -n 1 "$WORK/ids")"
  drey_at A restore "$(tail -n 1 "$WORK/ids")" --target "$WORK/newest" >"$OUT" 2>"$ERR" ||
    later=$((${later:-0} + 1))
  rm -rf "$WORK/newest"
  expect 1 drey_at A backup "$WORK/home"
  expect 0 in_lan A curl -sf -m 5 http://127.0.0.1:4748/healthz
  running A && same "the process" "${PIDS[A]}" "$pid" || fail "the daemon ended"
  [ "$cycle" -gt 1 ] || holds "read-only: refused with words, told by status; restores are served"

  # Repaired, by hand or at the next boot. Every second time the node falls with it.
  if [ $((cycle % 2)) = 0 ]; then kill9 A; else stop A; fi
  eject A
  fsck.ext4 -fy "$WORK/A.img" >"$WORK/logs/fsck" 2>&1
  insert A errors=remount-ro || fail "the card cannot be mounted again"
  starts_again A
  same "state after the repair" "$(status_of A .store.state)" ok
  restores_some A
  acknowledged A || fail "the backup after the repair is refused"
done
restores_all A
holds "$cycles cards read-only, $(acknowledged_count) acknowledged snapshots, none lost;" \
  "${later:-0} times the newest was readable only after the repair; slowest start $SLOWEST_START ms"
