#!/usr/bin/env bash
# big_file_test.sh with 6 GiB (4.5 sparse, 1.5 random) and 200,000 names in one directory.
# seconds: 1800
export DREY_TEST_RANDOM_MIB=1536 DREY_TEST_HOLE_MIB=4608 DREY_TEST_NAMES=200000
source "$(dirname "$0")/big_file_test.sh"
