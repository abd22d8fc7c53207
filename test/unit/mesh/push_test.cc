// Push: a record ends on its homes or in the own log, and nowhere is durable said too early.
#include "mesh/transfer/push.h"

#include "data_net.h"

namespace drey::data_test {
namespace {

uint64_t bit(Node& at, Node& of) { return uint64_t{1} << at.data.slot_of(of.id); }

TEST(Push, GoesToTwoHomesAndIsClaimed) {
  Household home;
  Node& a = home.add();
  Node& b = home.add();
  Node& c = home.add();
  home.meet();
  home.connect_all();
  Record record = home.record(1000);
  auto& push = home.push(a, record);
  EXPECT_EQ(push.op.status, Status::kOk);
  EXPECT_EQ(push.op.count, 1u);
  EXPECT_EQ(push.request.holders, bit(a, b) | bit(a, c));
  EXPECT_FALSE(push.request.in_own_log);
  EXPECT_TRUE(Household::holds(b, record.c));
  EXPECT_TRUE(Household::holds(c, record.c));
  EXPECT_FALSE(Household::holds(a, record.c));
  EXPECT_EQ(home.flush(a), Status::kOk);
  EXPECT_TRUE(Household::state(a, record.c).mine);
  EXPECT_EQ(Household::state(a, record.c).holders, push.request.holders);
}

TEST(Push, AloneGoesToTheOwnLog) {
  Household home;
  Node& a = home.add();
  home.meet();
  Record record = home.record(1000);
  auto& push = home.push(a, record);
  EXPECT_EQ(push.op.status, Status::kOk);
  EXPECT_TRUE(push.request.in_own_log);
  EXPECT_EQ(push.request.holders, 0u);
  EXPECT_TRUE(Household::holds(a, record.c));
}

TEST(Push, BeforeTheMembersAreKnownItGoesToTheOwnLog) {
  Household home;
  Node& a = home.add();
  Record record = home.record(1000);
  auto& push = home.push(a, record);
  EXPECT_EQ(push.op.status, Status::kOk);
  EXPECT_TRUE(push.request.in_own_log);
  EXPECT_TRUE(Household::holds(a, record.c));
}

TEST(Push, WithNoCopiesWishedForItStillLiesSomewhere) {
  Household home;
  Node& a = home.add();
  home.add();
  home.meet(0);
  home.connect_all();
  auto& push = home.push(a, home.record(1000));
  EXPECT_TRUE(push.request.in_own_log);
}

TEST(Push, InAMeshOfTwoTheOwnLogIsOneHolder) {
  Household home;
  Node& a = home.add();
  Node& b = home.add();
  home.meet();
  home.connect_all();
  auto& push = home.push(a, home.record(500));
  EXPECT_EQ(push.request.holders, bit(a, b));
  EXPECT_TRUE(push.request.in_own_log);
}

TEST(Push, OneCopyNeedsOneOtherDevice) {
  Household home;
  Node& a = home.add();
  home.add();
  home.add();
  home.meet(1);
  home.connect_all();
  auto& push = home.push(a, home.record(500));
  EXPECT_EQ(std::popcount(push.request.holders), 1);
  EXPECT_FALSE(push.request.in_own_log);
}

TEST(Push, PagesAlsoStayInTheOwnLog) {
  Household home;
  Node& a = home.add();
  home.add();
  home.add();
  home.meet();
  home.connect_all();
  auto& push = home.push(a, home.record(500), ChunkType::kPage);
  EXPECT_EQ(std::popcount(push.request.holders), 2);
  EXPECT_TRUE(push.request.in_own_log);
}

TEST(Push, AHomeThatIsAwayIsReplacedByTheNext) {
  Household home;
  Node& a = home.add();
  Node& b = home.add();
  Node& c = home.add();
  Node& d = home.add();
  home.meet();
  home.connect(a, b);
  home.connect(a, d);
  (void)c;
  for (int i = 0; i < 10; ++i) {
    auto& push = home.push(a, home.record(300));
    EXPECT_EQ(push.request.holders, bit(a, b) | bit(a, d));
    EXPECT_FALSE(push.request.in_own_log);
  }
}

TEST(Push, WithoutEnoughHomesItIsSpooled) {
  Household home;
  Node& a = home.add();
  Node& b = home.add();
  home.add();
  home.meet();
  home.connect(a, b);
  auto& push = home.push(a, home.record(300));
  EXPECT_EQ(push.op.status, Status::kOk);
  EXPECT_EQ(push.request.holders, bit(a, b));
  EXPECT_TRUE(push.request.in_own_log);
}

TEST(Push, AHolderThatDiesMidwayIsNotCounted) {
  Household home;
  Node& a = home.add();
  Node& b = home.add();
  Node& c = home.add();
  home.meet();
  FakeLink& to_b = home.connect(a, b);
  home.connect(a, c);
  to_b.bytes_per_second = 10'000;  // 3 s for the record
  Record record = home.record(30'000);
  auto& push = home.begin_push(a, record);
  home.run(kSecond);
  EXPECT_FALSE(push.op.done());
  to_b.cut();
  ASSERT_TRUE(home.until([&] { return push.op.done(); }));
  EXPECT_EQ(push.op.status, Status::kOk);
  EXPECT_EQ(push.request.holders, bit(a, c));
  EXPECT_TRUE(push.request.in_own_log);
  EXPECT_FALSE(Household::holds(b, record.c));
  home.run(kSecond);
  EXPECT_EQ(b.data.receive_pool().free_count(), limits::kReceiveSlots);
}

TEST(Push, ASilentHomeCountsAsAwayAfterItsDeadline) {
  Household home;
  Node& a = home.add();
  Node& b = home.add();
  Node& c = home.add();
  home.meet();
  FakeLink& to_b = home.connect(a, b);
  home.connect(a, c);
  to_b.stalled = true;
  uint64_t begun_ns = home.world.now_ns();
  auto& push = home.push(a, home.record(300));
  EXPECT_EQ(push.request.holders, bit(a, c));
  EXPECT_TRUE(push.request.in_own_log);
  EXPECT_GE(home.world.now_ns() - begun_ns, 15 * kSecond);
  EXPECT_LE(home.world.now_ns() - begun_ns, 17 * kSecond);
}

TEST(Push, TheRecordIsNotGivenBackWhileALinkStillReadsIt) {
  Household home;
  Node& a = home.add();
  Node& b = home.add();
  home.meet();
  FakeLink& to_b = home.connect(a, b);
  Record record = home.record(30'000);
  auto& push = home.begin_push(a, record);
  ASSERT_TRUE(
      home.until([&] { return b.data.receive_pool().free_count() < limits::kReceiveSlots; }));
  to_b.stalled = true;  // midway: only the end of the link frees the record
  ASSERT_TRUE(home.until([&] { return push.op.done(); }));
  EXPECT_FALSE(to_b.open);
  EXPECT_TRUE(push.request.in_own_log);
  EXPECT_EQ(push.request.holders, 0u);
}

TEST(Push, AFullHolderIsReplacedByTheNext) {
  Household home;
  Node& a = home.add();
  Node& b = home.add();
  Node& c = home.add();
  Node& d = home.add();
  home.meet();
  FakeLink& to_b = home.connect(a, b);
  home.connect(a, c);
  home.connect(a, d);
  to_b.other->filter = [](FakeLink::Frame& frame) {
    if (frame.type == MessageType::kPinned) frame.head[4] = static_cast<uint8_t>(Answer::kFull);
    return true;
  };
  for (int i = 0; i < 10; ++i) {
    auto& push = home.push(a, home.record(300));
    EXPECT_EQ(push.request.holders, bit(a, c) | bit(a, d));
  }
  EXPECT_LE(to_b.frame_count, 2u);  // it is not asked again and again
}

TEST(Push, AMemberToldFullIsNotAsked) {
  Household home;
  Node& a = home.add();
  Node& b = home.add();
  b.full = true;
  home.meet();
  FakeLink& to_b = home.connect(a, b);
  auto& push = home.push(a, home.record(300));
  EXPECT_TRUE(push.request.in_own_log);
  home.run(kSecond);
  EXPECT_EQ(to_b.bulk_count, 0u);
}

TEST(Push, ABusyHolderIsAskedAgainAndThenCountsAsAway) {
  Household home;
  Node& a = home.add();
  Node& b = home.add();
  home.meet();
  FakeLink& to_b = home.connect(a, b);
  size_t busy = 2;
  to_b.other->filter = [&](FakeLink::Frame& frame) {
    if (frame.type != MessageType::kPinned || busy == 0) return true;
    --busy;
    frame.head[4] = static_cast<uint8_t>(Answer::kBusy);
    return true;
  };
  EXPECT_EQ(home.push(a, home.record(300)).request.holders, bit(a, b));
  busy = 1000;
  uint64_t begun_ns = home.world.now_ns();
  auto& push = home.push(a, home.record(300));
  EXPECT_EQ(push.request.holders, 0u);
  EXPECT_TRUE(push.request.in_own_log);
  EXPECT_LE(home.world.now_ns() - begun_ns, 60 * kSecond);  // the holder thinks it reserved slots
}

TEST(Push, ARecordTheHolderHasIsPinnedWithoutBeingSent) {
  Household home;
  Node& a = home.add();
  Node& b = home.add();
  Node& c = home.add();
  home.meet();
  FakeLink& a_to_c = home.connect(a, c);
  FakeLink& b_to_c = home.connect(b, c);
  Record record = home.record(3000);
  home.push(a, record);
  EXPECT_EQ(a_to_c.bulk_count, 1u);
  auto& again = home.push(a, record);  // the same pin twice
  EXPECT_EQ(again.request.holders, bit(a, c));
  EXPECT_EQ(a_to_c.bulk_count, 1u);
  auto& other = home.push(b, record);  // another owner
  EXPECT_EQ(other.request.holders, bit(b, c));
  EXPECT_EQ(b_to_c.bulk_count, 0u);
  size_t count = 0;
  ChunkId pinned[4];
  ASSERT_EQ(c.store.scan_pinned(b.id, record.c.raw[0], {}, pinned, &count), Status::kOk);
  EXPECT_EQ(count, 1u);
}

TEST(Push, ARecordSpoiltOnItsWayIsRefusedAndSpooled) {
  Household home;
  Node& a = home.add();
  Node& b = home.add();
  Node& c = home.add();
  home.meet();
  FakeLink& to_b = home.connect(a, b);
  home.connect(a, c);
  to_b.spoil = [](MutBytes bytes) { bytes[bytes.size() / 2] ^= 0x10; };
  for (int i = 0; i < 20; ++i) {
    Record record = home.record(2000);
    auto& push = home.push(a, record);
    EXPECT_EQ(push.request.holders, bit(a, c));
    EXPECT_TRUE(push.request.in_own_log);
    EXPECT_FALSE(Household::holds(b, record.c));
  }
  EXPECT_EQ(b.store.stats().records, 0u);
}

TEST(Push, MorePushesThanSlotsAllComplete) {
  Household home;
  Node& a = home.add();
  home.add();
  home.add();
  home.meet();
  home.connect_all();
  std::vector<Household::Push*> pushes;
  for (size_t i = 0; i < 5 * PushService::kPushesMax; ++i)
    pushes.push_back(&home.begin_push(a, home.record(1 + i * 100)));
  ASSERT_TRUE(home.until([&] {
    for (auto* push : pushes)
      if (!push->op.done()) return false;
    return true;
  }));
  for (auto* push : pushes) {
    EXPECT_EQ(push->op.status, Status::kOk);
    EXPECT_EQ(push->op.count, 1u);
    EXPECT_EQ(std::popcount(push->request.holders), 2);
  }
}

TEST(Push, TheLargestRecordFits) {
  Household home;
  Node& a = home.add();
  Node& b = home.add();
  home.meet();
  home.connect_all();
  auto& push = home.push(a, home.record(limits::kRecordBytesMax));
  EXPECT_EQ(push.request.holders, bit(a, b));
}

TEST(Push, ASlowPeerDoesNotSlowTheOthers) {
  Household home;
  Node& a = home.add();
  Node& b = home.add();
  Node& c = home.add();
  Node& d = home.add();
  home.meet();
  FakeLink& slow = home.connect(a, b);
  home.connect(a, c);
  home.connect(a, d);
  slow.bytes_per_second = 2'000;
  uint64_t begun_ns = home.world.now_ns();
  size_t done = 0;
  for (size_t round = 0; round < 40; ++round) {
    std::vector<Household::Push*> pushes;
    for (size_t i = 0; i < limits::kOriginSlots; ++i)
      pushes.push_back(&home.begin_push(a, home.record(20'000)));
    // A slot is free again as soon as any push is done; here: all but a quarter of the slots.
    ASSERT_TRUE(home.until([&] {
      size_t finished = 0;
      for (auto* push : pushes) finished += push->op.done() ? 1 : 0;
      return finished + PushService::kSlowPushesMax >= pushes.size();
    }));
    done += pushes.size();
  }
  // 240 records of 20 kB at 2 kB/s would take 40 minutes.
  EXPECT_LE(home.world.now_ns() - begun_ns, 60 * kSecond);
  EXPECT_EQ(done, 40 * limits::kOriginSlots);
}

TEST(Push, MutualBackupsDoNotWaitForEachOther) {
  Household home;
  Node& a = home.add();
  Node& b = home.add();
  home.meet();
  FakeLink& link = home.connect(a, b);
  link.bytes_per_second = link.other->bytes_per_second = 5'000'000;
  std::vector<Household::Push*> pushes;
  for (size_t i = 0; i < 100; ++i) {
    pushes.push_back(&home.begin_push(a, home.record(20'000)));
    pushes.push_back(&home.begin_push(b, home.record(20'000)));
  }
  uint64_t begun_ns = home.world.now_ns();
  ASSERT_TRUE(home.until([&] {
    for (auto* push : pushes)
      if (!push->op.done()) return false;
    return true;
  }));
  EXPECT_LE(home.world.now_ns() - begun_ns, 20 * kSecond);
  for (auto* push : pushes) EXPECT_EQ(std::popcount(push->request.holders), 1);
}

TEST(Push, IntoAFullOwnLogFailsOnlyWhenNobodyElseTookIt) {
  Household home;
  Node& a = home.add(1);  // a capacity of one byte: full from the start
  Node& b = home.add();
  home.meet();
  auto& alone = home.push(a, home.record(3000));
  EXPECT_EQ(alone.op.status, Status::kFull);
  home.connect(a, b);
  auto& push = home.push(a, home.record(3000));
  EXPECT_EQ(push.request.holders, bit(a, b));
  EXPECT_FALSE(push.request.in_own_log);
}

}  // namespace
}  // namespace drey::data_test
