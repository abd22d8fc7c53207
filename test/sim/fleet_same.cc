// F8: three devices back up the same files at once. Each record is the same on all of them, so no
// device keeps more than one copy of what one of them alone would have made.
#include "sim/fleet.h"

namespace drey::sim {
namespace {

FleetOptions three_alike() {
  FleetOptions options;
  options.same_files = true;
  options.files = 20;
  options.large_bytes = 256 * 1024;
  return options;
}

// Bytes of all records that lie in the log of device i, each as often as it lies there.
uint64_t record_bytes(Fleet& fleet, size_t i) {
  uint64_t bytes = 0;
  for (const LogPlace& place : log_places(fleet.at(i).sim().disk))
    if (place.is_record()) bytes += place.bytes();
  return bytes;
}

}  // namespace

void run_same_content(Suite& suite) {
  each_life(suite, 50, 95, [&](uint64_t index, SimRng& rng) -> std::string {
    uint64_t seed = mix(suite.seed(), index, 96);
    uint64_t one_copy = 0;
    {
      Fleet alone(seed, three_alike());
      std::string wrong = begin_together(alone);
      if (!wrong.empty()) return wrong;
      alone.back_up(0);
      if (!alone.quiet() || !alone.last_worked(0)) return "a backup failed";
      alone.world.run_for(5 * kMinute);
      one_copy = record_bytes(alone, 1);  // two copies, two others: all of it
    }
    Fleet fleet(seed, three_alike());
    std::string wrong = begin_together(fleet);
    if (!wrong.empty()) return wrong;
    for (size_t i = 0; i < fleet.size(); ++i) {
      fleet.back_up(i);
      if (index % 2 == 1) fleet.world.run_for(rng.below(3 * kSecond));
    }
    if (!fleet.quiet()) return "a backup does not end";
    wrong = fleet.settle();
    if (!wrong.empty()) return wrong;
    for (size_t i = 0; i < fleet.size(); ++i) {
      uint64_t stored = record_bytes(fleet, i);
      if (one_copy == 0 || stored * 100 > one_copy * 105)
        return std::to_string(stored) + " bytes for a copy of " + std::to_string(one_copy);
    }
    return fleet.check_all(true);
  });
}

}  // namespace drey::sim
