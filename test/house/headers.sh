#!/usr/bin/env bash
# Fails when a header of include/ or a board cannot be compiled alone, or the limits do not add up
# on some board.   Usage: headers.sh ROOT CXX
set -uo pipefail
cd "${1:?usage: headers.sh ROOT CXX}" || exit 2
cxx=${2:?usage: headers.sh ROOT CXX}
broken=0

compiles() { # compiles BOARD HEADER
  local output
  output=$(echo "#include \"$2\"" | "$cxx" -std=c++20 -fsyntax-only -Wall -Wextra -Werror -fno-rtti \
    -fno-exceptions -Iinclude ${1:+-Iboards/$1} -x c++ - 2>&1) && return 0
  echo "$2${1:+ (board $1)} does not compile alone:"
  echo "$output" | head -n 5
  broken=1
}

for header in include/drey/*.h; do
  [ -e "$header" ] && compiles native "${header#include/}"
done
for board in boards/*/board.h; do
  [ -e "$board" ] || continue
  name=$(basename "$(dirname "$board")")
  compiles '' "$PWD/$board"
  [ -e include/drey/limits.h ] && compiles "$name" drey/limits.h
  grep -q "kName = \"$name\"" "$board" || { echo "$board: kName is not \"$name\""; broken=1; }
done
exit $broken
