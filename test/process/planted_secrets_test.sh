#!/usr/bin/env bash
# H7: 24 planted secrets (tokens, passwords, links, cookies, phrase, pairing code, contents of files)
# are in no page, log or file of a device; those that were used and are over are not in its memory;
# and whatever signal ends it, no core dump is written.
# seconds: 60
source "$(dirname "$0")/lib.sh"
source "$LIB_DIR/find_secrets.sh"

lan A B
found A
admit A B full
page=http://127.0.0.1:4748
ask() { in_lan A curl -s --max-time 10 -D "$WORK/head" "$@"; }
cookie_of_head() { sed -n 's/^[Ss]et-[Cc]ookie: \([^;]*\);.*/\1/p' "$WORK/head"; }

# What comes and goes by HTTP.
for i in 1 2 3; do
  token=$(drey_at A --json token create --scope read --name "t$i" | jq -r .token)
  echo "$token" >>"$WORK/used"
  ask -o "$WORK/page.token$i" -H "Authorization: Bearer $token" "$page/"

  password="pass-$(od -An -tx1 -N 8 /dev/urandom | tr -d ' ')"
  echo "$password" | tee -a "$WORK/used" >"$WORK/typed"
  expect 0 typing "$WORK/typed" drey_at A user add "user$i" --scope admin
  ask -o "$WORK/page.login$i" -H "Origin: $page" -H 'Content-Type: application/json' \
    -d "{\"name\":\"user$i\",\"password\":\"$password\"}" "$page/login"
  cookie=$(cookie_of_head)
  echo "${cookie#*=}" >>"$WORK/used"
  ask -o "$WORK/page.user$i" -H "Cookie: $cookie" "$page/"
  contains "the page of user $i" "$WORK/page.user$i" '<form'
  ask -o "$WORK/page.out$i" -H "Origin: $page" -H "Cookie: $cookie" -d '' "$page/signout"

  link=$(drey_at A page 2>/dev/null | head -n 1)
  echo "${link#*code=}" >>"$WORK/used"
  ask -o /dev/null "$link" # its form alone repeats it
  ask -o "$WORK/page.link$i" -H "Origin: $page" -d "code=${link#*code=}" "$page/signin"
  cookie=$(cookie_of_head)
  ask -o "$WORK/page.signed$i" -H "Cookie: $cookie" "$page/"
  ask -o "$WORK/page.events$i" --max-time 1 -H "Cookie: $cookie" "$page/api/v1/events"
  ask -o "$WORK/page.out$i" -H "Origin: $page" -H "Cookie: $cookie" -d '' "$page/signout"
done
cat "$PHRASE" >>"$WORK/used"
# The first word and a half of a code are the public room.
echo "$CODE" | sed 's/.*\([ -][a-z]*[ -][a-z]*\)$/\1/' >>"$WORK/used"

# Contents.
mkdir "$WORK/home"
cp "$WORK/used" "$WORK/secrets"
for i in {1..10}; do
  od -An -v -tx1 -w16 -N 16 /dev/urandom | tr -d ' ' | tee "$WORK/home/file $i" >>"$WORK/secrets"
done
expect 0 drey_at A backup "$WORK/home"
expect 0 drey_at A put "$WORK/home/file 1"
same "planted secrets" "$(sort -u "$WORK/secrets" | wc -l)" 24
[ "$(awk '{ print length($0) }' "$WORK/secrets" | sort -n | head -n 1)" -ge 9 ] || fail "a planted secret is empty"

for path in / /api/v1/status /api/v1/peers /api/v1/snapshots /api/v1/doctor /files /metrics /readyz /api/v1/tokens \
  /api/v1/users; do
  in_lan A curl -s --unix-socket "$WORK/A/control.sock" "http://drey$path" >>"$WORK/page.socket"
  ask "$page$path" >>"$WORK/page.open"
done
contains "pages" "$WORK/page.socket" 'verdict'
grep -alF -f "$WORK/secrets" "$WORK"/page.* >"$OUT" && fail "a secret is on a page"
grep -alF -f "$WORK/secrets" "$WORK"/logs/[AB].* >"$OUT" && fail "a secret is in a log"
grep -ralF -f "$WORK/secrets" "$WORK/A" "$WORK/B" >"$OUT" && fail "a secret is in a file"
same "files with a content" "$(grep -rlF -f "$WORK/secrets" "$WORK/home" | wc -l)" 10
holds "24 planted secrets: none on $(ls "$WORK"/page.* | wc -l) pages, in logs, in files of either device"

memory_of A "$WORK/memory"
contains "memory" "$WORK/memory" 'user1'
grep -aoF -f "$WORK/used" "$WORK/memory" | sort | uniq -c >"$OUT"
[ ! -s "$OUT" ] || fail "what was used and is over is still in memory"
rm "$WORK/memory"
holds "tokens, passwords, links, cookies, phrase and code: not in the memory of the device"

# A crash by any signal; where the kernel writes cores to, others do.
crash() { # crash SIGNAL CMD...: CMD as a process of its own, ended by SIGNAL once it says ready
  local signal=$1
  shift
  mkdir -p "$WORK/crash"
  rm -f "$WORK/crash/said" # the last one's "ready" would have this one killed before it is a daemon
  # shellcheck disable=SC2016
  bash -c 'cd "$2" && ulimit -c unlimited
    signal=$1; shift 2
    "$@" >said &
    until grep -qs ^ready said; do sleep 0.05; done
    ! [ -r /proc/$!/limits ] || grep "^Max core" /proc/$!/limits >limits
    kill -$signal $!
    wait $!' bash "$signal" "$WORK/crash" "$@" >"$WORK/crash.told" 2>&1
}
stop B
others='nobody here writes cores'
crash SEGV bash -c 'echo ready; exec sleep 60'
[ -z "$(find "$WORK/crash" -name 'core*')" ] || others='another program leaves one in the same place'
rm -rf "$WORK/crash"
for signal in SEGV ABRT BUS; do
  crash "$signal" nsenter --net=/run/netns/B "$DREY" --dir "$WORK/B" run
  same "cores after SIG$signal" "$(find "$WORK/crash" "$WORK/B" -name 'core*' | wc -l)" 0
  grep -q 'core dumped' "$WORK/crash.told" && fail "a core was dumped after SIG$signal"
  contains "its limit" "$WORK/crash/limits" '^Max core file size +0 +0 '
done
holds "no core after SEGV, ABRT, BUS; the limit is 0 although unlimited was inherited; $others"
