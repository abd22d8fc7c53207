// What the mesh mends by itself: a device that dies, one that sleeps at night, a split, rot. And
// whether `whatif --lose` says the truth.
#include "sim/fleet.h"
#include "sim/log_map.h"

namespace drey::sim {
namespace {

void each_life(Suite& suite, uint64_t cases,
               const std::function<std::string(uint64_t index, SimRng& rng)>& body) {
  suite.expect(cases);
  for (uint64_t index = 0; index < cases; ++index) {
    if (!suite.wants(index)) continue;
    suite.run(index, [&] {
      SimRng rng(mix(suite.seed(), index, 21));
      return Outcome{1, 0, body(index, rng)};
    });
  }
}

// Everybody backs up, some files of everybody having changed.
std::string daily_backup(Fleet& fleet) {
  for (size_t i = 0; i < fleet.size(); ++i) fleet.edit(i);
  for (size_t i = 0; i < fleet.size(); ++i) fleet.back_up(i);
  if (!fleet.quiet()) return "a backup does not end";
  fleet.world.run_for(kMinute);
  return fleet.settle(kHour);
}

std::string begin(Fleet& fleet) {
  std::string wrong = fleet.mend();
  if (wrong.empty() && !fleet.together()) wrong = "they do not find each other";
  return wrong.empty() ? daily_backup(fleet) : wrong;
}

}  // namespace

// A device that never sleeps dies. Nobody does anything: after a day every record has its copies.
void run_device_dies(Suite& suite) {
  each_life(suite, 40, [&](uint64_t index, SimRng& rng) -> std::string {
    FleetOptions options;
    options.count = 4 + index % 2;
    options.vaults = index % 3 == 0 ? 1 : 0;
    Fleet fleet(mix(suite.seed(), index, 22), options);
    std::string wrong = begin(fleet);
    // Long enough for its habit to be known.
    for (int day = 0; day < 4 && wrong.empty(); ++day) {
      fleet.world.run_for(kDay);
      wrong = daily_backup(fleet);
    }
    if (!wrong.empty()) return wrong;
    fleet.lose(rng.below(fleet.size()));
    fleet.world.run_for(kMinute);
    if (fleet.missing_bytes() == 0) return "nothing was on the device that died";
    fleet.world.run_for(kDay - kMinute);
    if (fleet.missing_bytes() != 0) return "a day after the death copies are missing";
    wrong = fleet.unrest();
    if (!wrong.empty()) return "a day after the death: " + wrong;
    return fleet.check_all(true);
  });
}

// A laptop sleeps every night for seven days. Nothing is copied because of that.
void run_nights(Suite& suite) {
  each_life(suite, 40, [&](uint64_t index, SimRng&) -> std::string {
    FleetOptions options;
    options.count = 3 + index % 3;
    Fleet fleet(mix(suite.seed(), index, 23), options);
    size_t laptop = index % options.count;
    std::string wrong = begin(fleet);
    for (int day = 0; day < 7 && wrong.empty(); ++day) {
      wrong = daily_backup(fleet);
      uint64_t before = fleet.taken_in();
      fleet.world.run_for(10 * kHour);
      fleet.at(laptop).sim().fall_asleep();
      fleet.world.run_for((7 + index % 3) * kHour);
      fleet.at(laptop).sim().wake_up();
      fleet.world.run_for(2 * kHour);
      uint64_t repaired = fleet.taken_in() - before;
      if (repaired > 0)
        return "night " + std::to_string(day) + ": " + std::to_string(repaired) + " repair bytes";
    }
    return wrong.empty() ? fleet.check_all(true) : wrong;
  });
}

// D4: every split of four and five devices into two sides, both of which back up; then one mesh
// again. Three rounds of each.
void run_splits(Suite& suite) {
  constexpr uint64_t kSplits = 7 + 15;
  each_life(suite, 3 * kSplits, [&](uint64_t index, SimRng&) -> std::string {
    uint64_t split = index % kSplits;
    FleetOptions options;
    options.count = split < 7 ? 4 : 5;
    options.shared_files = false;
    options.files = 8;
    options.large_bytes = 1536 * 1024;
    uint64_t side =
        split < 7 ? split + 1 : split - 7 + 1;  // device 0 is never on it: no halves twice
    Fleet fleet(mix(suite.seed(), index, 24), options);
    std::string wrong = fleet.mend();
    if (!wrong.empty()) return wrong;
    if (!fleet.together()) return "they do not find each other";
    std::vector<const SimNode*> group;
    for (size_t i = 1; i < fleet.size(); ++i)
      if ((side >> (i - 1)) & 1) group.push_back(&fleet.world.node(i));
    fleet.world.partition(group);
    fleet.world.run_for(5 * kMinute);
    for (size_t i = 0; i < fleet.size(); ++i) fleet.back_up(i);
    if (!fleet.quiet()) return "a backup does not end";
    fleet.world.run_for(20 * kMinute);
    uint64_t missing = fleet.missing_bytes();
    uint64_t sent = 0;
    for (size_t i = 0; i < fleet.size(); ++i)
      fleet.world.node(i).net.touch_sent = [&sent](MutBytes bytes) { sent += bytes.size(); };
    fleet.world.mend_all();
    wrong = fleet.settle(5 * kMinute);
    if (!wrong.empty()) return "five minutes after the split: " + wrong;
    if (missing == 0) return "nothing was missing";
    if (sent * 10 > missing * 12)
      return std::to_string(sent) + " bytes were sent for " + std::to_string(missing);
    return fleet.check_all(true);
  });
}

namespace {

// Flips ten bits in each of `count` records that lie on the card of device i for others; which.
std::set<std::string> spoil(Fleet& fleet, size_t i, size_t count, SimRng& rng) {
  SimDisk* disk = &fleet.at(i).sim().disk;
  std::set<std::string> wanted = fleet.records_of_others(i);
  std::vector<LogPlace> records;
  for (const LogPlace& place : log_places(*disk))
    if (place.is_record() && wanted.contains(record_key(place))) records.push_back(place);
  std::set<std::string> spoiled;
  for (; spoiled.size() < count && !records.empty();) {
    size_t at = rng.below(records.size());
    const LogPlace place = records[at];
    records.erase(records.begin() + static_cast<std::ptrdiff_t>(at));
    for (int bit = 0; bit < 10; ++bit) {
      // Different bytes: no flip takes another one back.
      uint64_t step = place.header.length / 10;
      uint64_t where = place.offset + kEntryHeaderBytes + static_cast<uint64_t>(bit) * step;
      disk->flip(place.file, where + rng.below(step), static_cast<uint8_t>(1 << rng.below(8)));
    }
    spoiled.insert(record_key(place));
  }
  return spoiled;
}

}  // namespace

// C2, C7: 1,000 bits flip in 100 records of one device. One scrub finds all; all come back; nobody
// is given a wrong byte meanwhile, and no wrong byte lies anywhere as a good record.
void run_scrub_heals(Suite& suite) {
  each_life(suite, 50, [&](uint64_t index, SimRng& rng) -> std::string {
    FleetOptions options;
    options.files = 100;  // hundreds of records at each, whatever they are like
    options.shared_files = false;
    Fleet fleet(mix(suite.seed(), index, 25), options);
    std::string wrong = begin(fleet);
    if (!wrong.empty()) return wrong;
    Machine& victim = fleet.at(index % fleet.size());
    std::set<std::string> spoiled = spoil(fleet, index % fleet.size(), 100, rng);
    if (spoiled.size() != 100) return "there are no hundred records";
    // Both read it all at once: the scrub, and others who ask for what they need.
    if (index % 2 == 0) {
      wrong = fleet.check_all(false);
      if (!wrong.empty()) return wrong;
    }
    uint64_t before = fleet.taken_in();
    victim.node().scrubber().hurry();
    fleet.world.run_for(10 * kMinute);
    uint64_t found = victim.node().store().stats().corrupt;
    if (found != 100) return std::to_string(found) + " of 100 were found";
    wrong = fleet.settle(20 * kMinute);
    if (!wrong.empty()) return wrong;
    size_t back = 0;
    uint64_t bytes = 0;
    for (const LogPlace& place : log_places(victim.sim().disk))
      if (place.is_record() && spoiled.erase(record_key(place)) > 0) {
        ++back;
        bytes += place.header.length;
      }
    if (back != 100) return std::to_string(back) + " of 100 came back";
    uint64_t repaired = fleet.taken_in() - before;
    if (repaired * 10 > bytes * 12) return "more was copied than had rotted";
    wrong = fleet.check_logs();
    return wrong.empty() ? fleet.check_all(true) : wrong;
  });
}

namespace {

// The files of which not all is there.
std::set<std::string> broken_files(const Restored& got, const Restored& whole) {
  std::set<std::string> broken;
  for (const auto& [path, file] : whole.files) {
    auto found = got.files.find(path);
    bool good = found != got.files.end() && found->second.absent.empty() &&
                found->second.bytes.size() == file.size;
    if (!good) broken.insert(path);
  }
  return broken;
}

}  // namespace

// What `whatif --lose` says of a snapshot is what is true once the devices are really gone.
void run_whatif(Suite& suite) {
  each_life(suite, 100, [&](uint64_t index, SimRng& rng) -> std::string {
    FleetOptions options;
    options.count = 4 + index % 2;
    options.copies = static_cast<uint8_t>(1 + index % 2);
    // What another owner keeps of the same files is no copy that anybody promised.
    options.shared_files = false;
    Fleet fleet(mix(suite.seed(), index, 26), options);
    std::string wrong = begin(fleet);
    if (!wrong.empty()) return wrong;
    size_t asked = rng.below(fleet.size());
    std::set<size_t> lost;
    size_t count = 1 + rng.below(fleet.size() - 2);
    while (lost.size() < count)
      if (size_t i = rng.below(fleet.size()); i != asked) lost.insert(i);
    Machine& machine = fleet.at(asked);
    std::vector<std::string_view> names;
    for (size_t i : lost) names.push_back(fleet.at(i).sim().name());
    Survivors survivors;
    size_t at = 0;
    if (!ok(machine.node().survivors_without(names, &survivors, &at))) return "no survivors";
    SnapshotInfo info;
    if (!ok(machine.wait([&](Machine::Done done) { machine.resolve("latest", &info, done); })))
      return "there is no snapshot";
    (void)machine.wait([&](Machine::Done done) { machine.restore(info, done); });
    Restored whole = machine.take_restored();
    (void)machine.wait([&](Machine::Done done) { machine.survey(info, survivors, done); });
    std::set<std::string> said = broken_files(machine.take_restored(), whole);
    for (size_t i : lost) fleet.lose(i);
    fleet.world.run_for(5 * kMinute);
    (void)machine.wait([&](Machine::Done done) { machine.restore(info, done); });
    std::set<std::string> true_ones = broken_files(machine.take_restored(), whole);
    if (said == true_ones) return "";
    return "it said " + std::to_string(said.size()) + " files, there are " +
           std::to_string(true_ones.size()) + " of " + std::to_string(whole.files.size());
  });
}

}  // namespace drey::sim
