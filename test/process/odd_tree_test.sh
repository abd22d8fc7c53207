#!/usr/bin/env bash
# One tree of everything a file system has, with 1,000 levels and a path of the greatest length,
# through backup, a second node and restore: equal. What no restore could name is named, and makes
# the backup partly done.
# seconds: 120
source "$(dirname "$0")/lib.sh"
source "$LIB_DIR/trees.sh"

# Short, so that its paths can be longest. Restored beneath another directory they are longer than
# a system call takes: what compares them walks down.
mount -t tmpfs -o size=200M none /mnt || fail "no tmpfs"
mkdir /mnt/s
odd_tree /mnt/s

deeper() { # deeper LEVELS NAME: into so many nested directories
  local path
  path=$(printf "$2/%.0s" $(seq "$1"))
  mkdir -p "$path" && cd "$path" || fail "no directory of $1 levels"
}
(
  cd /mnt/s || exit 1
  deeper 1000 d
  echo bottom >file
  ln -s file link
  mkfifo fifo
) || fail "cannot make 1,000 levels"
(
  cd /mnt/s || exit 1
  # mnt/s/ is 6 bytes; 15 names of 255 with their slashes 3,840; the rest is the last name.
  deeper 15 "$(printf 'l%.0s' {1..255})"
  echo "in a path of 4,095 bytes" >"$(printf 'f%.0s' {1..249})"
) || fail "cannot make a long path"

lan A B
found A
admit A B full
soon 20 peers_alive A 1 || fail "A does not see B"
expect 0 drey_at A --json backup /mnt/s
same "files that could not be read" "$(summary .errors)" 0
first=$(summary .snapshot)
holds "A backed up $(summary .files) files, 1,000 levels, a path of 4,095 bytes"
soon 20 listed B "$first" || fail "B does not list the snapshot"
for name in A B; do
  expect 0 drey_at "$name" --json restore "$first" --target /mnt/t
  same "missing pieces" "$(summary .missing)" 0
  same_tree /mnt/s /mnt/t/mnt/s >"$OUT" 2>&1 || fail "$name restores a different tree"
  chmod -R u+rwX /mnt/t && rm -rf /mnt/t
done
holds "A and B restore it: equal"

(
  cd /mnt/s || exit 1
  deeper 15 "$(printf 'l%.0s' {1..255})"
  mkdir -p n && echo unnamed >"n/$(printf 'n%.0s' {1..249})"
) || fail "cannot make a longer path"
expect 3 drey_at A --json backup /mnt/s
same "files beyond the limits" "$(summary .errors)" 1
contains "words for a path that is too long" "$OUT" 'beyond a limit'
expect 0 drey_at A --json restore latest --target /mnt/t
(cd /mnt/s && deeper 15 "$(printf 'l%.0s' {1..255})" && rm n/n*) || fail "cannot remove it"
[ "$(cd /mnt/s && list_contents | sha256sum)" = "$(cd /mnt/t/mnt/s && list_contents | sha256sum)" ] ||
  fail "the rest is not restored as it was"
holds "a path that is too long is named; the rest restores"
