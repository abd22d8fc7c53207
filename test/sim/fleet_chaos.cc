// L1: a mesh of five devices and all faults at once, for a day at a time. Four times a day the
// faults stop; then everything must be in order again within an hour, and everything that was
// acknowledged be there. Only then may a card lose something: what was never copied yet may be lost
// with its only card.
#include <map>

#include "sim/fleet.h"
#include "sim/log_map.h"

namespace drey::sim {
namespace {

constexpr uint64_t kRounds = 4;
constexpr uint64_t kFaultsNs = 5 * kHour;
constexpr uint64_t kOrderNs = kHour;

SimDisk::Crash any_crash(SimRng& rng) {
  SimDisk::Crash crash;
  crash.keep = static_cast<SimDisk::Keep>(rng.below(4));
  crash.seed = rng.next();
  crash.tear_bytes = rng.below(2) == 0 ? 512 : 4096;
  return crash;
}

// One mesh living through its day.
class Life {
 public:
  Life(Fleet* fleet, uint64_t seed) : fleet_(*fleet), world_(fleet->world), rng_(seed) {}
  std::string live();

 private:
  void say(size_t i, const std::string& what) { world_.node(i).host.log_line(7, "-- " + what); }
  size_t any() { return rng_.below(fleet_.size()); }
  std::string act();
  void change_paths();
  void change_weather();
  void doze(size_t i);
  void fall(size_t i);
  void end_of_disk(size_t i);
  void arm(size_t i);
  void turn_clock(size_t i);
  void use(size_t i);
  std::string revive();
  std::string calm();
  void rot();

  Fleet& fleet_;
  SimWorld& world_;
  SimRng rng_;
  std::map<size_t, uint64_t> back_ns_;  // devices that are off: until then
};

// ---- faults ----

void Life::change_paths() {
  uint64_t how = rng_.below(4);
  if (how == 0) return world_.mend_all();
  if (how == 1) {  // one way only
    size_t from = any();
    size_t to = any();
    if (from != to) world_.cut(world_.node(from), world_.node(to), true);
    return;
  }
  world_.mend_all();
  std::vector<const SimNode*> group;
  for (size_t i = 0; i < fleet_.size(); ++i)
    if (rng_.below(2) == 0) group.push_back(&world_.node(i));
  world_.partition(group);
}

void Life::change_weather() {
  SimWorld::NetOptions net;
  constexpr uint32_t kLoss[] = {0, 0, 10'000, 50'000, 200'000};
  net.datagram_loss_ppm = kLoss[rng_.below(5)] * 2;
  net.stream_loss_ppm = kLoss[rng_.below(5)];
  net.datagram_repeat_ppm = kLoss[rng_.below(5)];
  constexpr uint64_t kLatency[] = {2, 2, 50, 200, 1000};
  net.latency_ns_max = kLatency[rng_.below(5)] * kMillisecond;
  net.bytes_per_second = rng_.below(3) == 0 ? 50'000 : 0;
  world_.net = net;
}

void Life::doze(size_t i) {
  if (!fleet_.at(i).is_awake()) return;
  say(i, "sleeps");
  fleet_.at(i).sim().fall_asleep();
  back_ns_[i] = world_.now_ns() + rng_.between(1, 180) * kMinute;
}

// It dies, now or at one of the next calls of its disk, and is back some time later.
void Life::fall(size_t i) {
  Machine& machine = fleet_.at(i);
  if (!machine.is_awake()) return;
  if (rng_.below(2) == 0) {
    say(i, "its disk will end at a call");
    // Most often the machine ends with it.
    bool alone = rng_.below(8) == 0;
    machine.sim().disk.on_cut = [this, i, alone] {
      world_.after(alone ? kHour : kMicrosecond, nullptr, [this, i] { end_of_disk(i); });
    };
    machine.sim().disk.cut_at(rng_.between(1, 60), static_cast<SimDisk::Cut>(rng_.below(3)));
    return;
  }
  say(i, "dies");
  if (rng_.below(3) == 0) {
    machine.kill();
  } else {
    machine.switch_off(any_crash(rng_));
  }
  back_ns_[i] = world_.now_ns() + rng_.below(120) * kMinute;
}

void Life::arm(size_t i) {
  using Call = SimDisk::Call;
  constexpr Call kCalls[] = {Call::kRead, Call::kWrite, Call::kSync, Call::kOpen, Call::kNames};
  SimDisk& disk = fleet_.at(i).sim().disk;
  Call call = kCalls[rng_.below(5)];
  Status status = call == Call::kWrite && rng_.below(2) == 0 ? Status::kFull : Status::kIo;
  disk.sync_failure =
      rng_.below(2) == 0 ? SimDisk::SyncFailure::kKept : SimDisk::SyncFailure::kReverted;
  say(i, "calls of kind " + std::to_string(static_cast<int>(call)) + " fail");
  disk.fail_nth(call, rng_.between(1, 200), status, rng_.between(1, 4));
}

void Life::turn_clock(size_t i) {
  constexpr int64_t kSecondsOf[] = {0, 1735689600, 2147483647, 2147483648 + 86400, 4294967296};
  SimClock& clock = fleet_.at(i).sim().clock;
  clock.wall_frozen = rng_.below(5) == 0;
  int64_t years = static_cast<int64_t>(rng_.below(21)) - 10;
  clock.wall_offset_ns = kSecondsOf[rng_.below(5)] * static_cast<int64_t>(kSecond);
  if (rng_.below(2) == 0)
    clock.wall_offset_ns = (1735689600 + years * 31556952) * static_cast<int64_t>(kSecond);
  clock.wall_frozen_ns = clock.wall_offset_ns;
}

// ---- what people do ----

void Life::use(size_t i) {
  switch (rng_.below(5)) {
    case 0:
      return fleet_.forget(i, static_cast<uint32_t>(rng_.between(1, 3)));
    case 1:
      if (fleet_.at(i).is_awake()) fleet_.at(i).node().scrubber().hurry();
      return;
    default:
      fleet_.edit(i);
      fleet_.back_up(i);
  }
}

std::string Life::act() {
  size_t i = any();
  switch (rng_.below(12)) {
    case 0:
      change_paths();
      break;
    case 1:
      change_weather();
      break;
    case 2:
      doze(i);
      break;
    case 3:
    case 4:
      fall(i);
      break;
    case 5:
      arm(i);
      break;
    case 6:
      turn_clock(i);
      break;
    case 7:
      return fleet_.check(i, false);
    default:
      use(i);
  }
  return "";
}

void Life::end_of_disk(size_t i) {
  Machine& machine = fleet_.at(i);
  if (!machine.is_running() || !machine.sim().disk.is_cut()) return;
  say(i, "its disk has ended");
  machine.switch_off(any_crash(rng_));
  back_ns_[i] = world_.now_ns() + rng_.below(120) * kMinute;
}

// Who died comes back, at the latest when its time has come.
std::string Life::revive() {
  for (size_t i = 0; i < fleet_.size(); ++i) {
    Machine& machine = fleet_.at(i);
    if (!back_ns_.contains(i) || world_.now_ns() < back_ns_[i]) continue;
    back_ns_.erase(i);
    machine.sim().wake_up();
    if (machine.is_running()) continue;
    machine.sim().disk.clear_faults();
    say(i, "is back");
    Status status = machine.start();
    if (!ok(status)) return machine.sim().name() + ": " + failed("start", status);
  }
  return "";
}

// ---- the end of a round ----

std::string Life::calm() {
  for (size_t i = 0; i < fleet_.size(); ++i) end_of_disk(i);
  for (size_t i = 0; i < fleet_.size(); ++i) back_ns_[i] = 0;
  std::string wrong = revive();
  if (wrong.empty()) wrong = fleet_.mend();
  if (!wrong.empty()) return wrong;
  wrong = fleet_.settle(kOrderNs);
  if (!wrong.empty()) return "not in order an hour after the faults: " + wrong;
  wrong = fleet_.check_all(true);
  return wrong.empty() ? fleet_.check_logs() : wrong;
}

// Everything is protected: one card may lose some of what it holds.
void Life::rot() {
  size_t i = any();
  SimDisk& disk = fleet_.at(i).sim().disk;
  std::vector<LogPlace> places = log_places(disk);
  uint64_t flips = rng_.below(20);
  say(i, std::to_string(flips) + " records rot");
  for (; flips > 0; --flips) {
    const LogPlace& place = places[rng_.below(places.size())];
    if (!place.is_record()) continue;
    uint64_t at = place.offset + kEntryHeaderBytes + rng_.below(place.header.length);
    disk.flip(place.file, at, static_cast<uint8_t>(1 << rng_.below(8)));
  }
}

std::string Life::live() {
  std::string wrong = fleet_.mend();
  for (uint64_t round = 0; round < kRounds && wrong.empty(); ++round) {
    uint64_t end = world_.now_ns() + kFaultsNs;
    while (world_.now_ns() < end && wrong.empty()) {
      world_.run_for(rng_.between(5, 900) * kSecond);
      wrong = revive();
      if (wrong.empty()) wrong = act();
    }
    if (wrong.empty()) wrong = calm();
    if (wrong.empty()) rot();
  }
  if (wrong.empty()) wrong = calm();
  return wrong;
}

Outcome live_through(uint64_t seed) {
  FleetOptions options;
  options.count = 5;
  options.vaults = seed % 3 == 0 ? 1 : 0;
  Fleet fleet(seed, options);
  for (size_t i = 0; i < fleet.size(); ++i) fleet.at(i).plain = seed % 20 != 0;
  Life life(&fleet, mix(seed, 31));
  Outcome outcome;
  outcome.wrong = life.live();
  outcome.value = fleet.world.trace_hash();
  return outcome;
}

}  // namespace

void run_mesh_chaos(Suite& suite) {
  constexpr uint64_t kDays = 500;
  suite.expect(kDays);
  for (uint64_t index = 0; index < kDays; ++index) {
    if (!suite.wants(index)) continue;
    suite.run(index, [&] { return live_through(mix(suite.seed(), index, 32)); });
  }
}

void run_mesh_trace(Suite& suite) {
  if (suite.seed() % suite.options().shards != suite.options().shard) return;
  auto body = [&suite] { return live_through(mix(suite.seed(), 0, 33)); };
  suite.expect(1);
  Outcome first = suite.run(0, body);
  Outcome second = suite.run(0, body);
  if (first.value != second.value) suite.note("two runs of one day differ");
}

}  // namespace drey::sim
