# shellcheck shell=bash
# CRC-32C in bash, to write a well-formed marker of a format that does not exist yet.

crc32c() { # crc32c HEX: prints the checksum as a number
  local hex=$1 crc=$((0xffffffff)) i bit
  for ((i = 0; i < ${#hex}; i += 2)); do
    crc=$((crc ^ 0x${hex:i:2}))
    for ((bit = 0; bit < 8; ++bit)); do
      crc=$(((crc >> 1) ^ (0x82f63b78 * (crc & 1))))
    done
  done
  echo $((crc ^ 0xffffffff))
}

little_endian() { # little_endian NUMBER: eight hex digits
  printf '%02x%02x%02x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255))
}

# drey.format: magic (8), version (4), store id ..., CRC-32C of the first 60 bytes (4).
newer_format() { # newer_format FILE
  local hex crc
  hex=$(od -An -v -tx1 "$1" | tr -d ' \n')
  same "size of the marker" ${#hex} 128
  crc=$(crc32c "${hex:0:120}")
  same "checksum of the marker as it is" "${hex:120:8}" "$(little_endian "$crc")"
  hex=${hex:0:16}$(little_endian 4000)${hex:24:96}
  hex+=$(little_endian "$(crc32c "$hex")")
  printf '%b' "$(sed 's/../\\x&/g' <<<"$hex")" >"$1"
}
