#!/usr/bin/env bash
# Power cuts of a real ext4 while backups run: every acknowledged snapshot restores identical, and
# the node is ready within 10 s. DREY_TEST_CYCLES: how many (2). DREY_TEST_SEED: the moments.
# seconds: 120
# needs: root
source "$(dirname "$0")/lib.sh"
source "$LIB_DIR/trees.sh"
source "$LIB_DIR/disks.sh"

cycles=${DREY_TEST_CYCLES:-2}
CUT_POWER=$(helper cut_power) || fail "no cut_power"
seeded
lan A
card A $((600 + cycles * 40))
mkdir "$WORK/home"
edit_home 0
found A
acknowledged A || fail "the first backup is refused"

for ((cycle = 1; cycle <= cycles; ++cycle)); do
  work A $((cycle * 100))
  pause_ms "$(between 50 2500)"
  cut_power A
  # Whether the node falls with the power or some moments later, it acknowledges nothing more.
  pause_ms $((RANDOM % 3 * 100))
  : >"$WORK/resting"
  kill9 A
  rest
  eject A
  insert A || fail "the card cannot be mounted again"
  starts_again A
  restores_some A
  if [ $((cycle % 25)) = 0 ]; then
    restores_all A
    holds "$cycle cuts, $(acknowledged_count) acknowledged snapshots restore"
  fi
done
restores_all A
same "snapshots that are listed" \
  "$(drey_at A --json snapshots | jq -r '.[].id' | grep -cxFf "$WORK/ids")" "$(acknowledged_count)"
acknowledged A || fail "the backup after the last cut is refused"
restores_newest A
holds "$cycles power cuts, $(acknowledged_count) acknowledged snapshots, none lost;" \
  "slowest start $SLOWEST_START ms"
