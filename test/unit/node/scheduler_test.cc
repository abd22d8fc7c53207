// The scheduler on a simulated clock, with real retention rules on a list of snapshots: never two
// at once, retention only after good runs, and E4: a jump ahead removes nothing.
#include "node/scheduler.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/sim_rng.h"

namespace drey {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kMinute = 60 * kSecond;
constexpr uint64_t kHour = 3600 * kSecond;
constexpr uint64_t kDay = 24 * kHour;
constexpr int64_t kStart = 1'767'225'600ll * 1'000'000'000;  // 2026-01-01, UTC

struct HandClock final : Clock {
  uint64_t up_ns() override { return up; }
  int64_t wall_ns() override { return wall; }
  uint64_t up = kMinute;
  int64_t wall = kStart;
};

struct SeededRandom final : Random {
  Status fill(MutBytes to) override {
    for (uint8_t& byte : to) byte = static_cast<uint8_t>(rng.next());
    return Status::kOk;
  }
  SimRng rng{7};
};

// What the node would do, at once or when the test says so.
struct HandWork final : ScheduleWork {
  Status begin_backup(size_t set, Op* done) override {
    EXPECT_EQ(pending, nullptr) << "two at once";
    if (busy) return Status::kBusy;
    begun.push_back(set);
    pending = done;
    return Status::kOk;
  }
  Status begin_retention(size_t set, Op* done) override {
    EXPECT_EQ(pending, nullptr) << "two at once";
    ++retentions;
    RetentionPolicy policy = Scheduler::policy_of(*config, set);
    apply_retention(policy, clock->wall, snapshots, set_tag(config->set_name(set)));
    removed += static_cast<size_t>(
        std::erase_if(snapshots, [](const RetentionRow& row) { return row.removed; }));
    done->complete(Status::kOk);
    return Status::kOk;
  }
  Status begin_confirm(int64_t wall_ns, Op* done) override {
    ++questions;
    bool yes = others_told != 0 && ClockGuard::agrees(others_told, wall_ns);
    done->complete(yes ? Status::kOk : Status::kNotFound);
    return Status::kOk;
  }
  Status begin_save(std::string_view key, Bytes value, Op* done) override {
    saved[std::string(key)] = std::vector<uint8_t>(value.begin(), value.end());
    done->complete(Status::kOk);
    return Status::kOk;
  }
  Status load(std::string_view key, MutBytes to, size_t* size) override {
    auto at = saved.find(std::string(key));
    if (at == saved.end()) return Status::kNotFound;
    *size = at->second.size();
    std::copy(at->second.begin(), at->second.end(), to.begin());
    return Status::kOk;
  }

  const Config* config = nullptr;
  HandClock* clock = nullptr;
  Op* pending = nullptr;
  bool busy = false;
  std::vector<size_t> begun;
  size_t retentions = 0, questions = 0, removed = 0;
  int64_t others_told = 0;
  uint64_t sequence = 0;
  std::vector<RetentionRow> snapshots;
  std::map<std::string, std::vector<uint8_t>> saved;
};

struct SchedulerTest : testing::Test {
  void start(std::string_view text) {
    config = std::make_unique<Config>();
    ConfigError error;
    ASSERT_EQ(config->apply_file(text, &error), Status::kOk) << error.message.data();
    restart();
  }
  void restart() {
    scheduler = std::make_unique<Scheduler>();
    work.pending = nullptr;
    work.config = config.get();
    work.clock = &clock;
    scheduler->start({config.get(), &work, &clock, &random, &log, &ready});
  }
  void drain() {
    while (ready.run()) {
    }
  }
  void step(uint64_t ns) {
    clock.up += ns;
    clock.wall += static_cast<int64_t>(ns);
    scheduler->tick(clock.up);
    drain();
  }
  // Ends the running backup; a good one is a snapshot.
  void end(Status status) {
    ASSERT_NE(work.pending, nullptr);
    if (ok(status)) {
      RetentionRow row;
      row.sequence = ++work.sequence;
      row.time_ns = clock.wall;
      row.set = set_tag(config->set_name(work.begun.back()));
      work.snapshots.push_back(row);
    }
    std::exchange(work.pending, nullptr)->complete(status);
    drain();
  }
  void pass(uint64_t ns, uint64_t stride = kMinute) {
    for (uint64_t end_ns = clock.up + ns; clock.up < end_ns;) {
      step(stride);
      if (work.pending != nullptr) end(Status::kOk);
    }
  }
  std::string status() {
    std::vector<char> room(4096);
    TextWriter out{std::span<char>(room)};
    scheduler->write_status(out);
    return std::string(out.view());
  }

  HandClock clock;
  SeededRandom random;
  Log log{nullptr, nullptr};
  ReadyQueue ready;
  HandWork work;
  std::unique_ptr<Config> config;
  std::unique_ptr<Scheduler> scheduler;
};

constexpr const char* kTwoSets =
    "[backup docs]\npath=/docs\nevery=6h\nkeep-daily=3\n"
    "[backup photos]\npaths=/a/b c /d\nat=02:00\n";

TEST_F(SchedulerTest, SetsRunOneAfterTheOther) {
  start(kTwoSets);
  for (int i = 0; i < 100 && work.begun.empty(); ++i) step(kSecond);
  ASSERT_EQ(work.begun, std::vector<size_t>{0});
  for (int i = 0; i < 3600; ++i) step(kSecond);  // it takes an hour
  EXPECT_EQ(work.begun.size(), 1u);
  EXPECT_NE(status().find("\"set\":\"docs\",\"state\":\"running\""), std::string::npos) << status();
  end(Status::kOk);
  for (int i = 0; i < 10; ++i) step(kSecond);
  EXPECT_EQ(work.begun, (std::vector<size_t>{0, 1}));
}

TEST_F(SchedulerTest, WhatAPersonRunsIsWaitedFor) {
  start(kTwoSets);
  work.busy = true;
  pass(2 * kHour);
  EXPECT_TRUE(work.begun.empty());
  work.busy = false;
  pass(2 * kMinute);
  EXPECT_GE(work.begun.size(), 1u);
}

TEST_F(SchedulerTest, RetentionFollowsEachGoodRunAndOnlyOfItsOwnSet) {
  start(kTwoSets);
  pass(10 * kDay);
  EXPECT_GE(work.retentions, 39u);
  size_t docs = 0, photos = 0;
  for (const RetentionRow& row : work.snapshots) (row.set == set_tag("docs") ? docs : photos)++;
  EXPECT_EQ(docs, 3u);
  EXPECT_GE(photos, 10u) << "a set without rules keeps everything";
}

TEST_F(SchedulerTest, ARunThatFailsRemovesNothingAndIsTriedAgain) {
  start("[backup docs]\npath=/docs\nevery=6h\nkeep-last=1\n");
  pass(kDay);
  size_t kept = work.snapshots.size(), retentions = work.retentions;
  for (int tries = 0; tries < 100;) {
    step(kMinute);
    if (work.pending == nullptr) continue;
    end(Status::kChanged);  // the source has become empty
    ++tries;
  }
  EXPECT_EQ(work.retentions, retentions);
  EXPECT_EQ(work.snapshots.size(), kept);
  EXPECT_NE(status().find("\"state\":\"failed\""), std::string::npos) << status();
}

TEST_F(SchedulerTest, ARestartKnowsWhatRan) {
  start(kTwoSets);
  pass(2 * kHour);
  size_t begun = work.begun.size();
  for (int i = 0; i < 20; ++i) {
    restart();
    clock.up = kMinute;
    pass(10 * kMinute);
  }
  EXPECT_EQ(work.begun.size(), begun) << "twenty restarts in three hours are no reason to run";
}

TEST_F(SchedulerTest, AReloadKeepsTheTimesOfSetsThatStay) {
  start(kTwoSets);
  pass(kHour);
  ASSERT_EQ(work.begun.size(), 2u);
  auto next = std::make_unique<Config>();
  ConfigError error;
  ASSERT_EQ(
      next->apply_file("[backup new]\npath=/n\n[backup docs]\npath=/docs\nevery=6h\n", &error),
      Status::kOk);
  work.config = next.get();
  scheduler->reload(next.get());
  config.swap(next);
  pass(kHour);
  EXPECT_EQ(work.begun.size(), 3u);
  EXPECT_EQ(work.begun.back(), 0u) << "the new set runs, docs has run already";
  pass(6 * kHour);
  EXPECT_EQ(work.begun.back(), 1u);
}

TEST_F(SchedulerTest, AReloadWhileASetRunsThatIsGoneAfterwardsIsNoTrouble) {
  start(kTwoSets);
  for (int i = 0; i < 100 && work.begun.empty(); ++i) step(kSecond);
  auto next = std::make_unique<Config>();
  scheduler->reload(next.get());
  std::exchange(work.pending, nullptr)->complete(Status::kOk);
  drain();
  step(kMinute);
  EXPECT_TRUE(scheduler->idle());
  EXPECT_EQ(work.retentions, 0u);
  config.swap(next);
}

TEST_F(SchedulerTest, QuietHoursPutABackupOff) {
  start("quiet = 22:00-06:00\n[backup docs]\npath=/docs\nat=02:00\n");
  clock.wall = kStart + static_cast<int64_t>(23 * kHour);
  step(kMinute);
  pass(6 * kHour);
  EXPECT_TRUE(work.begun.empty());
  pass(2 * kHour);
  EXPECT_EQ(work.begun.size(), 1u);
}

TEST_F(SchedulerTest, StoppedItBeginsNothing) {
  start(kTwoSets);
  scheduler->stop();
  pass(2 * kDay);
  EXPECT_TRUE(work.begun.empty());
  EXPECT_TRUE(scheduler->idle());
}

TEST_F(SchedulerTest, AJumpAheadFreezesRemovingForADayOrUntilAnotherDeviceAgrees) {
  for (bool agrees : {false, true}) {
    work = {};
    clock = {};
    start("[backup docs]\npath=/docs\nevery=1h\nkeep-last=3\n");
    pass(kDay);
    ASSERT_EQ(work.snapshots.size(), 3u);
    size_t removed = work.removed;
    clock.wall += static_cast<int64_t>(400 * kDay);
    if (agrees) work.others_told = clock.wall;
    pass(20 * kHour);
    EXPECT_EQ(work.removed == removed, !agrees);
    EXPECT_GE(work.questions, 1u);
    pass(6 * kHour);
    EXPECT_GT(work.removed, removed) << "a day later it goes on";
    EXPECT_EQ(work.snapshots.size(), 3u);
  }
}

// E4: clocks that jump to and fro, devices that sleep and restart. While the clock is not trusted,
// nothing goes; what the rules promise of true days is there at the end.
TEST_F(SchedulerTest, RandomJumpsExpireNothingWhileTheClockIsDoubted) {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    SimRng rng(seed);
    work = {};
    clock = {};
    start("[backup docs]\npath=/docs\nat=02:00\nkeep-daily=7\nkeep-last=2\n");
    pass(10 * kDay, 30 * kMinute);
    ASSERT_GE(work.snapshots.size(), 7u);
    uint64_t doubted_until = 0;
    for (int event = 0; event < 6; ++event) {
      int64_t days = 1 + static_cast<int64_t>(rng.below(4000));
      bool ahead = rng.below(2) == 0;
      clock.wall +=
          (ahead ? days : -days) * static_cast<int64_t>(kDay) + static_cast<int64_t>(kHour);
      if (ahead) doubted_until = clock.up + kDay;
      if (rng.below(3) == 0) {
        // Restarted at once: what it noticed is kept, what it could not notice is compared.
        step(kMinute);
        if (work.pending != nullptr) end(Status::kOk);
        step(kMinute);
        restart();
      }
      size_t removed = work.removed;
      for (uint64_t end_ns = clock.up + kHour * (1 + rng.below(40)); clock.up < end_ns;) {
        pass(30 * kMinute, 30 * kMinute);
        if (clock.up >= doubted_until) removed = work.removed;
        ASSERT_EQ(work.removed, removed) << "seed " << seed << ", event " << event;
      }
    }
    ASSERT_GE(work.snapshots.size(), 7u) << seed;
  }
}

}  // namespace
}  // namespace drey
