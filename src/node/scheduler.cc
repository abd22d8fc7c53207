#include "node/scheduler.h"

#include <algorithm>
#include <utility>

namespace drey {
namespace {

constexpr std::string_view kClockKey = "clock";
constexpr uint64_t kTickNs = 1'000'000'000;
constexpr size_t kNone = SIZE_MAX;

// "run/" and the set's tag: a set's name may be as long as a whole key.
std::string_view run_key(uint64_t tag, std::span<char> room) {
  std::array<uint8_t, 8> bytes;
  store_le(bytes.data(), tag);
  TextWriter out(room);
  out.text("run/").hex(bytes);
  return out.view();
}

uint32_t count_of(const Config& config, ConfigKey key, size_t set) {
  return config.is_set(key, set) ? static_cast<uint32_t>(config.number(key, set)) : 0;
}

const char* failure_words(Status status) {
  switch (status) {
    case Status::kChanged:
      return "a folder has become empty, or its disk is not mounted";
    case Status::kNotFound:
      return "a folder of it does not exist";
    case Status::kDenied:
      return "a folder of it may not be read";
    case Status::kExists:
      return "another device runs with this device's identity (drey doctor says more)";
    case Status::kUnsupported:
      return "a folder of it is never backed up (drey's own, or a file system without files)";
    case Status::kFull:
      return "no device has space for more";
    case Status::kReadOnly:
      return "this device's disk has become read-only";
    case Status::kCancelled:
      return "it was interrupted";
    default:
      return status_name(status);
  }
}

}  // namespace

ScheduleRule Scheduler::rule_of(const Config& config, size_t set) {
  ScheduleRule rule;
  if (config.is_set(ConfigKey::kEvery, set)) {
    rule.every_s = config.number(ConfigKey::kEvery, set);
  } else {
    Result<int32_t> at = parse_time_of_day(config.text(ConfigKey::kAt, 0, set));
    rule.at_minute = at.ok() ? at.value() : 0;
  }
  // Checked when the file was read.
  if (config.is_set(ConfigKey::kQuiet))
    (void)parse_quiet_hours(config.text(ConfigKey::kQuiet), &rule);
  return rule;
}

RetentionPolicy Scheduler::policy_of(const Config& config, size_t set) {
  RetentionPolicy policy;
  policy.keep_last = count_of(config, ConfigKey::kKeepLast, set);
  policy.keep_daily = count_of(config, ConfigKey::kKeepDaily, set);
  policy.keep_weekly = count_of(config, ConfigKey::kKeepWeekly, set);
  policy.keep_monthly = count_of(config, ConfigKey::kKeepMonthly, set);
  return policy;
}

ScheduleNow Scheduler::now() {
  int64_t wall_ns = options_.clock->wall_ns();
  return {options_.clock->up_ns(), wall_ns, options_.clock->local_offset_s(wall_ns)};
}

uint64_t Scheduler::random() {
  std::array<uint8_t, 8> bytes{};
  // Without it every device begins at the same second: no reason to fail.
  (void)options_.random->fill(bytes);
  return load_le<uint64_t>(bytes.data());
}

size_t Scheduler::find(uint64_t tag) const {
  for (size_t i = 0; i < set_count_; ++i)
    if (sets_[i].tag == tag) return i;
  return kNone;
}

LastRun Scheduler::load_run(uint64_t tag) {
  std::array<char, 24> room;
  std::array<uint8_t, kRunBytes> bytes;
  size_t size = 0;
  LastRun last;
  if (!ok(options_.work->load(run_key(tag, room), bytes, &size)) || size != bytes.size())
    return last;
  ByteReader reader{Bytes(bytes)};
  last.wall_ns = static_cast<int64_t>(reader.u64());
  last.local_s = static_cast<int64_t>(reader.u64());
  return last;
}

void Scheduler::start(const Options& options) {
  options_ = options;
  done_.set(options.ready, this, &Scheduler::finished);
  ClockGuard::Memory memory;
  std::array<uint8_t, kClockBytes> bytes;
  size_t size = 0;
  if (ok(options_.work->load(kClockKey, bytes, &size)) && size == bytes.size()) {
    ByteReader reader{Bytes(bytes)};
    memory.wall_ns = static_cast<int64_t>(reader.u64());
    memory.frozen_ns = reader.u64();
  }
  guard_.begin(memory, now());
  clock_changed_ = true;
  take_sets(options.config, true);
}

// A set that a reload brings is taken for one that never ran: the state log belongs to a lane now.
void Scheduler::reload(const Config* config) { take_sets(config, false); }

void Scheduler::take_sets(const Config* config, bool starting) {
  options_.config = config;
  std::array<Set, Config::kSetsMax> old = sets_;
  size_t old_count = std::exchange(set_count_, config->set_count());
  for (size_t i = 0; i < set_count_; ++i) {
    uint64_t tag = set_tag(config->set_name(i));
    ScheduleRule rule = rule_of(*config, i);
    auto known = std::find_if(old.begin(), old.begin() + static_cast<ptrdiff_t>(old_count),
                              [tag](const Set& set) { return set.tag == tag; });
    if (known != old.begin() + static_cast<ptrdiff_t>(old_count)) {
      sets_[i] = *known;
      sets_[i].timer.change(rule);
      continue;
    }
    sets_[i] = {};
    sets_[i].tag = tag;
    sets_[i].timer.begin(rule, starting ? load_run(tag) : LastRun{}, now());
    // After a start the devices have to find each other first; at a reload they have.
    if (!starting) sets_[i].timer.put_off(now(), 0);
  }
}

bool Scheduler::frozen() { return guard_.frozen(now()); }

void Scheduler::tick(uint64_t now_ns) {
  if (set_count_ == 0 || now_ns < next_tick_ns_) return;
  next_tick_ns_ = now_ns + kTickNs;
  ScheduleNow at = now();
  if (guard_.look(at)) {
    clock_changed_ = true;
    frozen_told_ = false;
    options_.log->warning(
        "the clock has jumped ahead by more than a day; backups go on, and old snapshots stay "
        "until "
        "another device agrees or a day has passed");
  }
  if (stopping_ || state_ != State::kIdle) return;
  if (clock_changed_ || now_ns >= next_memory_ns_) return save_clock();
  for (size_t i = 0; i < set_count_; ++i) {
    if (sets_[i].expire) return next_step(i);
    if (sets_[i].timer.due(at) && !is_quiet(sets_[i].timer.rule(), at)) return begin_backup(i);
  }
}

void Scheduler::begin_backup(size_t set) {
  Set& it = sets_[set];
  began_ = now();
  Status status = options_.work->begin_backup(set, &done_);
  if (status == Status::kBusy) return it.timer.put_off(began_, kBusyNs);
  if (!ok(status)) {
    it.tried = true;
    it.status = status;
    return it.timer.failed(began_);
  }
  running_ = it.tag;
  state_ = State::kBackingUp;
}

// Whatever was begun has ended.
void Scheduler::finished(Status status) {
  switch (std::exchange(state_, State::kIdle)) {
    case State::kIdle:
    case State::kSaving:
      return;
    case State::kBackingUp:
      return backed_up(status);
    case State::kConfirming:
      return confirmed(status);
    case State::kForgetting:
      return expired(status);
  }
}

void Scheduler::backed_up(Status status) {
  size_t set = find(running_);
  if (set == kNone) return;
  Set& it = sets_[set];
  if (status != Status::kCancelled || !stopping_) {
    it.tried = true;
    it.status = status;
  }
  // A source that cannot be read, has become empty or is not mounted: what was kept stays.
  if (!ok(status)) {
    if (status != Status::kCancelled)
      options_.log->warning("a backup of drey.conf failed: %s; trying again",
                            failure_words(status));
    return it.timer.failed(now());
  }
  it.timer.ran(began_, random());
  it.expire = !policy_of(*options_.config, set).empty();
  save_run(set);
}

void Scheduler::next_step(size_t set) {
  Set& it = sets_[set];
  ScheduleNow at = now();
  bool ask = guard_.frozen(at);
  Status status = ask ? options_.work->begin_confirm(at.wall_ns, &done_)
                      : options_.work->begin_retention(set, &done_);
  if (status == Status::kBusy) return;  // the next tick asks again
  if (!ok(status)) {
    it.expire = false;
    return;
  }
  running_ = it.tag;
  state_ = ask ? State::kConfirming : State::kForgetting;
}

void Scheduler::confirmed(Status status) {
  size_t set = find(running_);
  if (ok(status)) {
    guard_.confirmed(now());
    clock_changed_ = true;
    return;
  }
  // Everything stays until the next run of the set asks again.
  if (set != kNone) sets_[set].expire = false;
  if (std::exchange(frozen_told_, true)) return;
  options_.log->info("old snapshots stay for now: the clock is not trusted yet");
}

void Scheduler::expired(Status status) {
  size_t set = find(running_);
  if (set == kNone) return;
  sets_[set].expire = false;
  if (!ok(status) && status != Status::kCancelled)
    options_.log->warning("the rules of drey.conf removed nothing: %s", status_name(status));
}

void Scheduler::save_run(size_t set) {
  std::array<char, 24> room;
  const LastRun& last = sets_[set].timer.last();
  ByteWriter writer{MutBytes(value_)};
  writer.u64(static_cast<uint64_t>(last.wall_ns));
  writer.u64(static_cast<uint64_t>(last.local_s));
  if (ok(options_.work->begin_save(run_key(sets_[set].tag, room), value_, &done_)))
    state_ = State::kSaving;
}

void Scheduler::save_clock() {
  ScheduleNow at = now();
  ClockGuard::Memory memory = guard_.memory(at);
  clock_changed_ = false;
  next_memory_ns_ = at.up_ns + kMemoryNs;
  ByteWriter writer{MutBytes(value_)};
  writer.u64(static_cast<uint64_t>(memory.wall_ns));
  writer.u64(memory.frozen_ns);
  if (ok(options_.work->begin_save(kClockKey, value_, &done_))) state_ = State::kSaving;
}

Scheduler::SetState Scheduler::set_state(size_t index) {
  ScheduleNow at = now();
  const Set& set = sets_[index];
  bool failed = set.tried && !ok(set.status);
  SetState is;
  is.name = options_.config->set_name(index);
  if (failed) is.message = failure_words(set.status);
  is.state = state_ == State::kBackingUp && running_ == set.tag ? "running"
             : failed                                           ? "failed"
                                                                : "waiting";
  is.next_s = set.timer.due_in_s(at);
  is.ran = set.timer.last().wall_ns != 0;
  int64_t age_ns = at.wall_ns - set.timer.last().wall_ns;
  is.last_age_s = static_cast<uint64_t>(std::max<int64_t>(age_ns, 0)) / kTickNs;
  return is;
}

void Scheduler::write_status(TextWriter& out) {
  out.text(",\"schedule\":[");
  for (size_t i = 0; i < set_count_; ++i) {
    SetState is = set_state(i);
    out.text(i > 0 ? ",{\"set\":" : "{\"set\":").json_string(is.name);
    out.text(",\"state\":").json_string(is.state);
    if (is.message != nullptr) out.text(",\"message\":").json_string(is.message);
    out.text(",\"next_s\":").decimal(is.next_s).text(",\"last_age_s\":");
    if (is.ran) {
      out.decimal(is.last_age_s).text("}");
    } else {
      out.text("null}");
    }
  }
  out.text("],\"clock_trusted\":").text(guard_.frozen(now()) ? "false" : "true");
}

}  // namespace drey
