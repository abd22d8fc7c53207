#!/usr/bin/env bash
# 4 GiB up and down through HTTP within the same memory.
# The index has its share of memory in use after some 100 MiB.
export DREY_TEST_WARM_MIB=128 DREY_TEST_FILE_MIB=${DREY_TEST_FILE_MIB:-4096} DREY_TEST_SECONDS=${DREY_TEST_SECONDS:-1800} TMPDIR=${TMPDIR:-/var/tmp}
exec "$(dirname "$0")/run_process" files_big_test
