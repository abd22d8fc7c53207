# shellcheck shell=bash
# What every process test begins with:  source "$(dirname "$0")/lib.sh"
#
# Sourcing it starts the script again inside namespaces of its own (network, mounts, processes; as
# an ordinary user also a user namespace, in which it is root). There it has: one LAN (a bridge), one
# network namespace per device, /run of its own, a directory $WORK, and a time limit. When the
# script ends in any way, the process namespace ends with it: nothing is ever left behind.
#
# Lines of the script's head: "# seconds: N" its time limit (60 without), "# needs: root" for what
# only the machine's root can do.
#
#   lan A B C                  devices on one LAN, multicast IPv4 and IPv6
#   in_lan A CMD...            run CMD where device A is
#   drey_at A ARGS...          drey --dir A's directory ARGS, on device A
#   found A | admit A B ROLE   a new mesh with first device A (the phrase to $PHRASE); B joins
#   start A [FLAGS] | stop A | kill9 A
#   expect CODE CMD...         CMD must exit with CODE; its output goes to $OUT and $ERR
#   same WHAT A B | contains WHAT FILE PATTERN | at_most WHAT NUMBER MAX | fail WORDS
#   soon SECONDS CMD...        until CMD succeeds
#   holds WORDS                notes a fact that was shown
#   helper NAME                prints the path of the program NAME.cc
set -uo pipefail

LIB_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SCRIPT=$(realpath "$0")
NAME=$(basename "$SCRIPT" .sh)

# Where the test's directory goes: memory where there is plenty, so that the other work of this
# machine's disk does not slow the test; long tests use the disk. TMPDIR decides when it is set.
work_base() {
  local free
  free=$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)
  if [ -z "${TMPDIR:-}" ] && [[ $NAME != *_long ]] && [ "${free:-0}" -ge $((3 * 1024 * 1024)) ]; then
    # Memory file systems of older kernels keep no user attributes.
    local probe
    probe=$(mktemp /dev/shm/drey-probe.XXXXXX)
    if setfattr -n user.drey -v 1 "$probe" 2>/dev/null; then
      rm -f "$probe"
      echo /dev/shm
      return
    fi
    rm -f "$probe"
  fi
  echo "${TMPDIR:-/var/tmp}"
}

# The namespaces. --kill-child: whatever ends this process ends everything inside.
if [ "${DREY_INSIDE:-}" != "$SCRIPT" ]; then
  DREY=$(realpath -m "${1:-${DREY:-$LIB_DIR/../../build/native/drey}}")
  [ -x "$DREY" ] || { echo "$NAME: there is no program at $DREY; run make first" >&2; exit 2; }
  seconds=$(sed -n 's/^# seconds: *\([0-9]\+\).*/\1/p' "$SCRIPT" | head -n 1)
  WORK=$(mktemp -d "$(work_base)/drey-$NAME.XXXXXX") || exit 2
  export DREY WORK DREY_INSIDE=$SCRIPT HOME=$WORK XDG_STATE_HOME=$WORK XDG_RUNTIME_DIR=$WORK LC_ALL=C
  # The whole disk: how much of it is taken by default depends on the machine.
  export DREY_CAPACITY=1T
  unset DREY_DIR DREY_SOCKET DREY_PEER DREY_GROUP DREY_GROUP6 DREY_LISTEN DREY_PAGE
  as_root=()
  export DREY_REAL_ROOT=yes
  if [ "$(id -u)" != 0 ]; then
    as_root=(--user --map-root-user)
    DREY_REAL_ROOT=
  fi
  unshare "${as_root[@]}" --net --mount --pid --fork --mount-proc --kill-child \
    timeout --kill-after=5 "${DREY_TEST_SECONDS:-${seconds:-60}}" bash "$SCRIPT" "$@" &
  child=$!
  trap 'kill -KILL "$child"' INT TERM
  wait "$child"
  status=$?
  if [ -n "${DREY_KEEP:-}" ]; then
    echo "kept: $WORK" >&2
  else
    chmod -R u+rwX "$WORK" 2>/dev/null
    rm -rf "$WORK"
  fi
  exit $status
fi

cd "$WORK" || exit 2
# PROGRAMS[NAME]: what runs on device NAME, where that is not $DREY.
declare -A PIDS=() LOGS=() RUNS=() NUMBERS=() PROGRAMS=()
OUT=$WORK/out.txt ERR=$WORK/err.txt PHRASE=$WORK/phrase.txt
BEGIN_MS=$(date +%s%3N)
mkdir logs
: >"$OUT"
: >"$ERR"

# ---- Telling ----

holds() { printf '  %5d ms  %s\n' $(($(date +%s%3N) - BEGIN_MS)) "$*"; }

# Ends the test: what went wrong, what the last command said, the tail of every device's log.
fail() {
  trap - EXIT
  printf '  FAILED: %s\n' "$*"
  tail_of "last output" "$OUT"
  tail_of "last words" "$ERR"
  local name
  for name in "${!LOGS[@]}"; do
    tail_of "log of $name (pid ${PIDS[$name]:-gone})" "${LOGS[$name]}"
  done
  exit 1
}

tail_of() { # tail_of WHAT FILE
  [ -s "$2" ] || return 0
  printf '  ---- %s\n' "$1"
  tail -n 15 "$2" | cut -c 1-300 | tr -d '\0' | sed 's/^/  | /'
}

trap 'fail "the time limit is over"' TERM
trap 'status=$?; [ $status = 0 ] || fail "the script ended with $status near line $LINENO"' EXIT

# ---- Judging ----

expect() { # expect CODE CMD...
  local code=$1 got
  shift
  "$@" >"$OUT" 2>"$ERR" </dev/null
  got=$?
  [ "$got" = "$code" ] || fail "exit $got instead of $code: $*"
}

typing() { # typing FILE CMD...: CMD with FILE on its stdin
  local file=$1
  shift
  "$@" <"$file"
}

same() { # same WHAT A B
  [ "$2" = "$3" ] || fail "$1: '$2' instead of '$3'"
}

contains() { # contains WHAT FILE PATTERN (extended, any case)
  grep -qiE -- "$3" "$2" || fail "$1: nothing in $(basename "$2") matches '$3'"
}

at_most() { # at_most WHAT NUMBER MAX
  [ "$2" -le "$3" ] 2>/dev/null || fail "$1: $2, more than $3"
}

soon() { # soon SECONDS CMD...: false when CMD did not succeed in time
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.1
  done
}

# The last JSON line of $OUT: summary .key
summary() { tail -n 1 "$OUT" | jq -r "$1"; }

# ---- The LAN ----

lan() { # lan NAME...
  local name number
  if [ ! -d /run/netns ]; then
    mount -t tmpfs none /run && mkdir /run/netns || fail "cannot mount a /run of its own"
    ip link set lo up
    # Without a querier a snooping bridge would drop what it should flood.
    ip link add lan type bridge mcast_snooping 0 && ip link set lan up || fail "no bridge"
  fi
  for name in "$@"; do
    number=$((${#NUMBERS[@]} + 1))
    NUMBERS[$name]=$number
    ip netns add "$name" || fail "no network namespace"
    ip link add "port$number" type veth peer name eth0 netns "$name" || fail "no veth pair"
    ip link set "port$number" master lan up
    # Duplicate address detection would keep IPv6 silent for the first two seconds.
    in_lan "$name" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad' 2>/dev/null
    ip -n "$name" link set lo up
    ip -n "$name" link set eth0 up
    [ -n "${LAN_WITHOUT_IPV4:-}" ] || ip -n "$name" addr add "10.47.0.$number/24" dev eth0
  done
}

address_of() { echo "10.47.0.${NUMBERS[$1]}"; }

in_lan() { # in_lan NAME CMD...
  local name=$1
  shift
  nsenter --net="/run/netns/$name" "$@"
}

# ---- Devices ----

drey_at() { # drey_at NAME ARGS...
  local name=$1
  shift
  nsenter --net="/run/netns/$name" "${PROGRAMS[$name]:-$DREY}" --dir "$WORK/$name" "$@"
}

start() { # start NAME [FLAGS...]: waits for the line "ready"
  local name=$1 log
  shift
  RUNS[$name]=$((${RUNS[$name]:-0} + 1))
  log=$WORK/logs/$name.${RUNS[$name]}
  LOGS[$name]=$log
  : >"$log"
  # Without a shell in between, so that $! is the daemon itself.
  # shellcheck disable=SC2086
  nsenter --net="/run/netns/$name" ${RUN_WITH:-} "${PROGRAMS[$name]:-$DREY}" --dir "$WORK/$name" run "$@" \
    >"$log" 2>&1 </dev/null &
  PIDS[$name]=$!
  local limit=${READY_SECONDS:-15}
  local end=$((SECONDS + limit))
  until grep -q '^ready' "$log"; do
    running "$name" || fail "the daemon of $name ended instead of becoming ready"
    [ $SECONDS -lt $end ] || fail "the daemon of $name is not ready after $limit s"
    sleep 0.05
  done
}

running() { [ -n "${PIDS[$1]:-}" ] && kill -0 "${PIDS[$1]}" 2>/dev/null; }

stop() { # stop NAME: a clean stop within 10 s, exit 0
  local pid=${PIDS[$1]} status
  running "$1" || fail "the daemon of $1 had ended already"
  kill -TERM "$pid"
  soon 10 gone "$pid" || fail "the daemon of $1 still runs 10 s after SIGTERM"
  wait "$pid"
  status=$?
  unset "PIDS[$1]"
  [ $status = 0 ] || fail "the daemon of $1 ended with $status after SIGTERM"
}

# True for a process that ended, reaped or not.
gone() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.*Z' "/proc/$1/status" 2>/dev/null; }

kill9() { # kill9 NAME
  kill -KILL "${PIDS[$1]}" || fail "the daemon of $1 had ended already"
  wait "${PIDS[$1]}" 2>/dev/null
  unset "PIDS[$1]"
}

found() { # found NAME [FLAGS...]: a new mesh; the daemon runs
  local name=$1
  shift
  expect 0 drey_at "$name" --json init --name "$name" --mesh test "$@"
  summary .phrase >"$PHRASE"
  [ "$(wc -w <"$PHRASE")" = 10 ] || fail "init showed no phrase of ten words"
  start "$name"
}

# Opens an invitation on INVITER; its code to $CODE, its process to $INVITING.
invite() { # invite INVITER [FLAGS...]
  local inviter=$1 log
  shift
  log=$WORK/logs/invite
  : >"$log"
  drey_at "$inviter" --json invite "$@" >"$log" 2>&1 </dev/null &
  INVITING=$!
  LOGS[invitation]=$log
  soon 10 grep -q '"code"' "$log" || fail "no code from drey invite on $inviter"
  CODE=$(jq -r 'select(.type == "code").code' "$log" | head -n 1)
}

admit() { # admit INVITER NEW full|vault: NEW joins by multicast and runs
  local inviter=$1 name=$2 role=$3
  invite "$inviter" --role "$role"
  expect 0 drey_at "$name" --json join "$CODE" --name "$name"
  same "role told by join" "$(summary .role)" "$role"
  wait "$INVITING" || fail "drey invite on $inviter did not end well after the join"
  unset "LOGS[invitation]"
  start "$name"
}

peers_alive() { # peers_alive NAME COUNT
  local alive
  alive=$(drey_at "$1" --json peers 2>/dev/null | jq '[.[] | select(.state == "alive")] | length')
  [ "${alive:-0}" -ge "$2" ]
}

# A is the origin, B full, C a vault; all connected.
three_devices() {
  lan A B C "$@"
  found A
  admit A B full
  admit A C vault
  soon 20 peers_alive A 2 || fail "A does not see both peers alive after 20 s"
}

peak_kib() { awk '/^VmHWM:/ { print $2 }' "/proc/${PIDS[$1]}/status"; }
status_of() { drey_at "$1" --json status | jq -r "$2"; } # status_of NAME .json.path
knows() { [ "$(status_of "$1" .mesh.nodes)" -ge "$2" ]; } # knows NAME COUNT: members of the mesh
listed() { drey_at "$1" --json snapshots | jq -e --arg id "$2" 'any(.[]; .id == $id)'; } # listed NAME ID

# A helper program beside this script: as the build left it, else compiled here.
helper() { # helper NAME: prints its path
  local place
  for place in "$(dirname "$DREY")/obj/test/$1" "$(dirname "$DREY")/test/$1"; do
    [ -x "$place" ] && echo "$place" && return
  done
  c++ -std=c++20 -O1 -o "$WORK/$1" "$LIB_DIR/$1.cc" && echo "$WORK/$1"
}
