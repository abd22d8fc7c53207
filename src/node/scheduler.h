// The scheduler: runs the sets of drey.conf when they are due, one at a time, and after each good
// run the retention rules of that set. Part of the node, loop thread; ticks once a second.
//
// When a set ran and what the clock was is kept in the state log ("run/TAG", "clock"); after a
// crash at worst a set runs once more than it had to. Removing needs a clock that can be trusted
// (schedule.h): until then everything is kept.
#pragma once

#include <array>

#include "backup/types.h"
#include "base/config.h"
#include "base/log.h"
#include "base/text.h"
#include "mesh/data/data_signal.h"
#include "node/schedule.h"

namespace drey {

// What the scheduler has done for it. The node is one; tests have another.
class ScheduleWork {
 public:
  virtual ~ScheduleWork() = default;
  // kBusy: something else runs, later. Others: told. `done` completes with the outcome.
  virtual Status begin_backup(size_t set, Op* done) = 0;
  // kOk, or why nothing was removed; kBusy likewise.
  virtual Status begin_retention(size_t set, Op* done) = 0;
  // Does another device's newest snapshot agree with this wall clock? kOk, kNotFound.
  virtual Status begin_confirm(int64_t wall_ns, Op* done) = 0;
  // Writes one value of the state log.
  virtual Status begin_save(std::string_view key, Bytes value, Op* done) = 0;
  // Reads one; only from start(), before the loop runs. kNotFound.
  virtual Status load(std::string_view key, MutBytes to, size_t* size) = 0;
};

class Scheduler {
 public:
  static constexpr uint64_t kSecondNs = 1'000'000'000;
  static constexpr uint64_t kBusyNs = 15 * kSecondNs;
  static constexpr uint64_t kMemoryNs = 3600 * kSecondNs;  // how often the clock's memory is kept
  static constexpr size_t kRunBytes = 16;    // i64 wall ns, i64 local s; little endian
  static constexpr size_t kClockBytes = 16;  // i64 wall ns, u64 ns of a freeze that are left

  struct Options {
    const Config* config = nullptr;
    ScheduleWork* work = nullptr;
    Clock* clock = nullptr;
    Random* random = nullptr;
    Log* log = nullptr;
    ReadyQueue* ready = nullptr;
  };
  void start(const Options& options);
  // The sets of another configuration; what runs goes on, sets of the same name keep their times.
  void reload(const Config* config);
  void tick(uint64_t now_ns);
  // What runs is ended by its own module; nothing begins any more.
  void stop() { stopping_ = true; }
  bool idle() const { return state_ == State::kIdle; }
  bool frozen();
  // How each set is doing, for people.
  struct SetState {
    std::string_view name;
    const char* state = "waiting";  // "running", "failed"
    const char* message = nullptr;  // why, when it failed
    uint64_t next_s = 0, last_age_s = 0;
    bool ran = false;
  };
  size_t set_count() const { return set_count_; }
  SetState set_state(size_t set);
  // ,"schedule":[...] of the status.
  void write_status(TextWriter& out);

  // The rule and the policy of a set of drey.conf.
  static ScheduleRule rule_of(const Config& config, size_t set);
  static RetentionPolicy policy_of(const Config& config, size_t set);

 private:
  enum class State : uint8_t { kIdle, kBackingUp, kConfirming, kForgetting, kSaving };
  struct Set {
    uint64_t tag = 0;
    SetTimer timer;
    Status status = Status::kOk;  // of the last try
    bool tried = false;
    bool expire = false;  // retention is due: the run was good
  };
  ScheduleNow now();
  uint64_t random();
  size_t find(uint64_t tag) const;
  LastRun load_run(uint64_t tag);
  void take_sets(const Config* config, bool starting);
  void begin_backup(size_t set);
  void next_step(size_t set);
  void finished(Status status);
  void backed_up(Status status);
  void confirmed(Status status);
  void expired(Status status);
  void save_run(size_t set);
  void save_clock();

  Options options_;
  State state_ = State::kIdle;
  bool stopping_ = false;
  bool frozen_told_ = false;
  bool clock_changed_ = false;
  uint64_t next_tick_ns_ = 0, next_memory_ns_ = 0;
  uint64_t running_ = 0;  // tag of the set in hand
  ScheduleNow began_;
  ClockGuard guard_;
  size_t set_count_ = 0;
  std::array<Set, Config::kSetsMax> sets_{};
  std::array<uint8_t, 16> value_{};
  DataSignal<Scheduler> done_;
};

}  // namespace drey
