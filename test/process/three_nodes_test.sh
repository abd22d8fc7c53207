#!/usr/bin/env bash
# The main job: three devices that find each other by multicast alone; the origin dies; whoever has
# the phrase gets everything back from the vault alone, and from the full device alone.
# seconds: 240
source "$(dirname "$0")/lib.sh"
source "$LIB_DIR/trees.sh"

sources=("$WORK/home")
if [ -n "${DREY_TEST_SOURCES:-}" ]; then
  read -ra sources <<<"$DREY_TEST_SOURCES"
else
  document_tree "$WORK/home/documents" || fail "cannot make the tree"
  odd_tree "$WORK/home/odd"
fi

restored_equal() { # restored_equal NAME: latest, as device NAME restores it
  local source target=$WORK/restored
  expect 0 drey_at "$1" --json restore latest --target "$target"
  same "missing pieces" "$(summary .missing)" 0
  for source in "${sources[@]}"; do
    same_tree "$source" "$target$source" >"$OUT" 2>&1 || fail "$1 restored $source differently"
  done
  chmod -R u+rwX "$target" && rm -rf "$target"
}

three_devices D E F
holds "A founded a mesh; B (full) and C (vault) joined by multicast with a code"

expect 0 drey_at A --json backup "${sources[@]}" --wait
same "protected" "$(summary .protected)" true
same "verdict of A" "$(status_of A .verdict)" protected
same "snapshots of A" "$(drey_at A --json snapshots | jq length)" 1
holds "A backed up $(summary .files) files, $(summary .bytes) bytes; protected"

restored_equal A
holds "A restores its own backup: equal"

kill9 A
rm -rf "${WORK:?}/A"
stop B
expect 0 typing "$PHRASE" drey_at D --json recover --name D
same "name after recover" "$(summary .node)" D
start D
restored_equal D # at once: the restore itself waits for the vault to be found
holds "A killed and wiped: D, recovered by phrase, restores all from the vault alone"

stop D
stop C
start B
expect 0 typing "$PHRASE" drey_at E --json recover --name E
start E
soon 20 peers_alive E 1 || fail "E does not see B"
restored_equal E
holds "E, recovered by phrase, restores all from the full device alone"

start C
start D
soon 30 knows E 5 || fail "E knows $(status_of E .mesh.nodes) devices: D joined while E was elsewhere"
expect 0 typing "$PHRASE" drey_at F --json recover --replace A
same "replaced" "$(summary .replaced)" A
start F
soon 20 peers_alive F 2 || fail "F does not see two peers"
same "name of F" "$(status_of F .node.name)" A
restored_equal F
holds "F took A's place: its name, its snapshots"

expect 0 drey_at F --json backup "${sources[@]}" --wait
at_most "bytes added by the first backup of F" "$(summary .added_bytes)" \
  $(($(summary .bytes) / 20 + 400000))
same "protected" "$(summary .protected)" true
holds "F goes on where A ended: $(summary .added_bytes) bytes added, protected"
for name in B C D E F; do stop "$name"; done
holds "all stopped cleanly"
