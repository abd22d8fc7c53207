#!/usr/bin/env bash
# Installs the Debian packages that building, testing and cross-building need (Debian 12 and 13).
# The only list of packages; what is installed already is not touched. `a|b` = the first that exists.
#   deps.sh          install what is missing (as root, or through sudo)
#   deps.sh --list [build]   print the names, or those that only building needs
set -euo pipefail

build='g++ binutils make cmake ninja-build libuv1-dev libmbedtls-dev libsqlite3-dev zlib1g-dev
  libzstd-dev libjsmn-dev libllhttp-dev|node-llhttp'
test='libgtest-dev clang clang-format clang-tidy ccache curl jq strace attr iproute2 util-linux procps'
cross='g++-aarch64-linux-gnu g++-arm-linux-gnueabi g++-arm-linux-gnueabihf qemu-user-static dpkg-dev'

if [ "${1:-}${2:+ $2}" = "--list build" ]; then
  printf '%s\n' $build
  exit 0
fi
if [ "${1:-}" = --list ]; then
  printf '%s\n' $build $test $cross
  exit 0
fi

installed() {
  dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep '^install ok installed$' >/dev/null
}
known() {
  apt-cache show "$1" 2>/dev/null | grep '^Package:' >/dev/null
}

missing=()
for entry in $build $test $cross; do
  found=
  for name in ${entry//|/ }; do
    installed "$name" && found=yes && break
  done
  [ -n "$found" ] || missing+=("$entry")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "deps: not root and no sudo here. As root, run: make deps" >&2
    echo "deps: missing: ${missing[*]}" >&2
    exit 2
  fi
  as_root=(sudo)
fi
# A third-party source that cannot be reached must not stop Debian's own packages.
"${as_root[@]}" apt-get update -q || echo "deps: apt-get update had errors, going on" >&2

names=()
for entry in "${missing[@]}"; do
  choice=${entry##*|}
  for name in ${entry//|/ }; do
    if known "$name"; then
      choice=$name
      break
    fi
  done
  names+=("$choice")
done
echo "deps: installing ${names[*]}"
exec "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -q -y --no-install-recommends "${names[@]}"
