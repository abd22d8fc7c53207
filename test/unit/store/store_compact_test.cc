// Compaction: what it frees, what it keeps, and that the log alone says the same before and after.
#include "unit/store/store_compact_fixture.h"

#include <algorithm>

namespace drey {
namespace {

constexpr bool kSmallSegments = limits::kSegmentBytes <= (1 << 20);

class StoreCompact : public StoreCompactTest {
 protected:
  void SetUp() override {
    StoreCompactTest::SetUp();
    if (!kSmallSegments) GTEST_SKIP() << "needs the small segments of board sim";
    ASSERT_EQ(open(), Status::kOk);
  }
  bool exists(uint32_t number) { return disk.peek(segment_name(number).data()) != nullptr; }
  uint64_t log_bytes() {
    uint64_t bytes = 0;
    for (const std::string& name : disk.names())
      if (name.starts_with("log/")) bytes += disk.peek(name)->size();
    return bytes;
  }
  // Records 0..count-1, pinned by owner 2.
  void fill(uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) ASSERT_EQ(pin(2, i, ++numbers), Status::kOk) << i;
  }
};

TEST_F(StoreCompact, ARandomLifeIsTheSameAfterEveryRebuildAndFreesWhatIsDead) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    begin_anew();
    ASSERT_EQ(open(), Status::kOk);
    for (uint64_t i = 0; i < 260; ++i) {
      SCOPED_TRACE("step " + std::to_string(i));
      ASSERT_EQ(step(seed, i), Status::kOk);
      if (i % 20 == 7) {
        check();
        ASSERT_EQ(store->close(), Status::kOk);
        ASSERT_EQ(open(), Status::kOk);
        EXPECT_EQ(store->stats().rebuilds, 0u);
        check();
      }
      if (i % 20 == 17) check_rebuilt();
      if (HasFatalFailure()) return;
    }
    // Now nobody needs anything any more.
    for (uint8_t owner = 1; owner <= kOwners; ++owner) {
      std::vector<uint64_t> all;
      for (uint64_t n = 0; n < kRecords; ++n) all.push_back(n);
      ASSERT_EQ(unpin(owner, ++numbers, all), Status::kOk);
    }
    ASSERT_EQ(pin(2, 1, ++numbers), Status::kOk);
    uint64_t before = log_bytes();
    ASSERT_EQ(compact_all(), Status::kOk);
    EXPECT_GT(before, 2 * limits::kSegmentBytes);
    // What is left: the segment that is written, and at most 1/64 of each other.
    EXPECT_LE(log_bytes(), limits::kSegmentBytes + entry_bytes(record_bytes) + before / 20);
    EXPECT_EQ(store->stats().dead_bytes < limits::kSegmentBytes, true);
    check_rebuilt();
    if (HasFatalFailure()) return;
  }
}

TEST_F(StoreCompact, WhatIsNeededMovesAndTheRestIsFreed) {
  fill(30);
  uint64_t before = log_bytes();
  std::vector<uint64_t> most;
  for (uint64_t i = 0; i < 30; ++i)
    if (i % 10 != 3) most.push_back(i);
  ASSERT_EQ(unpin(2, ++numbers, most), Status::kOk);
  EXPECT_GE(store->stats().dead_bytes, 20 * record_bytes);
  ASSERT_EQ(compact_all(CompactMode::kIdle), Status::kOk);
  EXPECT_GE(store->stats().compacted, 2u);
  EXPECT_FALSE(exists(1));
  EXPECT_LT(log_bytes(), before / 2);
  EXPECT_EQ(store->stats().segments, disk.names().size() - 4);  // format, index, wal, lock
  check_rebuilt();
}

TEST_F(StoreCompact, NothingIsDoneWhenNothingIsDead) {
  fill(30);
  ASSERT_EQ(store->maintain(), Status::kOk);
  uint64_t hash = disk.content_hash();
  bool more = true;
  for (CompactMode mode : {CompactMode::kIdle, CompactMode::kUrgent}) {
    EXPECT_EQ(store->compact(mode, 1 << 20, &more), Status::kOk);
    EXPECT_FALSE(more);
  }
  EXPECT_EQ(disk.content_hash(), hash);
}

TEST_F(StoreCompact, IdleLeavesASegmentThatIsMostlyNeeded) {
  fill(30);
  ASSERT_EQ(unpin(2, ++numbers, {0, 1}), Status::kOk);
  ASSERT_EQ(compact_all(CompactMode::kIdle), Status::kOk);
  EXPECT_EQ(store->stats().compacted, 0u);
  ASSERT_EQ(compact_all(CompactMode::kUrgent), Status::kOk);
  EXPECT_EQ(store->stats().compacted, 1u);
  EXPECT_FALSE(exists(1));
  check_rebuilt();
}

TEST_F(StoreCompact, AStepStaysWithinItsBudget) {
  fill(30);
  ASSERT_EQ(unpin(2, ++numbers, {0, 1}), Status::kOk);
  bool more = true;
  int steps = 0;
  while (more) {
    uint64_t before = store->stats().user_bytes + disk.bytes_written();
    ASSERT_EQ(store->compact(CompactMode::kUrgent, 2 * record_bytes, &more), Status::kOk);
    // The budget, the record that crosses it, the index.
    EXPECT_LE(store->stats().user_bytes + disk.bytes_written() - before,
              4 * record_bytes + 128 * 1024);
    ++steps;
  }
  EXPECT_GE(steps, 4);
  EXPECT_EQ(store->stats().compacted, 1u);
  check_rebuilt();
}

TEST_F(StoreCompact, APinBeforeItPassesRevivesOneAfterItIsRefused) {
  fill(30);
  ASSERT_EQ(unpin(2, ++numbers, {0, 1, 2, 3, 4, 5, 6, 7, 8}), Status::kOk);
  ASSERT_EQ(pin(3, 4, ++numbers), Status::kOk);  // revived without a transfer
  uint64_t user_bytes = store->stats().user_bytes;
  ASSERT_EQ(pin(3, 5, ++numbers), Status::kOk);
  EXPECT_EQ(store->stats().user_bytes, user_bytes);
  ASSERT_EQ(compact_all(), Status::kOk);
  EXPECT_FALSE(exists(1));
  Ticket ticket = 0;
  EXPECT_EQ(store->append_pins(make_node(3), 1, {&record(6).c, 1}, &ticket), Status::kNotFound);
  ASSERT_EQ(pin(3, 6, ++numbers), Status::kOk);
  EXPECT_GT(store->stats().user_bytes, user_bytes);
  check_rebuilt();
}

// Between two steps, on a record that was passed already.
TEST_F(StoreCompact, APinBetweenTwoStepsIsNotLost) {
  for (uint64_t after = 1; after <= 8; ++after) {
    begin_anew();
    ASSERT_EQ(open(), Status::kOk);
    fill(30);
    ASSERT_EQ(unpin(2, ++numbers, {0, 1, 2, 3, 4}), Status::kOk);
    bool more = true;
    for (uint64_t i = 0; i < after && more; ++i)
      ASSERT_EQ(store->compact(CompactMode::kUrgent, 2 * 64, &more), Status::kOk);
    for (uint64_t n : {0, 2, 4, 6, 8}) ASSERT_EQ(pin(3, n, ++numbers), Status::kOk);
    ASSERT_EQ(own(1 + after % 8 / 4 * 6), model.rows.contains(1) ? Status::kOk : Status::kOk);
    model.rows.erase(1);  // a claim alone holds nothing that was let go
    beyond = model;
    ASSERT_EQ(unpin(1, ++numbers, {1, 7}), Status::kOk);
    ASSERT_EQ(compact_all(), Status::kOk);
    check_rebuilt();
    if (HasFatalFailure()) return;
  }
}

// The unpin's segment goes first, or last: what it took away stays away in every rebuild.
TEST_F(StoreCompact, AnOldPinDoesNotComeBackWhicheverSegmentGoesFirst) {
  for (bool unpin_first : {true, false}) {
    SCOPED_TRACE(unpin_first);
    begin_anew();
    ASSERT_EQ(open(), Status::kOk);
    // Segment 1: records 0..; of them 0 is unpinned later, the others stay: it is never a victim
    // of idle compaction.
    fill(8);
    ASSERT_EQ(state(StatementKind::kHead, 1), Status::kOk);
    for (uint64_t i = 8; i < 24; ++i) ASSERT_EQ(pin(2, i, ++numbers), Status::kOk);
    // In a later segment, with much that dies.
    ASSERT_EQ(unpin(2, ++numbers, {0}), Status::kOk);
    ASSERT_EQ(drop(StatementKind::kHead, 1), Status::kOk);
    for (uint64_t i = 24; i < 40; ++i) ASSERT_EQ(pin(2, i, ++numbers), Status::kOk);
    std::vector<uint64_t> late, early;
    for (uint64_t i = 8; i < 40; ++i) late.push_back(i);
    for (uint64_t i = 1; i < 8; ++i) early.push_back(i);
    if (unpin_first) {
      ASSERT_EQ(unpin(2, ++numbers, late), Status::kOk);
      ASSERT_EQ(compact_all(CompactMode::kIdle), Status::kOk);
      EXPECT_TRUE(exists(1));  // where the taken pin lies
      EXPECT_FALSE(exists(3));
      check_rebuilt();
      ASSERT_EQ(unpin(2, ++numbers, early), Status::kOk);
      ASSERT_EQ(compact_all(CompactMode::kIdle), Status::kOk);
      EXPECT_FALSE(exists(1));
    } else {
      ASSERT_EQ(unpin(2, ++numbers, early), Status::kOk);
      ASSERT_EQ(compact_all(CompactMode::kIdle), Status::kOk);
      EXPECT_FALSE(exists(1));
      check_rebuilt();
      ASSERT_EQ(unpin(2, ++numbers, late), Status::kOk);
      ASSERT_EQ(compact_all(CompactMode::kIdle), Status::kOk);
    }
    check_rebuilt();
    ASSERT_EQ(compact_all(CompactMode::kUrgent), Status::kOk);
    check_rebuilt();
    if (HasFatalFailure()) return;
  }
}

TEST_F(StoreCompact, AnUnpinThatMovedBehindANewPinDoesNotTakeIt) {
  fill(20);
  ASSERT_EQ(unpin(2, 1000, {0, 1}), Status::kOk);
  ASSERT_EQ(own(3), Status::kOk);
  ASSERT_EQ(unpin(1, 1000, {3}), Status::kOk);
  for (uint64_t i = 20; i < 30; ++i) ASSERT_EQ(pin(2, i, ++numbers), Status::kOk);
  ASSERT_EQ(pin(2, 0, 5), Status::kOk);  // a late one, numbered below the unpin
  ASSERT_EQ(pin(2, 1, 2000), Status::kOk);
  ASSERT_EQ(own(3), Status::kOk);
  numbers = 3000;
  std::vector<uint64_t> which;
  for (uint64_t i = 10; i < 30; ++i) which.push_back(i);
  ASSERT_EQ(unpin(2, ++numbers, which), Status::kOk);
  ASSERT_EQ(compact_all(CompactMode::kIdle), Status::kOk);
  EXPECT_TRUE(exists(1));
  EXPECT_FALSE(exists(2));
  check_rebuilt();
}

TEST_F(StoreCompact, ARottenRecordIsLostAndTheRestOfItsSegmentMoves) {
  fill(30);
  ASSERT_EQ(pin(3, 2, ++numbers), Status::kOk);
  ASSERT_EQ(unpin(2, ++numbers, {0, 1, 4, 5, 6, 7}), Status::kOk);
  // Record 2 lies behind two others.
  uint64_t offset = 2 * kStepBytes + entry_bytes(record(0).bytes.size()) +
                    entry_bytes(record(1).bytes.size()) + kEntryHeaderBytes + 1000;
  ASSERT_TRUE(disk.flip(segment_name(1).data(), offset, 4));
  ASSERT_EQ(compact_all(), Status::kOk);
  EXPECT_FALSE(exists(1));
  EXPECT_EQ(store->stats().corrupt, 1u);
  EXPECT_EQ(read(record(2)), Status::kNotFound);
  EXPECT_EQ(read(record(3)), Status::kOk);
  // Its owner's pin waits for it in the log, too.
  kill();
  ASSERT_EQ(disk.remove("drey.index"), Status::kOk);
  ASSERT_EQ(open(), Status::kOk);
  ASSERT_EQ(pin(2, 2, 1), Status::kOk);  // healed
  model.rows[2].pins = {{2, 3}, {3, 31}};
  beyond = model;
  check_rebuilt();
}

TEST_F(StoreCompact, ADamagedHeaderCostsItsEntryOnly) {
  fill(30);
  ASSERT_EQ(store->close(), Status::kOk);
  std::vector<uint8_t> bytes = *disk.peek(segment_name(1).data());
  // Neither table nor the header of record 3: the segment is scanned.
  bytes[bytes.size() - 10] ^= 1;
  uint64_t offset = 2 * kStepBytes;
  for (uint64_t i = 0; i < 3; ++i) offset += entry_bytes(record(i).bytes.size());
  bytes[offset + 20] ^= 1;
  disk.put(segment_name(1).data(), bytes);
  ASSERT_EQ(open(), Status::kOk);
  ASSERT_EQ(unpin(2, ++numbers, {0, 1, 4, 5, 6}), Status::kOk);
  ASSERT_EQ(compact_all(), Status::kOk);
  EXPECT_FALSE(exists(1));
  EXPECT_EQ(read(record(3)), Status::kNotFound);
  model.rows.erase(3);
  beyond = model;
  check_rebuilt();
}

// A header that rotted after the sealing: the table still says where the record is.
TEST_F(StoreCompact, TheTableSavesARecordWhoseHeaderRotted) {
  fill(30);
  ASSERT_EQ(unpin(2, ++numbers, {0, 1, 4, 5, 6}), Status::kOk);
  uint64_t offset = 2 * kStepBytes;
  for (uint64_t i = 0; i < 3; ++i) offset += entry_bytes(record(i).bytes.size());
  ASSERT_TRUE(disk.flip(segment_name(1).data(), offset + 20, 1));
  ASSERT_EQ(compact_all(), Status::kOk);
  EXPECT_FALSE(exists(1));
  EXPECT_EQ(store->stats().corrupt, 0u);
  check_rebuilt();
}

TEST_F(StoreCompact, AnEntryOfANewerVersionKeepsItsSegment) {
  fill(30);
  ASSERT_EQ(unpin(2, ++numbers, {0, 1, 2, 3, 4, 5, 6, 7}), Status::kOk);
  ASSERT_EQ(store->close(), Status::kOk);
  // Record 0 becomes an entry of type 77; without its table the segment is scanned.
  std::vector<uint8_t> bytes = *disk.peek(segment_name(1).data());
  SegmentHeader header;
  ASSERT_EQ(decode_segment_header(std::span(bytes).first<64>(), SegmentPart::kHeader, &header),
            Status::kOk);
  uint64_t offset = 2 * kStepBytes;
  EntryHeader entry;
  ASSERT_EQ(decode_entry_header(std::span(bytes).subspan(offset).first<64>(), header.salt, offset,
                                &entry),
            Status::kOk);
  entry.type = static_cast<EntryType>(77);
  encode_entry_header(entry, header.salt, offset, std::span(bytes).subspan(offset).first<64>());
  bytes[bytes.size() - 10] ^= 1;
  disk.put(segment_name(1).data(), bytes);
  ASSERT_EQ(open(), Status::kOk);
  ASSERT_EQ(compact_all(), Status::kOk);
  EXPECT_TRUE(exists(1));
  EXPECT_EQ(store->stats().compacted, 0u);
  ASSERT_EQ(compact_all(), Status::kOk);  // and is not looked at again
  EXPECT_EQ(disk.peek(segment_name(1).data())->size(), bytes.size());
}

TEST_F(StoreCompact, TheNumbersAndSlotsOutliveTheirSegment) {
  uint64_t number = store->next_number();
  uint8_t slot = 0;
  ASSERT_EQ(store->node_slot(make_node(9), &slot), Status::kOk);  // no pin names it
  fill(30);
  std::vector<uint64_t> all;
  for (uint64_t i = 0; i < 30; ++i) all.push_back(i);
  ASSERT_EQ(unpin(2, ++numbers, all), Status::kOk);
  ASSERT_EQ(compact_all(), Status::kOk);
  EXPECT_FALSE(exists(1));
  check_rebuilt();
  EXPECT_GT(store->next_number(), number);
  uint8_t again = 0;
  ASSERT_EQ(store->node_slot(make_node(9), &again), Status::kOk);
  EXPECT_EQ(again, slot);
}

TEST_F(StoreCompact, AnOlderClaimOfAContentStaysBehindTheNewer) {
  fill(30);
  OwnedRecord first{record(0).c, record(0).d, 100, record(0).type};
  OwnedRecord second{record(12).c, record(0).d, 100, record(12).type};
  Ticket ticket = 0;
  ASSERT_EQ(store->own({&first, 1}, 1, &ticket), Status::kOk);
  ASSERT_EQ(store->commit(ticket), Status::kOk);
  for (uint64_t i = 30; i < 40; ++i) ASSERT_EQ(pin(2, i, ++numbers), Status::kOk);
  ASSERT_EQ(store->own({&second, 1}, 2, &ticket), Status::kOk);
  ASSERT_EQ(store->commit(ticket), Status::kOk);
  std::vector<uint64_t> most;
  for (uint64_t i = 13; i < 40; ++i) most.push_back(i);
  ASSERT_EQ(unpin(2, ++numbers, most), Status::kOk);
  for (int round = 0; round < 2; ++round) {
    ASSERT_EQ(compact_all(), Status::kOk);
    ChunkId c;
    RecordState row;
    ASSERT_EQ(store->find_content(record(0).d, &c, &row), Status::kOk);
    EXPECT_EQ(c, record(12).c);
    ASSERT_EQ(store->find(record(0).c, &row), Status::kOk);
    EXPECT_TRUE(row.mine);
    kill();
    (void)disk.remove("drey.index");
    ASSERT_EQ(open(), Status::kOk);
    ASSERT_EQ(store->find_content(record(0).d, &c, &row), Status::kOk);
    EXPECT_EQ(c, record(12).c);
    ASSERT_EQ(store->find(record(0).c, &row), Status::kOk);
    EXPECT_TRUE(row.mine);
  }
}

// With the segments of every board: on native 64 MiB, moved in several steps.
TEST_F(StoreCompactTest, ASegmentOfThisBoardIsEmptiedStepByStep) {
  ASSERT_EQ(open(), Status::kOk);
  record_bytes = limits::kRecordBytesMax - 64 * 256;
  uint64_t count = limits::kSegmentBytes / record_bytes * 2 + 2;
  std::vector<uint64_t> dead;
  for (uint64_t i = 0; i < count; ++i) {
    TestRecord r = make_record(i, record_bytes);
    Ticket ticket = 0;
    ASSERT_EQ(store->append_record(r.c, r.type, r.bytes, make_node(2), ++numbers, &ticket),
              Status::kOk);
    if (i % 4 == 3 || i + 1 == count) {
      ASSERT_EQ(store->commit(ticket), Status::kOk);
    }
    Ticket unused = 0;
    if (i % 8 != 3 && i * 2 < count) {
      ASSERT_EQ(store->commit(ticket), Status::kOk);
      ASSERT_EQ(store->append_unpin(make_node(2), numbers, {&r.c, 1}, &unused), Status::kOk);
      dead.push_back(i);
    }
  }
  uint64_t before = store->stats().stored_bytes;
  ASSERT_EQ(compact_all(CompactMode::kIdle, 4 << 20), Status::kOk);
  EXPECT_EQ(store->stats().compacted, 1u);
  EXPECT_LE(store->stats().stored_bytes + dead.size() * record_bytes * 8 / 10, before);
  for (uint64_t i = 0; i < count; ++i) {
    bool gone = std::find(dead.begin(), dead.end(), i) != dead.end() &&
                i < limits::kSegmentBytes / (record_bytes + 128);
    if (i % 9 == 0 || i % 8 == 3) {
      EXPECT_EQ(read(make_record(i, record_bytes)), gone ? Status::kNotFound : Status::kOk) << i;
    }
  }
}

}  // namespace
}  // namespace drey
