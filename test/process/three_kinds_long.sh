#!/usr/bin/env bash
# One mesh of three kinds of machine: this one, 64-bit ARM and a Pi Zero (ARMv6), the latter two
# emulated. Each backs up a tree of its own; each restores what the others saved; the trees come back
# equal whatever the widths and alignments of the machine that cut, kept or restored them.
# Needs: make BOARD=generic-arm64 program and make BOARD=pi-zero program (test/run kinds does).
# seconds: 400
source "$(dirname "$0")/lib.sh"
source "$LIB_DIR/trees.sh"
builds=$LIB_DIR/../../build

# A program that runs the board's under the emulator its toolchain file names. exec: the daemon's
# process is the emulator's.
emulated() { # emulated NAME BOARD
  local emulator program=$builds/$2/drey
  emulator=$(sed -n 's/^ *set(CMAKE_CROSSCOMPILING_EMULATOR \(.*\))$/\1/p' "$LIB_DIR/../../boards/$2/toolchain.cmake")
  command -v "${emulator%% *}" >/dev/null || { echo "skipped: no ${emulator%% *} here"; trap - EXIT; exit 77; }
  [ -x "$program" ] || { echo "skipped: make BOARD=$2 program first"; trap - EXIT; exit 77; }
  mkdir -p "$WORK/bin"
  printf '#!/bin/sh\nexec %s %s "$@"\n' "$emulator" "$(realpath "$program")" >"$WORK/bin/$1"
  chmod +x "$WORK/bin/$1"
  PROGRAMS[$1]=$WORK/bin/$1
}

emulated B generic-arm64
emulated C pi-zero
READY_SECONDS=60
lan A B C
# An emulator of programs lists no interfaces to join a group on: they are told where the others are.
at() { echo "$(address_of "$1"):4747"; }
found A
for name in B C; do
  invite A --role full
  expect 0 drey_at "$name" --json join "$CODE" --name "$name" --peer "$(at A)"
  same "role told by join" "$(summary .role)" full
  wait "$INVITING" || fail "drey invite did not end well after $name joined"
  unset "LOGS[invitation]"
  start "$name" --peer "$(at A)" --peer "$(at "$([ "$name" = B ] && echo C || echo B)")"
done
for name in A B C; do
  soon 60 peers_alive "$name" 2 || fail "$name does not see both others"
done
holds "x86-64, arm64 and ARMv6 are one mesh"

for name in A B C; do
  many_files "$WORK/home-$name/small" 200 700 && many_files "$WORK/home-$name/medium" 6 150000 ||
    fail "cannot make a tree"
  seq 200000 >"$WORK/home-$name/text of $name"
  odd_tree "$WORK/home-$name/odd"
done
for name in A B C; do
  expect 0 drey_at "$name" --json backup "$WORK/home-$name" --wait
  same "protected on $name" "$(summary .protected)" true
  holds "$name backed up $(summary .files) files, $(summary .bytes) bytes; protected"
done

has_snapshot_of() { drey_at "$1" --json snapshots | jq -e --arg of "$2" 'any(.[]; .node == $of)'; }
restored_equal() { # restored_equal BY OF: the snapshot of OF, as device BY restores it
  local target=$WORK/restored
  soon 60 has_snapshot_of "$1" "$2" || fail "$1 does not know of the snapshot of $2"
  expect 0 drey_at "$1" --json restore "$2:latest" --target "$target"
  same "missing pieces" "$(summary .missing)" 0
  same_tree "$WORK/home-$2" "$target$WORK/home-$2" >"$OUT" 2>&1 || fail "$1 restored $2 differently"
  chmod -R u+rwX "$target" && rm -rf "$target"
}

for by in A B C; do
  for of in A B C; do
    restored_equal "$by" "$of"
  done
  holds "$by restores all three: equal"
done

kill9 A
rm -rf "${WORK:?}/A"
restored_equal C A
holds "A killed and wiped: the Pi Zero restores its backup"
for name in B C; do stop "$name"; done
holds "all stopped cleanly"
