#!/usr/bin/env bash
# Unpacks the target libraries of a cross-built board into build/sysroot-ARCH. Debian's own packages
# of the target architecture are downloaded through an apt configuration of its own, so that this
# machine's package state is neither used nor changed; no root needed.
#   sysroot.sh BOARD      the architecture is DREY_DEBIAN_ARCHITECTURE of boards/BOARD/toolchain.cmake
set -euo pipefail
cd "$(dirname "$0")/../.."
board=${1:?usage: sysroot.sh BOARD}
architecture=$(sed -n 's/^set(DREY_DEBIAN_ARCHITECTURE \([a-z0-9]*\))$/\1/p' "boards/$board/toolchain.cmake")
[ -n "$architecture" ] || { echo "sysroot: boards/$board/toolchain.cmake names no architecture" >&2; exit 2; }
if [ "$(dpkg --print-architecture)" = "$architecture" ]; then
  exit 0 # this machine is the target: the toolchain file then uses its own libraries
fi

sysroot=$PWD/build/sysroot-$architecture
packages='libuv1-dev libmbedtls-dev libsqlite3-dev zlib1g-dev libzstd-dev libgtest-dev libjsmn-dev'
optional='libllhttp-dev node-llhttp' # the first one that exists
stamp=$sysroot/.packages
[ "$(cat "$stamp" 2>/dev/null)" = "$packages" ] && exit 0

apt=$sysroot.apt
rm -rf "$sysroot" "$apt"
mkdir -p "$sysroot" "$apt"/{lists/partial,cache/archives/partial,debs}
: >"$apt/status"

# The mirror, release and key that this machine takes Debian from.
. /etc/os-release
uri=$(apt-get indextargets --format '$(ORIGIN)|$(CODENAME)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
  sed -n "s/^Debian|$VERSION_CODENAME|//p" | head -n 1)
key=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e "$key" ] || key=/usr/share/keyrings/debian-archive-keyring.pgp
echo "deb [signed-by=$key] ${uri:-http://deb.debian.org/debian/} $VERSION_CODENAME main" >"$apt/sources.list"

options=(-q -o "APT::Architecture=$architecture" -o "APT::Architectures=$architecture"
  -o "Dir::State=$apt" -o "Dir::State::lists=$apt/lists" -o "Dir::State::status=$apt/status"
  -o "Dir::Cache=$apt/cache" -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=-
  -o Acquire::Languages=none -o APT::Sandbox::User= -o Acquire::Retries=3)
apt-get "${options[@]}" update >"$apt/log" 2>&1 || true
# grep reads to the end: with -q apt-cache could die of a closed pipe, and a package be taken for absent.
for name in $optional; do
  if apt-cache "${options[@]}" show "$name" 2>/dev/null | grep ^Package: >/dev/null; then
    packages_all="$packages $name"
    break
  fi
done
if ! (cd "$apt/debs" && apt-get "${options[@]}" download ${packages_all:-$packages}) >>"$apt/log" 2>&1; then
  tail -n 5 "$apt/log" >&2
  echo "sysroot: could not download the $architecture packages (is the network there?)" >&2
  exit 2
fi
for deb in "$apt"/debs/*.deb; do
  dpkg-deb -x "$deb" "$sysroot"
done
echo "$packages" >"$stamp"
rm -rf "$apt"
echo "sysroot: $sysroot is ready"
