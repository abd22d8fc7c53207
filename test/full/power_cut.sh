#!/usr/bin/env bash
# 50 power cuts of a real ext4 under load (A5); 1,000 for a release: DREY_TEST_CYCLES=1000.
export DREY_TEST_CYCLES=${DREY_TEST_CYCLES:-50} DREY_TEST_SECONDS=${DREY_TEST_SECONDS:-3600}
exec "$(dirname "$0")/run_process" power_cut_test
