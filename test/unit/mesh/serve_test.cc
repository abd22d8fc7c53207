// Serve: credit, refusal of what is not what it says, durable only after the commit.
#include "mesh/transfer/serve.h"

#include "rogue.h"

namespace drey::data_test {
namespace {

struct ServeTest : testing::Test {
  ServeTest() : node(home.add()), other(home.add()), third(home.add()) { home.meet(); }
  Household home;
  Node& node;
  Node& other;
  Node& third;
};

constexpr Answer kNone = static_cast<Answer>(100);

TEST_F(ServeTest, AWantedRecordIsStoredPinnedAndAnsweredAfterTheCommit) {
  Rogue peer(&home, node, other.id);
  Record record = home.record(900);
  PinMessage pin = peer.pin(record, 1, other.id);
  peer.say(pin);
  ASSERT_EQ(peer.answer<PinnedMessage>(1), Answer::kWant);
  ASSERT_TRUE(peer.put(pin, record.bytes));
  EXPECT_EQ(peer.answer<StoredMessage>(1), Answer::kDurable);
  EXPECT_TRUE(Household::holds(node, record.c));
  BucketDigest digests[kBucketCount];
  ASSERT_EQ(node.store.pin_digests(other.id, digests), Status::kOk);
  EXPECT_EQ(digests[record.c.raw[0]].count, 1u);
}

TEST_F(ServeTest, AFailedSyncIsNeverAnsweredDurable) {
  Rogue peer(&home, node, other.id);
  Record record = home.record(900);
  PinMessage pin = peer.pin(record, 1, other.id);
  peer.say(pin);
  ASSERT_EQ(peer.answer<PinnedMessage>(1), Answer::kWant);
  node.sim->disk.fail_nth(SimDisk::Call::kSync, 1, Status::kIo, 0);
  ASSERT_TRUE(peer.put(pin, record.bytes));
  Answer answer = peer.answer<StoredMessage>(1);
  EXPECT_NE(answer, Answer::kDurable);
  EXPECT_EQ(node.data.receive_pool().free_count(), limits::kReceiveSlots);
}

TEST_F(ServeTest, APinOfAHeldRecordIsNotDurableWhenItsSyncFails) {
  Rogue first(&home, node, other.id);
  Record record = home.record(900);
  PinMessage pin = first.pin(record, 1, other.id);
  first.say(pin);
  ASSERT_EQ(first.answer<PinnedMessage>(1), Answer::kWant);
  ASSERT_TRUE(first.put(pin, record.bytes));
  ASSERT_EQ(first.answer<StoredMessage>(1), Answer::kDurable);
  Rogue second(&home, node, third.id);
  node.sim->disk.fail_nth(SimDisk::Call::kSync, 1, Status::kIo, 0);
  second.say(second.pin(record, 1, third.id));
  EXPECT_EQ(second.answer<PinnedMessage>(1), Answer::kBusy);
}

TEST_F(ServeTest, ARecordThatIsNotItsHashIsRefusedAtEveryByte) {
  Rogue peer(&home, node, other.id);
  Record record = home.record(64);
  for (uint32_t i = 0; i < 64; ++i) {
    PinMessage pin = peer.pin(record, i + 1, other.id);
    peer.say(pin);
    ASSERT_EQ(peer.answer<PinnedMessage>(i + 1), Answer::kWant);
    std::vector<uint8_t> spoilt = record.bytes;
    spoilt[i] ^= static_cast<uint8_t>(1u << (i % 8));
    ASSERT_TRUE(peer.put(pin, spoilt));
    ASSERT_EQ(peer.answer<StoredMessage>(i + 1), Answer::kCorrupt);
  }
  EXPECT_FALSE(Household::holds(node, record.c));
  EXPECT_EQ(node.store.stats().records, 0u);
  EXPECT_EQ(node.data.receive_pool().free_count(), limits::kReceiveSlots);
}

TEST_F(ServeTest, APutWithoutAWantIsAProtocolError) {
  Rogue peer(&home, node, other.id);
  Record record = home.record(900);
  EXPECT_FALSE(peer.put(peer.pin(record, 1, other.id), record.bytes));
}

TEST_F(ServeTest, APutThatDiffersFromItsPinIsAProtocolError) {
  Rogue peer(&home, node, other.id);
  Record record = home.record(900);
  PinMessage pin = peer.pin(record, 1, other.id);
  peer.say(pin);
  ASSERT_EQ(peer.answer<PinnedMessage>(1), Answer::kWant);
  for (int field = 0; field < 6; ++field) {
    PinMessage wrong = pin;
    std::vector<uint8_t> bytes = record.bytes;
    if (field == 0) wrong.request = 2;
    if (field == 1) wrong.c.raw[0] ^= 1;
    if (field == 2) wrong.type = ChunkType::kPage;
    if (field == 3) wrong.owner = third.id;
    if (field == 4) wrong.number = 8;
    if (field == 5) bytes.push_back(0);
    EXPECT_FALSE(peer.put(wrong, bytes)) << field;
  }
  Rogue stranger(&home, node, third.id);
  EXPECT_FALSE(stranger.put(pin, record.bytes)) << "another session";
  EXPECT_TRUE(peer.put(pin, record.bytes));
  EXPECT_FALSE(peer.put(pin, record.bytes)) << "twice";
}

TEST_F(ServeTest, CreditEndsAndTheNextOnesWaitForIt) {
  Rogue peer(&home, node, other.id);
  std::vector<Record> records;
  for (uint32_t i = 0; i < limits::kReceiveSlots + 1; ++i) {
    records.push_back(home.record(500));
    peer.say(peer.pin(records[i], i, other.id));
  }
  for (uint32_t i = 0; i < limits::kReceiveSlots; ++i)
    EXPECT_EQ(peer.answer<PinnedMessage>(i), Answer::kWant);
  uint32_t last = limits::kReceiveSlots;
  EXPECT_EQ(peer.answer<PinnedMessage>(last), kNone);
  EXPECT_EQ(node.data.receive_pool().free_count(), 0u);
  ASSERT_TRUE(peer.put(peer.pin(records[0], 0, other.id), records[0].bytes));
  EXPECT_EQ(peer.answer<PinnedMessage>(last), Answer::kWant);
}

TEST_F(ServeTest, WhoWaitsTooLongForCreditIsToldBusy) {
  Rogue peer(&home, node, other.id);
  for (uint32_t i = 0; i <= limits::kReceiveSlots; ++i)
    peer.say(peer.pin(home.record(500), i, other.id));
  home.run(9 * kSecond);
  EXPECT_EQ(peer.answer<PinnedMessage>(limits::kReceiveSlots), Answer::kBusy);
}

TEST_F(ServeTest, ReservedCreditReturnsAfterAMinuteOrWithItsSession) {
  Rogue peer(&home, node, other.id);
  peer.say(peer.pin(home.record(500), 1, other.id));
  ASSERT_EQ(peer.answer<PinnedMessage>(1), Answer::kWant);
  home.run(58 * kSecond);
  EXPECT_EQ(node.data.receive_pool().free_count(), limits::kReceiveSlots - 1);
  home.run(3 * kSecond);
  EXPECT_EQ(node.data.receive_pool().free_count(), limits::kReceiveSlots);
  peer.say(peer.pin(home.record(500), 2, other.id));
  ASSERT_EQ(peer.answer<PinnedMessage>(2), Answer::kWant);
  node.data.link_closed(peer.link);
  EXPECT_EQ(node.data.receive_pool().free_count(), limits::kReceiveSlots);
}

TEST_F(ServeTest, APutGivesUpTheEarlierWantsOfItsSession) {
  Rogue peer(&home, node, other.id);
  Record first = home.record(500);
  Record second = home.record(500);
  peer.say(peer.pin(first, 1, other.id));
  peer.say(peer.pin(second, 2, other.id));
  ASSERT_EQ(peer.answer<PinnedMessage>(2), Answer::kWant);
  ASSERT_TRUE(peer.put(peer.pin(second, 2, other.id), second.bytes));
  EXPECT_EQ(peer.answer<StoredMessage>(2), Answer::kDurable);
  EXPECT_EQ(node.data.receive_pool().free_count(), limits::kReceiveSlots);
  EXPECT_FALSE(peer.put(peer.pin(first, 1, other.id), first.bytes));
}

TEST_F(ServeTest, OnePeerLeavesASlotForAnother) {
  Rogue greedy(&home, node, other.id);
  Rogue modest(&home, node, third.id);
  for (uint32_t i = 0; i < 2 * limits::kReceiveSlots; ++i)
    greedy.say(greedy.pin(home.record(500), i, other.id));
  home.run(kSecond);
  Record record = home.record(500);
  modest.say(modest.pin(record, 1, third.id));
  EXPECT_EQ(modest.answer<PinnedMessage>(1), Answer::kWant);
}

TEST_F(ServeTest, ManyPinsOfHeldRecordsAreAnsweredTogether) {
  home.connect(other, node);
  std::vector<Record> records;
  for (size_t i = 0; i < 40; ++i) {
    records.push_back(home.record(200));
    home.push(other, records.back());
  }
  Rogue peer(&home, node, third.id);
  uint64_t syncs = node.sim->disk.call_count(SimDisk::Call::kSync);
  for (uint32_t i = 0; i < 200; ++i) peer.say(peer.pin(records[i % 40], i, third.id));
  ASSERT_TRUE(home.until([&] { return peer.got.size() >= 200; }));
  for (uint32_t i = 0; i < 200; ++i) EXPECT_EQ(peer.answer<PinnedMessage>(i), Answer::kDurable);
  EXPECT_LE(node.sim->disk.call_count(SimDisk::Call::kSync) - syncs, 20u);
}

TEST_F(ServeTest, BeyondTheQueuePinsAreBusy) {
  Rogue peer(&home, node, other.id);
  for (uint32_t i = 0; i < 2000; ++i) peer.say(peer.pin(home.record(10), i, other.id));
  EXPECT_EQ(peer.answer<PinnedMessage>(1999), Answer::kBusy);
  ASSERT_TRUE(home.until([&] { return peer.got.size() >= 2000; }));
}

TEST_F(ServeTest, StrangersAndRecoverySessionsMayNotPin) {
  Rogue recovery(&home, node, NodeId{}, false);
  Record record = home.record(100);
  recovery.say(recovery.pin(record, 1, other.id));
  EXPECT_EQ(recovery.answer<PinnedMessage>(1), Answer::kRefused);
  Rogue peer(&home, node, other.id);
  NodeId nobody;
  nobody.raw.fill(0xab);
  peer.say(peer.pin(record, 1, nobody));
  EXPECT_EQ(peer.answer<PinnedMessage>(1), Answer::kRefused);
  peer.say(peer.pin(record, 2, third.id));  // heals for another member
  EXPECT_EQ(peer.answer<PinnedMessage>(2), Answer::kWant);
}

TEST_F(ServeTest, OfADeviceThatRunsTwiceNothingNewIsTaken) {
  Rogue peer(&home, node, other.id);
  other.frozen = true;
  home.tell(node);
  home.run(kSecond);
  Record record = home.record(900);
  peer.say(peer.pin(record, 1, other.id));
  EXPECT_EQ(peer.answer<PinnedMessage>(1), Answer::kRefused);
  peer.say(peer.pin(record, 2, third.id));
  EXPECT_EQ(peer.answer<PinnedMessage>(2), Answer::kRefused);
  // What it owns is healed by others all the same.
  Rogue healer(&home, node, third.id);
  healer.say(healer.pin(record, 3, other.id));
  EXPECT_EQ(healer.answer<PinnedMessage>(3), Answer::kWant);
}

TEST_F(ServeTest, AFullStoreSaysFull) {
  Household small;
  Node& full = small.add(1);
  Node& owner = small.add();
  small.meet();
  Rogue peer(&small, full, owner.id);
  peer.say(peer.pin(small.record(1000), 1, owner.id));
  EXPECT_EQ(peer.answer<PinnedMessage>(1), Answer::kFull);
}

TEST_F(ServeTest, GetsAreAnsweredWithTheRecordOrMissing) {
  home.connect(other, node);
  Record record = home.record(2000);
  home.push(other, record);
  Rogue peer(&home, node, NodeId{}, false);  // a recovery session may read
  GetMessage get;
  get.request = 5;
  get.c = record.c;
  peer.say(get);
  home.run(50 * kMillisecond);
  EXPECT_EQ(peer.bulk, record.bytes);
  get.request = 6;
  get.c.raw[0] ^= 1;
  peer.say(get);
  EXPECT_EQ(peer.answer<MissingMessage>(6), Answer::kNotFound);
  EXPECT_EQ(node.data.serve_pool().free_count(), limits::kServeSlots);
}

TEST_F(ServeTest, GetsBeyondTheQueueAreBusyAndNoSlotIsLost) {
  Rogue peer(&home, node, other.id);
  GetMessage get;
  for (uint32_t i = 0; i < 200; ++i) {
    get.request = i;
    peer.say(get);
  }
  ASSERT_TRUE(home.until([&] { return peer.got.size() >= 200; }));
  EXPECT_EQ(peer.answer<MissingMessage>(199), Answer::kBusy);
  EXPECT_EQ(peer.answer<MissingMessage>(0), Answer::kNotFound);
  EXPECT_EQ(node.data.serve_pool().free_count(), limits::kServeSlots);
}

TEST_F(ServeTest, MalformedMessagesEndTheSession) {
  for (uint16_t type = 32; type <= 40; ++type) {
    Rogue peer(&home, node, other.id);
    const uint8_t body[3] = {1, 2, 3};
    node.data.link_message(peer.link, static_cast<MessageType>(type), body);
    EXPECT_TRUE(peer.link.closed) << type;
    node.data.link_closed(peer.link);
  }
}

TEST_F(ServeTest, UnexpectedAnswersAreIgnored) {
  Rogue peer(&home, node, other.id);
  PinnedMessage pinned;
  pinned.answer = Answer::kWant;
  StoredMessage stored;
  stored.answer = Answer::kDurable;
  for (uint32_t i = 0; i < 10; ++i) {
    pinned.request = stored.request = i;
    peer.say(pinned);
    peer.say(stored);
    peer.say(MissingMessage{i, Answer::kNotFound});
    DigestsMessage digests;
    digests.request = i + 1000;
    peer.say(digests);
  }
  home.run(kSecond);
  EXPECT_FALSE(peer.link.closed);
}

TEST_F(ServeTest, LargeAnswersWaitForRoomInTheLink) {
  home.connect(other, node);
  home.push(other, home.record(100));
  Rogue peer(&home, node, third.id);
  home.run(kSecond);
  peer.got.clear();
  peer.link.busy = true;
  DigestMessage digest;
  digest.request = 9;
  digest.owner = other.id;
  peer.say(digest);
  home.run(3 * kSecond);
  EXPECT_TRUE(peer.got.empty());
  peer.link.busy = false;
  home.run(kSecond);
  size_t answers = 0;
  for (auto& message : peer.got) answers += message.first == MessageType::kDigests ? 1 : 0;
  EXPECT_EQ(answers, 1u);
}

}  // namespace
}  // namespace drey::data_test
