#!/usr/bin/env bash
# The Debian package on a fresh Debian: install, drey setup with answers on stdin, a scheduled backup,
# the verdict, restore, reinstall, purge that keeps data. And what systemd says about the units. As root,
# with debootstrap and a mirror: the one that this machine's apt has.
#   DREY_DEB=FILE       the package (default: make deb)
#   DREY_ROOT_TAR=FILE  a root made by debootstrap earlier; written when it is not there
#   DREY_SUITE=NAME     bookworm (default) or trixie
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
suite=${DREY_SUITE:-bookworm}
skip() { echo "skipped: package on $suite: $*"; exit 0; }
log=/dev/null
fail() { echo "FAILED: $*"; tail -n 30 "$log"; exit 1; }
holds() { printf '  %4d s  %s\n' "$SECONDS" "$*"; }
soon() { # soon SECONDS CMD...
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || return 1; sleep 0.3; done
}

# Everything runs in namespaces of its own: when they end, nothing is left behind.
if [ -z "${DREY_PACKAGE_WORK:-}" ]; then
  [ "$(id -u)" = 0 ] || skip "it needs root"
  command -v debootstrap >/dev/null || skip "it needs debootstrap"
  DREY_PACKAGE_WORK=$(mktemp -d "${TMPDIR:-/var/tmp}/drey-package.XXXXXX") || exit 2
  export DREY_PACKAGE_WORK
  root=$DREY_PACKAGE_WORK/root log=$DREY_PACKAGE_WORK/log
  trap 'rm -rf "$DREY_PACKAGE_WORK"' EXIT
  if [ -z "${DREY_DEB:-}" ]; then
    make -s deb >"$log" 2>&1 || fail "make deb"
    DREY_DEB=$(ls -t build/native/drey_*.deb | head -n 1)
  fi
  mkdir "$root"
  if [ -e "${DREY_ROOT_TAR:-}" ]; then
    tar -C "$root" -xf "$DREY_ROOT_TAR"
  else
    mirror=$(apt-get indextargets --format '$(ORIGIN)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
      sed -n 's/^Debian|//p' | grep -v security | head -n 1)
    # Unpacking root file systems needs mknod: not in every container.
    debootstrap --variant=minbase --include=adduser "$suite" "$root" ${mirror:+"$mirror"} >"$log" 2>&1 ||
      { tail -n 3 "$log"; skip "debootstrap cannot make a root here"; }
    [ -z "${DREY_ROOT_TAR:-}" ] || tar -C "$root" -cf "$DREY_ROOT_TAR" .
  fi
  cp "$DREY_DEB" "$root/tmp/drey.deb"
  holds "a fresh Debian: $(cat "$root/etc/debian_version")"
  unshare --mount --pid --net --fork --mount-proc --kill-child bash "$0"
  exit $?
fi

root=$DREY_PACKAGE_WORK/root log=$DREY_PACKAGE_WORK/log
trap 'fail "interrupted"' INT TERM
ip link set lo up
ip link set lo multicast on
mount --bind "$root" "$root" && mount -t proc proc "$root/proc" && mount -t tmpfs none "$root/run" &&
  mount -t tmpfs none "$root/dev" && mkdir "$root/dev/shm" || fail "no mounts"
for device in null zero full random urandom tty; do
  : >"$root/dev/$device" && mount --bind "/dev/$device" "$root/dev/$device" || fail "no /dev/$device"
done
in_root() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"; }
told() { in_root "$@" >"$log" 2>&1 || fail "$* ended with $?"; }
says() { grep -qE -- "$1" "$log" || fail "nothing says: $1"; }

told apt-get install -y --no-install-recommends /tmp/drey.deb
says 'Next: sudo drey setup'
told drey --version
told sh -c 'test "$(stat -c %U:%a /var/lib/drey)" = drey:700'
told sh -c 'zcat /usr/share/man/man1/drey.1.gz | grep -q "drey whatif"'
holds "apt install ./drey.deb"

# The first device is the service's, as its user and with its capability; two more stand beside it.
mkdir -p "$root/home/ann/Documents"
echo "dear diary" >"$root/home/ann/Documents/diary"
chmod 700 "$root/home/ann" "$root/home/ann/Documents"
printf '%s\n' new here 2G >"$root/tmp/answers"
told sh -c 'drey setup --name attic --mesh test </tmp/answers'
says '^ +[a-z]{5}[ -][a-z]{5}'
told drey config check
told sh -c 'test "$(stat -c %U /var/lib/drey/drey.keys)" = drey'
told sh -c 'mkdir -p /run/drey && chown drey:drey /run/drey'
run_service() {
  in_root setpriv --reuid drey --regid drey --clear-groups --inh-caps=-all,+dac_read_search \
    --ambient-caps=-all,+dac_read_search --bounding-set=-all,+dac_read_search --no-new-privs \
    drey --dir /var/lib/drey run >"$DREY_PACKAGE_WORK/attic.log" 2>&1 &
  SERVICE=$!
  soon 30 grep -q ^ready "$DREY_PACKAGE_WORK/attic.log" || { log=$DREY_PACKAGE_WORK/attic.log; fail "the service is not ready"; }
}
run_service
for name in shed cellar; do
  in_root drey invite >"$DREY_PACKAGE_WORK/code-$name" 2>/dev/null &
  soon 10 test -s "$DREY_PACKAGE_WORK/code-$name" || fail "no code"
  { head -n 1 "$DREY_PACKAGE_WORK/code-$name"; echo here; echo 1G; } >"$root/tmp/answers"
  mkdir -p "$root/root/$name-files"
  told sh -c "drey --dir /srv/$name setup --name $name --path /root/$name-files --peer 127.0.0.1:4747 </tmp/answers"
  says "$name is now a full device of the mesh test"
  port=$((4750 + ${#name}))
  in_root drey --dir "/srv/$name" run --listen "127.0.0.1:$port" --page "127.0.0.1:$((port + 20))" \
    --peer 127.0.0.1:4747 >"$DREY_PACKAGE_WORK/$name.log" 2>&1 &
  soon 30 grep -q ^ready "$DREY_PACKAGE_WORK/$name.log" || { log=$DREY_PACKAGE_WORK/$name.log; fail "$name is not ready"; }
done
holds "drey setup three times, with answers on stdin"

safe() { in_root drey status | grep -q 'Every backup of this device is on 2 other devices'; }
soon 90 safe || { in_root drey status >"$log" 2>&1; fail "the scheduled backup is not protected"; }
told drey status
says 'backup home: last .* ago, next in'
told drey restore latest --target /tmp/back
[ "$(cat "$root/tmp/back/home/ann/Documents/diary")" = "dear diary" ] || fail "restored something else"
holds "a scheduled backup of a private folder, protected, restored"

# An upgrade (here: the same again) keeps everything; the daemon may run meanwhile.
told apt-get install -y --reinstall --no-install-recommends /tmp/drey.deb
told drey status
daemon=$(pgrep -x -f 'drey --dir /var/lib/drey run') && kill -TERM "$daemon" || fail "the service is gone"
ended() { ! kill -0 "$daemon"; }
soon 20 ended || fail "the service does not stop"
told apt-get purge -y drey
says 'keys and pieces stay in /var/lib/drey'
[ -e "$root/var/lib/drey/drey.keys" ] || fail "purge took the keys"
[ ! -e "$root/etc/drey/drey.conf" ] || fail "purge left the settings"
told apt-get install -y --no-install-recommends /tmp/drey.deb
told sh -c 'mkdir -p /run/drey && chown drey:drey /run/drey'
run_service
told drey restore latest --target /tmp/again
[ "$(cat "$root/tmp/again/home/ann/Documents/diary")" = "dear diary" ] || fail "after the purge: something else"
holds "reinstalled, purged, installed: the data is there"

if command -v systemd-analyze >/dev/null; then
  mkdir "$DREY_PACKAGE_WORK/units"
  for unit in drey drey-notify; do
    sed 's|/usr/bin/drey|/bin/true|; /^Documentation/d' "platform/package/$unit.service" >"$DREY_PACKAGE_WORK/units/$unit.service"
  done
  systemd-analyze verify "$DREY_PACKAGE_WORK"/units/*.service >"$log" 2>&1 || fail "systemd-analyze verify"
  [ ! -s "$log" ] || fail "systemd-analyze verify has words"
  systemd-analyze security --offline=yes --threshold=15 "$DREY_PACKAGE_WORK/units/drey.service" >"$log" 2>&1 ||
    fail "the unit is exposed more than 1.5"
  holds "the unit: $(tail -n 1 "$log" | sed 's/^[^O]*//;s/ [^ ]*$//')"
fi
if command -v lintian >/dev/null; then
  lintian --fail-on error,warning "$root/tmp/drey.deb" >"$log" 2>&1 || fail "lintian"
  holds "lintian: nothing but the listed reasons"
fi
echo "package on $suite: well"
