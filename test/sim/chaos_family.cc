// Everything at once on one device: random edits, backups, calls that fail, deaths and power cuts
// in any order. After each restart everything acknowledged must be there.
#include "sim/suite.h"

namespace drey::sim {
namespace {

constexpr int kActs = 12;

// With DREY_SIM_LOG=1: what is done, between the daemon's own lines.
void say(Run& run, const std::string& what) { run.node.host.log_line(7, "-- " + what); }

void arm(Run& run, SimRng& rng) {
  SimDisk& disk = run.node.disk;
  using Call = SimDisk::Call;
  constexpr Call kCalls[] = {Call::kRead, Call::kWrite, Call::kSync, Call::kOpen, Call::kNames};
  auto call = kCalls[rng.below(5)];
  Status status = call == Call::kOpen && rng.below(2) == 0    ? Status::kBusy
                  : call == Call::kWrite && rng.below(2) == 0 ? Status::kFull
                                                              : Status::kIo;
  disk.sync_failure =
      rng.below(2) == 0 ? SimDisk::SyncFailure::kKept : SimDisk::SyncFailure::kReverted;
  uint64_t nth = rng.between(1, 120);
  uint64_t times = rng.below(3) == 0 ? 0 : rng.between(1, 4);
  disk.fail_nth(call, nth, status, times);
  say(run, "calls of kind " + std::to_string(static_cast<int>(call)) + " fail from " +
               std::to_string(nth) + " on, times " + std::to_string(times) + ": " +
               status_name(status));
}

SimDisk::Crash any_crash(SimRng& rng) {
  SimDisk::Crash crash;
  crash.keep = static_cast<SimDisk::Keep>(rng.below(4));
  crash.seed = rng.next();
  crash.tear_bytes = rng.below(2) == 0 ? 512 : 4096;
  return crash;
}

// The end of a daemon, of any kind, and a new one that must have everything.
std::string restart(Run& run, SimRng& rng) {
  uint64_t how = rng.below(4);
  say(run, how == 0 ? "stop" : how == 1 ? "kill" : "power cut");
  if (how == 0 && run.device.is_running()) {
    run.node.disk.clear_faults();
    if (!run.device.stop()) return "the daemon does not stop";
  } else if (how == 1) {
    run.device.kill();
  } else {
    run.device.lose_power(any_crash(rng));
  }
  run.node.disk.clear_faults();
  Status status = run.device.start();
  if (!ok(status)) return failed("start", status);
  return run.oracle.check(run.device, true);
}

// A backup in the midst of which the disk may go silent.
std::string try_backup(Run& run, SimRng& rng) {
  if (rng.below(3) == 0) arm(run, rng);
  bool cut = rng.below(3) == 0;
  if (cut) run.node.disk.cut_at(rng.between(1, 400), static_cast<SimDisk::Cut>(rng.below(3)));
  Status status = run.device.is_running() ? run.back_up() : Status::kClosed;
  say(run, std::string(cut ? "backup, cut: " : "backup: ") + status_name(status));
  if (status == Status::kTimeout) return "a backup neither ends nor fails";
  if (run.device.is_running() && !run.node.disk.is_cut()) run.world.run_for(rng.below(4) * kSecond);
  if (!cut) return "";
  // Whatever the dying daemon has said by now counts.
  return restart(run, rng);
}

std::string live(Run& run, SimRng& rng) {
  Status status = run.device.start();
  if (!ok(status)) return failed("start", status);
  run.household.advance(&run.node.tree);
  for (int act = 0; act < kActs; ++act) {
    std::string wrong;
    switch (rng.below(4)) {
      case 0:
        run.household.advance(&run.node.tree);
        run.world.run_for(3 * kSecond);
        break;
      case 1:
      case 2:
        wrong = try_backup(run, rng);
        break;
      case 3:
        wrong = restart(run, rng);
        break;
    }
    if (!wrong.empty()) return "act " + std::to_string(act) + ": " + wrong;
  }
  std::string wrong = restart(run, rng);
  if (!wrong.empty()) return "at the end: " + wrong;
  status = run.back_up();
  if (!ok(status)) return failed("the last backup", status);
  run.device.lose_power({SimDisk::Keep::kNothing, 1, 512});
  status = run.device.start();
  return ok(status) ? run.oracle.check(run.device, true) : failed("the last start", status);
}

}  // namespace

void run_chaos(Suite& suite) {
  constexpr uint64_t kCases = 2000;
  suite.expect(kCases);
  for (uint64_t index = 0; index < kCases; ++index) {
    if (!suite.wants(index)) continue;
    suite.run(index, [&] {
      SimRng rng(mix(suite.seed(), index, 5));
      Run run(suite.seed(), fresh_disk(suite.seed()));
      return Outcome{1, 0, live(run, rng)};
    });
  }
}

}  // namespace drey::sim
