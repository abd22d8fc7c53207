#include "store/sqlite_heap.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "unit/store/store_fixture.h"

namespace drey {
namespace {

TEST(SqliteHeap, GivesAlignedBlocksThatDoNotOverlap) {
  std::vector<uint8_t> arena(64 * 1024 + 3);
  SqliteHeap heap;
  heap.start(MutBytes(arena).subspan(3));
  std::vector<uint8_t*> blocks;
  for (size_t size = 0; size < 200; ++size) {
    auto* block = static_cast<uint8_t*>(heap.allocate(size));
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % SqliteHeap::kAlign, 0u);
    EXPECT_GE(SqliteHeap::size_of(block), size);
    std::memset(block, static_cast<int>(size), size);
    blocks.push_back(block);
  }
  EXPECT_TRUE(heap.verify());
  for (size_t size = 0; size < blocks.size(); ++size) {
    for (size_t i = 0; i < size; ++i) ASSERT_EQ(blocks[size][i], static_cast<uint8_t>(size));
    heap.release(blocks[size]);
  }
  EXPECT_TRUE(heap.verify());
  EXPECT_EQ(heap.used_bytes(), 0u);
}

TEST(SqliteHeap, AFullArenaGivesNullCountsItAndRecovers) {
  std::vector<uint8_t> arena(16 * 1024);
  SqliteHeap heap;
  heap.start(arena);
  std::vector<void*> blocks;
  while (void* block = heap.allocate(1000)) blocks.push_back(block);
  EXPECT_GE(blocks.size(), 15u);
  EXPECT_EQ(heap.refused_count(), 1u);
  for (size_t i = 0; i < blocks.size(); i += 2) heap.release(blocks[i]);
  for (size_t i = 1; i < blocks.size(); i += 2) heap.release(blocks[i]);
  void* all = heap.allocate(16 * 1024 - 64);  // everything was joined again
  EXPECT_NE(all, nullptr);
  EXPECT_EQ(heap.allocate(SqliteHeap::kArenaBytesMax + 1), nullptr);
  EXPECT_TRUE(heap.verify());
}

TEST(SqliteHeap, ResizeKeepsTheBytesAndTheOldBlockWhenItFails) {
  std::vector<uint8_t> arena(8 * 1024);
  SqliteHeap heap;
  heap.start(arena);
  auto* block = static_cast<uint8_t*>(heap.resize(nullptr, 100));
  ASSERT_NE(block, nullptr);
  std::memset(block, 7, 100);
  void* wall = heap.allocate(100);  // the block cannot grow in place
  block = static_cast<uint8_t*>(heap.resize(block, 2000));
  ASSERT_NE(block, nullptr);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(block[i], 7);
  EXPECT_EQ(heap.resize(block, 100'000), nullptr);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(block[i], 7);
  block = static_cast<uint8_t*>(heap.resize(block, 10));
  EXPECT_EQ(block[9], 7);
  heap.release(wall);
  heap.release(block);
  EXPECT_TRUE(heap.verify());
  EXPECT_EQ(heap.used_bytes(), 0u);
}

TEST(SqliteHeap, SurvivesALongRandomLife) {
  std::vector<uint8_t> arena(256 * 1024);
  SqliteHeap heap;
  heap.start(arena);
  TestRandom random(3);
  struct Held {
    uint8_t* block;
    size_t size;
    uint8_t mark;
  };
  std::vector<Held> held;
  for (int i = 0; i < 60'000; ++i) {
    uint64_t choice = random.next();
    size_t size = choice % 3 == 0 ? choice / 8 % 9000 : choice / 8 % 300;
    if (choice % 5 < 2 || held.empty()) {
      auto* block = static_cast<uint8_t*>(heap.allocate(size));
      if (block == nullptr) continue;
      held.push_back({block, size, static_cast<uint8_t>(i)});
      std::memset(block, held.back().mark, size);
      continue;
    }
    size_t at = choice / 16 % held.size();
    Held& one = held[at];
    for (size_t k = 0; k < one.size; ++k) ASSERT_EQ(one.block[k], one.mark);
    if (choice % 5 == 2) {
      auto* moved = static_cast<uint8_t*>(heap.resize(one.block, size));
      if (moved == nullptr) continue;
      one.block = moved;
      one.size = size;
      std::memset(moved, one.mark, size);
    } else {
      heap.release(one.block);
      held[at] = held.back();
      held.pop_back();
    }
    if (i % 1000 == 0) {
      ASSERT_TRUE(heap.verify());
    }
  }
  for (const Held& one : held) heap.release(one.block);
  EXPECT_TRUE(heap.verify());
  EXPECT_EQ(heap.used_bytes(), 0u);
}

}  // namespace
}  // namespace drey
