#!/usr/bin/env bash
# kill -9 of three real devices in the midst of backups without pause (A6): whoever falls is back
# within 10 s, and every acknowledged snapshot restores identical. DREY_TEST_KILLS: how many (100);
# 500 for a release. DREY_TEST_SEED: who and when.
# seconds: 3600
source "$(dirname "$0")/../process/lib.sh"
source "$LIB_DIR/trees.sh"
source "$LIB_DIR/disks.sh"

kills=${DREY_TEST_KILLS:-100}
seeded
mkdir "$WORK/home"
edit_home 0
three_devices
acknowledged A || fail "the first backup is refused"

done=0 own=0
for ((round = 1; done < kills; ++round)); do
  work A $((round * 100))
  # Some kills per round, the owner among the fallen in every second one.
  for ((i = 0; i < 3 && done < kills; ++i)); do
    pause_ms "$(between 30 1200)"
    victims=("$(tr 0123 ABCA <<<$((RANDOM % 4)))")
    [ $((RANDOM % 5)) != 0 ] || victims=(A B C)
    for name in "${victims[@]}"; do kill9 "$name"; done
    done=$((done + ${#victims[@]}))
    [[ " ${victims[*]} " != *" A "* ]] || own=$((own + 1))
    for name in "${victims[@]}"; do starts_again "$name"; done
  done
  rest
  restores_newest A
  if [ $((round % 10)) = 0 ]; then
    restores_all A
    holds "$done kills, $(acknowledged_count) acknowledged snapshots restore"
  fi
done
restores_all A
holds "A restores all of them: equal"
soon 30 peers_alive A 2 || fail "A does not see both peers again"
expect 0 drey_at A --json backup "$WORK/home" --wait
same "protected" "$(summary .protected)" true
soon 30 listed B "$(summary .snapshot)" || fail "B does not list the newest snapshot"
kill9 A
restores_all B
holds "B restores all of them with A dead: equal"
holds "$done kills, $own of the owner, $(acknowledged_count) acknowledged snapshots, none lost;" \
  "slowest start $SLOWEST_START ms"
