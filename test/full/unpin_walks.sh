#!/usr/bin/env bash
# F0: 20,000 random walks of pins, UNPINs and announced numbers (the P tier takes 60), and 4,000 of RELEASE among whole
# nodes beside them (80).
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
mkdir -p build/sim
[ -f build/sim/obj/build.ninja ] || cmake -G Ninja -B build/sim/obj -S . -DBOARD=sim >build/sim/obj.log ||
  exit 1
cmake --build build/sim/obj --target mesh_test >build/sim/obj.log 2>&1 || exit 1
DREY_WALKS=20000 DREY_RELEASE_WALKS=4000 build/sim/obj/test/mesh_test --gtest_brief=1 \
  --gtest_filter='UnpinWalk.NoNeeded*:ReleaseWalk.NoNeeded*'
