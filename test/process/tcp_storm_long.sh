#!/usr/bin/env bash
# tcp_storm_test.sh with ten seconds of each storm and a half-open connection.
# seconds: 240
export DREY_TEST_STORM_SECONDS=10 DREY_TEST_HALF_OPEN=yes
source "$(dirname "$0")/tcp_storm_test.sh"
