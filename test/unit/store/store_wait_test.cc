// Disks that take no more writes: full of records, filled by others, turned read-only.
#include "unit/store/crash_fixture.h"

namespace drey {
namespace {

using StoreWaitTest = StoreCrashTest;

TEST_F(StoreWaitTest, AFullDiskRefusesAndGoesOnWhenThereIsRoom) {
  if (limits::kSegmentBytes > (1 << 20)) GTEST_SKIP() << "needs the small segments of board sim";
  disk.capacity_bytes = 3 * limits::kSegmentBytes;
  ASSERT_EQ(open(), Status::kOk);
  for (int i = 0; i < 300 && store->stats().state != StoreState::kFull; ++i) work(1);
  EXPECT_EQ(store->stats().state, StoreState::kFull);
  check_acknowledged();
  // Statements fill the reserve until nothing is left at all.
  std::vector<uint8_t> text(limits::kStatementBytesMax, 'x');
  Status status = Status::kOk;
  for (uint64_t i = 0; i < 100'000 && ok(status); ++i) {
    StatementKey key = make_key(200);
    store_le<uint64_t>(key.data(), i);
    Ticket ticket = 0;
    status = store->append_statement(StatementKind::kHead, key, text, &ticket);
    if (ok(status)) status = store->commit(ticket);
  }
  EXPECT_EQ(status, Status::kFull);
  check_acknowledged();
  disk.capacity_bytes = 8 * limits::kSegmentBytes;
  (void)store->maintain();
  uint64_t before = acknowledged.size();
  work(3);
  EXPECT_EQ(acknowledged.size(), before + 3);
  kill();
  check_and_go_on();
}

// What was acknowledged a moment ago stands in the index's open transaction only; a commit that
// fails would take it along.
TEST_F(StoreWaitTest, ADiskThatTakesNoMoreWritesServesTheNewestRecordsAllTheTime) {
  for (Status failure : {Status::kReadOnly, Status::kFull}) {
    SCOPED_TRACE(status_name(failure));
    ASSERT_EQ(open(), Status::kOk);
    work(10);
    ASSERT_EQ(store->maintain(), Status::kOk);
    work(10);
    uint64_t free_bytes = disk.capacity_bytes;
    if (failure == Status::kReadOnly) disk.read_only = true;
    if (failure == Status::kFull) disk.capacity_bytes = 1;
    for (int second = 0; second < 100; ++second) {
      (void)store->maintain();
      check_acknowledged();
      if (second % 10 == 5) {
        EXPECT_EQ(append_durably(make_record(1000, 500)), failure);
      }
      clock.now_ns += 1'000'000'000;
    }
    disk.read_only = false;
    disk.capacity_bytes = free_bytes;
    uint64_t before = acknowledged.size();
    work(1);
    EXPECT_EQ(acknowledged.size(), before + 1);
    EXPECT_EQ(store->maintain(), Status::kOk);
    EXPECT_EQ(store->stats().state, StoreState::kOk);
    check_acknowledged();
    ASSERT_EQ(store->close(), Status::kOk);
  }
}

// The disk was filled to the last byte by others while the node was down, or was killed, or the
// power was cut. Clean or not: it starts, finds everything, and starts again.
TEST_F(StoreWaitTest, AStartOnADiskWithoutAnyRoomFindsTheNewestRecords) {
  for (int end = 0; end < 3; ++end) {
    for (int rounds : {1, 40}) {
      SCOPED_TRACE("end " + std::to_string(end) + " rounds " + std::to_string(rounds));
      begin_again();
      acknowledged.clear();
      statements.clear();
      ASSERT_EQ(open(), Status::kOk);
      for (int round = 0; round < rounds; ++round) {
        work(7);
        ASSERT_EQ(store->maintain(), Status::kOk);
      }
      work(7);
      for (int start = 0; start < 4; ++start) {
        disk.capacity_bytes = disk.used_bytes();
        if (end == 0) (void)store->close();  // may lack the room to end cleanly
        if (end <= 1) kill();
        if (end == 2) lose_power({SimDisk::Keep::kNothing, 1, 512});
        disk.capacity_bytes = disk.used_bytes();
        ASSERT_EQ(open(), Status::kOk) << "start " << start;
        EXPECT_EQ(store->stats().rebuilds, 0u);
        (void)store->maintain();
        check_acknowledged();
      }
      disk.capacity_bytes = SimDisk().capacity_bytes;
      clock.now_ns += 100'000'000'000;
      EXPECT_EQ(store->maintain(), Status::kOk);
      work(3);
      check_acknowledged();
    }
  }
}

}  // namespace
}  // namespace drey
