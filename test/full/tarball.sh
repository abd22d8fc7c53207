#!/usr/bin/env bash
# The static program in a root that holds nothing else, as in the container image (FROM scratch): it
# makes a node, runs, backs up and restores. As root (chroot).
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
if [ -z "${DREY_TARBALL_WORK:-}" ]; then
  [ "$(id -u)" = 0 ] || { echo "skipped: tarball: it needs root"; exit 0; }
  DREY_TARBALL_WORK=$(mktemp -d "${TMPDIR:-/var/tmp}/drey-tarball.XXXXXX") || exit 2
  export DREY_TARBALL_WORK
  trap 'rm -rf "$DREY_TARBALL_WORK"' EXIT
  make -s tarball >"$DREY_TARBALL_WORK/log" 2>&1 || { tail -n 20 "$DREY_TARBALL_WORK/log"; echo "FAILED: make tarball"; exit 1; }
  # Its own network and processes: when they end, nothing is left behind.
  unshare --mount --pid --net --fork --mount-proc --kill-child bash "$0"
  exit $?
fi
root=$DREY_TARBALL_WORK/root log=$DREY_TARBALL_WORK/log
fail() { echo "FAILED: $*"; tail -n 20 "$log"; exit 1; }
mkdir -p "$root/data" "$root/home" "$DREY_TARBALL_WORK/tar"
tar -C "$DREY_TARBALL_WORK/tar" -xzf build/native/drey-*.tar.gz || fail "the tarball"
for name in drey drey.1 drey.service drey.bash drey.conf.example; do
  [ -s "$DREY_TARBALL_WORK"/tar/*/$name ] || fail "the tarball has no $name"
done
cp "$DREY_TARBALL_WORK"/tar/*/drey "$root/drey"
echo text >"$root/home/file"
ip link set lo up
alone() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DREY_DIR=/data DREY_SOCKET=/data/control.sock chroot "$root" /drey "$@"; }
alone init --name one --mesh try >"$log" 2>&1 || fail "init"
alone run >"$log" 2>&1 &
for _ in $(seq 100); do grep -q ^ready "$log" && break; sleep 0.2; done
grep -q ^ready "$log" || fail "not ready"
alone backup /home >"$log" 2>&1 || fail "backup"
alone restore latest --target /out >"$log" 2>&1 || fail "restore"
[ "$(cat "$root/out/home/file")" = text ] || fail "something else was restored"
echo "tarball: the static program works alone in an empty root"
