// Scrub at the store: what has rotted is found in one pass and no longer counts as held; what is
// well stays; the position goes on where it was.
#include <algorithm>
#include <set>

#include "unit/store/store_fixture.h"

namespace drey {
namespace {

class StoreScrubTest : public StoreTest {
 protected:
  std::vector<TestRecord> records;

  // Several segments on the board with small ones.
  void fill(uint64_t count, size_t size) {
    for (uint64_t i = 0; i < count; ++i) {
      records.push_back(make_record(records.size(), size));
      ASSERT_EQ(append_durably(records.back(), i + 1), Status::kOk);
    }
  }
  bool flip_body(const TestRecord& record, size_t offset) {
    for (uint32_t number = 1;; ++number) {
      std::string name(segment_name(number).data());
      const std::vector<uint8_t>* bytes = disk.peek(name);
      if (bytes == nullptr) return false;
      auto found = std::search(bytes->begin(), bytes->end(), record.bytes.begin(),
                               record.bytes.begin() + 32);
      if (found == bytes->end()) continue;
      return disk.flip(name, static_cast<uint64_t>(found - bytes->begin()) + offset, 0x04);
    }
  }
  // One whole pass; the number of pieces it took.
  size_t pass(uint64_t budget, uint64_t* damaged) {
    *damaged = 0;
    for (size_t pieces = 1; pieces < 100'000; ++pieces) {
      ScrubPiece piece;
      EXPECT_EQ(store->scrub(&at, budget, &piece), Status::kOk);
      *damaged += piece.damaged;
      if (piece.pass_ended) return pieces;
    }
    ADD_FAILURE() << "a pass without an end";
    return 0;
  }
  ScrubPosition at;
};

TEST_F(StoreScrubTest, AnEmptyStoreIsReadAtOnce) {
  ASSERT_EQ(open(), Status::kOk);
  uint64_t damaged = 0;
  EXPECT_LE(pass(4096, &damaged), 3u);
  EXPECT_EQ(damaged, 0u);
}

TEST_F(StoreScrubTest, AWellStoreLosesNothing) {
  ASSERT_EQ(open(), Status::kOk);
  fill(300, 2000);
  uint64_t damaged = 0;
  EXPECT_GE(pass(64 * 1024, &damaged), 300u * 2000 / (64 * 1024));
  EXPECT_EQ(damaged, 0u);
  for (const TestRecord& record : records) EXPECT_EQ(read(record), Status::kOk);
}

TEST_F(StoreScrubTest, EveryFlipIsFoundInOnePassAndOnlyThoseRecordsAreLost) {
  ASSERT_EQ(open(), Status::kOk);
  fill(400, 2000);
  kill();
  ASSERT_EQ(open(), Status::kOk);  // applied, so that the index names what is to be lost
  std::set<size_t> rotten;
  TestRandom chance(7);
  while (rotten.size() < 100) {
    std::array<uint8_t, 8> bytes{};
    ASSERT_EQ(chance.fill(bytes), Status::kOk);
    rotten.insert(load_le<uint64_t>(bytes.data()) % records.size());
  }
  for (size_t victim : rotten) ASSERT_TRUE(flip_body(records[victim], victim % 2000));
  uint64_t damaged = 0;
  pass(64 * 1024, &damaged);
  EXPECT_EQ(damaged, 100u);
  for (size_t i = 0; i < records.size(); ++i)
    EXPECT_EQ(read(records[i]), rotten.contains(i) ? Status::kNotFound : Status::kOk) << i;
  // Healed by appending them again; the next pass finds nothing.
  for (size_t victim : rotten)
    ASSERT_EQ(append_durably(records[victim], 1000 + victim), Status::kOk);
  pass(64 * 1024, &damaged);
  EXPECT_EQ(damaged, 0u);
  for (const TestRecord& record : records) EXPECT_EQ(read(record), Status::kOk);
}

TEST_F(StoreScrubTest, GoesOnFromItsPositionInANewProcess) {
  ASSERT_EQ(open(), Status::kOk);
  fill(300, 2000);
  ScrubPiece piece;
  for (int i = 0; i < 3; ++i) ASSERT_EQ(store->scrub(&at, 16 * 1024, &piece), Status::kOk);
  ScrubPosition before = at;
  EXPECT_FALSE(piece.pass_ended);
  EXPECT_NE(before.segment, 0u);
  kill();
  ASSERT_EQ(open(), Status::kOk);
  ASSERT_EQ(store->scrub(&at, 16 * 1024, &piece), Status::kOk);
  EXPECT_TRUE(at.segment > before.segment || at.offset > before.offset);
  // A position in a segment that is gone, or behind the last one, is no error either.
  at = {4'000'000, 77};
  ASSERT_EQ(store->scrub(&at, 16 * 1024, &piece), Status::kOk);
  EXPECT_TRUE(piece.pass_ended);
}

TEST_F(StoreScrubTest, WhatCannotBeReadForAWhileIsNotLost) {
  ASSERT_EQ(open(), Status::kOk);
  fill(200, 2000);
  disk.fail_nth(SimDisk::Call::kRead, 1, Status::kIo, 3);
  uint64_t damaged = 0;
  pass(16 * 1024, &damaged);
  EXPECT_EQ(damaged, 0u);
  for (int second = 0; second < 60; ++second) {
    clock.now_ns += 1'000'000'000;
    (void)store->maintain();
  }
  pass(16 * 1024, &damaged);
  EXPECT_EQ(damaged, 0u);
  for (const TestRecord& record : records) EXPECT_EQ(read(record), Status::kOk);
}

}  // namespace
}  // namespace drey
