// Giving up: what an owner does not need any more leaves its holders, and nothing else does.
#include "mesh/removal/unpin.h"

#include <algorithm>

#include "data_net.h"

namespace drey::data_test {
namespace {

struct UnpinTest : testing::Test {
  void build(uint64_t minimum_age_s) {
    home = std::make_unique<Household>(1, true, minimum_age_s);
    a = &home->add();
    b = &home->add();
    c = &home->add();
    home->meet();
    home->connect_all();
  }
  void SetUp() override { build(0); }
  void fill(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      records.push_back(home->record(100 + i % 50));
      home->push(*a, records.back());
    }
    ASSERT_EQ(home->flush(*a), Status::kOk);
    ASSERT_TRUE(home->settle(*a));
  }
  // As the sweep does it: no kept snapshot of a needs these any more.
  uint64_t sweep(size_t count) {
    uint64_t number = a->store.next_number();
    while (number < 1000) number = a->store.next_number();  // above those of the pushes
    std::vector<ChunkId> given_up;
    for (size_t i = 0; i < count; ++i) given_up.push_back(records[i].c);
    Ticket ticket = 0;
    EXPECT_EQ(a->store.append_unpin(a->id, number, given_up, &ticket), Status::kOk);
    EXPECT_EQ(a->store.commit(ticket), Status::kOk);
    EXPECT_EQ(a->store.update_holders(given_up, 0, ~uint64_t{0}), Status::kOk);
    return number;
  }
  void approve(uint64_t number) {
    a->data.approve_unpins(number);
    a->data.recheck();
  }
  // Of a, at a holder; `leaving` ones too.
  static size_t pins_at(Node& at, Node& of, const std::vector<Record>& of_records) {
    size_t count = 0;
    for (const Record& record : of_records) {
      std::array<RecordPin, kNodeSlotsMax> pins;
      size_t pin_count = 0;
      if (!ok(at.store.pins_of(record.c, pins, &pin_count))) continue;
      for (size_t i = 0; i < pin_count; ++i) count += pins[i].owner == of.id ? 1 : 0;
    }
    return count;
  }
  size_t pins_at(Node& at) { return pins_at(at, *a, records); }
  static size_t listed_at(Node& at, Node& of) {
    std::array<BucketDigest, kBucketCount> digests;
    EXPECT_EQ(at.store.pin_digests(of.id, digests), Status::kOk);
    size_t count = 0;
    for (const BucketDigest& digest : digests) count += digest.count;
    return count;
  }
  std::vector<uint8_t> signed_unpin(Node& by, const NodeId& holder, uint64_t number,
                                    const std::vector<Record>& of) {
    std::vector<ChunkId> chunks;
    for (const Record& record : of) chunks.push_back(record.c);
    std::sort(chunks.begin(), chunks.end());
    UnpinDraft draft;
    draft.begin(holder, number);
    for (const ChunkId& chunk : chunks) draft.add(chunk);
    MeshId mesh;
    mesh.raw.fill(0x77);
    EXPECT_EQ(draft.sign(by.key, mesh), Status::kOk);
    return {draft.bytes().begin(), draft.bytes().end()};
  }
  // Says something in the name of `from`'s session.
  template <class M>
  void say(FakeLink& from, const M& message) {
    std::vector<uint8_t> body(M::kBytesMax);
    ByteWriter to(body);
    message.encode(to);
    ASSERT_EQ(from.send(M::kType, to.written()), Status::kOk);
  }

  std::unique_ptr<Household> home;
  Node* a = nullptr;
  Node* b = nullptr;
  Node* c = nullptr;
  std::vector<Record> records;
};

TEST_F(UnpinTest, WhatNoSnapshotNeedsLeavesItsHolders) {
  fill(600);
  ASSERT_EQ(pins_at(*b) + pins_at(*c), 1200u);
  approve(sweep(550));  // more than two UNPINs for each holder
  EXPECT_TRUE(home->until([&] { return pins_at(*b) == 50 && pins_at(*c) == 50; }));
  ASSERT_TRUE(home->settle(*a));
  EXPECT_EQ(a->data.replication().records, 50u);
  EXPECT_EQ(a->data.replication().under_replicated, 0u);
  EXPECT_EQ(b->data.unpins().waiting, 0u);
  EXPECT_EQ(b->data.unpins().done, 3u);
  EXPECT_EQ(a->data.unpins().told, 1100u);
  EXPECT_FALSE(a->data.wants_sweep());
}

TEST_F(UnpinTest, NothingIsUnpinnedWithoutASweep) {
  fill(20);
  sweep(10);
  a->data.recheck();
  ASSERT_TRUE(home->settle(*a));
  home->run(120 * kSecond);
  EXPECT_EQ(pins_at(*b) + pins_at(*c), 40u);
  EXPECT_TRUE(a->data.wants_sweep());
}

TEST_F(UnpinTest, NothingIsUnpinnedBeforeEveryMemberHasStoredTheNumber) {
  fill(20);
  home->links[2]->cut();  // a with c
  home->run(kSecond);
  approve(sweep(10));
  home->run(300 * kSecond);
  EXPECT_EQ(pins_at(*b), 20u);
  EXPECT_TRUE(a->data.unpins().waits_for_members);
  home->connect(*a, *c);
  EXPECT_TRUE(home->until([&] { return pins_at(*b) == 10 && pins_at(*c) == 10; }));
  EXPECT_FALSE(a->data.unpins().waits_for_members);
}

TEST_F(UnpinTest, ALostMemberIsNotWaitedFor) {
  fill(20);
  home->links[2]->cut();  // a with c
  c->lost = true;
  home->tell(*a);
  home->run(kSecond);
  approve(sweep(10));
  EXPECT_TRUE(home->until([&] { return pins_at(*b) == 10; }));
  // Back again: it learns the number first, then what it may let go.
  c->lost = false;
  home->tell(*a);
  home->connect(*a, *c);
  EXPECT_TRUE(home->until([&] { return pins_at(*c) == 10; }));
}

TEST_F(UnpinTest, AnUnpinWaitsForItsMinimumAgeAndIsNotCountedAsACopyMeanwhile) {
  build(600);
  fill(20);
  approve(sweep(10));
  ASSERT_TRUE(
      home->until([&] { return b->data.unpins().waiting + c->data.unpins().waiting == 2; }));
  home->run(500 * kSecond);
  EXPECT_EQ(pins_at(*b) + pins_at(*c), 40u);
  EXPECT_EQ(listed_at(*b, *a) + listed_at(*c, *a), 20u);
  home->run(200 * kSecond);
  EXPECT_EQ(pins_at(*b) + pins_at(*c), 20u);
}

TEST_F(UnpinTest, AMonthOfSuspendIsNoUpTime) {
  build(7200);
  fill(20);
  approve(sweep(10));
  ASSERT_TRUE(
      home->until([&] { return b->data.unpins().waiting + c->data.unpins().waiting == 2; }));
  for (Node* node : {a, b, c}) node->sim->fall_asleep();
  home->run(30 * 86400 * kSecond);
  for (Node* node : {a, b, c}) node->sim->wake_up();
  home->run(1200 * kSecond);
  EXPECT_EQ(pins_at(*b) + pins_at(*c), 40u);
  home->run(7200 * kSecond);
  EXPECT_EQ(pins_at(*b) + pins_at(*c), 20u);
}

TEST_F(UnpinTest, WhatIsNeededAgainWhileItsUnpinWaitsIsPinnedAnew) {
  build(600);
  fill(20);
  approve(sweep(10));
  ASSERT_TRUE(
      home->until([&] { return b->data.unpins().waiting + c->data.unpins().waiting == 2; }));
  // The next backup meets b only.
  home->links[2]->cut();
  home->run(kSecond);
  for (size_t i = 0; i < 10; ++i) {
    Household::Push& push = home->begin_push(*a, records[i]);
    push.request.number = a->store.next_number();
    ASSERT_TRUE(home->until([&] { return push.op.done(); }));
  }
  ASSERT_EQ(home->flush(*a), Status::kOk);
  home->connect(*a, *c);
  ASSERT_TRUE(home->settle(*a));
  EXPECT_EQ(a->data.replication().under_replicated, 0u);
  EXPECT_EQ(listed_at(*c, *a), 20u) << "not trusted: pinned anew";
  for (size_t i = 0; i < 10; ++i) {
    std::array<RecordPin, kNodeSlotsMax> pins;
    size_t count = 0;
    ASSERT_EQ(c->store.pins_of(records[i].c, pins, &count), Status::kOk);
    ASSERT_EQ(count, 1u);
    EXPECT_FALSE(pins[0].leaving);
  }
  home->run(1200 * kSecond);
  EXPECT_EQ(b->data.unpins().waiting + c->data.unpins().waiting, 0u);
  EXPECT_EQ(pins_at(*b), 20u);
  EXPECT_EQ(pins_at(*c), 20u);
}

TEST_F(UnpinTest, APinOfARunningBackupIsNumberedAboveWhatAMemberHasStored) {
  // The owner's card is older than it was: its counter stands below what it once announced.
  fill(1);
  FakeLink& link = *home->links[0];
  say(link, AnnounceMessage{1, 5000});
  ASSERT_TRUE(home->until([&] { return b->data.number_stored_for(a->id) == 5000; }));
  link.cut();
  home->run(kSecond);
  home->connect(*a, *b);
  Record record = home->record(300);
  Household::Push& push = home->begin_push(*a, record);
  push.request.number = 7;
  ASSERT_TRUE(home->until([&] { return push.op.done(); }));
  std::array<RecordPin, kNodeSlotsMax> pins;
  size_t count = 0;
  ASSERT_EQ(b->store.pins_of(record.c, pins, &count), Status::kOk);
  ASSERT_EQ(count, 1u);
  EXPECT_GT(pins[0].number, 5000u);
  EXPECT_GT(a->store.next_number(), 5000u);
}

TEST_F(UnpinTest, ADeviceThatRunsTwiceRemovesNothing) {
  fill(20);
  a->frozen = true;
  home->tell(*b);
  home->tell(*c);
  home->run(kSecond);
  approve(sweep(10));
  home->run(300 * kSecond);
  EXPECT_EQ(pins_at(*b) + pins_at(*c), 40u);
  EXPECT_EQ(listed_at(*b, *a) + listed_at(*c, *a), 40u) << "nothing waits either";
}

TEST_F(UnpinTest, AHolderThatRunsOutOfTheMembershipTakesNothingOfIt) {
  build(600);
  fill(20);
  approve(sweep(10));
  ASSERT_TRUE(home->until([&] { return b->data.unpins().waiting == 1; }));
  // a is cast out before the minimum age is over.
  std::vector<DataMember> rest = {{b->id, 100}, {c->id, 100}};
  b->data.set_members(rest, 2);
  home->run(2000 * kSecond);
  EXPECT_EQ(pins_at(*b), 20u);
  EXPECT_EQ(pins_at(*c), 10u);
}

TEST_F(UnpinTest, AHostileMemberTakesOnlyItsOwn) {
  fill(30);
  std::vector<Record> theirs;
  for (int i = 0; i < 20; ++i) {
    theirs.push_back(home->record(200));
    home->push(*c, theirs.back());
  }
  ASSERT_EQ(home->flush(*c), Status::kOk);
  ASSERT_TRUE(home->settle(*c));
  std::vector<Record> everything = records;
  everything.insert(everything.end(), theirs.begin(), theirs.end());
  FakeLink& c_to_b = *home->links[5];  // c's end of b with c
  ASSERT_EQ(c_to_b.owner, c);
  ASSERT_EQ(c_to_b.other->owner, b);
  say(c_to_b, AnnounceMessage{1, limits::kNumberMax});
  home->run(kSecond);
  say(c_to_b, UnpinMessage{2, signed_unpin(*c, b->id, limits::kNumberMax, everything)});
  home->run(10 * kSecond);
  EXPECT_EQ(pins_at(*b), 30u) << "a's are not c's to take";
  EXPECT_EQ(pins_at(*b, *c, theirs), 0u);
  // In another's name it is not believed at all.
  say(c_to_b, UnpinMessage{3, signed_unpin(*a, b->id, limits::kNumberMax, everything)});
  home->run(10 * kSecond);
  EXPECT_EQ(pins_at(*b), 30u);
}

TEST_F(UnpinTest, AnUnpinAboveWhatWasAnnouncedIsRefused) {
  fill(10);
  FakeLink& link = *home->links[0];
  say(link, UnpinMessage{1, signed_unpin(*a, b->id, 900, records)});
  home->run(10 * kSecond);
  EXPECT_EQ(pins_at(*b), 10u);
  say(link, AnnounceMessage{2, 899});
  home->run(kSecond);
  say(link, UnpinMessage{3, signed_unpin(*a, b->id, 900, records)});
  home->run(10 * kSecond);
  EXPECT_EQ(pins_at(*b), 10u);
  say(link, UnpinMessage{4, signed_unpin(*a, b->id, 899, records)});
  home->run(10 * kSecond);
  EXPECT_EQ(pins_at(*b), 0u);
}

TEST_F(UnpinTest, AnUnpinForAnotherHolderOrWithAWrongSignatureTakesNothing) {
  fill(10);
  FakeLink& link = *home->links[0];  // a to b
  say(link, AnnounceMessage{1, 900});
  home->run(kSecond);
  say(link, UnpinMessage{2, signed_unpin(*a, c->id, 900, records)});
  home->run(10 * kSecond);
  std::vector<uint8_t> wrong = signed_unpin(*a, b->id, 900, records);
  wrong.back() ^= 1;
  say(link, UnpinMessage{3, wrong});
  home->run(10 * kSecond);
  EXPECT_EQ(pins_at(*b), 10u);
  EXPECT_EQ(listed_at(*b, *a), 10u) << "nothing waits either";
}

// Said again and again while newer pins come and go: whatever is pinned with a higher number stays.
TEST_F(UnpinTest, OfAThousandReplaysNoneTakesWhatWasPinnedAnew) {
  fill(20);
  FakeLink& link = *home->links[0];
  say(link, AnnounceMessage{1, 900});
  home->run(kSecond);
  std::vector<uint8_t> old = signed_unpin(*a, b->id, 900, records);
  std::vector<uint8_t> older = signed_unpin(*a, b->id, 30, records);  // of an older card image
  std::vector<uint8_t> elsewhere = signed_unpin(*a, c->id, 900, records);
  say(link, UnpinMessage{2, old});
  ASSERT_TRUE(home->until([&] { return pins_at(*b) == 0; }));
  for (const Record& record : records) {
    Ticket ticket = 0;
    ASSERT_EQ(b->store.append_pins(a->id, 901, {&record.c, 1}, &ticket), Status::kOk);
    ASSERT_EQ(b->store.commit(ticket), Status::kOk);
  }
  for (uint32_t i = 0; i < 1000; ++i) {
    say(link, UnpinMessage{10 + i, i % 3 == 0 ? old : i % 3 == 1 ? older : elsewhere});
    home->run(20 * kMillisecond);
  }
  home->run(10 * kSecond);
  EXPECT_EQ(pins_at(*b), 20u);
  EXPECT_EQ(listed_at(*b, *a), 20u);
  EXPECT_EQ(b->data.unpins().waiting, 0u);
}

TEST(UnpinBytes, ComeBackAndAreRefusedWhenAnyByteOfThemChanges) {
  KeyPair key;
  key.secret.raw[31] = 9;
  ASSERT_EQ(derive_public(&key), Status::kOk);
  MeshId mesh;
  mesh.raw.fill(1);
  UnpinDraft draft;
  NodeId holder;
  holder.raw.fill(2);
  draft.begin(holder, 77);
  ChunkId chunk;
  for (uint8_t i = 1; i < 4; ++i) {
    chunk.raw.fill(i);
    draft.add(chunk);
  }
  ASSERT_EQ(draft.sign(key, mesh), Status::kOk);
  std::vector<uint8_t> bytes(draft.bytes().begin(), draft.bytes().end());
  Unpin unpin;
  ASSERT_EQ(decode_unpin(bytes, &unpin), Status::kOk);
  EXPECT_EQ(unpin.owner, node_id(key.pub));
  EXPECT_EQ(unpin.holder, holder);
  EXPECT_EQ(unpin.number, 77u);
  EXPECT_EQ(unpin.chunks.size(), 3u);
  EXPECT_EQ(verify_unpin(bytes, mesh), Status::kOk);
  MeshId other;
  EXPECT_EQ(verify_unpin(bytes, other), Status::kDenied);
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] ^= 1;
    EXPECT_NE(verify_unpin(bytes, mesh), Status::kOk) << i;
    bytes[i] ^= 1;
  }
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_NE(decode_unpin(Bytes(bytes).first(size), &unpin), Status::kOk);
}

}  // namespace
}  // namespace drey::data_test
