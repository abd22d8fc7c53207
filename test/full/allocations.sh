#!/usr/bin/env bash
# The n-th allocation fails, for every n (B10): SQLite under the store, mbedTLS in a handshake.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
bad=0
export DREY_EVERY=${DREY_EVERY:-1}
run() { # run PROGRAM FILTER
  [ -x "$1" ] || { echo "there is no $1; run make test first" >&2; bad=1; return; }
  "$1" --gtest_filter="$2" --gtest_brief=1 || bad=1
}
run build/sim/obj/test/store_test 'StoreAllocationTest.*'
run build/native/obj/test/wire_test 'TlsMemory.*'
exit $bad
