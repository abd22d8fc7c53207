#!/usr/bin/env bash
# three_nodes_test.sh with the system's own headers and documents.
# seconds: 1200
export DREY_TEST_SOURCES='/usr/include /usr/share/doc'
source "$(dirname "$0")/three_nodes_test.sh"
