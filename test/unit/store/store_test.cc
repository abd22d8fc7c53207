#include "store/store.h"

#include <algorithm>

#include "store/store_remove.h"
#include "unit/store/store_fixture.h"

namespace drey {
namespace {

TEST_F(StoreTest, ANewStoreIsEmptyAndHasAnIdOfItsOwn) {
  ASSERT_EQ(open(), Status::kOk);
  EXPECT_NE(store->store_id(), StoreId{});
  EXPECT_EQ(store->stats().records, 0u);
  EXPECT_EQ(store->stats().state, StoreState::kOk);
  EXPECT_TRUE(content().rows.empty());
  EXPECT_EQ(read(make_record(1, 100)), Status::kNotFound);
  EXPECT_EQ(store->close(), Status::kOk);
}

TEST_F(StoreTest, TheIdStaysOverRestartsAndAWipedStoreHasANewOne) {
  ASSERT_EQ(open(), Status::kOk);
  StoreId id = store->store_id();
  ASSERT_EQ(append_durably(make_record(1, 100)), Status::kOk);
  ASSERT_EQ(store->close(), Status::kOk);
  ASSERT_EQ(open(), Status::kOk);
  EXPECT_EQ(store->store_id(), id);
  ASSERT_EQ(store->close(), Status::kOk);
  for (const std::string& name : disk.names())
    if (name.starts_with("log/")) {
      ASSERT_EQ(disk.remove(name), Status::kOk);
    }
  ASSERT_EQ(open(), Status::kOk);
  EXPECT_NE(store->store_id(), id);
  EXPECT_EQ(store->stats().records, 0u);
}

TEST_F(StoreTest, RecordsOfEverySizeComeBackAsTheyWere) {
  ASSERT_EQ(open(), Status::kOk);
  std::vector<TestRecord> records;
  for (size_t size : {size_t{1}, size_t{63}, size_t{64}, size_t{65}, size_t{4096},
                      limits::kRecordBytesMax - 1, limits::kRecordBytesMax})
    records.push_back(make_record(size, size));
  for (const TestRecord& record : records) ASSERT_EQ(append_durably(record), Status::kOk);
  for (const TestRecord& record : records) EXPECT_EQ(read(record), Status::kOk);
  ASSERT_EQ(store->close(), Status::kOk);
  ASSERT_EQ(open(), Status::kOk);
  for (const TestRecord& record : records) EXPECT_EQ(read(record), Status::kOk);
  EXPECT_EQ(store->stats().records, records.size());
}

TEST_F(StoreTest, RecordsOutsideTheLimitsAreRefused) {
  ASSERT_EQ(open(), Status::kOk);
  EXPECT_EQ(append(make_record(1, limits::kRecordBytesMax + 1)), Status::kTooLarge);
  EXPECT_EQ(append(make_record(1, 0)), Status::kInvalid);
}

TEST_F(StoreTest, AnAppendIsVisibleAfterItsCommitOnly) {
  ASSERT_EQ(open(), Status::kOk);
  TestRecord record = make_record(1, 1000);
  Ticket ticket = 0;
  ASSERT_EQ(append(record, 1, &ticket), Status::kOk);
  RecordState state;
  EXPECT_EQ(store->find(record.c, &state), Status::kNotFound);
  ASSERT_EQ(store->commit(ticket), Status::kOk);
  ASSERT_EQ(store->find(record.c, &state), Status::kOk);
  EXPECT_TRUE(state.held);
  EXPECT_FALSE(state.mine);
  EXPECT_EQ(state.size, 1000u);
}

TEST_F(StoreTest, TheSameRecordIsStoredOnceAndItsPinsAreMerged) {
  ASSERT_EQ(open(), Status::kOk);
  TestRecord record = make_record(1, 5000);
  ASSERT_EQ(append(record, 1), Status::kOk);
  EXPECT_EQ(append(record, 1), Status::kExists);  // in flight
  Ticket ticket = 0;
  EXPECT_EQ(append(record, 2, &ticket), Status::kExists);
  ASSERT_EQ(store->commit(ticket), Status::kOk);
  uint64_t bytes = store->stats().stored_bytes;
  EXPECT_EQ(append(record, 2, &ticket), Status::kExists);
  EXPECT_EQ(store->commit(ticket), Status::kOk);
  EXPECT_EQ(store->stats().stored_bytes, bytes);
  EXPECT_EQ(store->append_record(record.c, record.type, record.bytes, make_node(3), 1, &ticket),
            Status::kExists);
  ASSERT_EQ(store->commit(ticket), Status::kOk);
  std::array<ChunkId, 2> chunks;
  size_t count = 0;
  for (uint8_t owner : {uint8_t{2}, uint8_t{3}}) {
    ASSERT_EQ(store->scan_pinned(make_node(owner), record.c.raw[0], ChunkId{}, chunks, &count),
              Status::kOk);
    EXPECT_EQ(count, 1u);
    EXPECT_EQ(chunks[0], record.c);
  }
  ASSERT_EQ(store->scan_pinned(make_node(4), record.c.raw[0], ChunkId{}, chunks, &count),
            Status::kOk);
  EXPECT_EQ(count, 0u);
}

TEST_F(StoreTest, PinsNeedHeldRecords) {
  ASSERT_EQ(open(), Status::kOk);
  TestRecord held = make_record(1, 100), other = make_record(2, 100);
  ASSERT_EQ(append_durably(held), Status::kOk);
  Ticket ticket = 0;
  std::array<ChunkId, 2> chunks = {held.c, other.c};
  EXPECT_EQ(store->append_pins(self, 5, chunks, &ticket), Status::kNotFound);
  EXPECT_EQ(store->append_pins(self, 5, std::span(chunks).first(1), &ticket), Status::kOk);
  EXPECT_EQ(store->commit(ticket), Status::kOk);
  EXPECT_EQ(store->append_pins(self, 5, {}, &ticket), Status::kOk);
  EXPECT_EQ(store->commit(ticket), Status::kOk);
}

TEST_F(StoreTest, OwnClaimsLeadFromContentToChunk) {
  ASSERT_EQ(open(), Status::kOk);
  std::vector<OwnedRecord> owned;
  for (uint64_t i = 0; i < kOwnRowsMax + 1; ++i) {
    OwnedRecord row;
    row.c.raw = sha256({reinterpret_cast<const uint8_t*>(&i), sizeof i});
    row.d.raw = sha256(row.c.bytes());
    row.size = static_cast<uint32_t>(i + 1);
    owned.push_back(row);
  }
  Ticket ticket = 0;
  ASSERT_EQ(store->own(owned, 77, &ticket), Status::kOk);
  ASSERT_EQ(store->commit(ticket), Status::kOk);
  for (const OwnedRecord& row : owned) {
    ChunkId c;
    RecordState state;
    ASSERT_EQ(store->find_content(row.d, &c, &state), Status::kOk);
    EXPECT_EQ(c, row.c);
    EXPECT_TRUE(state.mine);
    EXPECT_FALSE(state.held);
    EXPECT_EQ(state.size, row.size);
  }
  EXPECT_GE(store->highest_number(), 77u);
  uint64_t bytes = store->stats().stored_bytes;
  ASSERT_EQ(store->own(owned, 78, &ticket), Status::kOk);
  EXPECT_EQ(store->stats().stored_bytes, bytes);  // known claims cost nothing
}

TEST_F(StoreTest, StatementsComeBackAndAreKeptOnce) {
  ASSERT_EQ(open(), Status::kOk);
  std::vector<uint8_t> text(limits::kStatementBytesMax, 'x');
  Ticket ticket = 0;
  ASSERT_EQ(store->append_statement(StatementKind::kHead, make_key(9), text, &ticket), Status::kOk);
  Ticket again = 0;
  EXPECT_EQ(store->append_statement(StatementKind::kHead, make_key(9), text, &again),
            Status::kExists);
  EXPECT_EQ(again, ticket);
  ASSERT_EQ(store->commit(ticket), Status::kOk);
  EXPECT_EQ(store->append_statement(StatementKind::kHead, make_key(9), text, &again),
            Status::kExists);
  EXPECT_EQ(store->commit(again), Status::kOk);
  std::vector<uint8_t> room(limits::kStatementBytesMax);
  size_t size = 0;
  ASSERT_EQ(store->read_statement(StatementKind::kHead, make_key(9), room, &size), Status::kOk);
  EXPECT_EQ(room, text);
  EXPECT_EQ(store->read_statement(StatementKind::kMembership, make_key(9), room, &size),
            Status::kNotFound);
  room.resize(10);
  EXPECT_EQ(store->read_statement(StatementKind::kHead, make_key(9), room, &size),
            Status::kTooLarge);
  EXPECT_EQ(size, text.size());
  text.push_back('x');
  EXPECT_EQ(store->append_statement(StatementKind::kHead, make_key(8), text, &ticket),
            Status::kTooLarge);
}

TEST_F(StoreTest, SegmentsAreSealedAndTheNextOneGoesOn) {
  ASSERT_EQ(open(), Status::kOk);
  std::vector<TestRecord> records;
  size_t size = limits::kRecordBytesMax;
  uint64_t count = 2 * limits::kSegmentBytes / size + 3;
  if (count > 200) GTEST_SKIP() << "the segments of this board are too large for a quick test";
  for (uint64_t i = 0; i < count; ++i) {
    records.push_back(make_record(i, size));
    ASSERT_EQ(append_durably(records.back()), Status::kOk);
  }
  EXPECT_EQ(store->stats().segments, 3u);
  for (const TestRecord& record : records) EXPECT_EQ(read(record), Status::kOk);
  StoreContent before = content();
  ASSERT_EQ(store->close(), Status::kOk);
  ASSERT_EQ(open(), Status::kOk);
  EXPECT_EQ(content(), before);
  EXPECT_EQ(store->stats().rebuilds, 0u);
}

TEST_F(StoreTest, NodeSlotsAreStableAndSurviveARebuild) {
  ASSERT_EQ(open(), Status::kOk);
  std::vector<uint8_t> slots;
  for (int i = 1; i <= kNodeSlotsMax; ++i) {
    uint8_t slot = 0;
    ASSERT_EQ(store->node_slot(make_node(static_cast<uint8_t>(i)), &slot), Status::kOk);
    slots.push_back(slot);
  }
  uint8_t slot = 0;
  EXPECT_EQ(store->node_slot(make_node(200), &slot), Status::kTooLarge);
  ASSERT_EQ(store->close(), Status::kOk);
  for (bool rebuilt : {false, true}) {
    if (rebuilt) {
      ASSERT_EQ(disk.remove("drey.index"), Status::kOk);
    }
    ASSERT_EQ(open(), Status::kOk);
    EXPECT_EQ(store->stats().rebuilds, rebuilt ? 1u : 0u);
    for (int i = 1; i <= kNodeSlotsMax; ++i) {
      ASSERT_EQ(store->node_slot(make_node(static_cast<uint8_t>(i)), &slot), Status::kOk);
      EXPECT_EQ(slot, slots[static_cast<size_t>(i - 1)]);
      EXPECT_EQ(store->slot_node(slot).value(), make_node(static_cast<uint8_t>(i)));
    }
    ASSERT_EQ(store->close(), Status::kOk);
  }
}

TEST_F(StoreTest, HolderMasksAreAddedAndCleared) {
  ASSERT_EQ(open(), Status::kOk);
  TestRecord record = make_record(1, 100);
  ASSERT_EQ(store->update_holders({&record.c, 1}, 0, 4), Status::kOk);
  RecordState state;
  EXPECT_EQ(store->find(record.c, &state), Status::kNotFound);
  ASSERT_EQ(store->update_holders({&record.c, 1}, uint64_t{1} << 63 | 6, 0), Status::kOk);
  ASSERT_EQ(store->update_holders({&record.c, 1}, 1, 4), Status::kOk);
  ASSERT_EQ(append_durably(record), Status::kOk);
  ASSERT_EQ(store->close(), Status::kOk);
  ASSERT_EQ(open(), Status::kOk);
  ASSERT_EQ(store->find(record.c, &state), Status::kOk);
  EXPECT_EQ(state.holders, uint64_t{1} << 63 | 3);
  EXPECT_TRUE(state.held);
}

TEST_F(StoreTest, NumbersNeverRepeatOverCleanAndUncleanRestarts) {
  uint64_t last = 0;
  for (int round = 0; round < 6; ++round) {
    ASSERT_EQ(open(), Status::kOk);
    for (int i = 0; i < 300; ++i) {
      uint64_t number = store->next_number();
      ASSERT_GT(number, last);
      last = number;
    }
    ASSERT_EQ(append_durably(make_record(static_cast<uint64_t>(round), 100)), Status::kOk);
    if (round % 2 == 0) {
      ASSERT_EQ(store->close(), Status::kOk);
    } else {
      lose_power({});
    }
  }
  ASSERT_EQ(open(), Status::kOk);
  store->raise_number(last + 1'000'000);
  EXPECT_EQ(store->next_number(), last + 1'000'001);
}

TEST_F(StoreTest, DigestsCountHeldPinnedRecordsOnly) {
  ASSERT_EQ(open(), Status::kOk);
  std::array<BucketDigest, kBucketCount> digests;
  std::array<BucketDigest, kBucketCount> expected{};
  for (uint64_t i = 0; i < 50; ++i) {
    TestRecord record = make_record(i, 200);
    ASSERT_EQ(append_durably(record), Status::kOk);
    BucketDigest& bucket = expected[record.c.raw[0]];
    ++bucket.count;
    uint64_t high = 0, low = 0;
    for (size_t k = 0; k < 8; ++k) {
      high = high << 8 | record.c.raw[k];
      low = low << 8 | record.c.raw[8 + k];
    }
    bucket.sum_lo += low;
    bucket.sum_hi += high + (bucket.sum_lo < low ? 1 : 0);
  }
  ASSERT_EQ(store->pin_digests(peer, digests), Status::kOk);
  EXPECT_EQ(digests, expected);
  ASSERT_EQ(store->pin_digests(self, digests), Status::kOk);
  EXPECT_EQ(digests, (std::array<BucketDigest, kBucketCount>{}));
}

TEST_F(StoreTest, ScansGoOnWhereTheyStopped) {
  ASSERT_EQ(open(), Status::kOk);
  std::vector<ChunkId> all;
  for (uint64_t i = 0; i < 40; ++i) {
    TestRecord record = make_record(i, 100);
    all.push_back(record.c);
    ASSERT_EQ(append_durably(record), Status::kOk);
  }
  std::sort(all.begin(), all.end());
  std::vector<ChunkId> seen;
  for (int bucket = 0; bucket < 256; ++bucket) {
    std::array<ChunkId, 1> one;
    ChunkId after;
    size_t count = 1;
    while (count == 1) {
      ASSERT_EQ(store->scan_pinned(peer, static_cast<uint8_t>(bucket), after, one, &count),
                Status::kOk);
      if (count == 1) seen.push_back(after = one[0]);
    }
  }
  EXPECT_EQ(seen, all);
}

TEST_F(StoreTest, TooManyAppendsWithoutACommitAreRefusedUntilOne) {
  ASSERT_EQ(open(), Status::kOk);
  Status status = Status::kOk;
  Ticket ticket = 0;
  uint64_t i = 0;
  for (; i < 10'000 && ok(status); ++i) status = append(make_record(i, 64), 1, &ticket);
  EXPECT_EQ(status, Status::kBusy);
  ASSERT_EQ(store->commit(ticket), Status::kOk);
  EXPECT_EQ(append(make_record(i, 64)), Status::kOk);
}

TEST_F(StoreTest, RecordsStopAtTheReserveStatementsAndPinsGoOn) {
  capacity_bytes = 3 * limits::kSegmentBytes;
  size_t size = limits::kRecordBytesMax;
  disk.capacity_bytes = uint64_t{1} << 40;
  ASSERT_EQ(open(), Status::kOk);
  TestRecord first = make_record(0, size);
  Status status = Status::kOk;
  uint64_t stored = 0;
  for (uint64_t i = 0; ok(status); ++i) {
    status = append_durably(make_record(i, size));
    if (ok(status)) ++stored;
    ASSERT_LT(i, 1000u);
  }
  EXPECT_EQ(status, Status::kFull);
  EXPECT_GE(stored * size, limits::kSegmentBytes * 8 / 10);
  EXPECT_LE(store->stats().stored_bytes, limits::kSegmentBytes);  // two of three are the reserve
  EXPECT_EQ(store->stats().state, StoreState::kFull);
  Ticket ticket = 0;
  EXPECT_EQ(store->append_pins(self, 9, {&first.c, 1}, &ticket), Status::kOk);
  EXPECT_EQ(store->append_statement(StatementKind::kHead, make_key(1), first.c.bytes(), &ticket),
            Status::kOk);
  EXPECT_EQ(store->commit(ticket), Status::kOk);
  EXPECT_EQ(read(first), Status::kOk);
}

TEST_F(StoreTest, ADirectoryOfANewerVersionIsRefusedUntouched) {
  ASSERT_EQ(open(), Status::kOk);
  ASSERT_EQ(append_durably(make_record(1, 100)), Status::kOk);
  ASSERT_EQ(store->close(), Status::kOk);
  std::vector<uint8_t> marker = *disk.peek("drey.format");
  marker[8] = static_cast<uint8_t>(limits::kFormatVersion + 1);
  store_le<uint32_t>(&marker[60], crc32c(0, Bytes(marker).first(60)));
  disk.put("drey.format", marker);
  disk.restart();
  store = std::make_unique<Store>();
  uint64_t hash = disk.content_hash();
  EXPECT_EQ(open(), Status::kUnsupported);
  EXPECT_EQ(disk.content_hash(), hash);
}

TEST_F(StoreTest, ASegmentOfANewerVersionIsRefusedUntouched) {
  ASSERT_EQ(open(), Status::kOk);
  ASSERT_EQ(append_durably(make_record(1, 100)), Status::kOk);
  ASSERT_EQ(store->close(), Status::kOk);
  std::vector<uint8_t> segment = *disk.peek("log/00000001.seg");
  segment[8] = static_cast<uint8_t>(limits::kFormatVersion + 1);
  store_le<uint32_t>(&segment[60], crc32c(0, Bytes(segment).first(60)));
  disk.put("log/00000001.seg", segment);
  uint64_t hash = disk.content_hash();
  EXPECT_EQ(open(), Status::kUnsupported);
  EXPECT_EQ(disk.content_hash(), hash);
}

TEST_F(StoreTest, ALogDiskThatIsNotMountedIsRefused) {
  SimDisk logs;
  StoreOptions o = options();
  o.log_disk = &logs;
  ASSERT_EQ(store->open(o), Status::kOk);
  ASSERT_EQ(append_durably(make_record(1, 100)), Status::kOk);
  ASSERT_EQ(store->close(), Status::kOk);
  SimDisk empty;
  o.log_disk = &empty;
  EXPECT_EQ(store->open(o), Status::kNotFound);
  EXPECT_TRUE(empty.names().empty());
  o.log_disk = &logs;
  ASSERT_EQ(store->open(o), Status::kOk);
  EXPECT_EQ(read(make_record(1, 100)), Status::kOk);
  store.reset();
}

TEST_F(StoreTest, TheLogDiskOfAnotherStoreIsRefused) {
  SimDisk logs, dir, other_logs;
  StoreOptions o = options();
  o.log_disk = &logs;
  ASSERT_EQ(store->open(o), Status::kOk);
  ASSERT_EQ(store->close(), Status::kOk);
  store = std::make_unique<Store>();
  StoreOptions p = options();
  p.disk = &dir;
  p.log_disk = &other_logs;
  ASSERT_EQ(store->open(p), Status::kOk);
  ASSERT_EQ(store->close(), Status::kOk);
  other_logs.restart();
  store = std::make_unique<Store>();
  disk.restart();
  o.log_disk = &other_logs;
  EXPECT_EQ(store->open(o), Status::kInvalid);
  store.reset();
}

// A new node whose drey.conf names a disk that another node's log is on.
TEST_F(StoreTest, MakingANodeRemovesNoLogOfAnotherNode) {
  SimDisk logs, dir;
  StoreOptions o = options();
  o.log_disk = &logs;
  ASSERT_EQ(store->open(o), Status::kOk);
  ASSERT_EQ(append_durably(make_record(1, 100)), Status::kOk);
  ASSERT_EQ(store->close(), Status::kOk);
  uint64_t hash = logs.content_hash();
  EXPECT_EQ(remove_store(&dir, &logs), Status::kExists) << "a DIR that knows no store";
  store = std::make_unique<Store>();
  SimDisk dir_logs;
  StoreOptions p = options();
  p.disk = &dir;
  p.log_disk = &dir_logs;
  ASSERT_EQ(store->open(p), Status::kOk);
  ASSERT_EQ(store->close(), Status::kOk);
  EXPECT_EQ(remove_store(&dir, &logs), Status::kExists) << "a DIR of another store";
  EXPECT_EQ(logs.content_hash(), hash);
  EXPECT_EQ(remove_store(&disk, &logs), Status::kOk) << "what a broken attempt left here";
  EXPECT_FALSE(logs.peek("log/00000001.seg"));
  EXPECT_EQ(remove_store(&disk, &logs), Status::kOk);
  store.reset();
}

TEST_F(StoreTest, ASecondProcessIsRefused) {
  ASSERT_EQ(open(), Status::kOk);
  Store second;
  EXPECT_EQ(second.open(options()), Status::kBusy);
}

}  // namespace
}  // namespace drey
