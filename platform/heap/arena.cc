#include "heap/arena.h"

#include <unistd.h>

#include <bit>
#include <cstdlib>
#include <cstring>

#include "heap/arena_block.h"

namespace drey::heap {

namespace {

// No logging here: the caller holds malloc's lock.
[[noreturn]] void corrupted(const char* what) {
  static constexpr char kPrefix[] = "<2>heap: ";
  ssize_t told = write(2, kPrefix, sizeof(kPrefix) - 1);
  told += write(2, what, std::strlen(what));
  told += write(2, "\n", 1);
  static_cast<void>(told);  // nobody left to tell that it could not be told
  std::abort();
}

// Header included; 0 when the request is beyond all bounds.
uint32_t units_for(size_t bytes) {
  if (bytes > Arena::kRequestMax) return 0;
  auto units = static_cast<uint32_t>((bytes + Arena::kUnit - 1) / Arena::kUnit) + kHeaderUnits;
  return std::max(units, kBlockUnitsMin);
}

}  // namespace

Arena::Class Arena::class_of(uint32_t units) {
  if (units < kSecondCount) return {0, units};
  auto top = static_cast<unsigned>(std::bit_width(units)) - 1;
  return {top - kSecondBits + 1, (units >> (top - kSecondBits)) & (kSecondCount - 1)};
}

Arena::Block* Arena::block_of(void* pointer) {
  auto address = reinterpret_cast<uintptr_t>(pointer);
  if (address % kUnit != 0) corrupted("a pointer that was never handed out is freed");
  auto* block = reinterpret_cast<Block*>(address - kUnit);
  if (block->mark == kFreeMark) corrupted("a block is freed twice");
  if (block->mark != kUsedMark) corrupted("a block's header is damaged");
  return block;
}

Arena::Block* Arena::next_of(Block* block) {
  return reinterpret_cast<Block*>(reinterpret_cast<uint8_t*>(block) + block->bytes());
}

Arena::Block* Arena::previous_of(Block* block) {
  if (block->previous_units == 0) return nullptr;
  return reinterpret_cast<Block*>(reinterpret_cast<uint8_t*>(block) -
                                  size_t{block->previous_units} * kUnit);
}

void Arena::set_units(Block* block, uint32_t units) {
  block->units = units;
  next_of(block)->previous_units = units;
}

bool Arena::add_region(std::span<uint8_t> memory) {
  size_t skip = (kUnit - reinterpret_cast<uintptr_t>(memory.data()) % kUnit) % kUnit;
  // A region holds at least one block and the end mark.
  if (memory.size() < skip + (kBlockUnitsMin + kHeaderUnits) * kUnit) return false;
  size_t units = (memory.size() - skip) / kUnit - kHeaderUnits;
  if (region_count_ == kRegionsMax || units > UINT32_MAX) return false;
  auto* block = reinterpret_cast<Block*>(memory.data() + skip);
  block->units = static_cast<uint32_t>(units);
  block->previous_units = 0;
  Block* end = next_of(block);
  end->units = 0;
  end->previous_units = block->units;
  end->mark = kEndMark;
  list_insert(block);
  regions_[region_count_++] = memory.data() + skip;
  stats_.capacity_bytes += units * kUnit;
  return true;
}

void Arena::list_insert(Block* block) {
  Class at = class_of(block->units);
  Block*& head = lists_[at.first][at.second];
  block->mark = kFreeMark;
  block->next_free = head;
  block->previous_free = nullptr;
  if (head != nullptr) head->previous_free = block;
  head = block;
  first_bitmap_ |= 1u << at.first;
  second_bitmap_[at.first] |= 1u << at.second;
}

void Arena::list_remove(Block* block) {
  Class at = class_of(block->units);
  if (block->mark != kFreeMark) corrupted("a free block's header is damaged");
  if (block->next_free != nullptr) block->next_free->previous_free = block->previous_free;
  if (block->previous_free != nullptr) {
    block->previous_free->next_free = block->next_free;
  } else {
    lists_[at.first][at.second] = block->next_free;
  }
  if (lists_[at.first][at.second] != nullptr) return;
  second_bitmap_[at.first] &= ~(1u << at.second);
  if (second_bitmap_[at.first] == 0) first_bitmap_ &= ~(1u << at.first);
}

// Any block of a class above `units` fits; the class of `units` itself may hold smaller ones.
Arena::Block* Arena::find(uint32_t units) {
  uint64_t rounded = units;
  if (units >= kSecondCount) {
    auto top = static_cast<unsigned>(std::bit_width(units)) - 1;
    rounded += (1u << (top - kSecondBits)) - 1;
  }
  if (rounded > UINT32_MAX) return nullptr;
  Class at = class_of(static_cast<uint32_t>(rounded));
  uint32_t second = second_bitmap_[at.first] & (~0u << at.second);
  if (second == 0) {
    uint32_t first = first_bitmap_ & (~0u << (at.first + 1));
    if (first == 0) return find_in_own_class(units);
    at.first = static_cast<unsigned>(std::countr_zero(first));
    second = second_bitmap_[at.first];
  }
  return lists_[at.first][static_cast<unsigned>(std::countr_zero(second))];
}

// The last resort of a nearly full arena, bounded.
Arena::Block* Arena::find_in_own_class(uint32_t units) {
  Class at = class_of(units);
  Block* block = lists_[at.first][at.second];
  for (int i = 0; i < 64 && block != nullptr; ++i, block = block->next_free)
    if (block->units >= units) return block;
  return nullptr;
}

void Arena::trim(Block* block, uint32_t units) {
  uint32_t rest = block->units - units;
  if (rest < kBlockUnitsMin) return;
  set_units(block, units);
  Block* tail = next_of(block);
  set_units(tail, rest);
  give_back(tail);
}

// Merges with free neighbours and lists the result. A header that vanishes inside keeps its mark,
// so that a second free of its block is still noticed.
void Arena::give_back(Block* block) {
  Block* next = next_of(block);
  if (next->mark == kFreeMark) {
    list_remove(next);
    set_units(block, block->units + next->units);
  }
  Block* previous = previous_of(block);
  if (previous != nullptr && previous->mark == kFreeMark) {
    list_remove(previous);
    block->mark = kFreeMark;
    set_units(previous, previous->units + block->units);
    block = previous;
  }
  list_insert(block);
}

bool Arena::may_use(HeapUser user, size_t more_bytes) const {
  const HeapUse& use = stats_.users[static_cast<size_t>(user)];
  return use.limit_bytes == 0 || use.used_bytes + more_bytes <= use.limit_bytes;
}

void Arena::charge(HeapUser user, size_t bytes) {
  HeapUse& use = stats_.users[static_cast<size_t>(user)];
  use.used_bytes += bytes;
  use.peak_bytes = std::max(use.peak_bytes, use.used_bytes);
  stats_.used_bytes += bytes;
  stats_.peak_bytes = std::max(stats_.peak_bytes, stats_.used_bytes);
}

void Arena::discharge(HeapUser user, size_t bytes) {
  stats_.users[static_cast<size_t>(user)].used_bytes -= bytes;
  stats_.used_bytes -= bytes;
}

void* Arena::fail(HeapUser user) {
  ++stats_.failures;
  ++stats_.users[static_cast<size_t>(user)].failures;
  return nullptr;
}

void Arena::forgive_failure(HeapUser user) {
  --stats_.failures;
  --stats_.users[static_cast<size_t>(user)].failures;
}

Arena::Block* Arena::align(Block* block, size_t alignment) {
  auto address = reinterpret_cast<uintptr_t>(block->data());
  size_t gap = (alignment - address % alignment) % alignment;
  if (gap == 0) return block;
  if (gap < kBlockUnitsMin * kUnit) gap += alignment;  // the front is a whole block
  auto front_units = static_cast<uint32_t>(gap / kUnit);
  uint32_t rest = block->units - front_units;
  set_units(block, front_units);
  Block* aligned = next_of(block);
  aligned->mark = kUsedMark;
  set_units(aligned, rest);
  give_back(block);
  return aligned;
}

void* Arena::allocate(size_t bytes, size_t alignment, HeapUser user) {
  uint32_t units = units_for(bytes);
  if (units == 0 || alignment > kRequestMax || !may_use(user, size_t{units} * kUnit))
    return fail(user);
  size_t slack = alignment > kUnit ? alignment / kUnit + kBlockUnitsMin : 0;
  if (slack > UINT32_MAX - units) return fail(user);
  Block* block = find(units + static_cast<uint32_t>(slack));
  if (block == nullptr) return fail(user);
  list_remove(block);
  block->mark = kUsedMark;
  if (alignment > kUnit) block = align(block, alignment);
  trim(block, units);
  block->user = user;
  charge(user, block->bytes());
  ++stats_.allocations;
  return block->data();
}

void Arena::release(void* pointer) {
  Block* block = block_of(pointer);
  if (next_of(block)->previous_units != block->units)
    corrupted("the header behind a freed block is damaged");
  discharge(block->user, block->bytes());
  give_back(block);
}

void* Arena::resize(void* pointer, size_t bytes, HeapUser user) {
  Block* block = block_of(pointer);
  uint32_t units = units_for(bytes);
  if (units == 0) return fail(user);
  Block* next = next_of(block);
  size_t before = block->bytes();
  bool grows = units > block->units;
  if (grows && next->mark == kFreeMark && uint64_t{block->units} + next->units >= units &&
      may_use(block->user, size_t{units} * kUnit - before)) {
    list_remove(next);
    set_units(block, block->units + next->units);
  }
  if (units <= block->units) {
    trim(block, units);
    discharge(block->user, before);
    charge(block->user, block->bytes());
    return pointer;
  }
  void* moved = allocate(bytes, kUnit, user);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, pointer, before - kUnit);
  release(pointer);
  return moved;
}

size_t Arena::usable_bytes(const void* pointer) const {
  return block_of(const_cast<void*>(pointer))->bytes() - kUnit;
}

void Arena::set_limit(HeapUser user, size_t bytes) {
  stats_.users[static_cast<size_t>(user)].limit_bytes = bytes;
}

void Arena::drop_limits() {
  for (HeapUse& use : stats_.users) use.limit_bytes = 0;
}

}  // namespace drey::heap
