// Group B: calls of the disk fail in the midst of W. The daemon may refuse and may even have to be
// started again, but what it acknowledged must survive a power cut right after the fault, nothing
// it returns may be wrong, and it must never try for ever.
#include "sim/suite.h"

namespace drey::sim {
namespace {

using Call = SimDisk::Call;

struct Totals {
  uint64_t calls[static_cast<size_t>(Call::kCount)] = {};
  uint64_t of(Call call) const { return calls[static_cast<size_t>(call)]; }
};

// W without a fault: how many calls of each kind there are.
Totals count_calls(Suite& suite) {
  Run run(suite.seed(), fresh_disk(suite.seed()));
  suite.note(run.work());
  Totals totals;
  for (size_t i = 0; i < static_cast<size_t>(Call::kCount); ++i)
    totals.calls[i] = run.node.disk.call_count(static_cast<Call>(i));
  return totals;
}

// While nothing can be written the daemon may try now and then, not in a loop.
std::string count_retries(Run& run, Call call) {
  if (!run.device.is_running()) return "";
  run.world.run_for(40 * kSecond);
  uint64_t before = run.node.disk.call_count(call);
  run.world.run_for(30 * kSecond);
  uint64_t tries = run.node.disk.call_count(call) - before;
  return tries <= 300 ? "" : std::to_string(tries) + " tries in 30 s";
}

// The cause of the fault is gone: the daemon goes on by itself.
std::string resume(Run& run, uint64_t within_s) {
  if (!run.device.is_running()) return "";
  run.world.run_for(within_s * kSecond);
  Status status = run.back_up();
  return ok(status) ? "" : failed("a backup after the cause was gone", status);
}

// Lies are never allowed (`seen`: they were looked for when nothing had changed yet); then power
// fails, and everything acknowledged must be there.
std::string finish(Run& run, bool seen) {
  run.node.disk.clear_faults();
  std::string wrong;
  if (run.device.is_running() && !seen) wrong = run.oracle.check(run.device, false);
  if (!wrong.empty()) return "in the running daemon: " + wrong;
  run.device.lose_power({SimDisk::Keep::kNothing, 1, 512});
  return run.recover(false);
}

// W; in front of the chosen calls of one kind a case begins: `arm` makes this call fail, and after
// the rest of W `judge` says what is wrong.
struct FaultFamily {
  Call call = Call::kRead;
  uint64_t variants = 1;
  std::function<void(SimDisk& disk, uint64_t variant)> arm;
  std::function<std::string(Run& run)> judge;
};

void run_faults(Suite& suite, const FaultFamily& family) {
  suite.expect(count_calls(suite).of(family.call) * family.variants);
  Run run(suite.seed(), fresh_disk(suite.seed()));
  run.node.disk.before_call = [&](Call call, uint64_t number) {
    if (call != family.call) return;
    for (uint64_t variant = 0; variant < family.variants && !suite.in_branch(); ++variant) {
      uint64_t index = (number - 1) * family.variants + variant;
      if (!suite.wants(index) || !suite.branch(index)) continue;
      run.strict = false;
      family.arm(run.node.disk, variant);
    }
  };
  std::string wrong = run.work();
  if (suite.in_branch()) suite.leave({1, 0, wrong.empty() ? family.judge(run) : wrong});
}

std::string judge_once(Run& run) { return finish(run, true); }

// As judge_once; and while the cause lasts nothing is tried in a loop, and once it is gone the
// daemon goes on by itself.
std::string judge_lasting(Run& run, Call call, uint64_t whole, uint64_t within_s) {
  std::string wrong = count_retries(run, call);
  run.node.disk.clear_faults();
  run.node.disk.capacity_bytes = whole;
  if (wrong.empty()) wrong = resume(run, within_s);
  return wrong.empty() ? finish(run, false) : wrong;
}

}  // namespace

void run_read_errors(Suite& suite) {
  auto arm = [](SimDisk& disk, uint64_t) { disk.fail_nth(Call::kRead, 1, Status::kIo); };
  run_faults(suite, {Call::kRead, 1, arm, judge_once});
}

void run_write_errors(Suite& suite) {
  auto arm = [](SimDisk& disk, uint64_t) { disk.fail_nth(Call::kWrite, 1, Status::kIo); };
  run_faults(suite, {Call::kWrite, 1, arm, judge_once});
}

void run_sync_errors(Suite& suite) {
  auto arm = [](SimDisk& disk, uint64_t variant) {
    disk.sync_failure =
        variant == 0 ? SimDisk::SyncFailure::kKept : SimDisk::SyncFailure::kReverted;
    disk.fail_nth(Call::kSync, 1, Status::kIo);
  };
  auto judge = [](Run& run) -> std::string {
    if (run.node.disk.repeated_syncs() > 0) return "a failed sync was repeated on the same handle";
    return finish(run, true);
  };
  run_faults(suite, {Call::kSync, 2, arm, judge});
}

void run_full_disk(Suite& suite) {
  uint64_t whole = fresh_disk(suite.seed()).capacity_bytes;
  auto arm = [](SimDisk& disk, uint64_t variant) {
    if (variant == 0) {
      disk.fail_nth(Call::kWrite, 1, Status::kFull, 0);
    } else {
      disk.capacity_bytes = disk.used_bytes();  // somebody else fills the disk
    }
  };
  auto judge = [whole](Run& run) { return judge_lasting(run, Call::kWrite, whole, 20); };
  run_faults(suite, {Call::kWrite, 2, arm, judge});
}

void run_no_handles(Suite& suite) {
  uint64_t whole = fresh_disk(suite.seed()).capacity_bytes;
  auto arm = [](SimDisk& disk, uint64_t variant) {
    disk.fail_nth(Call::kOpen, 1, Status::kBusy, variant == 0 ? 1 : 0);
  };
  auto judge = [whole](Run& run) { return judge_lasting(run, Call::kOpen, whole, 5); };
  run_faults(suite, {Call::kOpen, 2, arm, judge});
}

// The same seed twice: everything that happened, and every byte on the disk, must be the same.
void run_same_trace(Suite& suite) {
  if (suite.seed() % suite.options().shards != suite.options().shard) return;
  auto body = [&suite] {
    Run run(suite.seed(), fresh_disk(suite.seed()));
    Outcome outcome;
    outcome.wrong = run.work();
    run.device.lose_power({SimDisk::Keep::kSome, suite.seed(), 512});
    if (outcome.wrong.empty()) outcome.wrong = run.recover(true);
    outcome.value = run.world.trace_hash() ^ run.node.disk.content_hash();
    return outcome;
  };
  suite.expect(1);
  Outcome first = suite.run(0, body);
  Outcome second = suite.run(0, body);
  if (first.value != second.value) suite.note("two runs of one seed differ");
}

}  // namespace drey::sim
