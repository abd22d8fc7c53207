#include "heap/arena.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <random>
#include <vector>

namespace drey::heap {
namespace {

constexpr size_t kBytes = 256 * 1024;

struct ArenaTest : testing::Test {
  std::unique_ptr<uint8_t[]> memory = std::make_unique<uint8_t[]>(kBytes);
  Arena arena;
  void SetUp() override { ASSERT_TRUE(arena.add_region({memory.get(), kBytes})); }
  void* get(size_t bytes, HeapUser user = HeapUser::kOther) {
    return arena.allocate(bytes, Arena::kUnit, user);
  }
};

TEST_F(ArenaTest, AFreshArenaIsEmpty) {
  EXPECT_TRUE(arena.verify());
  EXPECT_EQ(arena.stats().used_bytes, 0u);
  EXPECT_LE(arena.stats().capacity_bytes, kBytes);
  EXPECT_GE(arena.stats().capacity_bytes, kBytes - 64);
}

TEST_F(ArenaTest, ZeroAndOneByteAreRealBlocks) {
  void* a = get(0);
  void* b = get(1);
  ASSERT_TRUE(a != nullptr && b != nullptr && a != b);
  EXPECT_GE(arena.usable_bytes(a), 16u);
  arena.release(a);
  arena.release(b);
  EXPECT_EQ(arena.stats().used_bytes, 0u);
  EXPECT_TRUE(arena.verify());
}

TEST_F(ArenaTest, FullTellsNullCountsItAndGoesOnAfterARelease) {
  std::vector<void*> blocks;
  while (void* p = get(1000)) blocks.push_back(p);
  EXPECT_EQ(arena.stats().failures, 1u);
  EXPECT_EQ(blocks.size(), arena.stats().capacity_bytes / 1024);
  EXPECT_TRUE(arena.verify());
  arena.release(blocks.back());
  EXPECT_EQ(get(1000), blocks.back());
  for (void* p : blocks) arena.release(p);
  EXPECT_TRUE(arena.verify());
  EXPECT_EQ(arena.stats().used_bytes, 0u);
  EXPECT_NE(get(arena.stats().capacity_bytes - 16), nullptr) << "all of it is one block again";
}

TEST_F(ArenaTest, TheWholeArenaIsOneRequestAndOneByteMoreIsNot) {
  size_t all = arena.stats().capacity_bytes - 16;
  EXPECT_EQ(get(all + 1), nullptr);
  void* p = get(all);
  ASSERT_NE(p, nullptr);
  EXPECT_EQ(get(0), nullptr);
  arena.release(p);
  EXPECT_TRUE(arena.verify());
}

TEST_F(ArenaTest, AbsurdRequestsAreRefused) {
  EXPECT_EQ(get(SIZE_MAX), nullptr);
  EXPECT_EQ(get(SIZE_MAX - 15), nullptr);
  EXPECT_EQ(get(Arena::kRequestMax), nullptr);
  EXPECT_EQ(arena.allocate(16, SIZE_MAX / 2 + 1, HeapUser::kOther), nullptr);
  EXPECT_EQ(arena.allocate(16, Arena::kRequestMax, HeapUser::kOther), nullptr);
  EXPECT_EQ(arena.stats().failures, 5u);
}

TEST_F(ArenaTest, EveryAlignmentIsKept) {
  std::vector<void*> blocks;
  for (size_t alignment = 16; alignment <= 16384; alignment *= 2) {
    void* p = arena.allocate(100, alignment, HeapUser::kOther);
    ASSERT_NE(p, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % alignment, 0u);
    EXPECT_TRUE(arena.verify());
    blocks.push_back(p);
  }
  for (void* p : blocks) arena.release(p);
  EXPECT_TRUE(arena.verify());
  EXPECT_EQ(arena.stats().used_bytes, 0u);
}

TEST_F(ArenaTest, ResizeGrowsInPlaceWhereTheNeighbourIsFree) {
  void* a = get(100);
  std::memset(a, 7, 100);
  EXPECT_EQ(arena.resize(a, 5000, HeapUser::kOther), a);
  EXPECT_EQ(arena.resize(a, 10, HeapUser::kOther), a);
  void* b = get(100);
  void* moved = arena.resize(a, 5000, HeapUser::kOther);
  ASSERT_NE(moved, a);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(static_cast<uint8_t*>(moved)[i], 7);
  EXPECT_EQ(arena.resize(moved, 1 << 20, HeapUser::kOther), nullptr);
  EXPECT_EQ(static_cast<uint8_t*>(moved)[0], 7) << "a refused resize leaves the block";
  arena.release(moved);
  arena.release(b);
  EXPECT_TRUE(arena.verify());
  EXPECT_EQ(arena.stats().used_bytes, 0u);
}

TEST_F(ArenaTest, AShareIsAWallForItsUserOnly) {
  arena.set_limit(HeapUser::kMbedTls, 4096);
  void* a = get(4000, HeapUser::kMbedTls);
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(get(200, HeapUser::kMbedTls), nullptr);
  EXPECT_EQ(arena.resize(a, 5000, HeapUser::kMbedTls), nullptr);
  void* b = get(5000, HeapUser::kUv);
  EXPECT_NE(b, nullptr);
  const HeapUse& tls = arena.stats().users[static_cast<size_t>(HeapUser::kMbedTls)];
  EXPECT_EQ(tls.failures, 2u);
  EXPECT_EQ(tls.used_bytes, 4016u);
  arena.release(a);
  EXPECT_EQ(tls.used_bytes, 0u);
  EXPECT_EQ(tls.peak_bytes, 4016u);
  arena.drop_limits();
  EXPECT_NE(get(8000, HeapUser::kMbedTls), nullptr);
}

TEST_F(ArenaTest, ASecondRegionIsUsedAndNeverMergedWithTheFirst) {
  auto more = std::make_unique<uint8_t[]>(kBytes * 2);
  EXPECT_EQ(get(kBytes), nullptr);
  EXPECT_FALSE(arena.add_region({more.get(), 40}));
  ASSERT_TRUE(arena.add_region({more.get() + 1, kBytes * 2 - 1})) << "any address will do";
  void* p = get(kBytes);
  ASSERT_NE(p, nullptr);
  EXPECT_TRUE(arena.verify());
  arena.release(p);
  EXPECT_TRUE(arena.verify());
}

TEST_F(ArenaTest, DamageAndDoubleFreeStopTheProgram) {
  void* p = get(100);
  void* q = get(100);
  EXPECT_DEATH(arena.release(static_cast<uint8_t*>(p) + 8), "never handed out");
  EXPECT_DEATH(
      {
        arena.release(p);
        arena.release(p);
      },
      "freed twice");
  EXPECT_DEATH(
      {
        arena.release(p);
        arena.release(q);
        arena.release(q);
      },
      "freed twice");
  EXPECT_DEATH(
      {
        std::memset(p, 0xff, 128);
        arena.release(q);
      },
      "damaged");
  EXPECT_DEATH(
      {
        std::memset(p, 0, 128);
        arena.release(p);
      },
      "damaged");
}

// A random life of many blocks; each is filled with its own byte and looked at when it goes.
void live(Arena* arena, uint64_t seed, int steps, size_t size_max) {
  struct Held {
    uint8_t* data;
    size_t size;
    uint8_t fill;
  };
  std::mt19937_64 random(seed);
  std::vector<Held> held;
  auto intact = [](const Held& h, size_t size) {
    for (size_t i = 0; i < size; ++i)
      if (h.data[i] != h.fill) return false;
    return true;
  };
  for (int step = 0; step < steps; ++step) {
    auto user = static_cast<HeapUser>(random() % kHeapUserCount);
    size_t size = random() % 4 == 0 ? random() % size_max : random() % 200;
    uint64_t action = random() % 8;
    if (action < 4 || held.empty()) {
      size_t alignment = random() % 8 == 0 ? size_t{16} << (random() % 8) : 16;
      auto* p = static_cast<uint8_t*>(arena->allocate(size, alignment, user));
      if (p == nullptr) continue;
      ASSERT_EQ(reinterpret_cast<uintptr_t>(p) % alignment, 0u);
      Held h{p, size, static_cast<uint8_t>(random())};
      std::memset(p, h.fill, size);
      held.push_back(h);
    } else {
      size_t at = random() % held.size();
      Held& h = held[at];
      ASSERT_TRUE(intact(h, h.size)) << "seed " << seed << " step " << step;
      if (action < 6) {
        arena->release(h.data);
        h = held.back();
        held.pop_back();
      } else if (auto* p = static_cast<uint8_t*>(arena->resize(h.data, size, user))) {
        h.data = p;
        ASSERT_TRUE(intact(h, std::min(h.size, size))) << "seed " << seed << " step " << step;
        h.size = size;
        std::memset(p, h.fill, size);
      }
    }
    ASSERT_TRUE(step % 64 != 0 || arena->verify()) << "seed " << seed << " step " << step;
  }
  for (const Held& h : held) {
    ASSERT_TRUE(intact(h, h.size));
    arena->release(h.data);
  }
}

TEST(Arena, StressNeverOverlapsNeverLeaksAndMergesAllBack) {
  std::vector<uint8_t> memory(kBytes);
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Arena arena;
    ASSERT_TRUE(arena.add_region(memory));
    live(&arena, seed, 4000, seed % 2 == 0 ? 3000 : 40000);
    ASSERT_TRUE(arena.verify());
    ASSERT_EQ(arena.stats().used_bytes, 0u);
    for (const HeapUse& use : arena.stats().users) ASSERT_EQ(use.used_bytes, 0u);
    ASSERT_NE(arena.allocate(arena.stats().capacity_bytes - 16, 16, HeapUser::kOther), nullptr);
    ASSERT_GT(arena.stats().peak_bytes, arena.stats().capacity_bytes / 4);
  }
}

}  // namespace
}  // namespace drey::heap
