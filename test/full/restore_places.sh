#!/usr/bin/env bash
# Restores killed 30 times, and into places that are full, read-only or not empty (J4, J5).
export DREY_TEST_CYCLES=${DREY_TEST_CYCLES:-30} DREY_TEST_SECONDS=900
exec "$(dirname "$0")/run_process" restore_places_test
