#!/usr/bin/env bash
# I4 in full: a holder gives 10,000 wrong answers, and none of them is taken.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
DREY_WRONG_BYTES=10000 build/sim/obj/test/mesh_test --gtest_filter='FetchTest.WrongBytes*' \
  --gtest_brief=1
