#!/usr/bin/env bash
# 12 sources that come up empty, 18 times the store's disk vanishes under load (B8).
export DREY_TEST_CYCLES=${DREY_TEST_CYCLES:-18} DREY_TEST_SECONDS=900
exec "$(dirname "$0")/run_process" vanished_disk_test
