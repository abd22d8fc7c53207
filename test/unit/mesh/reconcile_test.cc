// Reconcile: what we believe a holder has becomes what it says it has.
#include "mesh/heal/reconcile.h"

#include <random>

#include "data_net.h"

namespace drey::data_test {
namespace {

uint64_t bit(Node& at, Node& of) { return uint64_t{1} << at.data.slot_of(of.id); }

struct ReconcileTest : testing::Test {
  ReconcileTest() : a(home.add()), b(home.add()), c(home.add()) { home.meet(); }
  // Records of a at b and c.
  void fill(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      records.push_back(home.record(100 + i % 50));
      home.push(a, records.back());
    }
    ASSERT_EQ(home.flush(a), Status::kOk);
  }
  uint64_t holders_seen() {
    uint64_t count = 0;
    for (Record& record : records)
      count += static_cast<uint64_t>(std::popcount(Household::state(a, record.c).holders));
    return count;
  }
  void forget_all() {  // the cache of a
    for (Record& record : records)
      ASSERT_EQ(a.store.update_holders({&record.c, 1}, 0, ~uint64_t{0}), Status::kOk);
  }
  Household home;
  Node& a;
  Node& b;
  Node& c;
  std::vector<Record> records;
};

TEST_F(ReconcileTest, AgreementCostsOneQuestion) {
  FakeLink& to_b = home.connect(a, b);
  home.connect(a, c);
  fill(50);
  ASSERT_TRUE(home.settle(a));
  uint64_t frames = to_b.frame_count;
  size_t lists = 0;
  to_b.filter = [&](FakeLink::Frame& frame) {
    lists += frame.type == MessageType::kPinnedList ? 1 : 0;
    return true;
  };
  a.data.recheck();
  ASSERT_TRUE(home.settle(a));
  EXPECT_EQ(lists, 0u);
  EXPECT_LE(to_b.frame_count - frames, 2u);
}

TEST_F(ReconcileTest, WhatAHolderKeepsBeyondOurClaimsIsListedOnceASession) {
  FakeLink& to_b = home.connect(a, b);
  home.connect(a, c);
  fill(50);
  ASSERT_TRUE(home.settle(a));
  // As the sweep does it: no snapshot needs these any more.
  std::vector<ChunkId> given_up;
  for (size_t i = 0; i < 20; ++i) given_up.push_back(records[i].c);
  Ticket ticket = 0;
  ASSERT_EQ(a.store.append_unpin(a.id, a.store.next_number(), given_up, &ticket), Status::kOk);
  ASSERT_EQ(a.store.commit(ticket), Status::kOk);
  ASSERT_EQ(a.store.update_holders(given_up, 0, ~uint64_t{0}), Status::kOk);
  size_t lists = 0;
  to_b.filter = [&](FakeLink::Frame& frame) {
    lists += frame.type == MessageType::kPinnedList ? 1 : 0;
    return true;
  };
  a.data.recheck();
  ASSERT_TRUE(home.settle(a));
  EXPECT_EQ(a.data.replication().records, 30u);
  EXPECT_GT(lists, 0u);
  lists = 0;
  for (int i = 0; i < 3; ++i) {
    a.data.recheck();
    ASSERT_TRUE(home.settle(a));
  }
  EXPECT_EQ(lists, 0u);
  // What changes is seen again.
  home.push(a, home.record(120));
  ASSERT_EQ(home.flush(a), Status::kOk);
  a.data.recheck();
  ASSERT_TRUE(home.settle(a));
  EXPECT_EQ(a.data.replication().records, 31u);
  EXPECT_EQ(a.data.replication().under_replicated, 0u);
}

TEST_F(ReconcileTest, ForgottenHoldersAreFoundAgainOnTheNextSession) {
  FakeLink& to_b = home.connect(a, b);
  FakeLink& to_c = home.connect(a, c);
  fill(300);
  to_b.cut();
  to_c.cut();
  home.run(kSecond);
  forget_all();
  EXPECT_EQ(holders_seen(), 0u);
  FakeLink& again = home.connect(a, b);
  home.connect(a, c);
  ASSERT_TRUE(home.settle(a));
  EXPECT_EQ(holders_seen(), 600u);
  EXPECT_EQ(a.data.replication().under_replicated, 0u);
  EXPECT_EQ(again.bulk_count, 0u) << "nothing needed to be sent again";
}

TEST_F(ReconcileTest, AWipedHolderIsRefilled) {
  home.connect(a, b);
  FakeLink& to_c = home.connect(a, c);
  fill(200);
  to_c.cut();
  home.run(kSecond);
  // c comes back with an empty disk: here a new node with the same id.
  Node& fresh = home.add();
  c.sim->host.stop();
  fresh.id = c.id;
  std::vector<DataMember> members;
  for (Node* node : {&a, &b, &fresh}) members.push_back({node->id, 100, 0, false, false});
  a.data.set_members(members, 2);
  fresh.data.set_members(members, 2);
  home.run(kSecond);
  home.connect(a, fresh);
  ASSERT_TRUE(home.settle(a));
  ReplicationSummary summary = a.data.replication();
  EXPECT_EQ(summary.under_replicated, 0u);
  EXPECT_EQ(summary.records, 200u);
  for (Record& record : records) EXPECT_TRUE(Household::holds(fresh, record.c));
  EXPECT_EQ(holders_seen(), 400u);
}

// Buckets longer than a message, at both ends of the id space, with gaps on both sides: the ids are
// made up, the stores do not mind.
TEST_F(ReconcileTest, BucketsLongerThanAMessageAreListedToTheirEnds) {
  auto commit = [](Node& node, Ticket ticket) {
    ASSERT_EQ(node.store.commit(ticket), Status::kOk);
  };
  struct Row {
    ChunkId c;
    bool at_b;
    bool believed;
  };
  std::vector<Row> rows;
  uint64_t bit_b = bit(a, b);
  for (uint8_t bucket : std::initializer_list<uint8_t>{0, 7, 255}) {
    for (size_t i = 0; i < 850; ++i) {
      Row row{home.record(16).c, i % 10 != 3, i % 7 == 0};
      row.c.raw[0] = bucket;
      if (i == 0) row.c.raw.fill(bucket);  // 00..., ff...
      if (i == 0 && bucket == 0) row.c.raw[31] = 1;
      rows.push_back(row);
      Ticket ticket = 0;
      OwnedRecord owned{row.c, {}, 8, ChunkType::kData};
      ASSERT_EQ(a.store.own({&owned, 1}, 1, &ticket), Status::kOk);
      if (i % 64 == 63 || i == 849) commit(a, ticket);
      const uint8_t bytes[8] = {};
      if (!row.at_b) continue;
      Status status = b.store.append_record(row.c, ChunkType::kData, bytes, a.id, 1, &ticket);
      ASSERT_EQ(status, Status::kOk);
      commit(b, ticket);
    }
  }
  for (Row& row : rows) {
    if (!row.believed) continue;
    ASSERT_EQ(a.store.update_holders({&row.c, 1}, bit_b, 0), Status::kOk);
  }
  b.full = true;  // nothing is healed to it
  home.meet();
  home.connect(a, b);
  ASSERT_TRUE(home.settle(a));
  for (Row& row : rows)
    EXPECT_EQ((Household::state(a, row.c).holders & bit_b) != 0, row.at_b) << int{row.c.raw[0]};
}

TEST_F(ReconcileTest, RecordsOfOthersAndForeignPinsAreLeftAlone) {
  home.connect(a, b);
  home.connect(a, c);
  home.connect(b, c);
  fill(20);
  for (int i = 0; i < 20; ++i) home.push(b, home.record(100));
  a.data.recheck();
  b.data.recheck();
  ASSERT_TRUE(home.settle(a));
  ASSERT_TRUE(home.settle(b));
  EXPECT_EQ(a.data.replication().records, 20u);
  EXPECT_EQ(b.data.replication().records, 20u);
  EXPECT_EQ(holders_seen(), 40u);
}

TEST_F(ReconcileTest, AHolderThatDiesMidwayIsAskedOnItsNextSession) {
  FakeLink& to_b = home.connect(a, b);
  home.connect(a, c);
  fill(100);
  to_b.cut();
  home.run(kSecond);
  forget_all();
  FakeLink& second = home.connect(a, b);
  size_t lists = 0;
  second.filter = [&](FakeLink::Frame& frame) {
    if (frame.type == MessageType::kPinnedList && ++lists == 10) second.cut();
    return true;
  };
  home.run(5 * kSecond);
  EXPECT_EQ(lists, 10u);
  home.connect(a, b);
  ASSERT_TRUE(home.settle(a));
  EXPECT_EQ(holders_seen() >= 200, true);
}

TEST_F(ReconcileTest, ASilentHolderKeepsNothingSettledAndIsAskedAgain) {
  FakeLink& to_b = home.connect(a, b);
  home.connect(a, c);
  to_b.stalled = true;
  home.run(60 * kSecond);
  EXPECT_FALSE(a.data.replication().settled);
  to_b.stalled = false;
  ASSERT_TRUE(home.settle(a));
  EXPECT_TRUE(a.data.replication().settled);
}

TEST_F(ReconcileTest, AListThatNeverEndsIsAProtocolError) {
  FakeLink& to_b = home.connect(a, b);
  fill(5);
  to_b.cut();
  home.run(kSecond);
  forget_all();
  FakeLink& again = home.connect(a, b);
  again.other->filter = [](FakeLink::Frame& frame) {
    if (frame.type != MessageType::kPinnedChunks) return true;
    frame.head.resize(8);  // request, bucket, more, count: nothing, for ever
    frame.head[5] = 1;
    frame.head[6] = frame.head[7] = 0;
    return true;
  };
  home.run(10 * kSecond);
  EXPECT_FALSE(again.open);
  (void)bit(a, b);
}

// I10. Every digest it tells is another one each time, every bucket is full of records that nobody
// has, pages go on as long as they may: each comparison ends, the honest holder has its turn, and
// the liar is asked no more than it must be.
TEST_F(ReconcileTest, AHolderThatLiesAboutEverythingKeepsNobodyBusy) {
  FakeLink& to_b = home.connect(a, b);
  FakeLink& to_c = home.connect(a, c);
  fill(40);
  to_b.cut();
  to_c.cut();
  home.run(kSecond);
  forget_all();
  std::mt19937_64 random(7);
  size_t rounds = 0, pages = 0;
  bool endless = false;
  auto lie = [&](FakeLink::Frame& frame) {
    if (frame.type == MessageType::kDigests) {
      ++rounds;
      for (size_t i = 4; i < frame.head.size(); ++i) frame.head[i] = static_cast<uint8_t>(random());
    }
    if (frame.type != MessageType::kPinnedChunks) return true;
    ++pages;
    size_t count = endless || random() % 4 == 0 ? limits::kPinnedChunksMax : random() % 5;
    std::vector<ChunkId> chunks(count);
    uint64_t at = pages << 16;
    for (ChunkId& id : chunks) {
      id.raw.fill(0);
      id.raw[0] = frame.head[4];
      for (size_t i = 0; i < 8; ++i) id.raw[1 + i] = static_cast<uint8_t>(at >> (56 - 8 * i));
      ++at;
    }
    PinnedChunksMessage message;
    message.request = load_le<uint32_t>(frame.head.data());
    message.bucket = frame.head[4];
    message.more = endless || (count == limits::kPinnedChunksMax && random() % 2 == 0);
    message.chunks = chunks;
    frame.head.resize(PinnedChunksMessage::kBytesMax);
    ByteWriter to(frame.head);
    message.encode(to);
    frame.head.resize(to.size());
    return true;
  };
  FakeLink& liar = home.connect(a, b);
  liar.other->filter = lie;
  home.connect(a, c);
  home.run(600 * kSecond);
  EXPECT_GE(rounds, 1u);
  EXPECT_LE(rounds, 64u);
  EXPECT_LE(pages, rounds * kBucketCount * 8);
  for (const Record& record : records)
    EXPECT_TRUE((Household::state(a, record.c).holders & bit(a, c)) != 0);
  // One bucket without an end.
  pages = 0;
  endless = true;
  ASSERT_TRUE(home.until([&] { return !liar.open; }, 1200 * kSecond));
  EXPECT_LE(pages, 2 * Reconciler::kPagesMax);
}

}  // namespace
}  // namespace drey::data_test
