#!/usr/bin/env bash
# A write, a sync and a whole card that stall for 1, 5 and 30 s (B9).
export DREY_TEST_STALLS=${DREY_TEST_STALLS:-1 5 30} DREY_TEST_FREEZE=yes DREY_TEST_SECONDS=600
exec "$(dirname "$0")/run_process" stalled_disk_test
