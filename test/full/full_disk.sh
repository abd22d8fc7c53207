#!/usr/bin/env bash
# Disks filled to the last block, tmpfs and real ext4, five times each (B4).
export DREY_TEST_CYCLES=${DREY_TEST_CYCLES:-5} DREY_TEST_EXT4=yes DREY_TEST_SECONDS=1200
exec "$(dirname "$0")/run_process" full_disk_test
