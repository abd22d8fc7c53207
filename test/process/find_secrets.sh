# shellcheck shell=bash
# Secrets of devices, and where their bytes are found again. Sourced after lib.sh.
#
# A secret is a line of hex. A place has it when any eight bytes of it stand there, raw or as hex.

key_bytes() { # key_bytes NAME OFFSET: 32 bytes of the key file, as hex (key_file.cc, keyring.cc)
  od -An -v -tx1 -j "$2" -N 32 "$WORK/$1/drey.keys" | tr -d ' \n'
  echo
}
identity_secrets() { # identity_secrets NAME: signing key, unwrapping key
  key_bytes "$1" 43
  key_bytes "$1" 75
}
mesh_secrets() { # mesh_secrets NAME: M and the seed of the first epoch; a full device's
  same "magic of $1's keyring" "$(head -c 153 "$WORK/$1/drey.keys" | tail -c 4)" DRKR
  key_bytes "$1" 187
  key_bytes "$1" 229
}

# The pattern that finds any of the secrets on stdin. A piece with a newline in it is left out: grep
# goes by lines.
pattern_of_secrets() {
  fold -w 16 | awk 'length($0) == 16 {
    well = 1; pattern = ""
    for (i = 1; i < 16; i += 2) {
      byte = substr($0, i, 2)
      if (byte == "0a") well = 0
      pattern = pattern "\\x" byte
    }
    if (well) print pattern
    print $0
    print toupper($0)
  }' | paste -sd '|'
}
has_secret() { # has_secret PATTERN FILE...: prints which
  local pattern=$1
  shift
  grep -alP -- "$pattern" "$@"
}

# What a process has in memory that it can write: as root of these namespaces.
memory_of() { # memory_of NAME FILE
  local range rest
  : >"$2"
  while read -r range rest; do
    case $rest in rw*) ;; *) continue ;; esac
    dd if="/proc/${PIDS[$1]}/mem" iflag=skip_bytes,count_bytes bs=1M status=none \
      skip=$((16#${range%-*})) count=$((16#${range#*-} - 16#${range%-*})) 2>/dev/null >>"$2"
  done <"/proc/${PIDS[$1]}/maps"
  [ "$(stat -c %s "$2")" -gt 1000000 ] || fail "the memory of $1 cannot be read"
}
