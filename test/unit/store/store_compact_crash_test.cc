// Compaction under power cuts, failing calls and a full disk. The oracle is the model of
// store_compact_fixture.h: what was acknowledged stands, what was taken stays away, in the index
// that lived through it and in one that is made from the log.
#include <cstdlib>

#include "unit/store/store_compact_fixture.h"

namespace drey {
namespace {

constexpr bool kSmallSegments = limits::kSegmentBytes <= (1 << 20);
constexpr SimDisk::Keep kKeeps[] = {SimDisk::Keep::kNothing, SimDisk::Keep::kAll,
                                    SimDisk::Keep::kPrefix, SimDisk::Keep::kSome};

class StoreCompactCrash : public StoreCompactTest {
 protected:
  void SetUp() override {
    StoreCompactTest::SetUp();
    if (!kSmallSegments) GTEST_SKIP() << "needs the small segments of board sim";
  }
  // With DREY_EVERY_CALL set: all of them; takes minutes.
  static uint64_t stride(uint64_t total, uint64_t samples) {
    return std::getenv("DREY_EVERY_CALL") != nullptr ? 1 : std::max<uint64_t>(1, total / samples);
  }
  // A short life that ends in the removal of segments.
  void life() {
    for (uint64_t i = 0; i < 24 && !disk.is_cut(); ++i)
      if (!ok(pin(static_cast<uint8_t>(2 + i % 2), i, ++numbers))) return;
    if (!ok(pin(3, 2, ++numbers)) || !ok(own(3)) || !ok(state(StatementKind::kHead, 1))) return;
    if (!ok(state(StatementKind::kUnpin, 2)) || !ok(unpin(2, ++numbers, {0, 2, 4, 6, 8, 10})))
      return;
    if (!ok(unpin(3, ++numbers, {1, 5, 7, 9, 11, 13, 15})) || !ok(pin(2, 4, 1))) return;
    (void)compact_step(2 * record_bytes);
    if (!ok(drop(StatementKind::kUnpin, 2)) || !ok(pin(3, 6, ++numbers))) return;
    for (int i = 0; i < 40 && !disk.is_cut(); ++i) (void)compact_step(3 * record_bytes);
    if (!ok(unpin(2, ++numbers, {4, 12, 14, 16, 18}))) return;
    for (int i = 0; i < 40 && !disk.is_cut(); ++i) (void)compact_step(256 * 1024);
    (void)store->close();
  }
  void live_on() {
    ASSERT_EQ(open(), Status::kOk);
    check();
    if (HasFatalFailure()) return;
    check_rebuilt();
    if (HasFatalFailure()) return;
    numbers += 100;
    ASSERT_EQ(pin(2, 30, ++numbers), Status::kOk);
    ASSERT_EQ(unpin(3, ++numbers, {1, 3, 6, 17, 19, 21, 23}), Status::kOk);
    ASSERT_EQ(compact_all(), Status::kOk);
    check();
    if (HasFatalFailure()) return;
    ASSERT_EQ(store->close(), Status::kOk);
    ASSERT_EQ(open(), Status::kOk);
    EXPECT_EQ(store->stats().rebuilds, 0u);
    check_rebuilt();
  }
};

TEST_F(StoreCompactCrash, WhereverThePowerEndsNothingIsLostAndNothingComesBack) {
  begin_anew();
  ASSERT_EQ(open(), Status::kOk);
  uint64_t first = disk.mutation_count();
  life();
  uint64_t total = disk.mutation_count() - first;
  ASSERT_EQ(open(), Status::kOk);
  check_rebuilt();
  ASSERT_GT(total, 100u);
  uint64_t step = stride(total, 40);
  for (uint64_t at = 1; at <= total; at += step) {
    for (SimDisk::Cut cut : {SimDisk::Cut::kBefore, SimDisk::Cut::kAfter, SimDisk::Cut::kTorn}) {
      for (size_t k = 0; k < 4; ++k) {
        bool sampled = step != 1;
        if (sampled && k != (at / step + static_cast<uint64_t>(cut)) % 4) continue;
        SCOPED_TRACE("call " + std::to_string(at) + " of " + std::to_string(total) + " cut " +
                     std::to_string(static_cast<int>(cut)) + " keep " + std::to_string(k));
        begin_anew();
        ASSERT_EQ(open(), Status::kOk);
        disk.cut_at(at, cut);
        life();
        lose_power({kKeeps[k], at, 512});
        live_on();
        if (HasFatalFailure()) return;
      }
    }
  }
}

// The index was made durable before each file went: a power cut costs no rebuild.
TEST_F(StoreCompactCrash, AfterAPowerCutTheIndexStillFitsTheFiles) {
  begin_anew();
  ASSERT_EQ(open(), Status::kOk);
  for (uint64_t i = 0; i < 30; ++i) ASSERT_EQ(pin(2, i, ++numbers), Status::kOk);
  ASSERT_EQ(unpin(2, ++numbers, {0, 1, 2, 3, 4, 5, 6, 12, 13, 14}), Status::kOk);
  ASSERT_EQ(compact_all(), Status::kOk);
  EXPECT_EQ(store->stats().compacted, 2u);
  lose_power({SimDisk::Keep::kNothing, 1, 512});
  ASSERT_EQ(open(), Status::kOk);
  EXPECT_EQ(store->stats().rebuilds, 0u);
  check();
}

TEST_F(StoreCompactCrash, ADeadProcessAtAnyCallLosesNothing) {
  begin_anew();
  ASSERT_EQ(open(), Status::kOk);
  uint64_t first = disk.mutation_count();
  life();
  uint64_t total = disk.mutation_count() - first;
  for (uint64_t at = 2; at <= total; at += stride(total, 40)) {
    SCOPED_TRACE("call " + std::to_string(at) + " of " + std::to_string(total));
    begin_anew();
    ASSERT_EQ(open(), Status::kOk);
    disk.cut_at(at, SimDisk::Cut::kTorn);
    life();
    kill();
    live_on();
    if (HasFatalFailure()) return;
  }
}

TEST_F(StoreCompactCrash, AFailingCallLeavesTheVictimAndIsTriedAgain) {
  struct Fault {
    SimDisk::Call call;
    Status status;
  };
  constexpr Fault kFaults[] = {
      {SimDisk::Call::kRead, Status::kIo},    {SimDisk::Call::kWrite, Status::kIo},
      {SimDisk::Call::kWrite, Status::kFull}, {SimDisk::Call::kSync, Status::kIo},
      {SimDisk::Call::kOpen, Status::kIo},    {SimDisk::Call::kNames, Status::kIo}};
  for (const Fault& fault : kFaults) {
    uint64_t most = fault.call == SimDisk::Call::kNames ? 6 : 90;
    uint64_t step = most < 10 ? 1 : stride(most, 15);
    for (uint64_t nth = 1; nth <= most; nth += step) {
      SCOPED_TRACE("call kind " + std::to_string(static_cast<int>(fault.call)) + " " +
                   status_name(fault.status) + " nth " + std::to_string(nth));
      begin_anew();
      ASSERT_EQ(open(), Status::kOk);
      for (uint64_t i = 0; i < 30; ++i) ASSERT_EQ(pin(2, i, ++numbers), Status::kOk);
      ASSERT_EQ(pin(3, 2, ++numbers), Status::kOk);
      ASSERT_EQ(unpin(2, ++numbers, {0, 1, 3, 5, 6, 12, 13, 14, 15, 16}), Status::kOk);
      ASSERT_EQ(store->maintain(), Status::kOk);
      disk.fail_nth(fault.call, nth, fault.status);
      bool more = true;
      for (int i = 0; i < 30 && more; ++i)
        (void)store->compact(CompactMode::kUrgent, 3 * record_bytes, &more);
      disk.clear_faults();
      for (int i = 0; i < 6; ++i) {
        clock.now_ns += 400'000'000'000;
        (void)store->maintain();
      }
      check();
      if (HasFatalFailure()) return;
      clock.now_ns += 400'000'000'000;
      ASSERT_EQ(compact_all(), Status::kOk);
      EXPECT_GE(store->stats().compacted, 2u);
      lose_power({SimDisk::Keep::kNothing, nth, 512});
      live_on();
      if (HasFatalFailure()) return;
    }
  }
}

// A segment is read once more when it is sealed. What could not be read right then is missing from
// its table, and counts all the same.
TEST_F(StoreCompactCrash, APlaceThatCannotBeReadAtASealingIsNotLostByCompaction) {
  uint64_t reads = 0;
  for (uint64_t nth = 0; nth <= reads; ++nth) {
    SCOPED_TRACE("read " + std::to_string(nth));
    begin_anew();
    ASSERT_EQ(open(), Status::kOk);
    uint64_t first = disk.call_count(SimDisk::Call::kRead);
    // With its neighbours: a reader that fails takes the block alone.
    if (nth > 0) disk.fail_nth(SimDisk::Call::kRead, nth, Status::kIo, 2);
    for (uint64_t i = 0; i < 26; ++i) (void)pin(2, i, ++numbers);
    disk.clear_faults();
    if (nth == 0) reads = disk.call_count(SimDisk::Call::kRead) - first;
    for (int i = 0; i < 6; ++i) {
      clock.now_ns += 400'000'000'000;
      (void)store->maintain();
    }
    // What was refused is sent again.
    for (uint64_t i = 0; i < 30; ++i) ASSERT_EQ(pin(2, i, ++numbers), Status::kOk);
    std::vector<uint64_t> most;
    for (uint64_t i = 0; i < 30; ++i)
      if (i % 10 != 3) most.push_back(i);
    ASSERT_EQ(unpin(2, ++numbers, most), Status::kOk);
    ASSERT_EQ(compact_all(), Status::kOk);
    EXPECT_GE(store->stats().compacted, 2u);
    check();
    check_rebuilt();
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(reads, 20u);
}

TEST_F(StoreCompactCrash, ABadBlockIsNoEndlessLoopAndOthersAreStillFreed) {
  begin_anew();
  ASSERT_EQ(open(), Status::kOk);
  for (uint64_t i = 0; i < 30; ++i) ASSERT_EQ(pin(2, i, ++numbers), Status::kOk);
  ASSERT_EQ(unpin(2, ++numbers, {0, 1, 2, 3, 4, 5, 6, 12, 13, 14}), Status::kOk);
  ASSERT_EQ(store->maintain(), Status::kOk);
  // No read succeeds: the calls end, and the waits grow.
  disk.fail_nth(SimDisk::Call::kRead, 1, Status::kIo, 0);
  uint64_t reads = 0;
  for (int i = 0; i < 600; ++i) {  // ten minutes, a call each second
    clock.now_ns += 1'000'000'000;
    bool more = false;
    (void)store->compact(CompactMode::kUrgent, 1 << 20, &more);
    EXPECT_FALSE(more);
    reads = disk.call_count(SimDisk::Call::kRead);
  }
  EXPECT_LT(reads, 2000u);
  disk.clear_faults();
  clock.now_ns += 4'000'000'000'000;
  ASSERT_EQ(store->maintain(), Status::kOk);
  ASSERT_EQ(compact_all(), Status::kOk);
  EXPECT_EQ(store->stats().compacted, 2u);
  EXPECT_EQ(store->stats().corrupt, 0u);
  check_rebuilt();
}

// Others took the last block of the disk: what is dead in whole is freed without a byte to write.
TEST_F(StoreCompactCrash, OnAFullDiskWhatIsDeadInWholeIsFreed) {
  for (bool restart : {false, true}) {
    begin_anew();
    ASSERT_EQ(open(), Status::kOk);
    for (uint64_t i = 0; i < 40; ++i) ASSERT_EQ(pin(2, i, ++numbers), Status::kOk);
    std::vector<uint64_t> most;
    for (uint64_t i = 0; i < 24; ++i) most.push_back(i);
    ASSERT_EQ(unpin(2, ++numbers, most), Status::kOk);
    ASSERT_EQ(store->maintain(), Status::kOk);
    if (restart) {
      ASSERT_EQ(store->close(), Status::kOk);
      ASSERT_EQ(open(), Status::kOk);
    }
    disk.capacity_bytes = disk.used_bytes();
    EXPECT_EQ(pin(2, 50, ++numbers), Status::kFull);
    beyond = model;
    for (int i = 0; i < 20; ++i) {
      clock.now_ns += 30'000'000'000;
      (void)store->maintain();
      bool more = true;
      for (int n = 0; n < 20 && more; ++n)
        (void)store->compact(CompactMode::kUrgent, 1 << 20, &more);
    }
    EXPECT_GE(store->stats().compacted, 2u);
    EXPECT_LT(disk.used_bytes() + 2 * limits::kSegmentBytes - 4096, disk.capacity_bytes);
    check();
    if (HasFatalFailure()) return;
    lose_power({SimDisk::Keep::kNothing, 1, 512});
    ASSERT_EQ(open(), Status::kOk);
    check_rebuilt();
    disk.capacity_bytes = 64ull << 30;
    if (HasFatalFailure()) return;
  }
}

// The reserve: records are refused, forgetting and compaction go on, and there is room again.
TEST_F(StoreCompactCrash, AFullStoreMakesRoomForItself) {
  begin_anew();
  capacity_bytes = 6 * limits::kSegmentBytes;
  ASSERT_EQ(open(), Status::kOk);
  uint64_t count = 0;
  Status status = Status::kOk;
  for (; count < 200 && ok(status); ++count) status = pin(2, count, ++numbers);
  ASSERT_EQ(status, Status::kFull);
  beyond = model;
  --count;
  std::vector<uint64_t> odd;
  for (uint64_t i = 1; i < count; i += 2) odd.push_back(i);
  ASSERT_EQ(unpin(2, ++numbers, odd), Status::kOk);
  ASSERT_EQ(compact_all(), Status::kOk);
  ASSERT_EQ(store->maintain(), Status::kOk);
  EXPECT_EQ(store->stats().state, StoreState::kOk);
  EXPECT_GT(store->stats().free_bytes, limits::kSegmentBytes);
  for (uint64_t i = 100; i < 105; ++i) EXPECT_EQ(pin(2, i, ++numbers), Status::kOk);
  check_rebuilt();
  capacity_bytes = 0;
}

// A file that is gone, or back, behind the index's back: it is not believed.
TEST_F(StoreCompactCrash, AnIndexThatDisagreesWithTheFilesIsMadeAnew) {
  begin_anew();
  ASSERT_EQ(open(), Status::kOk);
  for (uint64_t i = 0; i < 30; ++i) ASSERT_EQ(pin(2, i, ++numbers), Status::kOk);
  ASSERT_EQ(store->close(), Status::kOk);
  std::vector<uint8_t> bytes = *disk.peek(segment_name(1).data());
  ASSERT_EQ(disk.remove(segment_name(1).data()), Status::kOk);
  ASSERT_EQ(open(), Status::kOk);
  EXPECT_EQ(store->stats().rebuilds, 1u);
  RecordState row;
  Status status = store->find(record(0).c, &row);
  EXPECT_TRUE(status == Status::kNotFound || !row.held);
  ASSERT_EQ(store->close(), Status::kOk);
  disk.put(segment_name(1).data(), bytes);
  ASSERT_EQ(open(), Status::kOk);
  EXPECT_EQ(store->stats().rebuilds, 1u);
  check_rebuilt();
}

}  // namespace
}  // namespace drey
