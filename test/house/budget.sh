#!/usr/bin/env bash
# What each board spends in RAM, line by line; the numbers are those of limits.h.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/budget.cc" <<'END'
#include <cstdio>
#include "drey/limits.h"
namespace l = drey::limits;
static void line(const char* what, size_t bytes) { std::printf("  %-44s %9zu KiB\n", what, bytes / 1024); }
int main() {
  std::printf("%s\n", drey::board::kName);
  line("slots (origin + receive + serve)", l::kSlotPoolBytes);
  line("codec arenas (zstd + zlib per work thread)", l::kCodecArenaBytes);
  line("heap arena (mbedTLS, libuv, libc)", drey::board::kHeapArenaBytes);
  line("SQLite arena", drey::board::kSqliteArenaBytes);
  line("lane stacks", (l::kWorkThreads + 2) * l::kLaneStackBytes);
  line("tables and buffers", l::kTableBytes);
  line("sum", l::kRamBytes);
  line("ceiling of the board", drey::board::kRamBytesMax);
}
END
for board in boards/*/board.h; do
  dir=$(dirname "$board")
  c++ -std=c++20 -Iinclude -I"$dir" "$work/budget.cc" -o "$work/budget"
  "$work/budget"
done
