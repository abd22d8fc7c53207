// What may be known about a record without any key: its header and its size rule. The byte table is
// src/codec/FORMAT.md. Any thread, no state.
#pragma once

#include <algorithm>
#include <bit>

#include "drey/ids.h"
#include "drey/limits.h"
#include "drey/status.h"

namespace drey {

inline constexpr std::array<uint8_t, 4> kRecordMagic = {'D', 'R', 'E', 'Y'};
inline constexpr uint16_t kRecordVersion = 1;
inline constexpr uint8_t kRecordAlgorithm = 1;    // ChaCha20-Poly1305 (RFC 8439)
inline constexpr size_t kRecordHeaderBytes = 28;  // magic, version, alg, type, epoch, nonce
inline constexpr size_t kRecordTagBytes = 16;
inline constexpr size_t kRecordPrefixBytes = 5;  // sealed: codec id, plain length
inline constexpr size_t kRecordBytesMin = kRecordHeaderBytes + kRecordPrefixBytes + kRecordTagBytes;

// The Padmé size for `size` bytes (Nikitin et al., PETS 2019): rounds up so that a size tells
// O(log log) bits; at most 12 % more, below 3.2 % from 64 KiB on.
constexpr size_t padme_size(size_t size) {
  if (size < 2) return size;
  size_t exponent = static_cast<size_t>(std::bit_width(size)) - 1;
  size_t kept = static_cast<size_t>(std::bit_width(exponent));
  size_t mask = (size_t{1} << (exponent - std::min(kept, exponent))) - 1;
  return (size + mask) & ~mask;
}

struct RecordInfo {
  uint16_t version = 0;
  uint8_t algorithm = 0;
  ChunkType type = ChunkType::kData;
  uint64_t epoch = 0;
};

// Checks everything a keyless node can: size (at most kRecordBytesMax, a Padmé size), magic,
// version, algorithm and type. kTooLarge, kInvalid (malformed), kUnsupported (a newer version or
// algorithm: refuse untouched). Says nothing about authenticity: that is C = SHA-256(record).
Status inspect_record(Bytes record, RecordInfo* info);

}  // namespace drey
