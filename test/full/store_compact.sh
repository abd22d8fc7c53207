#!/usr/bin/env bash
# Compaction: power cut, dead process and failing call at every single call of its workload, with
# all four kinds of power-loss image; the P tier takes a sample of them.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
mkdir -p build/sim
[ -f build/sim/obj/build.ninja ] || cmake -G Ninja -B build/sim/obj -S . -DBOARD=sim >build/sim/obj.log ||
  exit 1
cmake --build build/sim/obj --target store_test >build/sim/obj.log 2>&1 || exit 1
DREY_EVERY_CALL=1 build/sim/obj/test/store_test --gtest_brief=1 --gtest_filter='StoreCompactCrash.*'
