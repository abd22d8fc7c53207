#include "store/sqlite_heap.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "drey/check.h"

namespace drey {
namespace {

constexpr uint32_t kNone = 0xffffffff;
constexpr uint32_t kUsed = 1;  // lowest bit of `tag`; sizes are multiples of 8

}  // namespace

// Tags of a block, in front of its payload. `next` and `previous` exist in free blocks only: they
// overlay the payload.
struct SqliteHeap::Block {
  uint32_t tag;          // bytes of the whole block, kUsed
  uint32_t below_bytes;  // of the block in front; 0 = this is the first one
  uint32_t next;
  uint32_t previous;

  size_t bytes() const { return tag & ~kUsed; }
  bool used() const { return (tag & kUsed) != 0; }
  uint8_t* payload() { return reinterpret_cast<uint8_t*>(this) + kTagBytes; }
  static Block* of(void* payload) {
    return reinterpret_cast<Block*>(static_cast<uint8_t*>(payload) - kTagBytes);
  }
  static constexpr size_t kTagBytes = 8;
  static constexpr size_t kBytesMin = 16;
};

class SqliteHeap::Guard {
 public:
  explicit Guard(std::atomic_flag& flag) : flag_(flag) {
    while (flag_.test_and_set(std::memory_order_acquire)) {
    }
  }
  ~Guard() { flag_.clear(std::memory_order_release); }

 private:
  std::atomic_flag& flag_;
};

SqliteHeap::Block* SqliteHeap::block_at(size_t offset) const {
  return reinterpret_cast<Block*>(base_ + offset);
}

SqliteHeap::Block* SqliteHeap::next_of(Block* block) const {
  size_t end = static_cast<size_t>(reinterpret_cast<uint8_t*>(block) - base_) + block->bytes();
  return end < bytes_ ? block_at(end) : nullptr;
}

// Four classes per power of two, so that a class wastes at most a fifth.
size_t SqliteHeap::class_of(size_t bytes) {
  auto log = static_cast<size_t>(std::bit_width(bytes) - 1);
  return log * 4 + ((bytes >> (log - 2)) & 3);
}

void SqliteHeap::start(MutBytes arena) {
  auto at = reinterpret_cast<uintptr_t>(arena.data());
  size_t skip = (kAlign - at % kAlign) % kAlign;
  base_ = arena.data() + skip;
  bytes_ = std::min(arena.size() - skip, kArenaBytesMax) / kAlign * kAlign;
  used_ = peak_ = refused_ = 0;
  lists_.fill(kNone);
  Block* all = block_at(0);
  all->tag = static_cast<uint32_t>(bytes_);
  all->below_bytes = 0;
  link(all);
}

void SqliteHeap::link(Block* block) {
  uint32_t& head = lists_[class_of(block->bytes())];
  auto offset = static_cast<uint32_t>(reinterpret_cast<uint8_t*>(block) - base_);
  block->next = head;
  block->previous = kNone;
  if (head != kNone) block_at(head)->previous = offset;
  head = offset;
}

void SqliteHeap::unlink(Block* block) {
  if (block->next != kNone) block_at(block->next)->previous = block->previous;
  if (block->previous != kNone)
    block_at(block->previous)->next = block->next;
  else
    lists_[class_of(block->bytes())] = block->next;
}

SqliteHeap::Block* SqliteHeap::find(size_t bytes) {
  // Its own class may hold smaller blocks; every higher class fits with its first one.
  size_t first = class_of(bytes);
  for (uint32_t at = lists_[first]; at != kNone; at = block_at(at)->next)
    if (block_at(at)->bytes() >= bytes) return block_at(at);
  for (size_t i = first + 1; i < kClasses; ++i)
    if (lists_[i] != kNone) return block_at(lists_[i]);
  return nullptr;
}

// Cuts `block` (not in a list) down to `bytes`; the rest becomes a free block.
void SqliteHeap::split(Block* block, size_t bytes) {
  size_t rest = block->bytes() - bytes;
  if (rest < Block::kBytesMin) return;
  uint32_t used = block->tag & kUsed;
  block->tag = static_cast<uint32_t>(bytes) | used;
  Block* tail = next_of(block);
  tail->tag = static_cast<uint32_t>(rest);
  tail->below_bytes = static_cast<uint32_t>(bytes);
  if (Block* above = next_of(tail)) above->below_bytes = static_cast<uint32_t>(rest);
  give(tail);
}

// Joins a block, which is in no list, with its free neighbours and links the result.
void SqliteHeap::give(Block* block) {
  block->tag &= ~kUsed;
  if (Block* above = next_of(block); above != nullptr && !above->used()) {
    unlink(above);
    block->tag += above->tag;
  }
  if (block->below_bytes != 0) {
    auto* below = reinterpret_cast<Block*>(reinterpret_cast<uint8_t*>(block) - block->below_bytes);
    if (!below->used()) {
      unlink(below);
      below->tag += block->tag;
      block = below;
    }
  }
  if (Block* above = next_of(block)) above->below_bytes = static_cast<uint32_t>(block->bytes());
  link(block);
}

void SqliteHeap::count(size_t used) {
  used_ = used;
  peak_ = std::max(peak_, used_);
}

void* SqliteHeap::take(size_t bytes) {
  if (bytes > kArenaBytesMax) return nullptr;
  size_t need = std::max(round_up(bytes) + Block::kTagBytes, Block::kBytesMin);
  Block* block = find(need);
  if (block == nullptr) {
    ++refused_;
    return nullptr;
  }
  unlink(block);
  block->tag |= kUsed;
  split(block, need);
  count(used_ + block->bytes());
  return block->payload();
}

void* SqliteHeap::allocate(size_t bytes) {
  Guard guard(locked_);
  return take(bytes);
}

void SqliteHeap::release(void* payload) {
  if (payload == nullptr) return;
  Guard guard(locked_);
  Block* block = Block::of(payload);
  DREY_CHECK(block->used());
  used_ -= block->bytes();
  give(block);
}

bool SqliteHeap::grow(Block* block, size_t bytes) {
  if (block->bytes() >= bytes) return true;
  Block* above = next_of(block);
  if (above == nullptr || above->used() || block->bytes() + above->bytes() < bytes) return false;
  unlink(above);
  used_ += above->bytes();
  block->tag += above->tag;
  if (Block* next = next_of(block)) next->below_bytes = static_cast<uint32_t>(block->bytes());
  return true;
}

void* SqliteHeap::resize(void* payload, size_t bytes) {
  if (payload == nullptr) return allocate(bytes);
  Guard guard(locked_);
  if (bytes > kArenaBytesMax) return nullptr;
  Block* block = Block::of(payload);
  DREY_CHECK(block->used());
  size_t need = std::max(round_up(bytes) + Block::kTagBytes, Block::kBytesMin);
  if (grow(block, need)) {
    size_t before = block->bytes();
    split(block, need);
    count(used_ - (before - block->bytes()));
    return payload;
  }
  void* moved = take(bytes);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, payload, block->bytes() - Block::kTagBytes);
  used_ -= block->bytes();
  give(block);
  return moved;
}

size_t SqliteHeap::size_of(const void* payload) {
  return Block::of(const_cast<void*>(payload))->bytes() - Block::kTagBytes;
}

size_t SqliteHeap::round_up(size_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; }

bool SqliteHeap::verify() {
  Guard guard(locked_);
  size_t used = 0;
  size_t free_blocks = 0;
  size_t below = 0;
  bool below_free = false;
  for (Block* block = block_at(0); block != nullptr; block = next_of(block)) {
    if (block->below_bytes != below || block->bytes() < Block::kBytesMin) return false;
    if (!block->used() && below_free) return false;  // neighbours must have been joined
    below_free = !block->used();
    below = block->bytes();
    (block->used() ? used : free_blocks) += block->used() ? block->bytes() : 1;
  }
  for (size_t i = 0; i < kClasses; ++i)
    for (uint32_t at = lists_[i]; at != kNone; at = block_at(at)->next) {
      if (block_at(at)->used() || class_of(block_at(at)->bytes()) != i) return false;
      --free_blocks;
    }
  return used == used_ && free_blocks == 0;
}

}  // namespace drey
