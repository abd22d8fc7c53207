#!/usr/bin/env bash
# One write or sync of the store stalls, as a card does that is busy with itself: page, status and
# peers go on meanwhile, nobody is called dead, and the backup ends well. DREY_TEST_STALLS: how long,
# in seconds ("2"). DREY_TEST_FREEZE=yes: the whole file system stands still as well, as root.
# seconds: 120
source "$(dirname "$0")/lib.sh"
source "$LIB_DIR/trees.sh"
source "$LIB_DIR/disks.sh"

read -ra stalls <<<"${DREY_TEST_STALLS:-2}"
lan A B
[ -z "${DREY_TEST_FREEZE:-}" ] || card A 600
mkdir "$WORK/home"
edit_home 0
found A
admit A B full
soon 20 peers_alive A 1 || fail "A does not see B"
acknowledged A || fail "the first backup is refused"

# Asks A for status and page, and B for its peers, all the time; the slowest answer to $SLOWEST.
watch() { # watch PID: while PID runs
  local begin took
  SLOWEST=0 ANSWERS=0
  while kill -0 "$1" 2>/dev/null; do
    begin=$(date +%s%3N)
    in_lan A curl -sf -m 20 http://127.0.0.1:4748/api/v1/status >"$OUT" || fail "the page is silent"
    took=$(($(date +%s%3N) - begin))
    [ "$took" -le "$SLOWEST" ] || SLOWEST=$took
    ANSWERS=$((ANSWERS + 1))
    same "peers that A calls alive" "$(jq '[.peers[] | select(.state == "alive")] | length' "$OUT")" 1
    peers_alive B 1 || fail "B calls A dead"
    sleep 0.1
  done
}

stalled_for() { # stalled_for SECONDS CALL: by strace, the next CALL of A's store
  local begin
  edit_home "$RANDOM"
  strace -f -p "${PIDS[A]}" --seccomp-bpf -o "$WORK/strace" -e "trace=$2" \
    -e "inject=$2:delay_enter=$1s:when=1" 2>"$ERR" &
  local tracer=$!
  soon 10 grep -q '^TracerPid:[^0]*[1-9]' "/proc/${PIDS[A]}/status" || skip "strace cannot attach"
  begin=$(date +%s%3N)
  acknowledged A &
  local backup=$!
  watch "$backup"
  wait "$backup" || fail "the backup was refused after $2 had stalled for $1 s"
  kill "$tracer"
  wait "$tracer" 2>/dev/null
  grep -q DELAYED "$WORK/strace" || fail "no $2 was delayed"
  judge "$2" "$1" "$begin"
}

judge() { # judge WHAT SECONDS BEGIN
  local took=$(($(date +%s%3N) - $3))
  [ "$took" -ge $(($2 * 900)) ] || fail "$1 did not stall"
  # Nothing waits for the disk: answers come as on any busy machine.
  at_most "milliseconds of the slowest answer" "$SLOWEST" 3000
  restores_newest A
  holds "$1 stalled for $2 s: $ANSWERS answers, the slowest after $SLOWEST ms; peers stay alive"
}

frozen_for() { # frozen_for SECONDS
  local begin
  edit_home "$RANDOM"
  # Thawed whatever becomes of this test.
  (trap '' TERM; sleep "$1"; fsfreeze -u "$WORK/A") &
  fsfreeze -f "$WORK/A" || fail "cannot freeze the card"
  begin=$(date +%s%3N)
  acknowledged A &
  local backup=$!
  watch "$backup"
  wait "$backup" || fail "the backup was refused after the card had stood still for $1 s"
  judge "the file system" "$1" "$begin"
}

for seconds in "${stalls[@]}"; do
  stalled_for "$seconds" fdatasync
  stalled_for "$seconds" pwrite64
  [ -z "${DREY_TEST_FREEZE:-}" ] || frozen_for "$seconds"
done
restores_all A
running B || fail "B ended"
