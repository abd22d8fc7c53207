#include "backup/retention.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

namespace drey {
namespace {

constexpr int64_t kHour = 3'600'000'000'000;
constexpr int64_t kDay = 24 * kHour;
// 2026-03-02, a Monday, 12:00 UTC.
constexpr int64_t kNoon = 20514 * kDay + 12 * kHour;

std::vector<RetentionRow> rows_at(const std::vector<int64_t>& times, uint64_t set = 1) {
  std::vector<RetentionRow> rows(times.size());
  for (size_t i = 0; i < times.size(); ++i) {
    rows[i].sequence = i + 1;
    rows[i].time_ns = times[i];
    rows[i].set = set;
  }
  return rows;
}

std::vector<uint64_t> kept(std::vector<RetentionRow> rows, const RetentionPolicy& policy,
                           int64_t wall_ns = kNoon + 1000 * kDay) {
  apply_retention(policy, wall_ns, rows);
  std::vector<uint64_t> left;
  for (const RetentionRow& row : rows)
    if (!row.removed) left.push_back(row.sequence);
  return left;
}

using Numbers = std::vector<uint64_t>;

TEST(Retention, AnEmptyOrInvalidPolicyRemovesNothing) {
  std::vector<RetentionRow> rows = rows_at({kNoon, kNoon + kDay, kNoon + 2 * kDay});
  EXPECT_EQ(kept(rows, {}), (Numbers{1, 2, 3}));
  RetentionPolicy policy;
  policy.keep_last = RetentionPolicy::kCountMax + 1;
  EXPECT_FALSE(policy.valid());
  EXPECT_EQ(kept(rows, policy), (Numbers{1, 2, 3}));
  policy.keep_last = UINT32_MAX;
  policy.keep_daily = 1;
  EXPECT_FALSE(policy.empty());
  EXPECT_EQ(kept(rows, policy), (Numbers{1, 2, 3}));
  apply_retention({.keep_last = 1}, kNoon, {});
}

TEST(Retention, KeepLastKeepsTheNewestOfEachSet) {
  std::vector<RetentionRow> rows = rows_at({1, 2, 3, 4, 5, 6});
  rows[0].set = rows[1].set = rows[4].set = 2;
  EXPECT_EQ(kept(rows, {.keep_last = 1}), (Numbers{5, 6}));
  EXPECT_EQ(kept(rows, {.keep_last = 2}), (Numbers{2, 4, 5, 6}));
  EXPECT_EQ(kept(rows, {.keep_last = 9}), (Numbers{1, 2, 3, 4, 5, 6}));
}

TEST(Retention, CalendarRulesKeepTheNewestOfEachPeriod) {
  // Every 6 hours for 60 days, from Monday noon on.
  std::vector<int64_t> times;
  for (int64_t i = 0; i < 240; ++i) times.push_back(kNoon + i * 6 * kHour);
  std::vector<RetentionRow> rows = rows_at(times);
  EXPECT_EQ(kept(rows, {.keep_daily = 3}), (Numbers{234, 238, 240}));  // 18:00, 18:00, now
  // The last of them is 2026-05-01 06:00, a Friday: weeks end with Sunday 18:00.
  EXPECT_EQ(kept(rows, {.keep_weekly = 3}), (Numbers{194, 222, 240}));
  EXPECT_EQ(kept(rows, {.keep_monthly = 3}), (Numbers{118, 238, 240}));
  EXPECT_EQ(kept(rows, {.keep_last = 2, .keep_daily = 2, .keep_weekly = 2, .keep_monthly = 2}),
            (Numbers{222, 238, 239, 240}));
}

TEST(Retention, DaysBefore1970AreDaysToo) {
  std::vector<RetentionRow> rows = rows_at({-3 * kDay - 1, -kHour, -1, 0, kHour});
  EXPECT_EQ(kept(rows, {.keep_daily = 3}), (Numbers{1, 3, 5}));
}

TEST(Retention, ASnapshotFromAWrongClockIsKeptAndCountsForNothing) {
  // The third said 2038; the others are one a day.
  std::vector<RetentionRow> rows =
      rows_at({kNoon, kNoon + kDay, kNoon + 4000 * kDay, kNoon + 3 * kDay, kNoon + 4 * kDay});
  EXPECT_EQ(kept(rows, {.keep_daily = 2}, kNoon + 5 * kDay), (Numbers{3, 4, 5}));
  EXPECT_EQ(kept(rows, {.keep_daily = 3}, kNoon + 5 * kDay), (Numbers{2, 3, 4, 5}));
  // One that said 1970: nothing before it can be trusted.
  rows = rows_at({kNoon, kNoon + kDay, 0, kNoon + 3 * kDay, kNoon + 4 * kDay});
  EXPECT_EQ(kept(rows, {.keep_daily = 2}, kNoon + 5 * kDay), (Numbers{1, 2, 4, 5}));
}

TEST(Retention, AClockBehindTheNewestSnapshotStopsCalendarRules) {
  std::vector<RetentionRow> rows = rows_at({kNoon, kNoon + kDay, kNoon + 2 * kDay});
  EXPECT_EQ(kept(rows, {.keep_daily = 1}, kNoon), (Numbers{1, 2, 3}));
  EXPECT_EQ(kept(rows, {.keep_last = 1}, kNoon), (Numbers{3}));
}

TEST(Retention, SetsBeyondTheTableAreKeptWhole) {
  std::vector<RetentionRow> rows = rows_at(std::vector<int64_t>(2 * kRetentionSetsMax + 4, kNoon));
  for (size_t i = 0; i < rows.size(); ++i) rows[i].set = i / 2 + 100;
  // From the newest back: two sets find no room.
  Numbers left = kept(rows, {.keep_last = 1});
  EXPECT_EQ(left.size(), kRetentionSetsMax + 4);
  EXPECT_EQ((Numbers{left.begin(), left.begin() + 5}), (Numbers{1, 2, 3, 4, 6}));
}

// Whatever the clock said: the newest of each set stays, and a snapshot goes only when as many
// later ones of its set stay as every rule asks for.
TEST(Retention, RandomClocksNeverCostTheNewestOrMoreThanTheRulesAllow) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 2000; ++round) {
    std::vector<int64_t> times;
    int64_t now = kNoon;
    for (uint64_t i = random() % 60; i > 0; --i) {
      now += static_cast<int64_t>(random() % static_cast<uint64_t>(3 * kDay));
      if (random() % 8 == 0) now += (random() % 2 == 0 ? 1 : -1) * 3650 * kDay;
      times.push_back(now);
    }
    std::vector<RetentionRow> rows = rows_at(times);
    for (RetentionRow& row : rows) row.set = random() % 3;
    RetentionPolicy policy;
    policy.keep_last = static_cast<uint32_t>(random() % 3);
    policy.keep_daily = static_cast<uint32_t>(random() % 5);
    policy.keep_weekly = static_cast<uint32_t>(random() % 3);
    Numbers left = kept(rows, policy, now);
    std::set<uint64_t> stays(left.begin(), left.end());
    for (uint64_t set = 0; set < 3; ++set) {
      std::vector<uint64_t> of_set;
      for (const RetentionRow& row : rows)
        if (row.set == set) of_set.push_back(row.sequence);
      if (of_set.empty()) continue;
      EXPECT_TRUE(stays.contains(of_set.back()));
      size_t later = 0;
      for (size_t i = of_set.size(); i-- > 0;) {
        if (stays.contains(of_set[i])) {
          ++later;
          continue;
        }
        EXPECT_GE(later, policy.keep_last);
        // A removed one shares its day with a kept one, or enough days are kept.
        EXPECT_GE(later, size_t{1});
      }
    }
  }
}

}  // namespace
}  // namespace drey
