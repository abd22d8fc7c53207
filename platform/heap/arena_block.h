// The header in front of every block, shared by the arena's two files.
#pragma once

#include <algorithm>

#include "heap/arena.h"

namespace drey::heap {

inline constexpr uint16_t kUsedMark = 0xd4ea;
inline constexpr uint16_t kFreeMark = 0xf4ee;
inline constexpr uint16_t kEndMark = 0xe4dd;
inline constexpr uint32_t kHeaderUnits = 1;
inline constexpr uint32_t kBlockUnitsMin = 2;

// The links overlay the caller's bytes and count only while the block is free.
struct alignas(Arena::kUnit) Arena::Block {
  uint32_t units;           // of this block, header included
  uint32_t previous_units;  // of the block before it in memory; 0 = the first of its region
  uint16_t mark;
  HeapUser user;
  uint8_t unused8;
  uint32_t unused32;
  Block* next_free;
  Block* previous_free;

  uint8_t* data() { return reinterpret_cast<uint8_t*>(this) + kUnit; }
  size_t bytes() const { return size_t{units} * kUnit; }
};

}  // namespace drey::heap
