# shellcheck shell=bash
# Cards of real ext4 on loop devices for the process tests, an oracle of what was acknowledged, and
# a worker that backs up without pause. Sourced after lib.sh and trees.sh; needs the machine's root.
#
#   seeded                        RANDOM from DREY_TEST_SEED or a seed of its own, printed
#   card NAME MIB [OPTIONS]       a new ext4, mounted where device NAME has its directory
#   insert NAME [OPTIONS] | eject NAME | card_device NAME
#   cut_power NAME                nothing that was not synced survives (FS_IOC_SHUTDOWN, no log flush)
#   edit_home SEED                another state of $WORK/home
#   acknowledged NAME             one backup by NAME; when it is acknowledged, the oracle knows it
#   work NAME | rest              such backups one after the other in the background, until rest
#   restores NAME ID [DEVICE_OF_TARGET...] | restores_newest NAME | restores_all NAME

# Ends the test as not run: this machine cannot do it. The runner names it.
skip() {
  trap - EXIT
  echo "skipped: $*"
  exit 77
}

seeded() {
  SEED=${DREY_TEST_SEED:-$((RANDOM * 32768 + RANDOM))}
  RANDOM=$((SEED % 32768))
  holds "seed $SEED (DREY_TEST_SEED=$SEED repeats the choices)"
}

between() { echo $(($1 + (RANDOM * 32768 + RANDOM) % ($2 - $1 + 1))); } # between FROM TO
pause_ms() { sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"; }

card() { # card NAME MIB [OPTIONS]
  local name=$1 mib=$2
  shift 2
  truncate -s "${mib}M" "$WORK/$name.img" && mkfs.ext4 -q -F -m 0 "$WORK/$name.img" ||
    skip "no mkfs.ext4"
  mkdir -p "$WORK/$name"
  insert "$name" "$@" || skip "no loop device"
  chmod 0700 "$WORK/$name"
  rmdir "$WORK/$name/lost+found"
}

insert() { mount -o "loop${2:+,$2}" "$WORK/$1.img" "$WORK/$1" 2>>"$WORK/logs/mount"; }
eject() { umount "$WORK/$1" || fail "the card of $1 is still in use"; }
card_device() { basename "$(findmnt -no SOURCE "$WORK/$1")"; }

cut_power() { "$CUT_POWER" "$WORK/$1" || fail "the file system cannot be shut down"; }

# ---- The oracle: ids of acknowledged snapshots, and what their trees were like ----

ORACLE=$WORK/oracle
mkdir -p "$ORACLE"

# Everything that same_tree compares, but for holes.
describe() { # describe DIR
  (cd "$1" && list_listing && list_contents && list_hardlinks && list_attributes) | tr '\0' '\n'
}

edit_home() { # edit_home NUMBER: some files are new, some changed, some gone
  local folder=$WORK/home/set$(($1 % 7))
  rm -rf "$folder"
  many_files "$folder" $((20 + $1 % 30)) $((500 + $1 * 7919 % 60000)) || return 1
  head -c $((300000 + $1 * 65537 % 1500000)) /dev/urandom >"$WORK/home/big$(($1 % 3))" || return 1
  echo "edit $1" >"$WORK/home/note"
}

# False when the backup was refused. With the file $WORK/resting, nobody is told why.
acknowledged() { # acknowledged NAME
  local id
  describe "$WORK/home" >"$WORK/described.$1"
  drey_at "$1" --json backup "$WORK/home" >"$WORK/acknowledged.$1" 2>"$WORK/refused.$1" </dev/null ||
    return 1
  id=$(tail -n 1 "$WORK/acknowledged.$1" | jq -r .snapshot)
  [ "${#id}" -ge 16 ] || return 1
  mv "$WORK/described.$1" "$ORACLE/$id"
  echo "$id" >>"$WORK/ids"
}

work() { # work NAME FIRST_EDIT: backs up again and again, in the background, until rest
  rm -f "$WORK/resting"
  (
    trap - EXIT TERM
    edit=$2
    while [ ! -e "$WORK/resting" ]; do
      edit_home "$edit"
      edit=$((edit + 1))
      acknowledged "$1" || sleep 0.02
    done
  ) &
  WORKER=$!
}
rest() {
  : >"$WORK/resting"
  wait "$WORKER"
}

acknowledged_count() { wc -l <"$WORK/ids"; }

restores() { # restores NAME ID
  local target=$WORK/restored.$1
  rm -rf "$target"
  drey_at "$1" --json restore "$2" --target "$target" >"$OUT" 2>"$ERR" </dev/null ||
    fail "$1 does not restore the acknowledged snapshot $2"
  describe "$target$WORK/home" >"$WORK/described"
  cmp -s "$ORACLE/$2" "$WORK/described" || {
    diff "$ORACLE/$2" "$WORK/described" >"$OUT"
    fail "$1 restores the acknowledged snapshot $2 differently"
  }
  rm -rf "$target"
}
restores_newest() { restores "$1" "$(tail -n 1 "$WORK/ids")"; }
restores_all() {
  local id
  while read -r id; do restores "$1" "$id"; done <"$WORK/ids"
}
# The newest, and one of the earlier ones.
restores_some() { # restores_some NAME
  restores_newest "$1"
  restores "$1" "$(sed -n "$(between 1 "$(acknowledged_count)")p" "$WORK/ids")"
}

waited_ms() { # waited_ms PID: how long its first thread was ready to run, and did not
  awk '{ printf "%d", $2 / 1000000 }' "/proc/$1/schedstat" 2>/dev/null
}

spent_ms() { # spent_ms PID: processor time
  awk -v tick="$(getconf CLK_TCK)" '{ print int(($14 + $15) * 1000 / tick) }' "/proc/$1/stat"
}

# Ready within 10 s, not counting what a busy machine lets the daemon wait for a processor.
starts_again() { # starts_again NAME
  local begin took waited
  begin=$(date +%s%3N)
  READY_SECONDS=60 start "$1"
  took=$(($(date +%s%3N) - begin))
  waited=$(waited_ms "${PIDS[$1]}")
  [ "$((took - waited))" -le "${SLOWEST_START:=0}" ] || SLOWEST_START=$((took - waited))
  [ -z "${DREY_TEST_STARTS:-}" ] ||
    holds "ready after $took ms, $(spent_ms "${PIDS[$1]}") ms spent, $waited ms waited"
  at_most "milliseconds until $1 was ready, $waited ms of waiting left out" $((took - waited)) 10000
}
