#!/usr/bin/env bash
# A household in a minute: three devices find each other by multicast, one backs up a real
# directory and is then destroyed, a new one gets everything back from a device that cannot read it.
#   test/demo/demo.sh [PROGRAM]        DREY_DEMO_SOURCE=DIR backs up something else
# Needs no root and leaves nothing behind. Each device has a network namespace of its own; where
# this machine does not permit that, they are ports of this machine. Exit 0: all was as it should.
set -uo pipefail

DREY=$(realpath -m "${1:-$(dirname "$0")/../../build/native/drey}")
[ -x "$DREY" ] || { echo "there is no program at $DREY; run make first" >&2; exit 2; }

# ---- A place of its own: namespaces end with the script and take every process along ----
if [ -z "${DREY_DEMO_WORK:-}" ]; then
  DREY_DEMO_WORK=$(mktemp -d "${TMPDIR:-/var/tmp}/drey-demo.XXXXXX") || exit 2
  export DREY_DEMO_WORK
  export XDG_STATE_HOME=$DREY_DEMO_WORK XDG_RUNTIME_DIR=$DREY_DEMO_WORK
  unset DREY_DIR DREY_SOCKET
  enter=(unshare --net --mount --pid --fork --mount-proc --kill-child)
  [ "$(id -u)" = 0 ] || enter+=(--user --map-root-user)
  if [ "${DREY_DEMO_LAN:-}" != loopback ] && command -v ip >/dev/null && "${enter[@]}" true 2>/dev/null; then
    export DREY_DEMO_LAN=namespaces
  else
    enter=()
    export DREY_DEMO_LAN=loopback
  fi
  "${enter[@]}" bash "$0" "$DREY" &
  child=$!
  trap 'kill -KILL "$child" 2>/dev/null' INT TERM
  wait "$child"
  status=$?
  chmod -R u+rwX "$DREY_DEMO_WORK" 2>/dev/null
  rm -rf "$DREY_DEMO_WORK"
  exit $status
fi
work=$DREY_DEMO_WORK
cd "$work" || exit 2

bold='' green='' red='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
fi
steps=0
step() { printf '\n%s%d. %s%s\n' "$bold" $((++steps)) "$*" "$plain"; }
tell() { printf '   %s\n' "$*"; }

declare -A pids=()
end_all() {
  local name
  for name in "${!pids[@]}"; do kill -KILL "${pids[$name]}" 2>/dev/null; done
}
trap end_all EXIT

exec 3>&1 # give_up() speaks even where the caller's output goes to a file
give_up() {
  exec >&3
  printf '\n%sThe demo failed: %s%s\n' "$red" "$*" "$plain"
  for log in "$work"/*.log; do
    [ -s "$log" ] || continue
    printf -- '---- the last lines of %s\n' "$(basename "$log")"
    tail -n 12 "$log"
  done
  exit 1
}
trap 'give_up "interrupted"' INT TERM

# ---- The LAN ----
devices=0
declare -A flags=()
plug_in() { # plug_in NAME
  local name=$1
  devices=$((devices + 1))
  if [ "$DREY_DEMO_LAN" = loopback ]; then
    flags[$name]="--listen [::]:$((47470 + devices)) --page 127.0.0.1:$((47480 + devices))"
    return
  fi
  if [ $devices = 1 ]; then
    mount -t tmpfs none /run && mkdir /run/netns || give_up "no place for network namespaces"
    ip link set lo up
    ip link add lan type bridge mcast_snooping 0 && ip link set lan up || give_up "no bridge"
  fi
  ip netns add "$name" &&
    ip link add "port$devices" type veth peer name eth0 netns "$name" &&
    ip link set "port$devices" master lan up &&
    ip -n "$name" link set lo up && ip -n "$name" link set eth0 up &&
    ip -n "$name" addr add "10.47.0.$devices/24" dev eth0 || give_up "no network for $name"
}
on() { # on NAME CMD...
  local name=$1
  shift
  if [ "$DREY_DEMO_LAN" = loopback ]; then
    "$@"
  else
    nsenter --net="/run/netns/$name" "$@"
  fi
}
drey() { # drey NAME ARGS...: fails the demo when it fails
  local name=$1
  shift
  on "$name" "$DREY" --dir "$work/$name" "$@" 2>"$work/drey.log" ||
    give_up "drey $1 on $name ended with $?"
}
switch_on() {
  local name=$1 command=("$DREY" --dir "$work/$1" run)
  [ "$DREY_DEMO_LAN" = loopback ] || command=(nsenter --net="/run/netns/$name" "${command[@]}")
  : >"$work/$name.log"
  # shellcheck disable=SC2086
  "${command[@]}" ${flags[$name]:-} >"$work/$name.log" 2>&1 </dev/null &
  pids[$name]=$!
  for ((i = 0; i < 150; ++i)); do
    grep -q '^ready' "$work/$name.log" && return
    kill -0 "${pids[$name]}" 2>/dev/null || give_up "the daemon of $name ended"
    sleep 0.1
  done
  give_up "the daemon of $name is not ready after 15 s"
}
switch_off() { # switch_off NAME [SIGNAL]
  kill "-${2:-TERM}" "${pids[$1]}"
  wait "${pids[$1]}" 2>/dev/null
  unset "pids[$1]"
}
let_in() { # let_in INVITER NAME ROLE
  local code='' inviter=$1 name=$2 begin
  on "$inviter" "$DREY" --dir "$work/$inviter" invite --role "$3" >"$work/code" 2>"$work/drey.log" &
  local inviting=$!
  for ((i = 0; i < 100; ++i)); do
    code=$(head -n 1 "$work/code")
    [ -n "$code" ] && break
    sleep 0.1
  done
  [ -n "$code" ] || give_up "no code from drey invite"
  begin=$(date +%s%3N)
  tell "$inviter: drey invite --role $3      $name: drey join $code"
  drey "$name" join "$code" --name "$name" >/dev/null
  wait "$inviting" || give_up "drey invite on $inviter failed"
  tell "found by multicast and taken in after $(($(date +%s%3N) - begin)) ms"
  switch_on "$name"
}
key() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p" "$2" | tail -n 1; } # key NAME JSONFILE

# ---- What is backed up ----
source_dir=${DREY_DEMO_SOURCE:-}
if [ -z "$source_dir" ]; then
  for source_dir in /usr/share/doc /usr/include /usr/share/man "$(dirname "$(dirname "$DREY")")"; do
    kib=$(du -sk "$source_dir" 2>/dev/null | cut -f 1)
    [ "${kib:-0}" -gt 2000 ] && [ "$kib" -lt 400000 ] && break
  done
fi
source_dir=$(realpath "$source_dir")

# ---- The story ----
begin=$SECONDS
echo "${bold}Drey keeps a household's files safe on its own devices.${plain}"
if [ "$DREY_DEMO_LAN" = namespaces ]; then
  echo "The devices are network namespaces on one bridge; nothing leaves this machine."
else
  echo "The devices are ports of this machine, which does not permit namespaces here."
fi

step "laptop is the first device of a mesh."
plug_in laptop
drey laptop --json init --name laptop --mesh home >init.json
phrase=$(key phrase init.json)
switch_on laptop
tell "Its recovery phrase, to be written on paper:"
tell "    $phrase"

step "pi, in the kitchen, becomes a full device."
plug_in pi
let_in laptop pi full

step "cellar becomes a vault: it stores sealed pieces and can read none of them."
plug_in cellar
let_in laptop cellar vault

step "laptop backs up $source_dir and waits for every copy."
drey laptop --json backup "$source_dir" --wait >backup.json
tell "$(key files backup.json) files, $(($(key bytes backup.json) / 1048576)) MiB: sealed and sent as \
$(key added_records backup.json) records of together $(($(key added_bytes backup.json) / 1048576)) MiB"
tell "verdict: $(key message backup.json)"
[ "$(key protected backup.json)" = true ] || give_up "the backup is not protected"

step "laptop is stolen (kill -9, its directory deleted). pi is away, too."
switch_off laptop KILL
rm -rf "${work:?}/laptop"
switch_off pi
tell "What is left: the vault in the cellar, and the paper."

step "newlaptop, fresh from the shop, reads the phrase and becomes a device of the mesh."
plug_in newlaptop
begin_ms=$(date +%s%3N)
drey newlaptop recover --name newlaptop <<<"$phrase" >/dev/null
tell "taken in after $(($(date +%s%3N) - begin_ms)) ms"
switch_on newlaptop

for ((i = 0; i < 200; ++i)); do # until it has found the vault
  on newlaptop "$DREY" --dir "$work/newlaptop" peers 2>/dev/null | grep -q '^cellar .*alive' && break
  sleep 0.1
done

step "newlaptop restores everything, from the vault alone."
begin_ms=$(date +%s%3N)
drey newlaptop --json restore latest --target "$work/restored" >restore.json
tell "$(key files restore.json) files, $(($(key bytes restore.json) / 1048576)) MiB in \
$(($(date +%s%3N) - begin_ms)) ms"

step "Compared with the original:"
listing() { (cd "$1" && find . \( -type f -printf '%P %y %m %T@ %s\0' \) -o -printf '%P %y %m %T@ %l\0' | sort -z); }
diff -r --no-dereference "$source_dir" "$work/restored$source_dir" >differences 2>&1 ||
  { head -n 5 differences; give_up "contents differ"; }
tell "contents and links: equal"
listing "$source_dir" >listing.1
listing "$work/restored$source_dir" >listing.2
cmp -s listing.1 listing.2 || give_up "modes or times differ"
tell "names, types, modes, sizes and times to the nanosecond: equal"

printf '\n%s%sVERDICT: the laptop is gone, its %s files are back, byte for byte (%d s).%s\n' \
  "$bold" "$green" "$(key files restore.json)" $((SECONDS - begin)) "$plain"
