#!/usr/bin/env bash
# Secrets stay where they belong: nothing of keys, phrase, codes and contents is in arguments,
# environment, logs, pages or files of a device but its key file; nothing of the phrase and a used
# code stays in memory; and no core dump is made.
# seconds: 60
source "$(dirname "$0")/lib.sh"
source "$LIB_DIR/find_secrets.sh"

lan A B C
found A
invite A
codes=("$CODE")
expect 0 drey_at B --json join "$CODE" --name B
wait "$INVITING" || fail "invite did not end well"
RUN_WITH='setpriv --bounding-set=-all' start B
invite A --role vault
codes+=("$CODE")
expect 0 drey_at C --json join "$CODE" --name C
wait "$INVITING" || fail "invite did not end well"
start C
soon 20 peers_alive A 2 || fail "A does not see both"

# Ten contents of files, nine keys, the phrase, two codes.
mkdir "$WORK/home"
for i in {1..10}; do
  od -An -v -tx1 -w16 -N 16 /dev/urandom | tr -d ' ' | tee "$WORK/home/file $i" >>"$WORK/texts"
done
expect 0 drey_at A --json backup "$WORK/home" --wait
for name in A B C; do identity_secrets "$name"; done >"$WORK/keys"
mesh_secrets A >>"$WORK/keys"
{ key_bytes A 113; key_bytes C 113; } >>"$WORK/keys" # the beacon key
same "keys" "$(sort -u "$WORK/keys" | wc -l)" 9
pattern=$(pattern_of_secrets <"$WORK/keys")
{
  cat "$PHRASE"
  tr ' ' - <"$PHRASE"
  # The first word and a half of a code are the public room.
  for code in "${codes[@]}"; do
    echo "$code" | sed 's/.*\([ -][a-z]*[ -][a-z]*\)$/\1/'
  done
} >>"$WORK/texts"
same "texts" "$(sort -u "$WORK/texts" | wc -l)" 14

searched() { # searched WHAT FILE...
  local what=$1 found
  shift
  found=$(has_secret "$pattern" "$@") && fail "a key is in $what: $found"
  found=$(grep -alF -f "$WORK/texts" "$@") && fail "a text is in $what: $found"
  return 0
}
has_secret "$pattern" "$WORK/A/drey.keys" >"$OUT" || fail "the search does not find keys"
same "files with contents" "$(grep -rlF -f "$WORK/texts" "$WORK/home" | wc -l)" 10

for name in A B C; do
  for file in cmdline environ; do cat "/proc/${PIDS[$name]}/$file" >>"$WORK/proc"; done
  for path in / /api/v1/status /api/v1/peers /healthz /readyz /metrics; do
    in_lan "$name" curl -s --max-time 10 "http://127.0.0.1:4748$path" >>"$WORK/pages"
  done
  for order in status peers snapshots doctor; do
    drey_at "$name" --json "$order" >>"$WORK/pages" 2>&1 </dev/null
  done
  mapfile -t files < <(find "$WORK/$name" -type f ! -name drey.keys)
  [ "${#files[@]}" -ge 3 ] || fail "$name has few files: ${files[*]}"
  searched "files of $name" "${files[@]}"
  same "mode of $name's key file" "$(stat -c %a "$WORK/$name/drey.keys")" 600
done
contains "what was asked" "$WORK/pages" 'verdict'
contains "arguments" "$WORK/proc" 'run'
searched "arguments or environment" "$WORK/proc"
searched "pages" "$WORK/pages"
searched "logs" "$WORK"/logs/A.* "$WORK"/logs/B.* "$WORK"/logs/C.*
holds "9 keys, 10 contents, phrase, codes: not in arguments, environment, logs, pages, files"

memory_of A "$WORK/memory"
has_secret "$pattern" "$WORK/memory" >"$OUT" || fail "the search does not find A's own keys"
sed -n '11,$p' "$WORK/texts" >"$WORK/used"
grep -aoF -f "$WORK/used" "$WORK/memory" >"$OUT" && fail "the phrase or a code stayed in memory"
for name in B C; do
  memory_of "$name" "$WORK/memory"
  grep -aoF -f "$WORK/used" "$WORK/memory" >"$OUT" && fail "a code stayed in memory of $name"
done
rm "$WORK/memory"
holds "the phrase and used codes are in nobody's memory"

# The same user, without privileges on both sides.
setpriv --bounding-set=-all sleep 60 &
other=$!
asleep() { [ "$(cat "/proc/$other/comm")" = sleep ]; } # until then it still has them
soon 10 asleep || fail "no other process"
for file in environ mem; do
  expect 0 setpriv --bounding-set=-all bash -c ": </proc/$other/$file"
  expect 1 setpriv --bounding-set=-all bash -c "head -c 1 /proc/${PIDS[B]}/$file | grep -q ."
done
contains "why" "$ERR" 'permission'
holds "other processes of the same user read nothing of it"

# Whether a core was dumped is in the status that wait() gives; bash tells it.
aborted() { # aborted WORD CMD...: ends CMD once it said WORD
  : >"$WORK/said"
  # shellcheck disable=SC2016
  bash -c 'ulimit -c unlimited
    word=$1 said=$2
    shift 2
    "$@" >"$said" &
    until grep -q "^$word" "$said"; do sleep 0.1; done
    kill -ABRT $!
    wait $!' bash "$1" "$WORK/said" "${@:2}" 2>&1
}
aborted ready bash -c 'echo ready; exec sleep 60' >"$WORK/control"
stop B
aborted ready nsenter --net=/run/netns/B "$DREY" --dir "$WORK/B" run >"$WORK/end"
contains "end of B" "$WORK/end" 'Abort'
grep -q 'core dumped' "$WORK/end" && fail "the daemon dumped core"
others='where others do'
grep -q 'core dumped' "$WORK/control" || others='as nobody does here'
holds "an aborted daemon dumps no core, $others"
stop A
stop C
