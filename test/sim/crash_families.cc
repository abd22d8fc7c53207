// Group A: the process dies or power fails at a mutating call of the disk.
//
// One run of W passes every call; before each of the chosen ones the disk is copied as it would be
// found afterwards, and a child goes on from the copy. "After call k" is "before call k + 1".
#include "sim/suite.h"

namespace drey::sim {
namespace {

// What a crash left: the disk, what had been told by then, and the user's files.
struct Wreck {
  uint64_t seed = 0;
  uint64_t now_ns = 0;
  int rounds = 0;
  Oracle oracle;
  SimDisk disk;
};

std::unique_ptr<Run> revive(const Wreck& wreck) {
  auto run = std::make_unique<Run>(wreck.seed, wreck.disk);
  run->oracle = wreck.oracle;
  for (int round = 0; round < wreck.rounds; ++round) run->household.advance(&run->node.tree);
  run->world.run_for(wreck.now_ns);
  return run;
}

Outcome recover(const Wreck& wreck, bool then_cut) {
  return {1, 0, revive(wreck)->recover(then_cut)};
}

uint64_t count_mutations(uint64_t seed, std::string* wrong) {
  Run run(seed, fresh_disk(seed));
  *wrong = run.work();
  return run.node.disk.mutation_count();
}

// Calls visit(k, wreck) before the mutating calls k = 1.. of one run of W that `wants` chooses.
void pass(Suite& suite, const std::function<bool(uint64_t)>& wants,
          const std::function<void(uint64_t, Wreck&, const SimDisk&)>& visit) {
  Run run(suite.seed(), fresh_disk(suite.seed()));
  SimDisk& disk = run.node.disk;
  disk.before_mutation = [&](uint64_t k) {
    if (!wants(k)) return;
    Wreck wreck;
    wreck.seed = suite.seed();
    wreck.now_ns = run.world.now_ns();
    wreck.rounds = run.household.round();
    wreck.oracle = run.oracle;
    wreck.disk.copy_from(disk);
    visit(k, wreck, disk);
  };
  (void)run.work();
}

// The chosen cases among `per_call` of each call.
class Choice {
 public:
  Choice(Suite& suite, uint64_t calls, uint64_t per_call) : per_call_(per_call) {
    suite.expect(calls * per_call);
    for (uint64_t index = 0; index < calls * per_call; ++index)
      if (suite.wants(index)) cases_[index / per_call + 1].push_back(index);
  }
  bool has(uint64_t k) const { return cases_.contains(k); }
  const std::vector<uint64_t>& of(uint64_t k) const { return cases_.at(k); }
  uint64_t kind(uint64_t index) const { return index % per_call_; }

 private:
  uint64_t per_call_;
  std::map<uint64_t, std::vector<uint64_t>> cases_;
};

SimDisk::Crash image(uint64_t seed, uint64_t k, uint64_t kind) {
  SimDisk::Crash crash;
  if (kind < 3) {
    constexpr SimDisk::Keep kFixed[] = {SimDisk::Keep::kNothing, SimDisk::Keep::kAll,
                                        SimDisk::Keep::kPrefix};
    crash.keep = kFixed[kind];
  } else {
    crash.keep = SimDisk::Keep::kSome;
  }
  crash.seed = mix(seed, k, kind);
  crash.tear_bytes = kind % 2 == 0 ? 512 : 4096;
  return crash;
}

}  // namespace

void run_kill(Suite& suite) {
  std::string wrong;
  uint64_t calls = count_mutations(suite.seed(), &wrong);
  suite.note(wrong);
  Choice choice(suite, calls, 2);
  auto wants = [&choice](uint64_t k) { return choice.has(k); };
  pass(suite, wants, [&](uint64_t k, Wreck& wreck, const SimDisk& disk) {
    for (uint64_t index : choice.of(k)) {
      suite.run(index, [&] {
        if (choice.kind(index) == 1 && !disk.tear_into(&wreck.disk)) return Outcome{0, 0, ""};
        return recover(wreck, mix(wreck.seed, index) % 2 == 0);
      });
    }
  });
}

void run_power(Suite& suite) {
  std::string wrong;
  uint64_t calls = count_mutations(suite.seed(), &wrong);
  suite.note(wrong);
  Choice choice(suite, calls, 23);
  auto wants = [&choice](uint64_t k) { return choice.has(k); };
  pass(suite, wants, [&](uint64_t k, Wreck& wreck, const SimDisk&) {
    for (uint64_t index : choice.of(k)) {
      suite.run(index, [&] {
        wreck.disk.crash(image(wreck.seed, k, choice.kind(index)));
        return recover(wreck, mix(wreck.seed, index) % 2 == 0);
      });
    }
  });
}

namespace {

// Power fails again at every mutating call of the recovery from one crash, or at up to `inner` of
// them.
Outcome crash_again(Suite& suite, const Wreck& wreck) {
  Outcome outcome;
  std::unique_ptr<Run> whole = revive(wreck);
  uint64_t before = whole->node.disk.mutation_count();
  outcome.wrong = whole->recover(false);
  uint64_t calls = whole->node.disk.mutation_count() - before;
  whole.reset();
  uint64_t step = std::max<uint64_t>(1, calls / suite.options().inner);
  uint64_t next = 1 + mix(wreck.seed, calls) % step;
  uint64_t cut = 0;  // in a child: the call at which power failed
  std::unique_ptr<Run> run = revive(wreck);
  run->node.disk.before_mutation = [&](uint64_t count) {
    uint64_t m = count - before;
    if (cut != 0 || m != next || !outcome.wrong.empty()) return;
    next += step;
    Outcome second;
    if (suite.split(&second)) {
      cut = m;
      run->node.disk.cut_at(1, static_cast<SimDisk::Cut>(m % 3));
    } else {
      ++outcome.runs;
      if (!second.wrong.empty())
        outcome.wrong = "second crash at call " + std::to_string(m) + ": " + second.wrong;
    }
  };
  if (ok(run->device.start())) {
    run->world.run_for(2 * kSecond);
    if (!run->node.disk.is_cut()) (void)run->back_up();
  }
  if (cut == 0) return outcome;
  run->device.lose_power(image(wreck.seed, cut, cut % 23));
  suite.leave({1, 0, run->recover(false, cut % 3 == 0)});
  return outcome;
}

}  // namespace

void run_second_crash(Suite& suite) {
  std::string wrong;
  uint64_t calls = count_mutations(suite.seed(), &wrong);
  suite.note(wrong);
  Choice choice(suite, calls, 1);
  auto wants = [&choice](uint64_t k) { return choice.has(k); };
  pass(suite, wants, [&](uint64_t k, Wreck& wreck, const SimDisk&) {
    uint64_t index = choice.of(k).front();
    suite.run(index, [&] {
      wreck.disk.crash(image(wreck.seed, k, mix(wreck.seed, k) % 23));
      return crash_again(suite, wreck);
    });
  });
}

}  // namespace drey::sim
