#!/usr/bin/env bash
# Who cannot knock gets not a byte from the mesh port, whatever it sends, and does not disturb the
# devices that can.
# seconds: 60
source "$(dirname "$0")/lib.sh"

lan A B S
found A
admit A B full
soon 20 peers_alive A 1 || fail "A does not see B"

# Sends what comes on stdin to A's mesh port; prints how many bytes came back within 4 s.
stranger() {
  in_lan S bash -c 'exec 3<>/dev/tcp/'"$(address_of A)"'/4747 || exit
    cat >&3 2>/dev/null & timeout 4 cat <&3 2>/dev/null | wc -c'
}
not_a_byte() { # not_a_byte WHAT <BYTES
  same "bytes answered to $1" "$(stranger)" 0
}

# A TLS 1.2 ClientHello with the right suite, as far as a stranger can know it.
hello='\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03'
hello+=$(printf '\\x%02x' {1..32})'\x00\x00\x04\xcc\xa9\xcc\xac\x01\x00'
not_a_byte "silence" </dev/null &
not_a_byte "an HTTP request" < <(printf 'GET / HTTP/1.1\r\nHost: a\r\n\r\n') &
not_a_byte "a TLS hello" < <(printf '%b' "$hello") &
not_a_byte "64 random bytes" < <(head -c 64 /dev/urandom) &
not_a_byte "1 MiB of random bytes" < <(head -c 1048576 /dev/urandom) &
not_a_byte "zeros" < <(head -c 100000 /dev/zero) &
for job in $(jobs -p); do
  [ "$job" = "${PIDS[A]}" ] || [ "$job" = "${PIDS[B]}" ] || wait "$job" ||
    fail "a stranger was answered, or could not connect"
done
holds "silence, HTTP, TLS, random bytes, zeros: not a byte in answer"

# A crowd that holds its connections open.
for i in {1..40}; do
  in_lan S bash -c 'exec 3<>/dev/tcp/'"$(address_of A)"'/4747 && sleep 8' 2>/dev/null &
done
sleep 1
stop B
start B
soon 20 peers_alive A 1 || fail "forty silent strangers keep a member out"
mkdir "$WORK/home" && seq 50000 >"$WORK/home/numbers"
expect 0 timeout 30 nsenter --net=/run/netns/A "$DREY" --dir "$WORK/A" --json backup "$WORK/home"
holds "forty silent strangers: a member still gets in, a backup still runs"
contains "the file descriptors of A" "/proc/${PIDS[A]}/limits" 'open files'
at_most "open descriptors of A" "$(find "/proc/${PIDS[A]}/fd" | wc -l)" 120

# Nor do strangers' datagrams get an answer.
for i in {1..200}; do
  head -c $((i * 7)) /dev/urandom | in_lan S bash -c 'cat >/dev/udp/239.255.47.47/4747' 2>/dev/null
done
expect 0 drey_at A status
holds "forged beacons change nothing"
