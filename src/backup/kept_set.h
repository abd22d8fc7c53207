// The records that kept snapshots need, as a Bloom filter in one origin slot: constant memory,
// whatever the number of records. It never misses one that was added; of those that were not it
// takes about three in a thousand for added, and these stay one sweep longer (another salt, other
// clashes). Sets too large for the slot are worked through in passes over ranges of C.
#pragma once

#include <algorithm>

#include "drey/bytes.h"
#include "drey/ids.h"

namespace drey {

class KeptSet {
 public:
  static constexpr size_t kBitsPerRecord = 12;
  static constexpr size_t kProbes = 7;
  static constexpr uint32_t kRanges = 65536;

  // Passes needed for that many records in so many bytes.
  static uint32_t passes(uint64_t records, size_t bytes) {
    uint64_t room = std::max<uint64_t>(1, bytes * 8 / kBitsPerRecord);
    return static_cast<uint32_t>(std::clamp<uint64_t>((records + room - 1) / room, 1, kRanges));
  }

  // `room` is used until the next begin().
  void begin(MutBytes room, uint64_t salt, uint32_t pass, uint32_t pass_count) {
    room_ = room;
    salt_ = salt;
    first_ = static_cast<uint32_t>(uint64_t{kRanges} * pass / pass_count);
    end_ = static_cast<uint32_t>(uint64_t{kRanges} * (pass + 1) / pass_count);
    std::fill(room.begin(), room.end(), uint8_t{0});
  }
  // Whether this pass is about `c`.
  bool covers(const ChunkId& c) const {
    uint32_t at = range_of(c);
    return at >= first_ && at < end_;
  }
  // The greatest id below what this pass covers; zero: from the start.
  ChunkId before() const {
    ChunkId c;
    if (first_ == 0) return c;
    c.raw.fill(0xff);
    c.raw[0] = static_cast<uint8_t>((first_ - 1) >> 8);
    c.raw[1] = static_cast<uint8_t>(first_ - 1);
    return c;
  }
  bool is_behind(const ChunkId& c) const { return range_of(c) >= end_; }
  void add(const ChunkId& c) {
    if (!covers(c)) return;
    for (size_t i = 0; i < kProbes; ++i) {
      size_t bit = probe(c, i);
      room_[bit / 8] = static_cast<uint8_t>(room_[bit / 8] | (1u << (bit % 8)));
    }
  }
  bool has(const ChunkId& c) const {
    for (size_t i = 0; i < kProbes; ++i) {
      size_t bit = probe(c, i);
      if ((room_[bit / 8] >> (bit % 8) & 1) == 0) return false;
    }
    return true;
  }

 private:
  static uint32_t range_of(const ChunkId& c) { return (uint32_t{c.raw[0]} << 8) | c.raw[1]; }
  // C is a hash: parts of it are as good as hashes of it.
  size_t probe(const ChunkId& c, uint64_t i) const {
    uint64_t step = load_le<uint64_t>(c.raw.data() + 16) | 1;
    uint64_t at = (load_le<uint64_t>(c.raw.data() + 8) ^ salt_) * 0x9e3779b97f4a7c15ull;
    return static_cast<size_t>((at + i * (step ^ (salt_ << 1))) % (uint64_t{room_.size()} * 8));
  }

  MutBytes room_;
  uint64_t salt_ = 0;
  uint32_t first_ = 0;
  uint32_t end_ = 0;
};

}  // namespace drey
