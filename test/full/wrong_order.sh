#!/usr/bin/env bash
# G10 in full: 100,000 sessions of members, recovering devices and joiners who say valid messages
# in any order, and a twentieth of that where they answer devices that join or recover.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
DREY_SESSIONS=100000 build/sim/obj/test/mesh_test --gtest_filter='WrongOrder*' --gtest_brief=1
