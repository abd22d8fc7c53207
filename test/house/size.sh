#!/usr/bin/env bash
# What the program weighs: file, sections, our own code per folder, the largest functions. Fails when
# it is more than boards/BOARD/toolchain.cmake allows.
# Usage: size.sh build/BOARD [--limit]      --limit: only that
set -euo pipefail
dir=${1:?usage: size.sh build/BOARD}
board=$(basename "$dir")
bytes=$(stat -c %s "$dir/drey")
most=$(sed -n 's/^set(DREY_PROGRAM_BYTES_MAX \([0-9]*\)).*/\1/p' "boards/$board/toolchain.cmake" 2>/dev/null || true)
verdict() {
  [ -n "$most" ] || return 0
  echo "$board: $bytes of at most $most bytes"
  [ "$bytes" -le "$most" ] || { echo "size: $board's program has grown too large" >&2; exit 1; }
}
if [ "${2:-}" = --limit ]; then
  verdict
  exit 0
fi
ls -l "$dir/drey" | awk '{ printf "%-28s %9d bytes on disk\n", "stripped program", $5 }'
size -A "$dir/drey.debug" | awk '
  $1 ~ /^\.(text|rodata|data|bss|eh_frame|data\.rel\.ro)$/ { printf "%-28s %9d\n", $1, $2 }'
echo "-- own code and constants by folder (objects before the link)"
find "$dir/obj/CMakeFiles" -name '*.o' -path '*drey_*' -exec size {} + 2>/dev/null | awk '
  /\.o$/ {
    folder = $6
    sub(/.*CMakeFiles\/drey_/, "", folder)
    sub(/\.dir.*/, "", folder)
    text[folder] += $1
    data[folder] += $2 + $3
  }
  END { for (f in text) printf "%-28s %9d code %9d data\n", f, text[f], data[f] }' | sort
echo "-- the largest functions"
nm -CS --size-sort -t d "$dir/drey.debug" | grep -i ' t ' | tail -n 12 | awk '
  { size = $2 + 0; $1 = $2 = $3 = ""; printf "%9d %s\n", size, $0 }' | sort -rn
verdict
