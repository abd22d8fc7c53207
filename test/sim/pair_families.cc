// An owner and a holder: one of them falls at a mutating call of its disk and is back two seconds
// later, while the other lives on; syncs fail beside a holder; the network is short of handles or
// slow of hand.
#include "mesh/mesh.h"
#include "sim/pair.h"

namespace drey::sim {
namespace {

// W of a pair; in front of the chosen calls a case begins by arm(pair, index). `hook` tells of each
// call by its number from 0.
using Visit = std::function<void(uint64_t number)>;
struct PairFamily {
  uint64_t variants = 1;
  std::function<uint64_t(Pair&)> calls;            // that W makes
  std::function<void(Pair&, const Visit&)> hook;   // calls visit before each of them
  std::function<void(Pair&, uint64_t index)> arm;  // in the child
  std::function<std::string(Pair&)> judge;         // after the rest of W
};

void run_pairs(Suite& suite, const PairFamily& family) {
  Pair whole(suite.seed());
  suite.note(whole.work());
  suite.expect(family.calls(whole) * family.variants);
  Pair pair(suite.seed());
  family.hook(pair, [&](uint64_t number) {
    for (uint64_t variant = 0; variant < family.variants && !suite.in_branch(); ++variant) {
      uint64_t index = number * family.variants + variant;
      if (!suite.wants(index) || !suite.branch(index)) continue;
      pair.strict = false;
      family.arm(pair, index);
    }
  });
  std::string wrong = pair.work();
  if (suite.in_branch()) suite.leave({1, 0, wrong.empty() ? family.judge(pair) : wrong});
}

void each_fall(Suite& suite, bool of_owner) {
  auto disk = [of_owner](Pair& pair) -> SimDisk& { return (of_owner ? pair.a : pair.b).disk; };
  PairFamily family;
  family.calls = [disk](Pair& pair) { return disk(pair).mutation_count(); };
  family.hook = [disk](Pair& pair, const Visit& visit) {
    disk(pair).before_mutation = [visit](uint64_t count) { visit(count - 1); };
  };
  family.arm = [of_owner](Pair& pair, uint64_t index) {
    pair.fell(of_owner ? &pair.owner : &pair.holder, index);
  };
  family.judge = [](Pair& pair) { return pair.finish(); };
  run_pairs(suite, family);
}

// Everything the owner made has its holder again.
std::string copies_settled(Pair& pair) {
  auto settled = [&pair] {
    ReplicationSummary now = pair.owner.mesh().replication();
    return now.settled && now.under_replicated == 0 && now.missing == 0;
  };
  if (!pair.owner.is_running() || !pair.holder.is_running()) return "a daemon has ended";
  if (pair.world.run_until(settled, 120 * kSecond)) return "";
  ReplicationSummary now = pair.owner.mesh().replication();
  return "after two minutes " + std::to_string(now.under_replicated) + " records lack a copy, " +
         std::to_string(now.missing) + " are missing";
}

void sync_failures(Suite& suite, bool of_owner) {
  auto disk = [of_owner](Pair& pair) -> SimDisk& { return (of_owner ? pair.a : pair.b).disk; };
  PairFamily family;
  family.variants = 2;
  family.calls = [disk](Pair& pair) { return disk(pair).call_count(SimDisk::Call::kSync); };
  family.hook = [disk](Pair& pair, const Visit& visit) {
    disk(pair).before_call = [visit](SimDisk::Call call, uint64_t number) {
      if (call == SimDisk::Call::kSync) visit(number - 1);
    };
  };
  family.arm = [disk](Pair& pair, uint64_t index) {
    disk(pair).sync_failure =
        index % 2 == 0 ? SimDisk::SyncFailure::kKept : SimDisk::SyncFailure::kReverted;
    disk(pair).fail_nth(SimDisk::Call::kSync, 1, Status::kIo);
  };
  family.judge = [disk](Pair& pair) -> std::string {
    if (disk(pair).repeated_syncs() > 0) return "a failed sync was repeated on the same handle";
    disk(pair).clear_faults();
    for (Device* device : {&pair.owner, &pair.holder})
      if (!device->is_running() && !ok(device->start())) return "the daemon does not start again";
    std::string wrong = copies_settled(pair);
    return wrong.empty() ? pair.finish() : wrong;
  };
  run_pairs(suite, family);
}

void no_sockets(Suite& suite, SimNet::Call which, bool of_owner) {
  auto net = [of_owner](Pair& pair) -> SimNet& { return (of_owner ? pair.a : pair.b).net; };
  PairFamily family;
  family.variants = 2;
  family.calls = [=](Pair& pair) { return net(pair).call_count(which); };
  family.hook = [=](Pair& pair, const Visit& visit) {
    net(pair).before_call = [=](SimNet::Call call, uint64_t number) {
      if (call == which) visit(number - 1);
    };
  };
  family.arm = [=](Pair& pair, uint64_t index) {
    net(pair).fail_nth(which, 1, Status::kBusy, index % 2 == 0 ? 1 : 0);
    // A session that is there needs no socket: end it, so that they are needed.
    pair.world.cut_both(pair.a, pair.b, true);
    pair.world.after(90 * kSecond, nullptr, [&pair] { pair.world.mend_all(); });
  };
  family.judge = [=](Pair& pair) -> std::string {
    pair.world.run_for(100 * kSecond);
    uint64_t before = net(pair).call_count(which);
    pair.world.run_for(30 * kSecond);
    uint64_t tries = net(pair).call_count(which) - before;
    if (tries > 300) return std::to_string(tries) + " tries in 30 s";
    net(pair).clear_faults();
    pair.world.run_for(5 * kSecond);
    if (pair.owner.mesh().session_count() == 0) return "no session 5 s after there are sockets";
    return pair.finish();
  };
  run_pairs(suite, family);
}

}  // namespace

void run_owner_falls(Suite& suite) { each_fall(suite, true); }
void run_holder_falls(Suite& suite) { each_fall(suite, false); }
void run_owner_sync_errors(Suite& suite) { sync_failures(suite, true); }
void run_holder_sync_errors(Suite& suite) { sync_failures(suite, false); }
void run_no_accept(Suite& suite) { no_sockets(suite, SimNet::Call::kAccept, true); }
void run_no_connect(Suite& suite) { no_sockets(suite, SimNet::Call::kConnect, true); }

// Sockets take and give less than they could, or nothing at all, once in a hundred calls.
void run_short_calls(Suite& suite) {
  constexpr uint64_t kCases = 1000;
  suite.expect(kCases);
  for (uint64_t index = 0; index < kCases; ++index) {
    if (!suite.wants(index)) continue;
    suite.run(index, [&] {
      Pair pair(suite.seed());
      pair.a.net.whims_ppm = pair.b.net.whims_ppm = 10'000;
      for (uint64_t i = 0; i <= index; ++i) (void)pair.world.rng().next();  // another life for each
      std::string wrong = pair.work();
      return Outcome{1, 0, wrong.empty() ? pair.finish() : wrong};
    });
  }
}

}  // namespace drey::sim
