// When sets run and when nothing is removed, with a simulated clock: sleep, power off, daylight
// saving, clocks that jump, stand still or are wrong.
#include "node/schedule.h"

#include <gtest/gtest.h>

#include "sim/sim_rng.h"

namespace drey {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kMinute = 60 * kSecond;
constexpr uint64_t kHour = 3600 * kSecond;
constexpr uint64_t kDay = 24 * kHour;
constexpr int64_t kMidnight = 1'767'225'600ll * 1'000'000'000;  // 2026-01-01, UTC

struct World {
  ScheduleNow now{kHour, kMidnight + static_cast<int64_t>(12 * kHour), 0};
  SetTimer timer;
  uint64_t runs = 0;
  void pass(uint64_t ns) {
    now.up_ns += ns;
    now.wall_ns += static_cast<int64_t>(ns);
  }
  bool run_if_due(uint64_t random = 0) {
    if (!timer.due(now)) return false;
    timer.ran(now, random);
    ++runs;
    return true;
  }
  // Ticks of a minute until it runs; the minutes that took.
  uint64_t minutes_until_run(uint64_t most = 10'000) {
    for (uint64_t i = 0; i < most; ++i) {
      if (run_if_due()) return i;
      pass(kMinute);
    }
    return most;
  }
  uint64_t runs_in(uint64_t ns) {
    uint64_t before = runs;
    for (uint64_t end = now.up_ns + ns; now.up_ns < end; pass(kMinute)) run_if_due();
    return runs - before;
  }
};

ScheduleRule every(uint64_t seconds) {
  ScheduleRule rule;
  rule.every_s = seconds;
  return rule;
}

ScheduleRule at(int32_t minute) {
  ScheduleRule rule;
  rule.at_minute = minute;
  return rule;
}

TEST(Schedule, ASetThatNeverRanRunsSoonAfterTheStart) {
  for (const ScheduleRule& rule : {every(6 * 3600), at(120)}) {
    World w;
    w.timer.begin(rule, {}, w.now);
    EXPECT_FALSE(w.timer.due(w.now)) << "the devices find each other first";
    w.pass(SetTimer::kStartWaitNs);
    EXPECT_TRUE(w.timer.due(w.now));
  }
}

TEST(Schedule, AnIntervalRunsFourTimesADay) {
  World w;
  w.timer.begin(every(6 * 3600), {}, w.now);
  EXPECT_EQ(w.runs_in(10 * kDay), 40u);
}

TEST(Schedule, ATimeOfDayRunsOnceADay) {
  World w;
  w.timer.begin(at(120), {}, w.now);
  EXPECT_EQ(w.minutes_until_run(), 1u);
  EXPECT_EQ(w.runs_in(10 * kDay), 10u);
  EXPECT_EQ(w.timer.last().local_s % 86'400 / 60, 120);
}

TEST(Schedule, JitterPutsARunOffByFiveMinutesAtMost) {
  for (uint64_t random : {0ull, 1ull, 299ull, 300ull, 301ull, ~0ull}) {
    World w;
    w.timer.begin(at(120), {}, w.now);
    w.pass(kMinute);
    ASSERT_TRUE(w.run_if_due(random));
    uint64_t left = w.timer.due_in_s(w.now);
    EXPECT_GE(left, 13 * 3600u + 59 * 60);
    EXPECT_LE(left, 14 * 3600u + 300);
    World v;
    v.timer.begin(every(60), {}, v.now);
    v.pass(kMinute);
    ASSERT_TRUE(v.run_if_due(random));
    EXPECT_LE(v.timer.due_in_s(v.now), 63u) << "a short interval is hardly put off";
  }
}

TEST(Schedule, AMissedNightIsCaughtUpOnWaking) {
  World w;
  w.timer.begin(at(120), {}, w.now);
  ASSERT_EQ(w.minutes_until_run(), 1u);
  w.pass(8 * kHour);  // 20:01: asleep until the morning
  EXPECT_FALSE(w.timer.due(w.now));
  w.pass(11 * kHour);
  EXPECT_TRUE(w.run_if_due()) << "07:01: two o'clock has passed";
  EXPECT_EQ(w.minutes_until_run(), 18u * 60 + 59) << "and then at two again";
}

TEST(Schedule, AnIntervalIsCaughtUpOnceAfterALongSleep) {
  World w;
  w.timer.begin(every(3600), {}, w.now);
  ASSERT_EQ(w.minutes_until_run(), 1u);
  w.pass(30 * kDay);
  EXPECT_TRUE(w.run_if_due());
  EXPECT_FALSE(w.timer.due(w.now)) << "thirty days are one missed run, not 720";
}

TEST(Schedule, WhatRanIsKnownAfterARestart) {
  World w;
  w.timer.begin(every(6 * 3600), {}, w.now);
  w.pass(kMinute);
  ASSERT_TRUE(w.run_if_due());
  LastRun last = w.timer.last();
  // Off for two hours; up-time begins again.
  World v;
  v.now.up_ns = kMinute;
  v.now.wall_ns = w.now.wall_ns + static_cast<int64_t>(2 * kHour);
  v.timer.begin(every(6 * 3600), last, v.now);
  EXPECT_EQ(v.minutes_until_run(), 4u * 60);
  // Off for a day.
  v.now.up_ns = kMinute;
  v.now.wall_ns += static_cast<int64_t>(kDay);
  v.timer.begin(every(6 * 3600), v.timer.last(), v.now);
  EXPECT_EQ(v.minutes_until_run(), 1u);
  // The time of day of a rule passed meanwhile, or not.
  v.timer.begin(at(120), last, v.now);
  EXPECT_EQ(v.minutes_until_run(), 1u);
  v.timer.begin(at(120), v.timer.last(), v.now);
  EXPECT_GT(v.timer.due_in_s(v.now), 3600u);
}

TEST(Schedule, AClockThatStartsBehindTheLastRunGetsTenMinutesToHearTheTime) {
  for (const ScheduleRule& rule : {every(6 * 3600), at(120)}) {
    World w;
    w.now.up_ns = kMinute;
    w.now.wall_ns = 0;  // 1970
    LastRun last{kMidnight, kMidnight / static_cast<int64_t>(kSecond)};
    w.timer.begin(rule, last, w.now);
    EXPECT_EQ(w.minutes_until_run(), 10u) << "then it runs all the same";
    EXPECT_GE(w.minutes_until_run(), 60u) << "once";
  }
}

TEST(Schedule, DaylightSavingNeitherSkipsNorDoublesADay) {
  // Forward at 02:00 (to 03:00), back at 03:00 (to 02:00); the rule stands in the hour between.
  for (int32_t change : {3600, -3600}) {
    World w;
    w.now.local_offset_s = 3600;
    w.timer.begin(at(150), {}, w.now);
    w.minutes_until_run();
    uint64_t before = w.runs;
    for (uint64_t minute = 0; minute < 4 * 24 * 60; ++minute) {
      int64_t local = w.now.local_s();
      int64_t second_day = kMidnight / static_cast<int64_t>(kSecond) + 2 * 86'400;
      if (w.now.local_offset_s == 3600 && local >= second_day + (change > 0 ? 7200 : 10'800))
        w.now.local_offset_s += change;
      w.run_if_due();
      w.pass(kMinute);
    }
    EXPECT_EQ(w.runs - before, 4u) << change;
  }
}

TEST(Schedule, ATravellerStillBacksUpOnceADay) {
  World w;
  w.timer.begin(at(120), {}, w.now);
  for (int zone = 0; zone < 60; ++zone) {
    w.now.local_offset_s = (zone * 9 % 24 - 11) * 3600;
    uint64_t before = w.runs;
    w.runs_in(26 * kHour + 6 * kMinute);
    EXPECT_GE(w.runs - before, 1u) << zone;
    EXPECT_LE(w.runs - before, 3u) << zone;
  }
}

TEST(Schedule, AClockThatStandsStillDoesNotStopTheBackups) {
  for (const ScheduleRule& rule : {every(6 * 3600), at(120)}) {
    World w;
    w.timer.begin(rule, {}, w.now);
    int64_t wall = w.now.wall_ns;
    uint64_t runs = 0;
    for (uint64_t i = 0; i < 10 * 24 * 60; ++i) {
      w.pass(kMinute);
      w.now.wall_ns = wall;
      runs += w.run_if_due();
    }
    EXPECT_GE(runs, 9u);
  }
}

// Whatever the clock says: at least one run in 26 hours of up-time, at most one an hour.
TEST(Schedule, ARandomClockNeitherStopsNorFloodsTheBackups) {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    SimRng rng(seed);
    World w;
    bool daily = seed % 2 == 0;
    w.timer.begin(daily ? at(static_cast<int32_t>(rng.below(1440))) : every(6 * 3600), {}, w.now);
    uint64_t last_up = w.now.up_ns;
    for (uint64_t minute = 0; minute < 5 * 24 * 60; ++minute) {
      w.pass(kMinute);
      if (rng.below(60) == 0)
        w.now.wall_ns = kMidnight + (static_cast<int64_t>(rng.below(20 * 365)) - 3650) *
                                        static_cast<int64_t>(kDay);
      if (!w.run_if_due(rng.below(1000))) continue;
      ASSERT_GE(w.now.up_ns - last_up, last_up == kHour ? 0 : kHour) << seed;
      ASSERT_LE(w.now.up_ns - last_up, 27 * kHour) << seed;
      last_up = w.now.up_ns;
    }
    ASSERT_LE(w.now.up_ns - last_up, 27 * kHour) << seed;
  }
}

TEST(Schedule, AFailedRunIsTriedAgainInTenMinutes) {
  World w;
  w.timer.begin(at(120), {}, w.now);
  w.pass(kMinute);
  ASSERT_TRUE(w.timer.due(w.now));
  w.timer.failed(w.now);
  EXPECT_EQ(w.minutes_until_run(), 10u);
}

TEST(Schedule, QuietHoursMaySpanMidnight) {
  ScheduleRule rule;
  ASSERT_EQ(parse_quiet_hours("22:00-06:00", &rule), Status::kOk);
  World w;
  w.now.wall_ns = kMidnight;
  for (uint64_t minute = 0; minute < 1440; ++minute, w.pass(kMinute))
    EXPECT_EQ(is_quiet(rule, w.now), minute < 360 || minute >= 1320) << minute;
  ASSERT_EQ(parse_quiet_hours("08:30-17:00", &rule), Status::kOk);
  for (uint64_t minute = 0; minute < 1440; ++minute, w.pass(kMinute))
    EXPECT_EQ(is_quiet(rule, w.now), minute >= 510 && minute < 1020) << minute;
  for (const char* bad : {"", "08:00", "08:00-24:00", "8:00-9:00", "08:00 09:00", "08:00-09:0"})
    EXPECT_EQ(parse_quiet_hours(bad, &rule), Status::kInvalid) << bad;
}

// ---- The guard ----

TEST(ClockGuard, AJumpOfMoreThanADayFreezesForADayOfUpTime) {
  World w;
  ClockGuard guard;
  guard.begin({}, w.now);
  EXPECT_FALSE(guard.frozen(w.now)) << "a new device has nothing to lose";
  w.pass(kHour);
  w.now.wall_ns += static_cast<int64_t>(kDay) - 1;
  EXPECT_FALSE(guard.look(w.now));
  w.now.wall_ns += 2;
  EXPECT_TRUE(guard.look(w.now));
  EXPECT_TRUE(guard.frozen(w.now));
  EXPECT_FALSE(guard.look(w.now)) << "one jump is told once";
  w.pass(kDay - 1);
  EXPECT_TRUE(guard.frozen(w.now));
  w.pass(1);
  EXPECT_FALSE(guard.frozen(w.now));
}

TEST(ClockGuard, SleepIsNoJump) {
  World w;
  ClockGuard guard;
  guard.begin({}, w.now);
  w.pass(30 * kDay);
  EXPECT_FALSE(guard.look(w.now));
  EXPECT_FALSE(guard.frozen(w.now));
}

TEST(ClockGuard, ManySmallJumpsAddUp) {
  World w;
  ClockGuard guard;
  guard.begin({}, w.now);
  bool frozen = false;
  for (int minute = 0; minute < 60 && !frozen; ++minute) {
    w.pass(kMinute);
    w.now.wall_ns += static_cast<int64_t>(kHour);
    frozen = guard.look(w.now);
  }
  EXPECT_TRUE(frozen);
}

TEST(ClockGuard, AnotherDeviceThatAgreesEndsTheFreeze) {
  World w;
  ClockGuard guard;
  guard.begin({}, w.now);
  w.now.wall_ns += static_cast<int64_t>(400 * kDay);
  ASSERT_TRUE(guard.look(w.now));
  EXPECT_FALSE(ClockGuard::agrees(kMidnight, w.now.wall_ns));
  EXPECT_TRUE(ClockGuard::agrees(w.now.wall_ns - static_cast<int64_t>(kHour), w.now.wall_ns));
  guard.confirmed(w.now);
  EXPECT_FALSE(guard.frozen(w.now));
  EXPECT_FALSE(guard.look(w.now));
}

TEST(ClockGuard, AFreezeSurvivesARestart) {
  World w;
  ClockGuard guard;
  guard.begin({}, w.now);
  w.now.wall_ns += static_cast<int64_t>(400 * kDay);
  ASSERT_TRUE(guard.look(w.now));
  w.pass(4 * kHour);
  ClockGuard::Memory memory = guard.memory(w.now);
  EXPECT_EQ(memory.frozen_ns, 20 * kHour);
  ClockGuard next;
  w.now.up_ns = kMinute;
  next.begin(memory, w.now);
  w.pass(20 * kHour - 1);
  EXPECT_TRUE(next.frozen(w.now));
  w.pass(1);
  EXPECT_FALSE(next.frozen(w.now));
}

TEST(ClockGuard, ADeviceThatWasOffForDaysWaitsADay) {
  World w;
  ClockGuard guard;
  guard.begin({w.now.wall_ns - static_cast<int64_t>(20 * kHour), 0}, w.now);
  EXPECT_FALSE(guard.frozen(w.now)) << "off for a night";
  guard.begin({w.now.wall_ns - static_cast<int64_t>(2 * kDay), 0}, w.now);
  EXPECT_TRUE(guard.frozen(w.now)) << "off for two days, or a clock that jumped: nobody knows";
}

TEST(ClockGuard, BackAndForthFreezesOnTheWayForth) {
  World w;
  ClockGuard guard;
  guard.begin({}, w.now);
  w.now.wall_ns = 0;
  EXPECT_FALSE(guard.look(w.now));
  w.pass(kMinute);
  w.now.wall_ns = kMidnight;
  EXPECT_TRUE(guard.look(w.now));
}

}  // namespace
}  // namespace drey
