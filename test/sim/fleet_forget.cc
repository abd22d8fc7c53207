// Group F: backups beside forgetting, giving up and compaction, on several devices at once, with
// deaths and short splits between them; a new device among them; sleep in the midst of a backup.
#include "sim/fleet.h"

namespace drey::sim {
namespace {

FleetOptions small(size_t count) {
  FleetOptions options;
  options.count = count;
  options.files = 4;
  options.large_bytes = 48 * 1024;
  return options;
}

// One step of somebody; time enough passes that others' steps fall into the midst of it.
void step(Fleet& fleet, SimRng& rng, bool faults) {
  size_t i = rng.below(fleet.size());
  switch (rng.below(faults ? 9 : 6)) {
    case 0:
    case 1:
    case 2:
      fleet.edit(i);
      fleet.back_up(i);
      break;
    case 3:
    case 4:
    case 5:
      fleet.forget(i, 1);
      break;
    case 6:
      fleet.world.mend_all();
      if (rng.below(2) == 0) fleet.world.partition({&fleet.world.node(i)});
      break;
    case 7:
      fleet.at(i).sim().fall_asleep();
      break;
    case 8:
      fleet.at(i).lose_power({static_cast<SimDisk::Keep>(rng.below(4)), rng.next(), 512});
      break;
  }
}

std::string live(Fleet& fleet, SimRng& rng, bool faults) {
  std::string wrong = fleet.mend();
  if (wrong.empty() && !fleet.together()) wrong = "they do not find each other";
  for (int i = 0; i < 30 && wrong.empty(); ++i) {
    step(fleet, rng, faults);
    // From milliseconds, so that requests meet, to the minutes in which claims are given up.
    uint64_t most = rng.below(3) == 0 ? 60 * kSecond : rng.below(2) == 0 ? kSecond : 50'000'000;
    fleet.world.run_for(rng.below(most));
    if (!faults || rng.below(4) > 0) continue;
    for (size_t k = 0; k < fleet.size(); ++k) fleet.at(k).sim().wake_up();
    for (size_t k = 0; k < fleet.size() && wrong.empty(); ++k)
      if (!fleet.at(k).is_running() && !ok(fleet.at(k).start())) wrong = "a start failed";
  }
  if (wrong.empty()) wrong = fleet.mend();
  if (wrong.empty()) wrong = fleet.settle();
  if (wrong.empty()) wrong = fleet.check_all(true);
  return wrong.empty() ? fleet.check_logs() : wrong;
}

void each_life(Suite& suite, uint64_t cases,
               const std::function<std::string(uint64_t index, SimRng& rng)>& body) {
  suite.expect(cases);
  for (uint64_t index = 0; index < cases; ++index) {
    if (!suite.wants(index)) continue;
    suite.run(index, [&] {
      SimRng rng(mix(suite.seed(), index, 51));
      return Outcome{1, 0, body(index, rng)};
    });
  }
}

}  // namespace

// F1, F2: three devices that all back up and let go; in every second life with faults.
void run_backup_and_forget(Suite& suite) {
  each_life(suite, 5000, [&](uint64_t index, SimRng& rng) {
    Fleet fleet(mix(suite.seed(), index % 50, 52), small(3 + index % 2));
    return live(fleet, rng, index % 2 == 1);
  });
}

// F7: a laptop sleeps a month in the midst of a backup; the others let go what it may refer to.
void run_sleeping_backup(Suite& suite) {
  each_life(suite, 200, [&](uint64_t index, SimRng& rng) -> std::string {
    Fleet fleet(mix(suite.seed(), index % 20, 53), small(4));
    std::string wrong = fleet.mend();
    if (wrong.empty() && !fleet.together()) wrong = "they do not find each other";
    for (size_t i = 0; i < fleet.size(); ++i) fleet.back_up(i);
    if (!fleet.quiet()) return "a backup does not end";
    if (wrong.empty()) wrong = fleet.settle();
    if (!wrong.empty()) return wrong;
    size_t laptop = rng.below(fleet.size());
    for (size_t i = 0; i < fleet.size(); ++i) fleet.edit(i);
    fleet.back_up(laptop);
    fleet.world.run_for(rng.below(400) * kMillisecond);
    fleet.at(laptop).sim().fall_asleep();
    for (int round = 0; round < 3; ++round) {
      for (size_t i = 0; i < fleet.size(); ++i) fleet.back_up(i);
      fleet.world.run_for(kMinute);
      for (size_t i = 0; i < fleet.size(); ++i) fleet.edit(i);
      for (size_t i = 0; i < fleet.size(); ++i) fleet.forget(i, 1);
      fleet.world.run_for(kHour);
    }
    // The others are hardly ever on in that month.
    for (size_t i = 0; i < fleet.size(); ++i) fleet.at(i).sim().fall_asleep();
    fleet.world.run_for(30 * kDay);
    wrong = fleet.mend();
    if (!fleet.quiet()) return "a backup does not end";
    if (wrong.empty()) wrong = fleet.settle();
    return wrong.empty() ? fleet.check_all(true) : wrong;
  });
}

}  // namespace drey::sim
