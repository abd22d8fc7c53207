#!/usr/bin/env bash
# Where the LAN swallows multicast, devices find each other at remembered addresses and at those
# given with --peer; where it has no IPv4 at all, by IPv6 alone.
# seconds: 100
source "$(dirname "$0")/lib.sh"

swallow_multicast() { # what a snooping switch without a querier does
  local port
  for port in "$@"; do
    bridge link set dev "port${NUMBERS[$port]}" mcast_flood off || fail "cannot stop multicast"
  done
}

lan A B
found A
admit A B full
soon 20 peers_alive A 1 || fail "A does not see B"
stop A
stop B
swallow_multicast A B
start A
start B
soon 60 peers_alive A 1 || fail "60 s after the start A does not see B at its remembered address"
holds "without multicast they meet at remembered addresses"

lan C
swallow_multicast C
invite A --role full
expect 0 drey_at C --json join "$CODE" --name C --peer "$(address_of A):4747"
start C --peer "$(address_of A):4747" --peer "$(address_of B):4747"
soon 30 peers_alive C 2 || fail "C does not see A and B, whose addresses it was given"
holds "a device joins with --peer, and reaches the others with it"
expect 1 drey_at C doctor
contains "words of the doctor" "$OUT" '^FAIL multicast: .*--peer'
holds "and drey doctor says what is wrong"
stop A
for name in B C; do stop "$name"; done

# shellcheck disable=SC2034
LAN_WITHOUT_IPV4=yes # read by lan()
lan D E
found D
admit D E full
soon 20 peers_alive D 1 || fail "D and E do not meet on a LAN without IPv4"
drey_at D --json peers | jq -r '.[0].address' >"$OUT"
contains "the address of E" "$OUT" '^\[fe80:'
holds "a LAN without IPv4: found and joined by IPv6 multicast"
for name in D E; do
  stop "$name"
  start "$name"
done
soon 20 peers_alive D 1 || fail "after a restart D and E do not meet again"
holds "and again after a restart"
