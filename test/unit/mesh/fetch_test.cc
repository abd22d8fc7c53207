// Fetch: the right bytes or none, from whoever has them, and no link ever writes into a room that
// was given back.
#include "mesh/transfer/fetch.h"

#include <algorithm>
#include <cstdlib>

#include "data_net.h"

namespace drey::data_test {
namespace {

struct FetchTest : testing::Test {
  FetchTest() : a(home.add()), b(home.add()), c(home.add()) { home.meet(); }
  Household home;
  Node& a;
  Node& b;
  Node& c;
  std::vector<uint8_t> got;
};

TEST_F(FetchTest, TheOwnLogComesFirst) {
  Record record = home.record(3000);
  home.push(a, record);
  FakeLink& link = home.connect(a, b);
  EXPECT_EQ(home.fetch(a, record.c, &got), Status::kOk);
  EXPECT_EQ(got, record.bytes);
  EXPECT_EQ(link.other->bulk_count, 0u);
}

TEST_F(FetchTest, AHolderGivesItBack) {
  home.connect(a, b);
  home.connect(a, c);
  Record record = home.record(limits::kRecordBytesMax);
  home.push(a, record);
  EXPECT_EQ(home.fetch(a, record.c, &got), Status::kOk);
  EXPECT_EQ(got, record.bytes);
}

TEST_F(FetchTest, NobodyHasIt) {
  home.connect(a, b);
  home.connect(a, c);
  EXPECT_EQ(home.fetch(a, home.record(10).c, &got), Status::kNotFound);
}

TEST_F(FetchTest, NobodyIsThere) {
  EXPECT_EQ(home.fetch(a, home.record(10).c, &got), Status::kNotFound);
}

TEST_F(FetchTest, SoonAfterTheStartAHolderThatIsStillOnItsWayIsWaitedFor) {
  Record record = home.record(3000);
  home.push(b, record);  // nobody is connected: b keeps it
  std::vector<uint8_t> room(limits::kRecordBytesMax);
  DoneOp op;
  op.bind(&a.ready);
  FetchRequest request;
  request.c = record.c;
  request.room = room;
  request.op = &op;
  home.connect(a, c);
  a.data.fetch(&request);
  home.run(2 * kSecond);
  ASSERT_FALSE(op.done()) << "b may still come";
  home.connect(a, b);
  ASSERT_TRUE(home.until([&] { return op.done(); }, kSecond));
  EXPECT_EQ(op.status, Status::kOk);
}

TEST_F(FetchTest, LongAfterTheStartNobodyIsWaitedFor) {
  home.run(FetchService::kSettleNs);
  std::vector<uint8_t> room(limits::kRecordBytesMax);
  DoneOp op;
  op.bind(&a.ready);
  FetchRequest request;
  request.c = home.record(10).c;
  request.room = room;
  request.op = &op;
  a.data.fetch(&request);
  ASSERT_TRUE(home.until([&] { return op.done(); }, kSecond));
  EXPECT_EQ(op.status, Status::kNotFound);
}

TEST_F(FetchTest, BadBytesOfTheFirstHolderAreReplacedByTheSecond) {
  FakeLink& to_b = home.connect(a, b);
  home.connect(a, c);
  to_b.other->spoil = [](MutBytes bytes) { bytes[0] ^= 1; };
  for (int i = 0; i < 20; ++i) {
    Record record = home.record(2000);
    home.push(a, record);
    ASSERT_EQ(home.fetch(a, record.c, &got), Status::kOk);
    EXPECT_EQ(got, record.bytes);
  }
  EXPECT_GT(to_b.other->bulk_count, 0u) << "the test did not test anything";
}

// I4. 300 wrong answers in every run, all 10,000 with DREY_WRONG_BYTES=10000.
TEST_F(FetchTest, WrongBytesInAnyFormAreRejectedAndTheNextHolderIsAsked) {
  const char* text = std::getenv("DREY_WRONG_BYTES");
  uint64_t wanted = text == nullptr ? 300 : std::strtoull(text, nullptr, 10);
  SimRng rng(4);
  uint64_t wrong = 0;
  std::vector<uint8_t> earlier(400, 7);
  FakeLink& to_b = home.connect(a, b);
  home.connect(a, c);
  to_b.other->spoil = [&](MutBytes bytes) {
    ++wrong;
    std::vector<uint8_t> right(bytes.begin(), bytes.end());
    switch (rng.below(5)) {
      case 0:
        bytes[rng.below(bytes.size())] ^= static_cast<uint8_t>(1 << rng.below(8));
        break;
      case 1:
        std::fill(bytes.begin(), bytes.end(), uint8_t{0});
        break;
      case 2:
        std::copy_n(earlier.begin(), std::min(earlier.size(), bytes.size()), bytes.begin());
        break;
      case 3:
        std::reverse(bytes.begin(), bytes.end());
        break;
      default:
        for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(rng.next());
    }
    earlier = std::move(right);
  };
  for (uint64_t tries = 0; wrong < wanted; ++tries) {
    ASSERT_LT(tries, 20 * wanted) << "the liar is hardly ever asked";
    Record record = home.record(100 + rng.below(300));
    home.push(a, record);
    uint64_t before = wrong;
    ASSERT_EQ(home.fetch(a, record.c, &got), Status::kOk);
    ASSERT_EQ(got, record.bytes);
    if (wrong == before) continue;
    // Whose bytes were wrong no longer counts as a holder of them.
    uint64_t bit = uint64_t{1} << a.data.slot_of(b.id);
    ASSERT_EQ(Household::state(a, record.c).holders & bit, 0u);
  }
}

TEST_F(FetchTest, AHolderThatHasItNotLosesItsBit) {
  home.connect(a, b);
  FakeLink& to_c = home.connect(a, c);
  Record record = home.record(2000);
  home.push(a, record);
  ASSERT_EQ(home.flush(a), Status::kOk);
  for (auto& link : home.links)  // only c can be asked
    if (link->owner == &a && link->other->owner == &b) link->cut();
  home.run(kSecond);
  to_c.other->spoil = [](MutBytes bytes) { bytes[5] ^= 0xff; };
  EXPECT_EQ(home.fetch(a, record.c, &got), Status::kNotFound);
  EXPECT_EQ(Household::state(a, record.c).holders & (uint64_t{1} << a.data.slot_of(c.id)), 0u);
}

TEST_F(FetchTest, AHolderThatDiesMidwayIsReplaced) {
  FakeLink& to_b = home.connect(a, b);
  FakeLink& to_c = home.connect(a, c);
  Record record = home.record(30'000);
  home.push(a, record);
  to_b.other->bytes_per_second = to_c.other->bytes_per_second = 30'000;
  std::vector<uint8_t> room(limits::kRecordBytesMax);
  DoneOp op;
  op.bind(&a.ready);
  FetchRequest request;
  request.c = record.c;
  request.room = room;
  request.op = &op;
  a.data.fetch(&request);
  home.run(kSecond / 2);
  ASSERT_FALSE(op.done());
  (to_b.other->bulk_count + to_c.other->bulk_count == 0 ? to_b : to_c).cut();
  home.run(kSecond / 4);
  ASSERT_TRUE(home.until([&] { return op.done(); }));
  EXPECT_EQ(op.status, Status::kOk);
  room.resize(request.size);
  EXPECT_EQ(room, record.bytes);
}

TEST_F(FetchTest, ASilentHolderIsLeftAndItsLateAnswerIsDropped) {
  FakeLink& to_b = home.connect(a, b);
  FakeLink& to_c = home.connect(a, c);
  Record record = home.record(3000);
  home.push(a, record);
  to_b.other->stalled = to_c.other->stalled = true;
  {
    std::vector<uint8_t> room(limits::kRecordBytesMax);
    DoneOp op;
    op.bind(&a.ready);
    FetchRequest request;
    request.c = record.c;
    request.room = room;
    request.op = &op;
    a.data.fetch(&request);
    ASSERT_TRUE(home.until([&] { return op.done(); }));
    EXPECT_EQ(op.status, Status::kNotFound);
  }  // the room is gone: AddressSanitizer sees who writes there now
  to_b.other->stalled = to_c.other->stalled = false;
  home.run(5 * kSecond);
  EXPECT_EQ(to_b.dropped_count + to_c.dropped_count, 2u);
  EXPECT_TRUE(to_b.open && to_c.open);
  EXPECT_EQ(home.fetch(a, record.c, &got), Status::kOk);
}

TEST_F(FetchTest, ALinkThatStallsInsideARecordIsClosedBeforeTheRoomIsGivenBack) {
  FakeLink& to_b = home.connect(a, b);
  Record record = home.record(30'000);
  home.push(a, record);
  Record own = home.record(1);
  // Not in the own log: fetched by c, who has a link to b alone.
  FakeLink& c_to_b = home.connect(c, b);
  (void)to_b;
  c_to_b.other->filter = [&](FakeLink::Frame& frame) {
    if (frame.is_bulk) c_to_b.other->stalled = true;  // the head came, the bytes do not
    return true;
  };
  {
    std::vector<uint8_t> room(limits::kRecordBytesMax);
    DoneOp op;
    op.bind(&c.ready);
    FetchRequest request;
    request.c = record.c;
    request.room = room;
    request.op = &op;
    c.data.fetch(&request);
    ASSERT_TRUE(home.until([&] { return op.done(); }));
    EXPECT_EQ(op.status, Status::kNotFound);
    EXPECT_FALSE(c_to_b.open);
  }
  c_to_b.other->stalled = false;
  home.run(5 * kSecond);
  EXPECT_EQ(b.data.serve_pool().free_count(), limits::kServeSlots);
}

TEST_F(FetchTest, MoreThanTheRoomHoldsIsAProtocolErrorAndFails) {
  home.connect(a, b);
  FakeLink& c_to_b = home.connect(c, b);
  Record record = home.record(3000);
  home.push(a, record);
  std::vector<uint8_t> room(2999);
  DoneOp op;
  op.bind(&c.ready);
  FetchRequest request;
  request.c = record.c;
  request.room = room;
  request.op = &op;
  c.data.fetch(&request);
  ASSERT_TRUE(home.until([&] { return op.done(); }));
  EXPECT_EQ(op.status, Status::kNotFound);
  EXPECT_FALSE(c_to_b.open);
}

TEST_F(FetchTest, BusyHoldersAreAskedAgain) {
  home.connect(a, b);
  FakeLink& c_to_b = home.connect(c, b);
  Record record = home.record(3000);
  home.push(a, record);
  size_t refused = 0;
  c_to_b.filter = [&](FakeLink::Frame& frame) {
    if (frame.type != MessageType::kGet || refused == 3) return true;
    ++refused;
    std::array<uint8_t, MissingMessage::kBytesMax> body;
    ByteWriter to(body);
    MissingMessage{load_le<uint32_t>(frame.head.data()), Answer::kBusy}.encode(to);
    c.data.link_message(c_to_b, MessageType::kMissing, to.written());
    return false;
  };
  EXPECT_EQ(home.fetch(c, record.c, &got), Status::kOk);
  EXPECT_EQ(got, record.bytes);
  EXPECT_EQ(refused, 3u);
}

TEST_F(FetchTest, ARecoveringDeviceThatKnowsNobodyAsksWhoIsThere) {
  home.connect(a, b);
  Record record = home.record(4000);
  home.push(a, record);
  Node& fresh = home.add();  // was never told the members
  FakeLink& link = home.connect(fresh, b);
  fresh.data.link_closed(link);  // as a recovery session: no member at either end
  b.data.link_closed(*link.other);
  fresh.data.link_ready(link, b.id, false);
  b.data.link_ready(*link.other, NodeId{}, false);
  EXPECT_EQ(home.fetch(fresh, record.c, &got), Status::kOk);
  EXPECT_EQ(got, record.bytes);
}

TEST_F(FetchTest, ManyAtOnceAllComplete) {
  home.connect(a, b);
  home.connect(a, c);
  std::vector<Record> records;
  for (int i = 0; i < 40; ++i) {
    records.push_back(home.record(1000 + static_cast<size_t>(i)));
    home.push(a, records.back());
  }
  struct One {
    FetchRequest request;
    DoneOp op;
    std::vector<uint8_t> room;
  };
  std::vector<std::unique_ptr<One>> all;
  for (Record& record : records) {
    all.push_back(std::make_unique<One>());
    One& one = *all.back();
    one.room.resize(limits::kRecordBytesMax);
    one.op.bind(&a.ready);
    one.request.c = record.c;
    one.request.room = one.room;
    one.request.op = &one.op;
    a.data.fetch(&one.request);
  }
  ASSERT_TRUE(home.until([&] {
    for (auto& one : all)
      if (!one->op.done()) return false;
    return true;
  }));
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i]->op.status, Status::kOk);
    all[i]->room.resize(all[i]->request.size);
    EXPECT_EQ(all[i]->room, records[i].bytes);
  }
}

TEST_F(FetchTest, ADamagedOwnCopyIsReplacedFromAHolder) {
  home.connect(a, b);
  Record record = home.record(5000);
  home.push(a, record);  // b and the own log: c is away
  ASSERT_TRUE(Household::holds(a, record.c));
  bool flipped = false;
  for (const std::string& name : a.sim->disk.names()) {
    const std::vector<uint8_t>* content = a.sim->disk.peek(name);
    auto at = std::search(content->begin(), content->end(), record.bytes.begin(),
                          record.bytes.begin() + 64);
    if (at == content->end()) continue;
    flipped = a.sim->disk.flip(name, static_cast<uint64_t>(at - content->begin()) + 2000, 4);
  }
  ASSERT_TRUE(flipped);
  EXPECT_EQ(home.fetch(a, record.c, &got), Status::kOk);
  EXPECT_EQ(got, record.bytes);
}

}  // namespace
}  // namespace drey::data_test
