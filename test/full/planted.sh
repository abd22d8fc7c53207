#!/usr/bin/env bash
# ci-full: bugs planted one at a time, each of which the tests must notice.
exec "$(dirname "$0")/../planted/run"
