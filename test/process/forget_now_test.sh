#!/usr/bin/env bash
# seconds: 150
# forget --now: with the recovery phrase the other devices give the space back at once.
source "$(dirname "$0")/lib.sh"

home=$WORK/home
mkdir -p "$home"
three_devices
head -c 100000000 /dev/urandom >"$home/large"
head -c 3000000 /dev/urandom >"$home/stays"
expect 0 drey_at A --json backup --wait "$home"
first=$(summary .snapshot)
rm "$home/large"
expect 0 drey_at A --json backup --wait "$home"
second=$(summary .snapshot)

count() { drey_at "$1" --json snapshots | jq length; }
stored() { status_of "$1" .store.stored_bytes; }

# Other words, or none: nothing is removed.
expect 12 typing /dev/null drey_at A forget --now "$first"
echo lusab lusab lusab lusab lusab lusab lusab lusab lusab lusab >"$WORK/wrong.txt"
expect 12 typing "$WORK/wrong.txt" drey_at A forget --now "$first"
drey_at A phrase check <"$PHRASE" >"$OUT" 2>"$ERR" || fail "the phrase is another one"
same "snapshots" "$(count A)" 2
# Nothing is asked about what would only be looked at.
expect 0 drey_at A --json forget --now --dry-run "$first"
same "would go" "$(summary .removed)" 1
holds "without the phrase nothing is removed"

before=$(stored B)
expect 0 typing "$PHRASE" drey_at A --json forget --now "$first"
same "removed" "$(summary .removed) $(summary .kept)" "1 1"
same "told at once" "$(jq -r 'select(.type == "now").complete' "$OUT")" true
[ "$(jq -r 'select(.type == "now").signed' "$OUT")" -ge 4 ] || fail "too few orders were signed"
# The segment that is being written stays, and what is needed of the other one moves into it.
less() { [ "$(stored "$1")" -lt $((before - 40 * 1000 * 1000)) ]; }
soon 40 less B || fail "B still has $(stored B) bytes"
soon 40 less C || fail "C, a vault, still has $(stored C) bytes"
holds "both other devices have the space back: $(stored B) and $(stored C) bytes"

expect 0 drey_at A wait --timeout 30
same "verdict" "$(status_of A .verdict)" protected
same "what stays" "$(drey_at A --json snapshots | jq -r '.[0].id')" "$second"
expect 0 drey_at B restore A:latest --target "$WORK/out"
diff -r "$home" "$WORK/out$home" >"$ERR" || fail "the kept snapshot restores otherwise"
holds "what is kept is protected, and restores"

# A device that is away is told later; nobody is hurried on before it knows.
head -c 5000000 /dev/urandom >"$home/more"
expect 0 drey_at A --json backup --wait "$home"
stop C
expect 3 typing "$PHRASE" drey_at A forget --now "$second"
contains "who is not there" "$ERR" 'C is not there; all devices are told later'
same "removed all the same" "$(count A)" 1
start C
expect 0 drey_at A wait --timeout 60
holds "with a device away the snapshot goes, its pieces wait"
