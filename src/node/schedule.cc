#include "node/schedule.h"

#include <algorithm>

#include "base/text.h"

namespace drey {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kDayS = 86'400;

int64_t floor_div(int64_t value, int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

int32_t minute_of_day(const ScheduleNow& now) {
  int64_t local = now.local_s();
  return static_cast<int32_t>((local - floor_div(local, kDayS) * kDayS) / 60);
}

}  // namespace

int64_t ScheduleNow::local_s() const { return floor_div(wall_ns, kSecondNs) + local_offset_s; }

Result<int32_t> parse_time_of_day(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return Status::kInvalid;
  Result<uint64_t> hour = parse_u64(text.substr(0, 2));
  Result<uint64_t> minute = parse_u64(text.substr(3, 2));
  if (!hour.ok() || !minute.ok() || hour.value() > 23 || minute.value() > 59)
    return Status::kInvalid;
  return static_cast<int32_t>(hour.value() * 60 + minute.value());
}

Status parse_quiet_hours(std::string_view text, ScheduleRule* rule) {
  if (text.size() != 11 || text[5] != '-') return Status::kInvalid;
  Result<int32_t> from = parse_time_of_day(text.substr(0, 5));
  Result<int32_t> to = parse_time_of_day(text.substr(6, 5));
  if (!from.ok() || !to.ok()) return Status::kInvalid;
  rule->quiet_from = from.value();
  rule->quiet_to = to.value();
  return Status::kOk;
}

bool is_quiet(const ScheduleRule& rule, const ScheduleNow& now) {
  int32_t minute = minute_of_day(now);
  if (rule.quiet_from <= rule.quiet_to) return minute >= rule.quiet_from && minute < rule.quiet_to;
  return minute >= rule.quiet_from || minute < rule.quiet_to;
}

void SetTimer::begin(const ScheduleRule& rule, const LastRun& last, const ScheduleNow& now) {
  rule_ = rule;
  last_ = last;
  jitter_s_ = 0;
  not_before_ns_ = now.up_ns + kStartWaitNs;
  last_up_ns_ = before_start_ns_ = 0;
  if (last_.wall_ns == 0) return;
  if (now.wall_ns < last_.wall_ns) {
    // Nobody knows how long ago that was: due, but not at once.
    not_before_ns_ = now.up_ns + kDoubtWaitNs;
    before_start_ns_ = UINT64_MAX / 2;
    return;
  }
  auto ago_ns = static_cast<uint64_t>(now.wall_ns - last_.wall_ns);
  last_up_ns_ = now.up_ns - std::min(now.up_ns, ago_ns);
  before_start_ns_ = ago_ns - std::min(now.up_ns, ago_ns);
}

// The up-time from which an interval, or the longest wait for a time of day, is over.
uint64_t SetTimer::next_up_ns() const {
  uint64_t wait_ns =
      rule_.every_s != 0 ? (rule_.every_s + jitter_s_) * SetTimer::kSecondNs : kDayAtMostNs;
  return last_up_ns_ + wait_ns - std::min(wait_ns, before_start_ns_);
}

// The local second at which the rule's time of day comes, or came, for the run after the last one.
int64_t SetTimer::next_slot_s(const ScheduleNow& now) const {
  int64_t at_s = int64_t{rule_.at_minute} * 60;
  int64_t today = floor_div(now.local_s(), kDayS) * kDayS + at_s;
  int64_t slot = today <= now.local_s() ? today : today - kDayS;  // the newest that has come
  return slot > last_.local_s ? slot : slot + kDayS;
}

bool SetTimer::due(const ScheduleNow& now) const { return due_in_s(now) == 0; }

uint64_t SetTimer::due_in_s(const ScheduleNow& now) const {
  if (!rule_.scheduled()) return UINT64_MAX;
  uint64_t wait_ns = not_before_ns_ - std::min(not_before_ns_, now.up_ns);
  if (last_.wall_ns != 0) {
    uint64_t up_ns = next_up_ns();
    uint64_t rule_ns = up_ns - std::min(up_ns, now.up_ns);
    if (rule_.at_minute >= 0) {
      int64_t left_s = next_slot_s(now) + jitter_s_ - now.local_s();
      uint64_t slot_ns = static_cast<uint64_t>(std::max<int64_t>(left_s, 0)) * SetTimer::kSecondNs;
      rule_ns = std::min(rule_ns, slot_ns);
    }
    wait_ns = std::max(wait_ns, rule_ns);
  }
  return (wait_ns + SetTimer::kSecondNs - 1) / SetTimer::kSecondNs;
}

void SetTimer::ran(const ScheduleNow& began, uint64_t random) {
  last_ = {began.wall_ns != 0 ? began.wall_ns : 1, began.local_s()};
  last_up_ns_ = began.up_ns;
  before_start_ns_ = 0;
  // An interval is never put off by more than a twentieth of it.
  uint64_t most_s = rule_.every_s != 0 ? std::min<uint64_t>(rule_.every_s / 20, kJitterMaxS)
                                       : uint64_t{kJitterMaxS};
  jitter_s_ = static_cast<uint32_t>(random % (most_s + 1));
  uint64_t pause_ns = kPauseNs;
  if (rule_.every_s != 0) pause_ns = std::min(pause_ns, rule_.every_s * SetTimer::kSecondNs);
  not_before_ns_ = began.up_ns + pause_ns;
}

void SetTimer::failed(const ScheduleNow& now) {
  uint64_t wait_ns = kRetryNs;
  if (rule_.every_s != 0) wait_ns = std::min(wait_ns, rule_.every_s * SetTimer::kSecondNs);
  not_before_ns_ = now.up_ns + wait_ns;
}

void ClockGuard::begin(const Memory& memory, const ScheduleNow& now) {
  offset_ns_ = now.wall_ns - static_cast<int64_t>(now.up_ns);
  window_ns_ = now.up_ns;
  frozen_until_ns_ = memory.frozen_ns == 0 ? 0 : now.up_ns + std::min(memory.frozen_ns, kFreezeNs);
  bool jumped = memory.wall_ns != 0 && now.wall_ns - memory.wall_ns > kJumpNs;
  if (jumped) frozen_until_ns_ = now.up_ns + kFreezeNs;
}

bool ClockGuard::look(const ScheduleNow& now) {
  int64_t offset_ns = now.wall_ns - static_cast<int64_t>(now.up_ns);
  bool jumped = offset_ns - offset_ns_ > kJumpNs;
  if (jumped) frozen_until_ns_ = now.up_ns + kFreezeNs;
  // A clock that goes back makes retention keep more by itself (backup/retention.h); the jump that
  // brings it forward again begins from there.
  if (jumped || offset_ns < offset_ns_ - kJumpNs || now.up_ns - window_ns_ >= kFreezeNs) {
    offset_ns_ = offset_ns;
    window_ns_ = now.up_ns;
  }
  return jumped;
}

void ClockGuard::confirmed(const ScheduleNow& now) {
  frozen_until_ns_ = 0;
  offset_ns_ = now.wall_ns - static_cast<int64_t>(now.up_ns);
  window_ns_ = now.up_ns;
}

bool ClockGuard::agrees(int64_t told_ns, int64_t wall_ns) {
  return told_ns > wall_ns - kJumpNs && told_ns < wall_ns + kJumpNs;
}

ClockGuard::Memory ClockGuard::memory(const ScheduleNow& now) const {
  return {now.wall_ns, frozen_until_ns_ - std::min(frozen_until_ns_, now.up_ns)};
}

}  // namespace drey
