// An allocator over one fixed arena, for SQLite only: segregated free lists, boundary tags,
// immediate coalescing (after Masmano et al., "TLSF", ECRTS 2004, with four classes per power of
// two). The object belongs to sqlite_runtime; any thread, a spin lock guards it. Null when nothing
// fits: SQLite then reports SQLITE_NOMEM and the store answers "busy".
#pragma once

#include <array>
#include <atomic>

#include "drey/bytes.h"

namespace drey {

class SqliteHeap {
 public:
  static constexpr size_t kAlign = 8;
  static constexpr size_t kArenaBytesMax = size_t{1} << 30;

  // `arena` holds at least 1 KiB. Forgets everything that was in it.
  void start(MutBytes arena);
  void* allocate(size_t bytes);
  void release(void* block);
  void* resize(void* block, size_t bytes);  // keeps the block when it returns null
  static size_t size_of(const void* block);
  static size_t round_up(size_t bytes);

  size_t arena_bytes() const { return bytes_; }
  size_t used_bytes() const { return used_; }
  size_t peak_bytes() const { return peak_; }
  size_t refused_count() const { return refused_; }
  // Walks all blocks and lists: true when every tag agrees. For tests.
  bool verify();

 private:
  class Guard;
  struct Block;
  static constexpr size_t kClasses = 4 * 32;
  static size_t class_of(size_t bytes);
  Block* block_at(size_t offset) const;
  Block* next_of(Block* block) const;
  Block* find(size_t bytes);
  void link(Block* block);
  void unlink(Block* block);
  void split(Block* block, size_t bytes);
  void* take(size_t bytes);
  void give(Block* block);
  bool grow(Block* block, size_t bytes);
  void count(size_t used);

  uint8_t* base_ = nullptr;
  size_t bytes_ = 0;
  size_t used_ = 0;
  size_t peak_ = 0;
  size_t refused_ = 0;
  std::array<uint32_t, kClasses> lists_{};  // offset of the first free block, kNone
  std::atomic_flag locked_ = ATOMIC_FLAG_INIT;
};

}  // namespace drey
