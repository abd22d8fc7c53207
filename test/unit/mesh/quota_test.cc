// What one member may fill here: a flooder is stopped at its quota, the reserve is untouched, the
// others are still served. I9.
#include "mesh/transfer/quota.h"

#include "rogue.h"

namespace drey::data_test {
namespace {

constexpr uint64_t kCapacity = 40 * limits::kSegmentBytes;
constexpr uint64_t kShare = 700'000;
constexpr size_t kBytes = 30'000;

struct QuotaTest : testing::Test {
  QuotaTest() : node(add(home, kShare)), flooder(home.add()), other(home.add()) { home.meet(); }
  static Node& add(Household& home, uint64_t quota_bytes) {
    home.quota_bytes = quota_bytes;
    return home.add(kCapacity);
  }
  uint64_t charged(const Node& of) { return node.data.quota().charged(of.id); }
  // Offers one after the other until one is refused; the answer.
  Answer flood(Rogue& rogue, const NodeId& owner, size_t limit = 1000) {
    for (size_t i = 0; i < limit; ++i) {
      Answer answer = offer(rogue, home.record(kBytes), owner);
      if (answer != Answer::kDurable) return answer;
    }
    return Answer::kDurable;
  }
  Answer offer(Rogue& rogue, const Record& record, const NodeId& owner) {
    PinMessage pin = rogue.pin(record, ++request, owner);
    rogue.say(pin);
    Answer pinned = rogue.answer<PinnedMessage>(pin.request);
    if (pinned != Answer::kWant) return pinned;
    if (!rogue.put(pin, record.bytes)) return Answer::kRefused;
    Answer stored = rogue.answer<StoredMessage>(pin.request);
    rogue.got.clear();
    return stored;
  }
  Household home;
  Node& node;
  Node& flooder;
  Node& other;
  uint32_t request = 0;
};

TEST_F(QuotaTest, AFlooderIsStoppedAtItsShareAndTheReserveIsUntouched) {
  Rogue rogue(&home, node, flooder.id);
  EXPECT_EQ(flood(rogue, flooder.id), Answer::kFull);
  EXPECT_LE(charged(flooder), kShare);
  EXPECT_GT(charged(flooder), kShare - 2 * kBytes);
  StoreStats stats = node.store.stats();
  EXPECT_EQ(stats.state, StoreState::kOk);
  EXPECT_GE(stats.free_bytes, kCapacity - 2 * kShare - 3 * limits::kSegmentBytes);
  // It stays so when everything was summed up again, and after a restart.
  home.run(2 * Quota::kPassNs);
  EXPECT_EQ(flood(rogue, flooder.id), Answer::kFull);
  // Others are served.
  Rogue honest(&home, node, other.id);
  EXPECT_EQ(offer(honest, home.record(kBytes), other.id), Answer::kDurable);
}

TEST_F(QuotaTest, NobodyGetsPastItByManyOffersAtOnce) {
  Rogue rogue(&home, node, flooder.id);
  std::vector<std::pair<PinMessage, Record>> wanted;
  for (size_t round = 0; round < 400 && charged(flooder) <= kShare; ++round) {
    for (size_t i = 0; i < 12; ++i) {
      Record record = home.record(kBytes);
      PinMessage pin = rogue.pin(record, ++request, flooder.id);
      wanted.push_back({pin, record});
      rogue.say(pin);
    }
    home.run(20 * kMillisecond);
    for (auto& [pin, record] : wanted)
      if (rogue.answer<PinnedMessage>(pin.request) == Answer::kWant)
        (void)rogue.put(pin, record.bytes);
    wanted.clear();
    rogue.got.clear();
    home.run(20 * kMillisecond);
    ASSERT_LE(charged(flooder), kShare);
    if (charged(flooder) > kShare - kBytes) break;
  }
  EXPECT_GT(charged(flooder), kShare / 2);
}

TEST_F(QuotaTest, WhatIsBroughtInAnothersNameIsChargedToWhoBringsIt) {
  Rogue rogue(&home, node, flooder.id);
  EXPECT_EQ(flood(rogue, other.id), Answer::kFull);
  EXPECT_LE(charged(flooder), kShare);
  home.run(2 * Quota::kPassNs);
  EXPECT_EQ(flood(rogue, other.id), Answer::kFull);
  EXPECT_EQ(charged(other), 0u);
  Rogue honest(&home, node, other.id);
  EXPECT_EQ(offer(honest, home.record(kBytes), other.id), Answer::kDurable);
}

TEST_F(QuotaTest, ARecordIsChargedInFullToEachWhoPinsIt) {
  Rogue rogue(&home, node, flooder.id);
  Rogue honest(&home, node, other.id);
  Record record = home.record(kBytes);
  ASSERT_EQ(offer(rogue, record, flooder.id), Answer::kDurable);
  ASSERT_EQ(offer(honest, record, other.id), Answer::kDurable);
  EXPECT_EQ(charged(flooder), charged(other));
  EXPECT_GE(charged(other), kBytes);
  // Once only, and the sum says the same.
  uint64_t once = charged(other);
  PinMessage again = honest.pin(record, ++request, other.id);
  again.number += 5;
  honest.say(again);
  ASSERT_EQ(honest.answer<PinnedMessage>(again.request), Answer::kDurable);
  EXPECT_EQ(charged(other), once);
  home.run(2 * Quota::kPassNs);
  EXPECT_EQ(charged(other), once);
  EXPECT_EQ(charged(flooder), once);
}

TEST_F(QuotaTest, AtItsShareADeviceMayStillPinAnewWhatItHasThere) {
  Rogue rogue(&home, node, flooder.id);
  Record mine = home.record(kBytes), theirs = home.record(kBytes);
  Rogue honest(&home, node, other.id);
  ASSERT_EQ(offer(rogue, mine, flooder.id), Answer::kDurable);
  ASSERT_EQ(offer(honest, theirs, other.id), Answer::kDurable);
  ASSERT_EQ(flood(rogue, flooder.id), Answer::kFull);
  EXPECT_EQ(offer(rogue, mine, flooder.id), Answer::kDurable);
  EXPECT_EQ(offer(rogue, theirs, flooder.id), Answer::kFull);  // new to it, though no byte comes
}

TEST_F(QuotaTest, WhatWasGivenUpIsChargedNoMore) {
  Rogue rogue(&home, node, flooder.id);
  Record record = home.record(kBytes);
  ASSERT_EQ(offer(rogue, record, flooder.id), Answer::kDurable);
  ASSERT_GT(charged(flooder), 0u);
  Ticket ticket = 0;
  ASSERT_EQ(node.store.append_unpin(flooder.id, 100, {&record.c, 1}, &ticket), Status::kOk);
  ASSERT_EQ(node.store.commit(ticket), Status::kOk);
  home.run(2 * Quota::kPassNs);
  EXPECT_EQ(charged(flooder), 0u);
}

// With one other device nobody is kept from anything by what it stores here.
TEST(Quota, BetweenTwoDevicesThereIsNoneAndAmongMoreAQuarterIsLeft) {
  Household home;
  Node& node = home.add(kCapacity);
  home.add();
  home.meet();
  EXPECT_EQ(node.data.quota().limit(), Quota::kNoLimit);
  home.add();
  home.meet();
  EXPECT_EQ(node.data.quota().limit(), kCapacity / 4 * 3);
}

// Half of it is left to forgetting and to compaction, however much others pin.
TEST(Quota, PinsOfOthersLeaveHalfOfTheReserve) {
  if (limits::kSegmentBytes > (1u << 20)) GTEST_SKIP() << "segments of this board are too large";
  Household home;
  Node& node = home.add(8 * limits::kSegmentBytes);
  Node& other = home.add();
  home.meet();
  Rogue rogue(&home, node, other.id);
  uint32_t request = 0;
  std::vector<Record> held;
  for (Answer answer = Answer::kDurable; answer == Answer::kDurable;) {
    Record record = home.record(kBytes);
    PinMessage pin = rogue.pin(record, ++request, other.id);
    rogue.say(pin);
    if (rogue.answer<PinnedMessage>(request) != Answer::kWant) break;
    ASSERT_TRUE(rogue.put(pin, record.bytes));
    answer = rogue.answer<StoredMessage>(request);
    if (answer == Answer::kDurable) held.push_back(record);
  }
  ASSERT_FALSE(held.empty());
  uint64_t number = 100;
  for (uint64_t limit = 0; limit < 200'000; ++limit) {
    Ticket ticket = 0;
    Status status = node.store.append_pins(other.id, ++number, {&held[0].c, 1}, &ticket);
    if (status == Status::kFull) break;
    if (status == Status::kOk) status = node.store.commit(ticket);
    ASSERT_EQ(status, Status::kOk);
  }
  StoreStats stats = node.store.stats();
  EXPECT_LE(stats.stored_bytes + limits::kSegmentBytes, stats.capacity_bytes + 1024);
  Ticket ticket = 0;
  EXPECT_EQ(node.store.append_unpin(other.id, number, {&held[0].c, 1}, &ticket), Status::kOk);
}

}  // namespace
}  // namespace drey::data_test
