// A general allocator on given memory: two-level segregated free lists with immediate coalescing
// (TLSF: Masmano et al., ECRTS 2004), so that a request costs the same however full it is.
//
// Not thread-safe: malloc.cc holds a lock around it. Constant-initialised, because malloc is called
// before any constructor runs. A damaged header or a double free stops the program.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "drey/heap.h"

namespace drey::heap {

class Arena {
 public:
  static constexpr size_t kUnit = 16;  // block sizes and addresses are multiples of it
  static constexpr size_t kRegionsMax = 64;
  static constexpr uint64_t kRequestMax = sizeof(size_t) == 8 ? uint64_t{1} << 34 : 1u << 30;

  constexpr Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Adds memory for good. False when it is too small or there are too many regions.
  bool add_region(std::span<uint8_t> memory);

  // Null when no block or no share is left (counted). `alignment` is a power of two.
  void* allocate(size_t bytes, size_t alignment, HeapUser user);
  void release(void* pointer);  // not null
  // In place where the neighbour allows it; null leaves the old block as it is. `pointer` not null.
  void* resize(void* pointer, size_t bytes, HeapUser user);
  size_t usable_bytes(const void* pointer) const;

  void set_limit(HeapUser user, size_t bytes);
  void drop_limits();
  // A failure that the caller mends by adding a region is none.
  void forgive_failure(HeapUser user);
  const HeapStats& stats() const { return stats_; }

  // Walks every block and list: true when all of it is consistent. For tests; slow.
  bool verify() const;

 private:
  struct Block;
  static constexpr unsigned kSecondBits = 4;
  static constexpr unsigned kSecondCount = 1u << kSecondBits;
  static constexpr unsigned kFirstCount = 29;  // 32-bit unit counts
  struct Class {
    unsigned first;
    unsigned second;
  };

  static Class class_of(uint32_t units);
  static Block* block_of(void* pointer);
  static Block* next_of(Block* block);
  static Block* previous_of(Block* block);
  static void set_units(Block* block, uint32_t units);

  Block* find(uint32_t units);
  Block* find_in_own_class(uint32_t units);
  void list_insert(Block* block);
  void list_remove(Block* block);
  // Cuts so much off the front that the block's data is aligned; returns the aligned block.
  Block* align(Block* block, size_t alignment);
  // Cuts `block` to `units`; the rest goes back to the lists.
  void trim(Block* block, uint32_t units);
  void give_back(Block* block);
  bool may_use(HeapUser user, size_t more_bytes) const;
  void charge(HeapUser user, size_t bytes);
  void discharge(HeapUser user, size_t bytes);
  void* fail(HeapUser user);
  bool verify_region(uint8_t* begin, size_t* free_blocks) const;
  bool verify_list(unsigned first, unsigned second, size_t* listed) const;

  uint32_t first_bitmap_ = 0;
  std::array<uint32_t, kFirstCount> second_bitmap_{};
  std::array<std::array<Block*, kSecondCount>, kFirstCount> lists_{};
  std::array<uint8_t*, kRegionsMax> regions_{};
  size_t region_count_ = 0;
  HeapStats stats_{};
};

}  // namespace drey::heap
