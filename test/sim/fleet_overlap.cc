// Group F, what overlaps what: restores beside giving up and compaction (F4), a backup that takes
// longer than every grace time (F5), the first backup of a device beside two whole runs of giving
// up what it refers to (F6).
#include "sim/fleet.h"

namespace drey::sim {
namespace {

void each_life(Suite& suite, uint64_t cases,
               const std::function<std::string(uint64_t index, SimRng& rng)>& body) {
  suite.expect(cases);
  for (uint64_t index = 0; index < cases; ++index) {
    if (!suite.wants(index)) continue;
    suite.run(index, [&] {
      SimRng rng(mix(suite.seed(), index, 71));
      return Outcome{1, 0, body(index, rng)};
    });
  }
}

// Several segments of each owner, so that there is something to compact.
FleetOptions several_segments(size_t count) {
  FleetOptions options;
  options.count = count;
  options.files = 12;
  options.large_bytes = 256 * 1024;
  return options;
}

std::string begin(Fleet& fleet) {
  std::string wrong = fleet.mend();
  return wrong.empty() && !fleet.together() ? "they do not find each other" : wrong;
}

// The devices below `count` back up, one round of edits after another.
std::string backups(Fleet& fleet, size_t count, int rounds) {
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < count && round > 0; ++i) fleet.edit(i);
    for (size_t i = 0; i < count; ++i) fleet.back_up(i);
    if (!fleet.quiet()) return "a backup does not end";
    for (size_t i = 0; i < count; ++i)
      if (!fleet.last_worked(i)) return "a backup failed";
  }
  return "";
}

std::string end(Fleet& fleet) {
  if (!fleet.quiet()) return "a backup does not end";
  std::string wrong = fleet.settle();
  if (wrong.empty()) wrong = fleet.check_all(true);
  return wrong.empty() ? fleet.check_logs() : wrong;
}

// The nth read of a file from now on device i takes that long, and so do `more` behind it: the
// backup stays in the midst of its work, everything else on the device goes on.
void hold(Fleet& fleet, size_t i, uint64_t nth_read, uint64_t stall_ns, int more = 0) {
  SimNode& sim = fleet.at(i).sim();
  sim.tree.before_read(nth_read, [&fleet, &sim, i, stall_ns, more] {
    uint64_t& stall = sim.lanes.stall_ns[static_cast<size_t>(Lane::kWork)];
    stall = stall_ns;
    fleet.world.after(1, nullptr, [&fleet, &stall, i, stall_ns, more] {
      stall = 0;
      if (more > 0) hold(fleet, i, 1, stall_ns, more - 1);
    });
  });
}

uint64_t approved(Fleet& fleet, size_t i) { return fleet.at(i).mesh().data().unpins().approved; }

// Device i changes its files, backs up, lets the rest go, and its sweep comes to its end, all while
// device `held` is backing up; then holders are told, and compact.
std::string give_up_beside(Fleet& fleet, size_t i, size_t held) {
  uint64_t before = approved(fleet, i);
  auto idle = [&] { return !fleet.is_busy(i); };
  for (int round = 0; round < 3; ++round) fleet.edit(i);
  fleet.back_up(i);
  if (!fleet.world.run_until(idle, kHour)) return "a backup beside a long one does not end";
  if (!fleet.last_worked(i)) return "a backup beside a long one failed";
  fleet.forget(i, 1);
  auto swept = [&] { return !fleet.is_busy(i) && approved(fleet, i) > before; };
  if (!fleet.world.run_until(swept, kHour)) return "nothing is given up beside a long backup";
  fleet.world.run_for(3 * kMinute);
  return fleet.is_busy(held) ? "" : "the long backup was over before";
}

}  // namespace

// F2: all devices let go, give up and compact within seconds, four times; between two of these a
// short split or a power cut in every second life.
void run_all_forget(Suite& suite) {
  each_life(suite, 2000, [&](uint64_t index, SimRng& rng) -> std::string {
    FleetOptions options = several_segments(2 + index % 2);
    options.copies = static_cast<uint8_t>(options.count - 1);
    Fleet fleet(mix(suite.seed(), index % 50, 75), options);
    std::string wrong = begin(fleet);
    for (int round = 0; round < 4 && wrong.empty(); ++round) {
      for (size_t i = 0; i < fleet.size(); ++i) fleet.edit(i);
      for (size_t i = 0; i < fleet.size(); ++i) fleet.back_up(i);
      if (!fleet.quiet()) return "a backup does not end";
      for (size_t i = 0; i < fleet.size(); ++i) {
        fleet.forget(i, 1);
        fleet.world.run_for(rng.below(2) == 0 ? 0 : rng.below(8 * kSecond));
      }
      fleet.world.run_for(rng.below(30) * kSecond);
      if (index % 4 < 2) continue;
      size_t i = rng.below(fleet.size());
      fleet.world.partition({&fleet.world.node(i)});
      if (index % 4 == 3)
        fleet.at(i).lose_power({static_cast<SimDisk::Keep>(rng.below(4)), rng.next(), 512});
      fleet.world.run_for(rng.below(kMinute));
      wrong = fleet.mend();
    }
    return wrong.empty() ? end(fleet) : wrong;
  });
}

// F4: a device restores another one's newest snapshot over a slow net while everybody backs up,
// lets go of the rest, gives up and compacts. The restore must be whole.
void run_restore_beside_forgetting(Suite& suite) {
  each_life(suite, 500, [&](uint64_t index, SimRng& rng) -> std::string {
    Fleet fleet(mix(suite.seed(), index % 50, 72), several_segments(3 + index % 2));
    std::string wrong = begin(fleet);
    if (wrong.empty()) wrong = backups(fleet, fleet.size(), 4);
    if (wrong.empty()) wrong = fleet.settle();
    if (!wrong.empty()) return wrong;
    size_t reader = rng.below(fleet.size());
    size_t owner = rng.below(fleet.size());
    Machine& machine = fleet.at(reader);
    Status status = machine.wait([&](Machine::Done done) { machine.list(std::move(done)); });
    if (!ok(status)) return failed("list", status);
    SnapshotInfo newest;
    for (const SnapshotInfo& info : machine.listed())
      if (fleet.newest(owner) != nullptr && info.id == *fleet.newest(owner)) newest = info;
    fleet.world.net.bytes_per_second = 50'000 + rng.below(500'000);
    fleet.world.net.latency_ns_max = 40 * kMillisecond;
    // Opening a record takes a slow device this long.
    uint64_t& stall = machine.sim().lanes.stall_ns[static_cast<size_t>(Lane::kWork)];
    stall = rng.below(1000) * kMillisecond;
    // Giving up begins just before, at once with it, or in the midst of it.
    for (size_t i = 0; i < fleet.size(); ++i) fleet.forget(i, i == owner ? 2 : 1);
    fleet.world.run_for(rng.below(12 * kSecond));
    bool over = false;
    machine.restore(newest, [&](Status with) {
      status = with;
      over = true;
    });
    for (int steps = 0; !over && steps < 2000; ++steps) {
      fleet.world.run_for(rng.below(500) * kMillisecond);
      size_t i = rng.below(fleet.size());
      // The snapshot that is read stays among the newest two of its owner.
      if (i == owner) continue;
      fleet.edit(i);
      if (rng.below(2) == 0)
        fleet.back_up(i);
      else
        fleet.forget(i, 1);
    }
    if (!over) return "a restore neither ends nor fails";
    Restored got = machine.take_restored();
    got.status = status;
    wrong = fleet.judge(newest, got, true);
    if (!wrong.empty()) return "beside forgetting: " + wrong;
    stall = 0;
    return end(fleet);
  });
}

// F5: one backup takes nine days: longer than a device may be away before it counts as lost, and
// than any time between two sweeps. The others back up and let go what it refers to every day.
void run_long_backup(Suite& suite) {
  each_life(suite, 200, [&](uint64_t index, SimRng& rng) -> std::string {
    Fleet fleet(mix(suite.seed(), index % 20, 73), several_segments(3));
    std::string wrong = begin(fleet);
    if (wrong.empty()) wrong = backups(fleet, fleet.size(), 2);
    if (wrong.empty()) wrong = fleet.settle();
    if (!wrong.empty()) return wrong;
    size_t slow = rng.below(fleet.size());
    fleet.edit(slow);
    hold(fleet, slow, 1 + rng.below(4), 113 * kHour, 1);
    fleet.back_up(slow);
    fleet.world.run_for(kMinute);
    for (int day = 0; day < 9 && wrong.empty(); ++day) {
      for (size_t i = 0; i < fleet.size() && wrong.empty(); ++i)
        if (i != slow && rng.below(2) == 0) wrong = give_up_beside(fleet, i, slow);
      fleet.world.run_for(kDay);
      if (!fleet.is_busy(slow))
        return "the long backup was over after days: " + std::to_string(day);
    }
    if (!wrong.empty()) return wrong;
    fleet.world.run_for(kDay);
    wrong = end(fleet);
    return wrong.empty() && !fleet.last_worked(slow) ? "the long backup failed" : wrong;
  });
}

// F6: the last device's first backup finds the files of the one before it in the mesh, and refers
// to them while that one gives them up, twice.
void run_first_backup(Suite& suite) {
  each_life(suite, 500, [&](uint64_t index, SimRng& rng) -> std::string {
    Fleet fleet(mix(suite.seed(), index % 50, 74), several_segments(4));
    std::string wrong = begin(fleet);
    if (wrong.empty()) wrong = backups(fleet, 3, 1);
    fleet.world.run_for(kMinute);
    if (!wrong.empty()) return wrong;
    hold(fleet, 3, 1 + rng.below(8), 6 * kHour);
    fleet.back_up(3);
    fleet.world.run_for(rng.below(2) == 0 ? rng.below(kSecond) : rng.below(kHour));
    for (int run = 0; run < 2 && wrong.empty(); ++run) {
      wrong = give_up_beside(fleet, 2, 3);
      if (rng.below(2) == 0 && wrong.empty()) wrong = give_up_beside(fleet, rng.below(2), 3);
    }
    if (!wrong.empty()) return wrong;
    fleet.world.run_for(6 * kHour);
    wrong = end(fleet);
    return wrong.empty() && !fleet.last_worked(3) ? "the first backup failed" : wrong;
  });
}

}  // namespace drey::sim
