#!/usr/bin/env bash
# A vault stores and opens nothing: no byte of the mesh's secrets, of files' contents or of their
# names is on its disk or, while it stores and serves, in its memory.
# seconds: 60
source "$(dirname "$0")/lib.sh"
source "$LIB_DIR/find_secrets.sh"

lan A C D
found A --copies 1
admit A C vault
soon 20 peers_alive A 1 || fail "A does not see C"

# 1,000 markers, 500 as contents and 500 as names.
mkdir -p "$WORK/home"
od -An -v -tx1 -w12 -N 12000 /dev/urandom | tr -d ' ' >"$WORK/markers"
same "markers" "$(sort -u "$WORK/markers" | wc -l)" 1000
paste -d ' ' <(head -n 500 "$WORK/markers") <(tail -n 500 "$WORK/markers") |
  while read -r content name; do echo "$content" >"$WORK/home/$name"; done
head -c 3000000 /dev/urandom >"$WORK/home/bulk"
expect 0 drey_at A --json backup "$WORK/home" --wait
same "protected" "$(summary .protected)" true
mesh_secrets A >"$WORK/secrets"
pattern=$(pattern_of_secrets <"$WORK/secrets")

searched() { # searched FILE...: fails when something of the mesh is in them
  local found
  found=$(has_secret "$pattern" "$@") && fail "a secret of the mesh is in $found"
  found=$(grep -alF -f "$WORK/markers" "$@") && fail "contents or names are in $found"
  return 0
}
# The same search finds what is there.
has_secret "$pattern" "$WORK/A/drey.keys" >"$OUT" || fail "the search does not find the secrets"
same "files with markers" "$(grep -rlF -f "$WORK/markers" "$WORK/home" | wc -l)" 500

mapfile -t files < <(find "$WORK/C" -type f)
[ "${#files[@]}" -ge 4 ] || fail "the vault has ${#files[@]} files only"
at_most "a backup's bytes" 3000000 "$(du -sb "$WORK/C" | cut -f 1)"
searched "${files[@]}"
[ "$(head -c 153 "$WORK/C/drey.keys" | tail -c 4)" != DRKR ] || fail "the vault has a keyring"
holds "the vault's ${#files[@]} files: no secret of the mesh, none of 1,000 contents and names"

memory_of A "$WORK/memory"
has_secret "$pattern" "$WORK/memory" >"$OUT" || fail "the search does not find A's own secrets"
memory_of C "$WORK/memory"
searched "$WORK/memory"
holds "nor are they in $(($(stat -c %s "$WORK/memory") / 1000000)) MB of its memory"

for order in "ls latest" "find bulk" "cat latest:$WORK/home/bulk" "backup $WORK/home" \
  "restore latest --target $WORK/back" "restore A:latest --target $WORK/back" invite; do
  # shellcheck disable=SC2086
  (set -f; drey_at C $order) >"$OUT" 2>"$ERR" </dev/null && fail "the vault did: $order"
  searched "$OUT" "$ERR"
  contains "words for $order" "$ERR" 'vault|full device'
done
[ -z "$(find "$WORK/back" -type f 2>/dev/null)" ] || fail "the vault restored something"
holds "it lists, restores, backs up and invites nothing, and says why"

# Somebody comes back by the phrase, and the vault alone gives everything.
stop A
expect 0 typing "$PHRASE" drey_at D --json recover --name D
start D
expect 0 drey_at D --json restore latest --target "$WORK/back"
same "files restored" "$(find "$WORK/back" -type f | wc -l)" 501
memory_of C "$WORK/memory"
searched "$WORK/memory"
stop D
stop C
mapfile -t files < <(find "$WORK/C" -type f)
searched "${files[@]}"
holds "nor after it gave everything back to a device recovered by phrase"
