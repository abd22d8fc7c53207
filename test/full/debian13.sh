#!/usr/bin/env bash
# Builds in a Debian 13 root made by debootstrap (mbedTLS 3.6, libuv 1.50, GCC 14) and runs the unit
# tests there. As root, with debootstrap and a mirror: the one that this machine's apt has.
#   DREY_ROOT_TAR13=FILE  a root with the packages to build with; written when it is not there
#   DREY_TARGETS='...'    what ninja builds (default: everything); the tests among it run
#   DREY_JOBS=N           compilers at once (default: cores)
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
suite=trixie
skip() { echo "skipped: debian13: $*"; exit 0; }
fail() { echo "FAILED: $*"; tail -n 40 "$log"; exit 1; }
holds() { printf '  %4d s  %s\n' "$SECONDS" "$*"; }
[ "$(id -u)" = 0 ] || skip "it needs root"
command -v debootstrap >/dev/null || skip "it needs debootstrap"

work=$(mktemp -d "${TMPDIR:-/var/tmp}/drey-debian13.XXXXXX") || exit 2
root=$work/root log=$work/log
trap 'rm -rf "$work"' EXIT
mkdir "$root"
: >"$log"
in_root() {
  # Processes that are left over end with the namespace.
  unshare --mount --pid --fork --kill-child sh -c 'mount --bind "$0" "$0" && mount -t proc none "$0/proc" &&
    mount -t tmpfs none "$0/dev/shm" && exec chroot "$0" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
    LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"' "$root" "$@"
}
if [ -e "${DREY_ROOT_TAR13:-}" ]; then
  tar -C "$root" -xf "$DREY_ROOT_TAR13"
else
  mirror=$(apt-get indextargets --format '$(ORIGIN)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    sed -n 's/^Debian|//p' | grep -v security | head -n 1)
  debootstrap --variant=minbase "$suite" "$root" ${mirror:+"$mirror"} >"$log" 2>&1 ||
    { tail -n 3 "$log"; skip "debootstrap cannot make a root here"; }
  cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null
  cp platform/cmake/deps.sh "$root/tmp/deps.sh"
  cp /etc/apt/apt.conf.d/*proxy* "$root/etc/apt/apt.conf.d/" 2>/dev/null
  in_root bash -c 'apt-get update && bash /tmp/deps.sh --list build > /tmp/names &&
    names= && while read -r entry; do
      for name in ${entry//|/ }; do apt-cache show "$name" >/dev/null 2>&1 && { names="$names $name"; break; }; done
    done </tmp/names && apt-get install -y --no-install-recommends $names libgtest-dev iproute2' >"$log" 2>&1 ||
    fail "the packages to build with"
  [ -z "${DREY_ROOT_TAR13:-}" ] || tar -C "$root" -cf "$DREY_ROOT_TAR13" .
fi
holds "Debian $(cat "$root/etc/debian_version"), $(in_root c++ --version | head -n 1)"

mkdir "$root/drey"
git ls-files -z | xargs -0 tar -cf - | tar -C "$root/drey" -xf -
in_root sh -c "cd /drey && cmake -G Ninja -B build -S . -DBOARD=sim && nice ninja -C build -j ${DREY_JOBS:-$(nproc)} ${DREY_TARGETS:-}" \
  >"$log" 2>&1 || fail "it does not build"
holds "built: mbedTLS $(in_root dpkg-query -W -f='${Version}' libmbedtls-dev), libuv $(in_root dpkg-query -W -f='${Version}' libuv1-dev)"
count=0
for test in "$root"/drey/build/test/*_test; do
  [ -x "$test" ] || continue
  name=$(basename "$test")
  in_root sh -c "cd /drey/build/test && ./$name" >"$log" 2>&1 || fail "$name"
  passed=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$log")
  count=$((count + passed))
done
holds "$count unit tests pass"
[ ! -x "$root/drey/build/drey" ] || in_root /drey/build/drey --version >"$log" 2>&1 || fail "drey --version"
echo "debian13: well"
