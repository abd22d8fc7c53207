#!/usr/bin/env bash
# http_crowd_test.sh with 1 GiB and two minutes of slow connections.
# seconds: 600
export DREY_TEST_STREAM_MIB=1024 DREY_TEST_CROWD_SECONDS=120 DREY_TEST_ALONE_SECONDS=40
source "$(dirname "$0")/http_crowd_test.sh"
