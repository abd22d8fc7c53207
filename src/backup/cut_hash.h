// The hash behind content-defined cuts of pages and bundles. FNV-1a with a final mix (MurmurHash3):
// it only spreads borders evenly and is part of the format in the sense that another one would cost
// deduplication, never correctness. Whoever chooses names to defeat it gets pages and bundles of
// the smallest or largest size, no more.
#pragma once

#include <array>

#include "drey/bytes.h"

namespace drey {

class CutHash {
 public:
  explicit CutHash(uint64_t seed) : state_(0xcbf29ce484222325ull ^ seed) {}
  void update(Bytes bytes) {
    for (uint8_t byte : bytes) state_ = (state_ ^ byte) * 0x100000001b3ull;
  }
  void number(uint64_t value) {
    std::array<uint8_t, 8> bytes;
    store_le(bytes.data(), value);
    update(bytes);
  }
  uint64_t value() const {
    uint64_t v = state_;
    v = (v ^ (v >> 33)) * 0xff51afd7ed558ccdull;
    v = (v ^ (v >> 33)) * 0xc4ceb9fe1a85ec53ull;
    return v ^ (v >> 33);
  }
  // True with a chance of bytes / every.
  bool hits(size_t bytes, size_t every) const {
    return bytes >= every ||
           (value() & 0xffffffffull) < (static_cast<uint64_t>(bytes) << 32) / every;
  }

 private:
  uint64_t state_;
};

}  // namespace drey
