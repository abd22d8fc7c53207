#include "codec/chunker.h"

#include <gtest/gtest.h>

#include <set>

#include "unit/codec/support.h"

namespace drey {
namespace {

using test::random_bytes;

constexpr ChunkSizes kSmall{256, 1024, 4096};

std::vector<size_t> cuts(const Chunker& chunker, Bytes data) {
  std::vector<size_t> ends;
  size_t at = 0;
  while (at < data.size()) {
    size_t size = chunker.cut(data.subspan(at), true);
    EXPECT_GT(size, 0u);
    if (size == 0) break;
    at += size;
    ends.push_back(at);
  }
  return ends;
}

Key32 key(uint8_t first) {
  Key32 k{};
  k[0] = first;
  return k;
}

TEST(ChunkSizes, OnlyOrderedSizesWithinTheLimitsAreValid) {
  EXPECT_TRUE(ChunkSizes{}.valid());
  EXPECT_TRUE(kSmall.valid());
  EXPECT_FALSE((ChunkSizes{1024, 1024, 4096}.valid()));
  EXPECT_FALSE((ChunkSizes{256, 4096, 4096}.valid()));
  EXPECT_FALSE((ChunkSizes{32, 1024, 4096}.valid()));
  EXPECT_FALSE((ChunkSizes{256, 1024, limits::kChunkBytesMax + 1}.valid()));
}

TEST(Chunker, SizesStayWithinBoundsAndNearTheAverage) {
  for (const ChunkSizes& sizes : {kSmall, ChunkSizes{}}) {
    Chunker chunker(key(1), sizes);
    auto data = random_bytes(sizes.average * 300, 2);
    auto ends = cuts(chunker, data);
    size_t previous = 0, at_max = 0;
    for (size_t i = 0; i < ends.size(); ++i) {
      size_t size = ends[i] - previous;
      previous = ends[i];
      ASSERT_LE(size, sizes.max);
      if (i + 1 < ends.size()) {
        ASSERT_GE(size, sizes.min);
      }
      if (size == sizes.max) ++at_max;
    }
    size_t mean = data.size() / ends.size();
    EXPECT_GT(mean, sizes.average * 8 / 10);
    EXPECT_LT(mean, sizes.average * 12 / 10);
    EXPECT_LT(at_max, ends.size() / 20);
  }
}

TEST(Chunker, ShortInputWaitsForMoreOrEnds) {
  Chunker chunker(key(1), kSmall);
  auto data = random_bytes(kSmall.max, 3);
  EXPECT_EQ(chunker.cut({}, true), 0u);
  EXPECT_EQ(chunker.cut({}, false), 0u);
  for (size_t size : {size_t{1}, kSmall.min - 1, kSmall.min}) {
    EXPECT_EQ(chunker.cut(Bytes(data).first(size), false), 0u);
    EXPECT_EQ(chunker.cut(Bytes(data).first(size), true), size);
  }
}

TEST(Chunker, ConstantDataIsCutAtTheMaximumOrEarlier) {
  Chunker chunker(key(1), kSmall);
  std::vector<uint8_t> zeros(kSmall.max * 3);
  size_t first = chunker.cut(zeros, false);
  EXPECT_GE(first, kSmall.min);
  EXPECT_LE(first, kSmall.max);
  EXPECT_EQ(chunker.cut(zeros, true), first);
}

TEST(Chunker, CutDoesNotDependOnHowMuchMoreIsThere) {
  Chunker chunker(key(1), kSmall);
  for (uint64_t seed = 0; seed < 50; ++seed) {
    auto data = random_bytes(kSmall.max * 2, seed);
    size_t whole = chunker.cut(data, false);
    for (size_t size = 0; size <= kSmall.max + 10; size += 61) {
      size_t part = chunker.cut(Bytes(data).first(size), false);
      ASSERT_TRUE(part == 0 || part == whole);
      if (size >= kSmall.max) {
        ASSERT_EQ(part, whole);
      }
    }
  }
}

TEST(Chunker, AnInsertionDisturbsOnlyItsNeighbourhood) {
  Chunker chunker(key(1), kSmall);
  auto data = random_bytes(kSmall.average * 400, 4);
  auto before = cuts(chunker, data);
  std::set<size_t> old_ends(before.begin(), before.end());
  size_t at = data.size() / 2;
  auto changed = data;
  changed.insert(changed.begin() + static_cast<ptrdiff_t>(at), {1, 2, 3, 4, 5, 6, 7});
  size_t lost = 0;
  for (size_t end : cuts(chunker, changed)) {
    size_t original = end > at ? end - 7 : end;
    if (!old_ends.contains(original)) ++lost;
  }
  EXPECT_LE(lost, 8u);  // of about 400
}

TEST(Chunker, TheKeyMovesTheCuts) {
  auto data = random_bytes(kSmall.average * 100, 5);
  auto a = cuts(Chunker(key(1), kSmall), data);
  auto b = cuts(Chunker(key(2), kSmall), data);
  std::set<size_t> in_a(a.begin(), a.end());
  size_t common = 0;
  for (size_t end : b) common += in_a.contains(end) ? 1 : 0;
  EXPECT_LT(common, b.size() / 10);
  EXPECT_EQ(a, cuts(Chunker(key(1), kSmall), data));
}

TEST(Chunker, GoldenCutsStayWhereTheyAre) {  // a moved cut costs every mesh its deduplication
  auto keyring = test::golden_keyring();
  Chunker chunker(keyring.k_cdc().bytes(), kSmall);
  auto ends = cuts(chunker, random_bytes(20000, 6));
  const std::vector<size_t> golden = {1448,  2479,  3926,  4741,  5352,  6351,  7352,
                                      8225,  9285,  10302, 11262, 12722, 13638, 14604,
                                      16325, 17536, 18282, 19567, 20000};
  EXPECT_EQ(ends, golden);
}

}  // namespace
}  // namespace drey
