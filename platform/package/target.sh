# shellcheck shell=bash
# For packaging: `architecture`, the Debian architecture that board $1 is packaged for, and `runner`,
# which runs its programs on this machine ('' where it can by itself). Sourced, in the repository's root.
of_toolchain() { # a board for the machine it is built on has no such file
  [ ! -f "boards/$board/toolchain.cmake" ] ||
    sed -n "s/^ *set($1 \(.*\))\$/\1/p" "boards/$board/toolchain.cmake" | tail -n 1
}
board=${1:?usage: . target.sh BOARD}
architecture=$(of_toolchain DREY_PACKAGE_ARCHITECTURE)
architecture=${architecture:-$(of_toolchain DREY_DEBIAN_ARCHITECTURE)}
runner=
if [ -z "$architecture" ]; then
  architecture=$(dpkg --print-architecture)
elif [ "$architecture" != "$(dpkg --print-architecture)" ]; then
  runner=$(of_toolchain CMAKE_CROSSCOMPILING_EMULATOR)
fi
