#!/usr/bin/env bash
# I5 in full: a hundred holders hide one record in a hundred; nearly all are found by 459 audits.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
DREY_AUDITS=100 build/sim/obj/test/mesh_test --gtest_filter='AuditTest.AHolder*' --gtest_brief=1
