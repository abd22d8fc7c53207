// Unpins and dropped statements: what they take away, what stands again, and that a rebuilt index
// says the same as the one that lived through it.
#include "unit/store/store_fixture.h"

#include <algorithm>

namespace drey {
namespace {

class StoreForgetTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    ASSERT_EQ(open(), Status::kOk);
  }
  Status pin(const NodeId& owner, uint64_t number, const TestRecord& record, bool commit = true) {
    Ticket ticket = 0;
    Status status = store->append_pins(owner, number, {&record.c, 1}, &ticket);
    return ok(status) && commit ? store->commit(ticket) : status;
  }
  Status unpin(const NodeId& owner, uint64_t number, const TestRecord& record, bool commit = true) {
    Ticket ticket = 0;
    Status status = store->append_unpin(owner, number, {&record.c, 1}, &ticket);
    return ok(status) && commit ? store->commit(ticket) : status;
  }
  Status own(const TestRecord& record, bool commit = true) {
    OwnedRecord owned{record.c, record.d, static_cast<uint32_t>(record.bytes.size()), record.type};
    Ticket ticket = 0;
    Status status = store->own({&owned, 1}, 1, &ticket);
    return ok(status) && commit ? store->commit(ticket) : status;
  }
  bool pinned(const NodeId& owner, const TestRecord& record) {
    std::array<ChunkId, 64> chunks;
    size_t count = 0;
    ChunkId after;
    EXPECT_EQ(store->scan_pinned(owner, record.c.raw[0], after, chunks, &count), Status::kOk);
    return std::find(chunks.begin(), chunks.begin() + static_cast<long>(count), record.c) !=
           chunks.begin() + static_cast<long>(count);
  }
  bool mine(const TestRecord& record) {
    ChunkId c;
    RecordState state;
    return ok(store->find_content(record.d, &c, &state)) && c == record.c && state.mine;
  }
  bool head_is_there(uint8_t key) {
    std::array<uint8_t, 64> room;
    size_t size = 0;
    return ok(store->read_statement(StatementKind::kHead, make_key(key), room, &size));
  }
  // The same content whether the index lived through it, was closed, or is made from the log.
  void expect_the_log_says_the_same() {
    StoreContent before = content();
    ASSERT_EQ(store->close(), Status::kOk);
    ASSERT_EQ(open(), Status::kOk);
    EXPECT_EQ(content(), before);
    kill();
    ASSERT_EQ(disk.remove("drey.index"), Status::kOk);
    ASSERT_EQ(open(), Status::kOk);
    EXPECT_EQ(content(), before);
  }
};

TEST_F(StoreForgetTest, AnUnpinTakesPinsUpToItsNumberOfItsOwnerOnly) {
  TestRecord record = make_record(1, 500);
  ASSERT_EQ(append_durably(record, 5), Status::kOk);
  ASSERT_EQ(pin(self, 9, record), Status::kOk);
  ASSERT_EQ(unpin(peer, 4, record), Status::kOk);
  EXPECT_TRUE(pinned(peer, record));  // numbered above
  ASSERT_EQ(unpin(peer, 5, record), Status::kOk);
  EXPECT_FALSE(pinned(peer, record));
  EXPECT_TRUE(pinned(self, record));
  expect_the_log_says_the_same();
}

TEST_F(StoreForgetTest, ARecordWithoutAPinStaysHeldAndANewPinRevivesIt) {
  TestRecord record = make_record(1, 500);
  ASSERT_EQ(append_durably(record, 5), Status::kOk);
  ASSERT_EQ(unpin(peer, 5, record), Status::kOk);
  EXPECT_EQ(read(record), Status::kOk);
  Ticket ticket = 0;
  EXPECT_EQ(append(record, 5, &ticket), Status::kExists);
  ASSERT_EQ(store->commit(ticket), Status::kOk);
  EXPECT_TRUE(pinned(peer, record));  // what comes later stands again, whatever its number
  expect_the_log_says_the_same();
}

TEST_F(StoreForgetTest, AnUnpinOfTheOwnNodeTakesItsClaim) {
  TestRecord record = make_record(1, 500);
  ASSERT_EQ(append_durably(record, 5), Status::kOk);
  ASSERT_EQ(own(record), Status::kOk);
  ASSERT_TRUE(mine(record));
  ASSERT_EQ(unpin(peer, 5, record), Status::kOk);
  EXPECT_TRUE(mine(record));  // another's unpin has no say in it
  ASSERT_EQ(unpin(self, 5, record), Status::kOk);
  EXPECT_FALSE(mine(record));
  expect_the_log_says_the_same();
  ASSERT_EQ(own(record), Status::kOk);
  EXPECT_TRUE(mine(record));
  expect_the_log_says_the_same();
}

TEST_F(StoreForgetTest, WhatIsOnItsWayIsTakenAndStandsAgainInTheOrderOfTheLog) {
  TestRecord record = make_record(1, 500);
  Ticket ticket = 0;
  ASSERT_EQ(append(record, 5, &ticket), Status::kOk);
  ASSERT_EQ(unpin(peer, 5, record, false), Status::kOk);
  ASSERT_EQ(own(record, false), Status::kOk);
  ASSERT_EQ(unpin(self, 5, record, false), Status::kOk);
  ASSERT_EQ(store->commit(ticket), Status::kOk);
  EXPECT_FALSE(pinned(peer, record));
  EXPECT_FALSE(mine(record));
  ASSERT_EQ(pin(peer, 5, record), Status::kOk);
  ASSERT_EQ(own(record), Status::kOk);
  // Taken and given once more within one group: the pin that is there is not good enough.
  ASSERT_EQ(unpin(peer, 5, record, false), Status::kOk);
  ASSERT_EQ(unpin(self, 5, record, false), Status::kOk);
  ASSERT_EQ(pin(peer, 5, record, false), Status::kOk);
  ASSERT_EQ(own(record), Status::kOk);
  EXPECT_TRUE(pinned(peer, record));
  EXPECT_TRUE(mine(record));
  expect_the_log_says_the_same();
}

TEST_F(StoreForgetTest, AnUnpinOfNothingCostsNothing) {
  TestRecord record = make_record(1, 500);
  ASSERT_EQ(append_durably(record, 5), Status::kOk);
  uint64_t before = store->stats().stored_bytes;
  EXPECT_EQ(unpin(peer, 4, record), Status::kOk);
  EXPECT_EQ(unpin(self, 9, record), Status::kOk);
  EXPECT_EQ(unpin(make_node(3), 9, record), Status::kOk);
  EXPECT_EQ(unpin(peer, 9, make_record(2, 10)), Status::kOk);
  Ticket ticket = 0;
  EXPECT_EQ(store->append_unpin(peer, 9, {}, &ticket), Status::kOk);
  EXPECT_EQ(store->stats().stored_bytes, before);
}

TEST_F(StoreForgetTest, ABatchOfUnpinsMayBeOfAnyLength) {
  std::vector<ChunkId> chunks;
  Ticket ticket = 0;
  for (uint64_t i = 0; i < 2100; ++i) {
    TestRecord record = make_record(i, 10);
    Status status = append(record, 1, &ticket);
    if (status == Status::kBusy) {
      ASSERT_EQ(store->commit(ticket), Status::kOk);
      status = append(record, 1, &ticket);
    }
    ASSERT_EQ(status, Status::kOk);
    chunks.push_back(record.c);
  }
  ASSERT_EQ(store->commit(ticket), Status::kOk);
  chunks.pop_back();
  ASSERT_EQ(store->append_unpin(peer, 1, chunks, &ticket), Status::kOk);
  ASSERT_EQ(store->commit(ticket), Status::kOk);
  std::array<BucketDigest, kBucketCount> digests;
  ASSERT_EQ(store->pin_digests(peer, digests), Status::kOk);
  uint64_t left = 0;
  for (const BucketDigest& digest : digests) left += digest.count;
  EXPECT_EQ(left, 1u);
  expect_the_log_says_the_same();
}

TEST_F(StoreForgetTest, ARemovedStatementIsGoneAndMayComeAgain) {
  Ticket ticket = 0;
  StatementKey key = make_key(7);
  EXPECT_EQ(store->remove_statement(StatementKind::kHead, key, &ticket), Status::kNotFound);
  ASSERT_EQ(store->append_statement(StatementKind::kHead, key, as_bytes("a head"), &ticket),
            Status::kOk);
  ASSERT_EQ(store->append_statement(StatementKind::kUnpin, key, as_bytes("unpin"), &ticket),
            Status::kOk);
  ASSERT_EQ(store->append_statement(StatementKind::kForget, key, as_bytes("forget"), &ticket),
            Status::kOk);
  ASSERT_EQ(store->commit(ticket), Status::kOk);
  EXPECT_EQ(store->remove_statement(StatementKind::kHead, key, &ticket), Status::kOk);
  EXPECT_EQ(store->remove_statement(StatementKind::kHead, key, &ticket), Status::kNotFound);
  EXPECT_TRUE(head_is_there(7));  // until it is durable
  ASSERT_EQ(store->commit(ticket), Status::kOk);
  EXPECT_FALSE(head_is_there(7));
  expect_the_log_says_the_same();
  // Given, taken, given within one group.
  EXPECT_EQ(store->append_statement(StatementKind::kHead, key, as_bytes("one"), &ticket),
            Status::kOk);
  EXPECT_EQ(store->remove_statement(StatementKind::kHead, key, &ticket), Status::kOk);
  EXPECT_EQ(store->append_statement(StatementKind::kHead, key, as_bytes("other"), &ticket),
            Status::kOk);
  EXPECT_EQ(store->append_statement(StatementKind::kHead, key, as_bytes("other"), &ticket),
            Status::kExists);
  ASSERT_EQ(store->commit(ticket), Status::kOk);
  std::array<uint8_t, 64> room;
  size_t size = 0;
  ASSERT_EQ(store->read_statement(StatementKind::kHead, key, room, &size), Status::kOk);
  EXPECT_EQ(size, 5u);
  expect_the_log_says_the_same();
}

}  // namespace
}  // namespace drey
