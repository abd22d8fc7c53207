#!/usr/bin/env bash
# Makes build/BOARD/drey_VERSION_ARCHITECTURE.deb of the program that `make` has built.
#   make deb [BOARD=generic-arm64|pi-zero]
set -euo pipefail
cd "$(dirname "$0")/../.."
board=${BOARD:-native}
obj=$PWD/build/$board/obj
generated=$obj/package
program=build/$board/drey
[ -x "$program" ] || { echo "deb: there is no $program; run make first" >&2; exit 2; }

. platform/package/target.sh "$board"

# Manual page and completions come from the program's own command table.
mkdir -p "$generated"
$runner "$program" completion man | gzip -9n >"$generated/drey.1.gz"
$runner "$program" completion bash >"$generated/drey.bash"
$runner "$program" completion zsh >"$generated/_drey"
$runner "$program" completion fish >"$generated/drey.fish"
gzip -9n <platform/package/debian/changelog >"$generated/changelog.gz"

# The C library is the only one it loads, in the oldest version whose symbols it names; and the two of
# the compiler where they are not linked in.
glibc=$(readelf -W --dyn-syms "$program" | sed -n 's/.*@GLIBC_\([0-9.]*\).*/\1/p' | sort -uV | tail -n 1)
depends="${glibc:+libc6 (>= $glibc), }adduser" # a static program names none
needed=$(readelf -d "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p')
case $needed in *libstdc++.so.6*) depends="$depends, libstdc++6 (>= 12)" ;; esac
case $needed in *libgcc_s.so.1*) depends="$depends, libgcc-s1" ;; esac
export DREY_DEB_ARCHITECTURE=$architecture DREY_DEB_DEPENDS=$depends
cmake "$obj" >/dev/null
umask 022
(cd "$obj" && cpack -G DEB >package.log 2>&1) || { tail -n 20 "$obj/package.log" >&2; exit 1; }
mv "$obj"/drey_*_"$architecture".deb "build/$board/"
ls -l "build/$board"/drey_*_"$architecture".deb | awk '{ print $NF, $5, "bytes" }'
