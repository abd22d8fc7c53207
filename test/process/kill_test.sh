#!/usr/bin/env bash
# kill -9 of real daemons in the middle of backups: every acknowledged snapshot restores identical,
# and a restart needs at most 10 s. DREY_TEST_CYCLES: how many (5).
# seconds: 240
source "$(dirname "$0")/lib.sh"
source "$LIB_DIR/trees.sh"

cycles=${DREY_TEST_CYCLES:-5}
many_files "$WORK/home/small" 800 2000 || fail "cannot make the files"
three_devices

restarted() { # restarted NAME: within 10 s
  local begin
  begin=$(date +%s%3N)
  start "$1"
  at_most "milliseconds of the restart of $1" $(($(date +%s%3N) - begin)) 10000
}

# Remembers the snapshot that the JSON line $1 acknowledges, and what the tree was like.
acknowledged=()
acknowledge() {
  acknowledged+=("$(jq -r .snapshot <<<"$1")")
  cp -a "$WORK/home" "$WORK/copy.${#acknowledged[@]}"
}

for ((cycle = 1; cycle <= cycles; ++cycle)); do
  many_files "$WORK/home/new" 60 $((100000 + cycle * 1000))
  printf 'cycle %d' "$cycle" >"$WORK/home/small/0/file-0007"
  expect 0 timeout 60 nsenter --net=/run/netns/A "$DREY" --dir "$WORK/A" --json backup "$WORK/home"
  acknowledge "$(tail -n 1 "$OUT")"

  # This one is cut off, at a moment that differs from cycle to cycle.
  many_files "$WORK/home/more" 300 100000
  drey_at A --json backup "$WORK/home" >"$WORK/cut" 2>&1 &
  client=$!
  sleep "0.$((RANDOM % 7))$((RANDOM % 10))"
  case $((cycle % 3)) in
    0) victims=(B) ;;
    1) victims=(A) ;;
    2) victims=(A C) ;;
  esac
  for name in "${victims[@]}"; do kill9 "$name"; done
  for name in "${victims[@]}"; do restarted "$name"; done
  if wait "$client"; then acknowledge "$(tail -n 1 "$WORK/cut")"; fi
  soon 20 peers_alive A 2 || fail "A does not see both peers again"
  rm -rf "$WORK/home/more"
done
holds "$cycles cycles, ${#acknowledged[@]} snapshots acknowledged, each restart within 10 s"

restores_all() { # restores_all NAME: every acknowledged snapshot, compared with its copy
  local i target=$WORK/restored
  for i in "${!acknowledged[@]}"; do
    expect 0 drey_at "$1" --json restore "${acknowledged[i]}" --target "$target"
    same_tree "$WORK/copy.$((i + 1))" "$target$WORK/home" >"$OUT" 2>&1 ||
      fail "snapshot $((i + 1)) differs as $1 restores it"
    rm -rf "$target"
  done
}
restores_all A
holds "A restores each of them: equal"
kill9 A
restores_all B
holds "B restores each of them with A dead: equal"
restarted A
expect 0 drey_at A --json backup "$WORK/home" --wait
same "protected" "$(summary .protected)" true
holds "and the next backup is protected"
