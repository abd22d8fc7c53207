#!/usr/bin/env bash
# A disk that somebody fills to its last block: earlier snapshots restore all the time, new data are
# refused with words at once and without endless retries, a kill and a start in that state lose
# nothing, and space that is freed by hand is used again. On tmpfs; DREY_TEST_EXT4=yes: on a real
# ext4 as well, as root. DREY_TEST_CYCLES: how often (1).
# seconds: 120
source "$(dirname "$0")/lib.sh"
source "$LIB_DIR/trees.sh"
source "$LIB_DIR/disks.sh"

cycles=${DREY_TEST_CYCLES:-1}
looks=$((cycles + 1))
lan A

fill() { # the last block included
  fallocate -l "$1" "$WORK/A/ballast" || fail "no room for the ballast"
  head -c 4G /dev/zero >"$WORK/A/ballast2" 2>/dev/null
  [ "$(df --output=avail -k "$WORK/A" | tail -n 1)" -lt 64 ] || fail "the disk is not full"
}
empty() { rm -f "$WORK/A/ballast" "$WORK/A/ballast2"; }

refused_with_words() { # within a second; the limit is for busy machines
  local begin took
  begin=$(date +%s%3N)
  expect 1 drey_at A backup "$WORK/home"
  took=$(($(date +%s%3N) - begin))
  contains "words for a full disk" "$ERR" 'no space|full'
  contains "what becomes of earlier snapshots" "$ERR" 'earlier snapshots are safe'
  at_most "milliseconds until the backup was refused" "$took" 5000
  [ "$took" -le "${SLOWEST_WORDS:=0}" ] || SLOWEST_WORDS=$took
}

spent() { # processor time of A in ms, and the lines it logged
  spent_ms "${PIDS[A]}"
  wc -l <"${LOGS[A]}"
}

no_endless_retries() { # for some seconds after a refusal
  local before after
  mapfile -t before < <(spent)
  sleep 3
  mapfile -t after < <(spent)
  at_most "milliseconds of processor time in 3 s" $((after[0] - before[0])) 1500
  at_most "lines logged in 3 s" $((after[1] - before[1])) 10
}

new_data() {
  edit_home "$1"
  head -c 3M /dev/urandom >"$WORK/home/new"
}

whole_life() { # whole_life KIND
  found A
  for ((cycle = 1; cycle <= cycles; ++cycle)); do
    new_data $((cycle * 10))
    acknowledged A || fail "a backup is refused though there is room"
    fill 150M
    for ((second = 0; second < looks; ++second)); do
      restores_newest A
      new_data $((cycle * 10 + second))
      refused_with_words
      sleep 0.7
    done
    no_endless_retries
    restores_some A
    pid=${PIDS[A]}
    empty
    soon 30 acknowledged A || fail "no backup 30 s after space was freed"
    running A && same "the process" "${PIDS[A]}" "$pid"
    restores_newest A

    fill 150M
    refused_with_words
    for how in kill9 kill9 stop kill9; do # the disk stays full all the time
      $how A
      starts_again A
      restores_newest A
      refused_with_words
    done
    empty
    new_data $((cycle * 10 + 5))
    soon 30 acknowledged A || fail "no backup 30 s after space was freed, after a restart"
  done
  restores_all A
  holds "$1: refused within $SLOWEST_WORDS ms, $(acknowledged_count) snapshots restore, freed space is used"
  stop A
}

mkdir "$WORK/home"
mkdir "$WORK/A" && mount -t tmpfs -o size=500M,mode=0700 none "$WORK/A" || fail "no tmpfs"
whole_life tmpfs
umount "$WORK/A"
rm -f "$WORK/ids"
[ -n "${DREY_TEST_EXT4:-}" ] || exit 0
[ -n "$DREY_REAL_ROOT" ] || skip "ext4 needs root"
card A 500
whole_life ext4
