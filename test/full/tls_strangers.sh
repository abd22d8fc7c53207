#!/usr/bin/env bash
# I1 in full: 1,000 tries to get in without the right key on TLS 1.2 with the one suite.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
DREY_TLS_TRIES=1000 build/sim/obj/test/wire_test --gtest_filter='TlsStrangers*' --gtest_brief=1
