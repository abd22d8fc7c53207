// Power cuts, dead processes, failing calls. The oracle: what was acknowledged is there, with its
// bytes; what was not may be there, with its bytes; nothing else is.
#include "unit/store/crash_fixture.h"

namespace drey {
namespace {

constexpr SimDisk::Keep kKeeps[] = {SimDisk::Keep::kNothing, SimDisk::Keep::kAll,
                                    SimDisk::Keep::kPrefix, SimDisk::Keep::kSome};

// Runs the same workload to every sampled mutating call and cuts the power there.
TEST_F(StoreCrashTest, NothingAcknowledgedIsLostWhereverThePowerEnds) {
  uint64_t total = 0;
  {
    ASSERT_EQ(open(), Status::kOk);
    work(40);
    ASSERT_EQ(store->close(), Status::kOk);
    total = disk.mutation_count();
  }
  ASSERT_GT(total, 100u);
  uint64_t step = std::max<uint64_t>(1, total / 150);
  for (uint64_t at = 1; at <= total; at += step) {
    for (SimDisk::Cut cut : {SimDisk::Cut::kBefore, SimDisk::Cut::kAfter, SimDisk::Cut::kTorn}) {
      SimDisk::Keep keep = kKeeps[(at / step + static_cast<uint64_t>(cut)) % 4];
      SCOPED_TRACE("call " + std::to_string(at) + " cut " + std::to_string(static_cast<int>(cut)) +
                   " keep " + std::to_string(static_cast<int>(keep)));
      store = std::make_unique<Store>();
      disk.restart();
      disk.copy_from(SimDisk());
      acknowledged.clear();
      statements.clear();
      next = 0;
      disk.cut_at(at, cut);
      if (ok(open())) {
        work(40);
        (void)store->close();
      }
      lose_power({keep, at, 512});
      check_and_go_on();
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(StoreCrashTest, ASecondPowerCutDuringTheRestartLosesNothingEither) {
  for (uint64_t first : {60, 90, 130, 171, 200}) {
    for (uint64_t second = 1; second <= 40; second += 3) {
      SCOPED_TRACE(std::to_string(first) + " then " + std::to_string(second));
      store = std::make_unique<Store>();
      disk.restart();
      disk.copy_from(SimDisk());
      acknowledged.clear();
      statements.clear();
      next = 0;
      disk.cut_at(first, SimDisk::Cut::kTorn);
      if (ok(open())) work(40);
      lose_power({SimDisk::Keep::kSome, first * second, 512});
      disk.cut_at(second, SimDisk::Cut::kTorn);
      (void)open();
      lose_power({SimDisk::Keep::kSome, second, 512});
      check_and_go_on();
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(StoreCrashTest, ADeadProcessLosesNothing) {
  for (int round = 0; round < 10; ++round) {
    ASSERT_EQ(open(), Status::kOk);
    check_acknowledged();
    work(static_cast<uint64_t>(5 + round));
    kill();
  }
  check_and_go_on();
  EXPECT_EQ(store->stats().rebuilds, 0u);
}

TEST_F(StoreCrashTest, WhatAReplayFoundInTheCacheIsSyncedBeforeItCounts) {
  ASSERT_EQ(open(), Status::kOk);
  TestRecord record = make_record(1, 1000);
  ASSERT_EQ(append_durably(make_record(0, 1000)), Status::kOk);
  ASSERT_EQ(append(record), Status::kOk);  // written, not synced
  kill();
  ASSERT_EQ(open(), Status::kOk);
  EXPECT_EQ(read(record), Status::kOk);
  lose_power({SimDisk::Keep::kNothing, 1, 512});
  ASSERT_EQ(open(), Status::kOk);
  EXPECT_EQ(read(record), Status::kOk);
}

// Both models of a failed sync, at every sync of the workload.
TEST_F(StoreCrashTest, AFailedSyncIsNeverAcknowledgedAndNeverRepeated) {
  for (SimDisk::SyncFailure model :
       {SimDisk::SyncFailure::kKept, SimDisk::SyncFailure::kReverted}) {
    for (uint64_t nth = 1; nth <= 60; ++nth) {
      SCOPED_TRACE(std::to_string(nth) + " model " + std::to_string(static_cast<int>(model)));
      store = std::make_unique<Store>();
      disk.restart();
      disk.copy_from(SimDisk());
      acknowledged.clear();
      statements.clear();
      next = 0;
      disk.sync_failure = model;
      disk.fail_nth(SimDisk::Call::kSync, nth, Status::kIo);
      if (!ok(open())) {
        disk.clear_faults();
        continue;
      }
      work(30);
      disk.clear_faults();
      EXPECT_GE(acknowledged.size(), 25u);  // one group refused, the next segment goes on
      check_acknowledged();
      for (int i = 0; i < 5 && nth % 2 == 0; ++i) (void)store->maintain();
      check_acknowledged();
      // Even a restarted process must not believe what was never synced.
      kill();
      ASSERT_EQ(open(), Status::kOk);
      check_acknowledged();
      // Whoever was refused asks again; what is told now must hold.
      next = 0;
      work(32);
      EXPECT_EQ(acknowledged.size(), 32u);
      lose_power({SimDisk::Keep::kNothing, nth, 512});
      check_and_go_on();
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(StoreCrashTest, AFailedWriteRetiresItsSegmentAndTheNextOneGoesOn) {
  for (Status failure : {Status::kIo, Status::kFull, Status::kReadOnly}) {
    for (uint64_t nth = 1; nth <= 240; nth += 3) {
      SCOPED_TRACE(std::string(status_name(failure)) + " at write " + std::to_string(nth));
      store = std::make_unique<Store>();
      disk.restart();
      disk.copy_from(SimDisk());
      acknowledged.clear();
      statements.clear();
      next = 0;
      disk.fail_nth(SimDisk::Call::kWrite, nth, failure);
      if (!ok(open())) {
        disk.clear_faults();
        continue;
      }
      work(30);
      disk.clear_faults();
      clock.now_ns += 100'000'000'000;
      (void)store->maintain();
      check_acknowledged();
      lose_power({SimDisk::Keep::kNothing, nth, 512});
      check_and_go_on();
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(StoreCrashTest, AGivenUpSegmentGetsNotOneByteMoreNorASecondSync) {
  for (SimDisk::Call call : {SimDisk::Call::kWrite, SimDisk::Call::kSync}) {
    kill();
    disk.copy_from(SimDisk());
    acknowledged.clear();
    statements.clear();
    next = 0;
    ASSERT_EQ(open(), Status::kOk);
    work(5);
    uint64_t again = next;
    TestRecord early = make_record(7777, 500);
    ASSERT_EQ(append(early), Status::kOk);
    disk.fail_nth(call, call == SimDisk::Call::kWrite ? 2 : 1, Status::kIo);
    work(1);
    EXPECT_EQ(store->stats().retired, 1u);
    EXPECT_EQ(acknowledged.count(again), 0u);
    std::vector<uint8_t> left = *disk.peek("log/00000001.seg");
    // What stood in the same group is refused with it, and taken anew.
    EXPECT_EQ(read(early), Status::kNotFound);
    Ticket ticket = 0;
    EXPECT_EQ(append(early, 1, &ticket), Status::kOk);
    EXPECT_EQ(store->commit(ticket), Status::kOk);
    EXPECT_EQ(read(early), Status::kOk);
    work(10);
    ASSERT_EQ(store->maintain(), Status::kOk);
    ASSERT_EQ(store->close(), Status::kOk);
    ASSERT_EQ(open(), Status::kOk);
    work(3);
    EXPECT_EQ(*disk.peek("log/00000001.seg"), left);
    EXPECT_TRUE(disk.peek("log/00000002.seg") != nullptr);
    check_acknowledged();
  }
}

// Given up on a full disk, where the index cannot even note it: what was refused must not come back
// when the index is mended from the log, or the next backup would take it for stored.
TEST_F(StoreCrashTest, WhatWasRefusedDoesNotComeBackWithTheIndex) {
  ASSERT_EQ(open(), Status::kOk);
  work(5);
  ASSERT_EQ(store->maintain(), Status::kOk);
  work(1);  // the index has something to commit
  TestRecord early = make_record(7777, 500);
  ASSERT_EQ(append(early), Status::kOk);
  disk.fail_nth(SimDisk::Call::kWrite, 1, Status::kFull, 0);
  EXPECT_EQ(append(make_record(8888, 500)), Status::kFull);
  EXPECT_EQ(store->stats().retired, 1u);
  (void)store->maintain();
  disk.clear_faults();
  for (int i = 0; i < 3; ++i) {
    clock.now_ns += 100'000'000'000;
    ASSERT_EQ(store->maintain(), Status::kOk);
  }
  EXPECT_EQ(read(early), Status::kNotFound);
  Ticket ticket = 0;
  EXPECT_EQ(append(early, 1, &ticket), Status::kOk);
  ASSERT_EQ(store->commit(ticket), Status::kOk);
  lose_power({SimDisk::Keep::kNothing, 1, 512});
  ASSERT_EQ(open(), Status::kOk);
  EXPECT_EQ(read(early), Status::kOk);
  check_acknowledged();
}

TEST_F(StoreCrashTest, WhatCannotBeReadForAWhileIsNotLost) {
  ASSERT_EQ(open(), Status::kOk);
  work(20);
  // A failed write gives the segment up: it is read again by maintain(), while no read succeeds.
  disk.fail_nth(SimDisk::Call::kWrite, 1, Status::kIo);
  EXPECT_NE(append(make_record(7777, 500)), Status::kOk);
  disk.fail_nth(SimDisk::Call::kRead, 1, Status::kIo, 0);
  for (int i = 0; i < 3; ++i) {
    clock.now_ns += 2'000'000'000;
    (void)store->maintain();
  }
  disk.clear_faults();
  check_acknowledged();
  for (int i = 0; i < 5; ++i) {
    clock.now_ns += 100'000'000'000;
    EXPECT_EQ(store->maintain(), Status::kOk);
  }
  EXPECT_EQ(store->stats().corrupt, 0u);
  kill();
  check_and_go_on();
}

TEST_F(StoreCrashTest, AFailedReadGivesNoWrongBytesAndARestartMendsAll) {
  ASSERT_EQ(open(), Status::kOk);
  work(30);
  kill();
  for (uint64_t nth = 1; nth <= 120; ++nth) {
    SCOPED_TRACE(nth);
    disk.fail_nth(SimDisk::Call::kRead, nth, Status::kIo);
    if (ok(open())) {
      for (auto& [number, record] : acknowledged) {
        Status status = read(record);
        EXPECT_TRUE(status == Status::kOk || status == Status::kIo || status == Status::kCorrupt ||
                    status == Status::kNotFound);
      }
    }
    disk.clear_faults();
    kill();
  }
  ASSERT_EQ(disk.remove("drey.index"), Status::kOk);
  check_and_go_on();
}

// Whoever got a number may have told it to others before any append of this node was synced.
TEST_F(StoreCrashTest, ANumberIsNeverGivenOutTwiceWhereverThePowerEnds) {
  for (uint64_t at = 1; at <= 60; ++at) {
    SCOPED_TRACE(at);
    begin_again();
    uint64_t highest = 0;
    for (int life = 0; life < 4; ++life) {
      ASSERT_EQ(open(), Status::kOk);
      if (life == 2) disk.cut_at(at, SimDisk::Cut::kTorn);
      CommitGroup group;
      bool in_flight = life == 1 && append(make_record(at, 300)) == Status::kOk &&
                       store->close_group(&group) == Status::kOk;
      for (uint64_t i = 0; i < at * 11 && !disk.is_cut(); ++i) {
        uint64_t number = store->next_number();
        if (disk.is_cut()) break;  // nobody heard of it
        ASSERT_GT(number, highest) << "life " << life;
        highest = number;
        // At times something is committed in between.
        Ticket ticket = 0;
        if (!in_flight && i % 150 == 149 && ok(append(make_record(at * 1000 + i, 40), 1, &ticket)))
          (void)store->commit(ticket);
      }
      lose_power({SimDisk::Keep::kNothing, at, 512});
    }
  }
}

TEST_F(StoreCrashTest, NumbersCostNoSyncWhileCommitsHappen) {
  ASSERT_EQ(open(), Status::kOk);
  (void)store->next_number();
  uint64_t syncs = disk.call_count(SimDisk::Call::kSync);
  uint64_t first = store->next_number();
  Ticket ticket = 0;
  for (uint64_t i = 1; i <= 1000; ++i) {
    EXPECT_EQ(store->next_number(), first + i);
    if (i % 100 != 0) continue;
    ASSERT_EQ(append(make_record(i, 40), 1, &ticket), Status::kOk);
    ASSERT_EQ(store->commit(ticket), Status::kOk);
  }
  EXPECT_EQ(disk.call_count(SimDisk::Call::kSync), syncs + 10);
}

TEST_F(StoreCrashTest, AReadOnlyDiskServesWhatItHas) {
  ASSERT_EQ(open(), Status::kOk);
  work(10);
  ASSERT_EQ(store->maintain(), Status::kOk);
  disk.read_only = true;
  EXPECT_EQ(append_durably(make_record(1000, 500)), Status::kReadOnly);
  EXPECT_EQ(store->stats().state, StoreState::kReadOnly);
  check_acknowledged();
  disk.read_only = false;
  clock.now_ns += 100'000'000'000;
  (void)store->maintain();
  uint64_t before = acknowledged.size();
  work(1);
  EXPECT_EQ(acknowledged.size(), before + 1);
  EXPECT_EQ(store->stats().state, StoreState::kOk);
}

TEST_F(StoreCrashTest, AnIdleStoreTellsThatItsDiskIsGone) {
  ASSERT_EQ(open(), Status::kOk);
  work(3);
  ASSERT_EQ(store->maintain(), Status::kOk);
  auto minute = [&] {
    for (int second = 0; second < 61; ++second) {
      clock.now_ns += 1'000'000'000;
      (void)store->maintain();
    }
    return store->stats().state;
  };
  EXPECT_EQ(minute(), StoreState::kOk);
  ASSERT_EQ(disk.rename("drey.format", "elsewhere"), Status::kOk);
  EXPECT_EQ(minute(), StoreState::kFailed);
  ASSERT_EQ(disk.rename("elsewhere", "drey.format"), Status::kOk);
  EXPECT_EQ(minute(), StoreState::kOk);
}

}  // namespace
}  // namespace drey
