#!/usr/bin/env bash
# The simulator's figures for ci-full: a row per family with its runs, failures and seconds. Every
# case of A1, of the fault families of one device and of group C; 20,000 power-loss images; 200
# first crashes with every second one; 100 seeds run twice; 500 days of a mesh of five devices.
# DREY_PART=10: a tenth of each.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
part=${DREY_PART:-1}
bad=0
one_in() { # one_in N FAMILY...: one of N of its cases
  local sample=1/$(($1 * part)) family
  shift
  for family in "$@"; do TEST=$family SAMPLE=$sample test/sim/run || bad=1; done
}
cases() { # cases N FAMILY
  TEST=$2 CASES=$(($1 / part)) INNER=1000 test/sim/run || bad=1
}
one_in 1 A1 A8 B1 B2 B3 B4 B7 B7a B7c
cases 20500 A2
cases 210 A7
one_in 1 A4 B6 C5 C8
cases 1000 C4
cases 10000 C3
one_in 5 A1p B3o B3h D1 C2p L1s
# A mesh of several devices. 500 days of five, 20 of them twice.
one_in 1 L1 C2 D2 D3 D4 D5 D6 D8 D9 D10 D10o D11 E1 E2 E3 F1 F2 F4 F6 F7 F8 F10 whatif
[ "$part" != 1 ] || one_in 2 D12 heal nights # ten seconds a case and more: in the whole run only
one_in 4 F5
TEST=L2m COUNT=$((20 / part)) test/sim/run || bad=1
TEST=L2 COUNT=$((100 / part)) test/sim/run || bad=1
exit $bad
