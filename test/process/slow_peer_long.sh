#!/usr/bin/env bash
# slow_peer_test.sh with 200 MiB.
# seconds: 900
export DREY_TEST_SLOW_MIB=200
source "$(dirname "$0")/slow_peer_test.sh"
