// Which snapshots retention rules keep. Pure functions on rows, any thread.
//
// Per set, from its newest snapshot back: keep_last keeps that many; keep_daily, keep_weekly and
// keep_monthly keep the newest snapshot of as many days, ISO weeks and months (UTC) as have one.
// The newest of a set is always kept. An empty policy keeps everything.
//
// Calendar rules read told times, and a clock that was wrong may only make them keep more: a
// snapshot that says it is younger than a later one is kept and counts for nothing; when the newest
// of a set lies ahead of the present clock, calendar rules remove nothing of that set.
#pragma once

#include <span>

#include "drey/bytes.h"
#include "drey/ids.h"

namespace drey {

struct RetentionPolicy {
  static constexpr uint32_t kCountMax = 100'000;
  uint32_t keep_last = 0;
  uint32_t keep_daily = 0;
  uint32_t keep_weekly = 0;
  uint32_t keep_monthly = 0;
  bool empty() const { return keep_last == 0 && !by_calendar(); }
  bool by_calendar() const { return (keep_daily | keep_weekly | keep_monthly) != 0; }
  // False: a number is beyond kCountMax.
  bool valid() const;
};

struct RetentionRow {
  uint64_t sequence = 0;
  int64_t time_ns = 0;  // told
  uint64_t set = 0;     // set_tag()
  bool removed = false;
  StatementId id;
};
static_assert(sizeof(RetentionRow) == 64);

inline constexpr size_t kRetentionSetsMax = 64;  // further sets are kept whole
uint64_t set_tag(std::string_view set);

// Marks as removed what the policy does not keep. `rows` in rising order of their sequence; marks
// that are set stay. An empty or invalid policy marks nothing.
// Other sets than `only_set` stay whole, unless it is 0.
void apply_retention(const RetentionPolicy& policy, int64_t wall_ns, std::span<RetentionRow> rows,
                     uint64_t only_set = 0);

}  // namespace drey
