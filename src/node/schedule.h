// When a set of drey.conf is due, and whether the clock can be trusted with removing snapshots.
// Pure functions of the times they are given: no ports, no disk. Owned by Scheduler, loop thread.
//
// Two clocks: up-time, which never jumps and counts sleep, and the wall, which people write rules
// for and which may be wrong. A wrong wall may cost a backup too many or one a day late; it never
// costs a snapshot.
#pragma once

#include <cstdint>
#include <string_view>

#include "drey/status.h"

namespace drey {

struct ScheduleNow {
  uint64_t up_ns = 0;
  int64_t wall_ns = 0;
  int32_t local_offset_s = 0;  // of local time before UTC
  int64_t local_s() const;     // seconds since 1970 as a clock on the wall would count them
};

struct ScheduleRule {
  uint64_t every_s = 0;    // 0: not by intervals
  int32_t at_minute = -1;  // of the local day; -1: not by the time of day
  // Local minutes in which nothing begins; equal: there are none. May span midnight.
  int32_t quiet_from = 0, quiet_to = 0;
  bool scheduled() const { return every_s != 0 || at_minute >= 0; }
  bool operator==(const ScheduleRule&) const = default;
};

// "02:00" to minutes of the day; kInvalid.
Result<int32_t> parse_time_of_day(std::string_view text);
// "22:00-06:00" into rule.quiet_*.
Status parse_quiet_hours(std::string_view text, ScheduleRule* rule);
bool is_quiet(const ScheduleRule& rule, const ScheduleNow& now);

// What is remembered of a set's last good run over restarts.
struct LastRun {
  int64_t wall_ns = 0;  // when it began; 0: never
  int64_t local_s = 0;
};

class SetTimer {
 public:
  static constexpr uint64_t kSecondNs = 1'000'000'000;
  // After a start the devices find each other first.
  static constexpr uint64_t kStartWaitNs = 10 * kSecondNs;
  // The clock stands before the last run: a device without a battery clock, before it heard the
  // time. It gets a while to hear it.
  static constexpr uint64_t kDoubtWaitNs = 600 * kSecondNs;
  // Between two runs of one rule, whatever the clock does; and after a failure.
  static constexpr uint64_t kPauseNs = 3600 * kSecondNs;
  static constexpr uint64_t kRetryNs = 600 * kSecondNs;
  // A time of day that does not come (a clock that stands, or went back) is not waited for longer.
  static constexpr uint64_t kDayAtMostNs = 26 * 3600 * kSecondNs;
  static constexpr uint32_t kJitterMaxS = 300;

  // At the start of the daemon, or when the set is new.
  void begin(const ScheduleRule& rule, const LastRun& last, const ScheduleNow& now);
  // A reload: what ran stays known.
  void change(const ScheduleRule& rule) { rule_ = rule; }
  bool due(const ScheduleNow& now) const;
  // A run ended well that had begun at `began`. `random` decides how far the next one is put off.
  void ran(const ScheduleNow& began, uint64_t random);
  // It did not: again after kRetryNs.
  void failed(const ScheduleNow& now);
  // Another try soon: something else runs.
  void put_off(const ScheduleNow& now, uint64_t by_ns) { not_before_ns_ = now.up_ns + by_ns; }
  const LastRun& last() const { return last_; }
  const ScheduleRule& rule() const { return rule_; }
  // Seconds until it is due if the clock goes on as it does; 0: now.
  uint64_t due_in_s(const ScheduleNow& now) const;

 private:
  int64_t next_slot_s(const ScheduleNow& now) const;
  uint64_t next_up_ns() const;

  ScheduleRule rule_;
  LastRun last_;
  uint64_t last_up_ns_ = 0;       // when the last run began; meaningless while it never ran
  uint64_t before_start_ns_ = 0;  // how long before up-time 0 that was, if it was
  uint64_t not_before_ns_ = 0;
  uint32_t jitter_s_ = 0;
};

// Notices that the wall jumped ahead, and then says no to removing until 24 h of up-time have
// passed or another device's clock agrees. Jumps add up: many small ones count as one.
class ClockGuard {
 public:
  static constexpr uint64_t kSecondNs = 1'000'000'000;
  static constexpr int64_t kJumpNs = 24 * 3600 * static_cast<int64_t>(kSecondNs);
  static constexpr uint64_t kFreezeNs = 24 * 3600 * kSecondNs;

  // Kept over restarts: the wall as last seen, and what is left of a freeze.
  struct Memory {
    int64_t wall_ns = 0;  // 0: nothing is known
    uint64_t frozen_ns = 0;
  };
  // A device that was off for more than a day cannot tell its sleep from a jump: frozen.
  void begin(const Memory& memory, const ScheduleNow& now);
  // At least once a minute. True when a freeze begins: the memory is to be kept.
  bool look(const ScheduleNow& now);
  bool frozen(const ScheduleNow& now) const { return now.up_ns < frozen_until_ns_; }
  void confirmed(const ScheduleNow& now);
  // Does a told time of another device agree with the wall?
  static bool agrees(int64_t told_ns, int64_t wall_ns);
  Memory memory(const ScheduleNow& now) const;

 private:
  int64_t offset_ns_ = 0;  // wall less up-time, when the window began
  uint64_t window_ns_ = 0;
  uint64_t frozen_until_ns_ = 0;
};

}  // namespace drey
