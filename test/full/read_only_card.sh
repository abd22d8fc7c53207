#!/usr/bin/env bash
# 20 cards that turn read-only under load (B5).
export DREY_TEST_CYCLES=${DREY_TEST_CYCLES:-20} DREY_TEST_SECONDS=${DREY_TEST_SECONDS:-1800}
exec "$(dirname "$0")/run_process" read_only_card_test
