// The arena's consistency, for tests: every block, its neighbours, its list and its bit.
#include "heap/arena_block.h"

namespace drey::heap {

bool Arena::verify_list(unsigned first, unsigned second, size_t* listed) const {
  const Block* head = lists_[first][second];
  bool marked = (second_bitmap_[first] >> second & 1) != 0;
  if (marked != (head != nullptr)) return false;
  if (marked && (first_bitmap_ >> first & 1) == 0) return false;
  for (const Block* block = head; block != nullptr; block = block->next_free) {
    Class at = class_of(block->units);
    if (at.first != first || at.second != second || block->mark != kFreeMark) return false;
    if (block->next_free != nullptr && block->next_free->previous_free != block) return false;
    ++*listed;
  }
  return true;
}

bool Arena::verify_region(uint8_t* begin, size_t* free_blocks) const {
  auto* block = reinterpret_cast<Block*>(begin);
  uint32_t previous_units = 0;
  bool previous_free = false;
  while (block->mark != kEndMark) {
    bool is_free = block->mark == kFreeMark;
    if (!is_free && block->mark != kUsedMark) return false;
    if (block->units < kBlockUnitsMin || block->previous_units != previous_units) return false;
    if (is_free && previous_free) return false;  // neighbours were not merged
    *free_blocks += is_free;
    previous_free = is_free;
    previous_units = block->units;
    block = next_of(block);
  }
  return block->previous_units == previous_units;
}

bool Arena::verify() const {
  size_t free_blocks = 0, listed = 0;
  for (size_t i = 0; i < region_count_; ++i)
    if (!verify_region(regions_[i], &free_blocks)) return false;
  for (unsigned first = 0; first < kFirstCount; ++first)
    for (unsigned second = 0; second < kSecondCount; ++second)
      if (!verify_list(first, second, &listed)) return false;
  return listed == free_blocks;
}

}  // namespace drey::heap
