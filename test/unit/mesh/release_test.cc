// RELEASE: surplus copies go, and never one too many.
#include "mesh/removal/release.h"

#include "data_net.h"

namespace drey::data_test {
namespace {

// Each record is given to every node, as it may be after devices were lost and came back.
struct ReleaseTest : testing::Test {
  void build(uint64_t seed, size_t count) {
    home = std::make_unique<Household>(seed, true, 0);
    for (size_t i = 0; i < count; ++i) home->add();
    home->meet();
    home->connect_all();
  }
  Node& at(size_t index) { return *home->nodes[index]; }
  Record give(size_t owner, const std::vector<size_t>& holders, uint64_t number = 5) {
    Record record = home->record(200);
    for (size_t holder : holders) pin(holder, owner, record, number);
    return record;
  }
  void pin(size_t holder, size_t owner, const Record& record, uint64_t number) {
    Store& store = at(holder).store;
    Ticket ticket = 0;
    Status status = store.append_record(record.c, ChunkType::kData, record.bytes, at(owner).id,
                                        number, &ticket);
    ASSERT_TRUE(ok(status) || status == Status::kExists);
    ASSERT_EQ(store.commit(ticket), Status::kOk);
  }
  size_t pinned_copies(const Record& record, size_t owner) {
    size_t copies = 0;
    for (size_t i = 0; i < home->nodes.size(); ++i) {
      std::array<RecordPin, kNodeSlotsMax> pins;
      size_t count = 0;
      if (i == owner || !ok(at(i).store.pins_of(record.c, pins, &count))) continue;
      for (size_t k = 0; k < count; ++k) copies += pins[k].owner == at(owner).id ? 1 : 0;
    }
    return copies;
  }
  void pass() {
    for (auto& node : home->nodes) node->data.recheck();
    home->run(30 * kSecond);
  }
  std::unique_ptr<Household> home;
};

TEST_F(ReleaseTest, AllHoldersAtOnceLeaveExactlyAsManyAsAreNeeded) {
  build(1, 5);
  std::vector<Record> records;
  for (int i = 0; i < 20; ++i) records.push_back(give(0, {1, 2, 3, 4}));
  // Who was busy granting to another is asked again in the next pass.
  for (int i = 0; i < 12; ++i) {
    pass();
    for (const Record& record : records) ASSERT_GE(pinned_copies(record, 0), 2u);
  }
  for (const Record& record : records) EXPECT_EQ(pinned_copies(record, 0), 2u);
  uint64_t released = 0;
  for (auto& node : home->nodes) released += node->data.unpins().released;
  EXPECT_EQ(released, 40u);
}

TEST_F(ReleaseTest, TheOwnersOwnCopyDoesNotCountForItsPins) {
  build(2, 4);
  std::vector<Record> records;
  for (int i = 0; i < 30; ++i) {
    size_t one = 1 + static_cast<size_t>(i) % 3;
    records.push_back(give(0, {0, one, 1 + one % 3}));  // the owner, and just enough others
  }
  for (int i = 0; i < 3; ++i) pass();
  for (const Record& record : records) EXPECT_EQ(pinned_copies(record, 0), 2u);
}

TEST_F(ReleaseTest, ARecordOfTwoOwnersKeepsWhatEachOfThemNeeds) {
  build(3, 5);
  std::vector<Record> records;
  for (int i = 0; i < 20; ++i) {
    records.push_back(give(0, {1, 2, 3, 4}));
    for (size_t holder : {0, 2, 3, 4}) pin(holder, 1, records.back(), 6);
  }
  for (int i = 0; i < 3; ++i) pass();
  for (const Record& record : records) {
    EXPECT_GE(pinned_copies(record, 0), 2u);
    EXPECT_GE(pinned_copies(record, 1), 2u);
  }
}

TEST_F(ReleaseTest, AnOwnerThatHoldsItForAnotherDoesNotCountForItself) {
  build(6, 5);
  std::vector<Record> records;
  for (int i = 0; i < 40; ++i) {
    records.push_back(give(0, {1, 2, 3, 4}));
    for (size_t holder : {0, 2, 3, 4}) pin(holder, 1, records.back(), 6);
  }
  // 1 refuses, so of owner 0's pins those of 2, 3 and 4 have to do.
  for (auto& link : home->links)
    if (link->owner == &at(1))
      link->filter = [](FakeLink::Frame& frame) {
        if (frame.type == MessageType::kKept)
          frame.head[4] = static_cast<uint8_t>(Answer::kRefused);
        return true;
      };
  for (int i = 0; i < 6; ++i) pass();
  for (const Record& record : records) {
    size_t copies = 0;
    for (size_t i : {2, 3, 4}) {
      std::array<RecordPin, kNodeSlotsMax> pins;
      size_t count = 0;
      (void)at(i).store.pins_of(record.c, pins, &count);
      for (size_t k = 0; k < count; ++k) copies += pins[k].owner == at(0).id ? 1 : 0;
    }
    EXPECT_GE(copies, 2u);
  }
}

TEST_F(ReleaseTest, NothingGoesToThoseWhoAreAway) {
  build(4, 4);
  std::vector<Record> records;
  for (int i = 0; i < 20; ++i) records.push_back(give(0, {1, 2, 3}));
  for (auto& link : home->links)
    if (link->owner == &at(1) || link->owner == &at(2)) link->cut();
  home->run(kSecond);
  pass();
  for (const Record& record : records) EXPECT_EQ(pinned_copies(record, 0), 3u);
}

TEST_F(ReleaseTest, WhoseCopyIsDamagedGrantsNothing) {
  build(5, 4);
  std::vector<Record> records;
  for (int i = 0; i < 12; ++i) records.push_back(give(0, {1, 2, 3}));
  for (auto& link : home->links)
    link->filter = [](FakeLink::Frame& frame) {
      // As a holder would say that found its copy damaged.
      if (frame.type == MessageType::kKept) frame.head[4] = static_cast<uint8_t>(Answer::kCorrupt);
      return true;
    };
  pass();
  for (const Record& record : records) EXPECT_EQ(pinned_copies(record, 0), 3u);
}

TEST_F(ReleaseTest, WhoAsksGrantsNothingForThatRecord) {
  // Everybody asks at once, whatever the order says: the answers cross.
  for (uint64_t seed = 10; seed < 40; ++seed) {
    build(seed, 5);
    Record record = give(0, {1, 2, 3, 4});
    // Each node believes that itself is last in the order.
    for (size_t i = 1; i < 5; ++i) {
      at(i).capacity_gib = 1;
      for (size_t k = 1; k < 5; ++k)
        if (k != i) at(k).capacity_gib = 1'000'000;
      home->tell(at(i));
    }
    // Late enough to cross, and not all at one moment: a holder grants one at a time.
    uint64_t latency_ms = 200;
    for (auto& link : home->links) link->latency_ns = (latency_ms += 13) * kMillisecond;
    home->run(kSecond);
    for (int i = 0; i < 3; ++i) pass();
    EXPECT_GE(pinned_copies(record, 0), 2u) << "seed " << seed;
  }
}

}  // namespace
}  // namespace drey::data_test
