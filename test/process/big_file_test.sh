#!/usr/bin/env bash
# A file far bigger than the program's memory, and a directory of very many names, go through backup
# and restore; no device's peak resident memory passes 24 MiB. big_file_long.sh: 6 GiB, 200,000.
# seconds: 240
source "$(dirname "$0")/lib.sh"
source "$LIB_DIR/trees.sh"

random_mib=${DREY_TEST_RANDOM_MIB:-64}
hole_mib=${DREY_TEST_HOLE_MIB:-192}
names=${DREY_TEST_NAMES:-20000}
limit_kib=$((24 * 1024))

# Data and holes take turns: an eighth of each at a time.
mkdir -p "$WORK/home/names"
for ((i = 0; i < 8; ++i)); do
  head -c $((random_mib * 1048576 / 8)) /dev/urandom >>"$WORK/home/big" || fail "no space"
  truncate -s "+$((hole_mib * 1048576 / 8))" "$WORK/home/big"
done
(cd "$WORK/home/names" && seq -f 'a name of some length, number %07g' "$names" | tr '\n' '\0' |
  xargs -0 touch --) || fail "cannot make the names"

peaks() { # peaks WHEN
  local name peak
  for name in A B C; do
    peak=$(peak_kib "$name")
    at_most "peak resident KiB of $name after the $1" "$peak" "$limit_kib"
    told+=" $name $peak"
  done
}

three_devices
expect 0 drey_at A --json backup "$WORK/home" --wait
same "bytes" "$(summary .bytes)" $(((random_mib + hole_mib) * 1048576))
same "protected" "$(summary .protected)" true
told="peak KiB:"
peaks backup
holds "backed up a file of $((random_mib + hole_mib)) MiB and $names names;$told"

expect 0 drey_at A --json backup "$WORK/home" --wait
at_most "records added by a second backup" "$(summary .added_records)" 3
told="peak KiB:"
peaks "second backup"
holds "and again, unchanged;$told"

for name in A B; do
  restores_as "$WORK/home" "$name" A:latest
  told="peak KiB:"
  peaks "restore on $name"
  holds "restored on $name: equal, holes kept;$told"
done
