// What the store may believe of its own files, case by case: each was once a planted bug that no
// other test noticed (test/planted).
#include "unit/store/store_fixture.h"

namespace drey {
namespace {

class StoreTrustTest : public StoreTest {
 protected:
  std::vector<TestRecord> records;

  void fill(uint64_t count, size_t size) {
    for (uint64_t i = 0; i < count; ++i) {
      records.push_back(make_record(records.size(), size));
      ASSERT_EQ(append_durably(records.back()), Status::kOk);
    }
  }
};

// An UNPIN takes the pins up to its number: a pin that fell back would go with an older one.
TEST(IndexRow, OfTwoPinsOfOneOwnerTheHigherNumberStays) {
  IndexRow row;
  EXPECT_TRUE(row.merge_pin(3, 5));
  EXPECT_FALSE(row.merge_pin(3, 5));
  EXPECT_FALSE(row.merge_pin(3, 4));
  EXPECT_TRUE(row.merge_pin(4, 1));
  EXPECT_TRUE(row.merge_pin(3, 6));
  ASSERT_EQ(row.pin_count, 2u);
  EXPECT_EQ(row.pins[0].number, 6u);
  EXPECT_EQ(row.pins[1].number, 1u);
}

TEST(IndexRow, AnUnpinTakesThePinOfItsOwnerUpToItsNumber) {
  IndexRow row;
  for (uint8_t slot = 0; slot < 4; ++slot) EXPECT_TRUE(row.merge_pin(slot, 10));
  EXPECT_FALSE(row.remove_pin(2, 9));
  EXPECT_FALSE(row.remove_pin(7, 10));
  EXPECT_TRUE(row.remove_pin(2, 10));
  EXPECT_EQ(row.pin_count, 3u);
  for (uint8_t slot = 0; slot < 4; ++slot) EXPECT_EQ(row.pinned_by(slot), slot != 2);
}

TEST_F(StoreTrustTest, AHigherPinIsWrittenAndALowerOneIsNot) {
  ASSERT_EQ(open(), Status::kOk);
  fill(1, 500);
  uint64_t before = store->stats().stored_bytes;
  EXPECT_EQ(append_durably(records[0], 7), Status::kOk);
  uint64_t after = store->stats().stored_bytes;
  EXPECT_GT(after, before);
  EXPECT_EQ(append_durably(records[0], 6), Status::kOk);
  EXPECT_EQ(store->stats().stored_bytes, after);
}

// The index is a cache: what it alone knows of the numbers given out is lost with it.
TEST_F(StoreTrustTest, NumbersDoNotRepeatWithoutTheIndexEither) {
  uint64_t last = 0;
  for (uint64_t round = 0; round < 4; ++round) {
    ASSERT_EQ(open(), Status::kOk);
    for (int i = 0; i < 300; ++i) {
      uint64_t number = store->next_number();
      ASSERT_GT(number, last);
      last = number;
    }
    ASSERT_EQ(append_durably(make_record(round, 100)), Status::kOk);
    lose_power({});
    ASSERT_EQ(disk.remove("drey.index"), Status::kOk);
  }
}

TEST_F(StoreTrustTest, AStatementIsNotTakenForAnotherThatLiesInItsPlace) {
  ASSERT_EQ(open(), Status::kOk);
  std::array<uint64_t, 2> at{};
  for (uint8_t i = 0; i < 2; ++i) {
    std::vector<uint8_t> text(100, static_cast<uint8_t>('a' + i));
    const std::vector<uint8_t>* segment = disk.peek("log/00000001.seg");
    at[i] = segment == nullptr ? kSegmentHeaderBytes : round_to_step(segment->size());
    Ticket ticket = 0;
    ASSERT_EQ(store->append_statement(StatementKind::kHead, make_key(i), text, &ticket),
              Status::kOk);
    ASSERT_EQ(store->commit(ticket), Status::kOk);
  }
  std::vector<uint8_t> segment = *disk.peek("log/00000001.seg");
  std::copy_n(segment.begin() + static_cast<long>(at[1]), kEntryHeaderBytes + 100,
              segment.begin() + static_cast<long>(at[0]));
  disk.put("log/00000001.seg", segment);
  std::vector<uint8_t> room(100);
  size_t size = 0;
  EXPECT_EQ(store->read_statement(StatementKind::kHead, make_key(0), room, &size),
            Status::kCorrupt);
  EXPECT_EQ(store->read_statement(StatementKind::kHead, make_key(1), room, &size), Status::kOk);
}

// Rows can be replayed from the log, who holds a record cannot: an old "it is there" would end in
// "protected" without a copy.
TEST_F(StoreTrustTest, AStaleWalBesideACleanIndexBringsNoHolderBack) {
  ASSERT_EQ(open(), Status::kOk);
  fill(20, 300);
  ASSERT_EQ(store->close(), Status::kOk);
  ASSERT_EQ(open(), Status::kOk);
  for (const TestRecord& record : records)
    ASSERT_EQ(store->update_holders({&record.c, 1}, 6, 0), Status::kOk);
  ASSERT_EQ(store->maintain(), Status::kOk);
  std::vector<uint8_t> wal = *disk.peek("drey.index-wal");
  for (const TestRecord& record : records)
    ASSERT_EQ(store->update_holders({&record.c, 1}, 0, 4), Status::kOk);
  ASSERT_EQ(store->close(), Status::kOk);
  kill();
  disk.put("drey.index-wal", wal);
  ASSERT_EQ(open(), Status::kOk);
  EXPECT_EQ(store->stats().rebuilds, 0u);
  for (const TestRecord& record : records) {
    RecordState state;
    ASSERT_EQ(store->find(record.c, &state), Status::kOk);
    EXPECT_EQ(state.holders, 2u);
  }
}

// A checkpoint of the index whose sync failed: what a second sync would say is worth nothing, so
// the file is made anew from the log.
TEST_F(StoreTrustTest, AnIndexWhoseSyncFailedIsRebuiltNotSyncedAgain) {
  for (SimDisk::SyncFailure model :
       {SimDisk::SyncFailure::kKept, SimDisk::SyncFailure::kReverted}) {
    for (uint64_t nth : {1, 2}) {
      SCOPED_TRACE(std::to_string(nth) + " model " + std::to_string(static_cast<int>(model)));
      kill();
      disk.copy_from(SimDisk());
      disk.sync_failure = model;
      records.clear();
      ASSERT_EQ(open(), Status::kOk);
      bool hit = false;
      for (int round = 0; round < 200 && !hit; ++round) {
        fill(25, 100);
        uint64_t before = disk.call_count(SimDisk::Call::kSync);
        disk.fail_nth(SimDisk::Call::kSync, nth, Status::kIo);
        (void)store->maintain();
        disk.clear_faults();
        hit = disk.call_count(SimDisk::Call::kSync) >= before + nth;
      }
      ASSERT_TRUE(hit);  // a checkpoint
      for (int round = 0; round < 3; ++round) {
        fill(5, 100);
        clock.now_ns += 100'000'000'000;
        (void)store->maintain();
      }
      EXPECT_EQ(store->stats().rebuilds, 1u);
      lose_power({SimDisk::Keep::kNothing, 1, 512});
      ASSERT_EQ(open(), Status::kOk);
      EXPECT_EQ(store->stats().records, records.size());
      for (const TestRecord& record : records) ASSERT_EQ(read(record), Status::kOk);
    }
  }
}

// The rows of a rolled-back transaction must be replayed before later rows count as followed.
TEST_F(StoreTrustTest, ACommitThatFailsTwiceInARowForgetsNoRecord) {
  for (uint64_t nth = 1; nth <= 4; ++nth) {
    SCOPED_TRACE(nth);
    kill();
    disk.copy_from(SimDisk());
    records.clear();
    ASSERT_EQ(open(), Status::kOk);
    fill(3, 300);
    ASSERT_EQ(store->maintain(), Status::kOk);
    fill(40, 300);
    disk.fail_nth(SimDisk::Call::kWrite, nth, Status::kIo, 0);
    (void)store->maintain();
    disk.clear_faults();
    for (uint64_t i = 0; i < 5; ++i) {  // no second has passed: perhaps refused
      TestRecord record = make_record(1000 + i, 300);
      if (ok(append_durably(record))) records.push_back(record);
    }
    clock.now_ns += 100'000'000'000;
    (void)store->maintain();
    ASSERT_EQ(store->maintain(), Status::kOk);
    kill();
    ASSERT_EQ(open(), Status::kOk);
    for (const TestRecord& record : records) ASSERT_EQ(read(record), Status::kOk);
  }
}

// The same as WhatWasRefusedDoesNotComeBackWithTheIndex, on a disk that cannot even cut the file.
TEST_F(StoreTrustTest, WhatWasRefusedStaysRefusedWhereItCouldNotBeCutOff) {
  ASSERT_EQ(open(), Status::kOk);
  fill(5, 300);
  ASSERT_EQ(store->maintain(), Status::kOk);
  fill(1, 300);  // the index has something to commit
  TestRecord early = make_record(7777, 500);
  ASSERT_EQ(append(early), Status::kOk);
  disk.fail_nth(SimDisk::Call::kWrite, 1, Status::kIo, 0);
  disk.fail_nth(SimDisk::Call::kNames, 1, Status::kIo, 0);
  EXPECT_EQ(append(make_record(8888, 500)), Status::kIo);
  EXPECT_EQ(store->stats().retired, 1u);
  (void)store->maintain();
  disk.clear_faults();
  ASSERT_GT(disk.peek("log/00000001.seg")->size(), 6 * entry_bytes(300) + entry_bytes(500));
  for (int i = 0; i < 3; ++i) {
    clock.now_ns += 100'000'000'000;
    ASSERT_EQ(store->maintain(), Status::kOk);
  }
  EXPECT_EQ(read(early), Status::kNotFound);
  for (const TestRecord& record : records) EXPECT_EQ(read(record), Status::kOk);
}

// A rebuild reads the tables of old segments, not their bodies: a table must be right as a whole.
TEST_F(StoreTrustTest, ASpoiledTableOfASealedSegmentCostsNoRecord) {
  if (limits::kSegmentBytes > (1 << 20)) GTEST_SKIP() << "needs the small segments of board sim";
  ASSERT_EQ(open(), Status::kOk);
  while (store->stats().segments < 12) fill(1, limits::kRecordBytesMax / 2);
  ASSERT_EQ(store->close(), Status::kOk);
  const std::string name = "log/00000001.seg";
  const std::vector<uint8_t>& segment = *disk.peek(name);
  SegmentHeader trailer;
  ASSERT_EQ(decode_segment_header(std::span(segment).last<kSegmentHeaderBytes>(),
                                  SegmentPart::kTrailer, &trailer),
            Status::kOk);
  uint64_t first_row = trailer.table_offset + kEntryHeaderBytes;
  uint64_t rows = (segment.size() - kSegmentHeaderBytes - first_row) / kTableRowBytes;
  ASSERT_GT(rows, 3u);
  constexpr uint64_t kKeyAt = 16, kOffsetAt = 60;  // of a row
  for (uint64_t row = 0; row < rows; ++row) {
    for (uint64_t at : {kKeyAt, kOffsetAt}) {
      SCOPED_TRACE(std::to_string(row) + " at " + std::to_string(at));
      ASSERT_TRUE(disk.flip(name, first_row + row * kTableRowBytes + at, 0x02));
      ASSERT_EQ(disk.remove("drey.index"), Status::kOk);
      ASSERT_EQ(open(), Status::kOk);
      EXPECT_EQ(store->stats().records, records.size());
      for (const TestRecord& record : records) ASSERT_EQ(read(record), Status::kOk);
      ASSERT_EQ(store->close(), Status::kOk);
      ASSERT_TRUE(disk.flip(name, first_row + row * kTableRowBytes + at, 0x02));
    }
  }
}

// The process dies at any call of a start and of the first appends; its successor goes on with what
// it finds in the page cache, acknowledges, and then the power goes.
TEST_F(StoreTrustTest, WhatIsAcknowledgedAfterAKillSurvivesThePowerCutBehindIt) {
  for (uint64_t call = 1; call < 40; ++call) {
    SCOPED_TRACE("killed at call " + std::to_string(call));
    disk.copy_from(SimDisk());
    records.clear();
    disk.cut_at(call, SimDisk::Cut::kBefore);
    if (ok(open())) {
      Ticket unused = 0;
      (void)append(make_record(100, 400), 1, &unused);
    }
    kill();
    ASSERT_EQ(open(), Status::kOk);
    fill(2, 400);
    lose_power({SimDisk::Keep::kNothing, call, 512});
    ASSERT_EQ(open(), Status::kOk);
    for (const TestRecord& record : records) ASSERT_EQ(read(record), Status::kOk);
    kill();
  }
}

}  // namespace
}  // namespace drey
