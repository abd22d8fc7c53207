// Wall clocks that are wrong (E1, E3), a suspend of a month (E2), and devices that come back after
// long times (D9) or all the time (D12).
#include "sim/fleet.h"

namespace drey::sim {
namespace {

constexpr int64_t kSecondNs = static_cast<int64_t>(kSecond);
constexpr int64_t kYearNs = 31'556'952 * kSecondNs;
constexpr int64_t k2025Ns = 1'735'689'600 * kSecondNs;

void each_life(Suite& suite, uint64_t cases,
               const std::function<std::string(uint64_t index, SimRng& rng)>& body) {
  suite.expect(cases);
  for (uint64_t index = 0; index < cases; ++index) {
    if (!suite.wants(index)) continue;
    suite.run(index, [&] {
      SimRng rng(mix(suite.seed(), index, 41));
      return Outcome{1, 0, body(index, rng)};
    });
  }
}

FleetOptions small(size_t count) {
  FleetOptions options;
  options.count = count;
  options.files = 4;
  options.large_bytes = 16 * 1024;
  return options;
}

std::string begin(Fleet& fleet) {
  std::string wrong = fleet.mend();
  return wrong.empty() && !fleet.together() ? "they do not find each other" : wrong;
}

void set_clock(SimClock& clock, const SimWorld& world, int64_t to_ns, bool frozen) {
  clock.wall_frozen = frozen;
  clock.wall_frozen_ns = to_ns;
  clock.wall_offset_ns = to_ns - static_cast<int64_t>(world.now_ns());
}

void turn_clock(Fleet& fleet, size_t i, SimRng& rng) {
  constexpr int64_t kTimes[] = {0,
                                kSecondNs,
                                2'147'483'647 * kSecondNs,
                                2'147'483'700 * kSecondNs,
                                4'294'967'295 * kSecondNs,
                                4'300'000'000 * kSecondNs,
                                k2025Ns};
  SimClock& clock = fleet.world.node(i).clock;
  int64_t now = clock.wall_ns();
  switch (rng.below(3)) {
    case 0:
      now = kTimes[rng.below(7)];
      break;
    case 1:
      now = k2025Ns + (static_cast<int64_t>(rng.below(21)) - 10) * kYearNs;
      break;
    case 2:
      now += (rng.below(2) == 0 ? 1 : -1) * 3600 * kSecondNs;
      break;
  }
  set_clock(clock, fleet.world, now, rng.below(4) == 0);
}

}  // namespace

// E1: clocks jump between and during backups, before starts, before forgetting by rules: nothing is
// forgotten that the newest ones of a rule would keep, channels open, backups work.
void run_clock_jumps(Suite& suite) {
  each_life(suite, 1000, [&](uint64_t index, SimRng& rng) -> std::string {
    Fleet fleet(mix(suite.seed(), index, 42), small(3));
    for (size_t i = 0; i < fleet.size(); ++i) fleet.at(i).plain = index % 8 != 0;
    for (size_t i = 0; i < fleet.size(); ++i) turn_clock(fleet, i, rng);
    std::string wrong = begin(fleet);
    for (int round = 0; round < 6 && wrong.empty(); ++round) {
      for (size_t i = 0; i < fleet.size(); ++i) {
        fleet.edit(i);
        fleet.back_up(i);
        fleet.world.run_for(rng.below(300) * kMillisecond);
        turn_clock(fleet, rng.below(fleet.size()), rng);
      }
      if (!fleet.quiet()) return "a backup does not end";
      for (size_t i = 0; i < fleet.size(); ++i)
        if (!fleet.last_worked(i)) return "a backup failed";
      size_t i = rng.below(fleet.size());
      uint32_t days = static_cast<uint32_t>(rng.below(2) * rng.below(10));
      if (round % 2 == 1) fleet.forget(i, static_cast<uint32_t>(rng.between(1, 3)), days);
      turn_clock(fleet, i, rng);
      fleet.world.run_for(rng.below(120) * kSecond);
      if (rng.below(4) > 0 || fleet.is_busy(i)) continue;
      fleet.at(i).kill();
      Status status = fleet.at(i).start();
      if (!ok(status)) return failed("start", status);
      if (!fleet.together()) return "they do not find each other again";
    }
    if (wrong.empty()) wrong = fleet.settle();
    return wrong.empty() ? fleet.check_all(true) : wrong;
  });
}

// E2: some or all devices are suspended for 30 days, in the midst of a backup, while UNPINs wait
// for their fourteen days of up-time: what was taken for a time is neither kept too long nor let go
// too early.
void run_suspend(Suite& suite) {
  each_life(suite, 100, [&](uint64_t index, SimRng& rng) -> std::string {
    FleetOptions options = small(3);
    options.minimum_age_s = 14 * kDay / kSecond;
    Fleet fleet(mix(suite.seed(), index, 46), options);
    std::string wrong = begin(fleet);
    for (int round = 0; round < 2 && wrong.empty(); ++round) {
      for (size_t i = 0; i < fleet.size(); ++i) {
        fleet.edit(i);
        fleet.back_up(i);
      }
      if (!fleet.quiet()) return "a backup does not end";
      wrong = fleet.settle();
    }
    if (!wrong.empty()) return wrong;
    for (size_t i = 0; i < fleet.size(); ++i) fleet.forget(i, 1);
    fleet.world.run_for(30 * kMinute);
    auto count = [&](uint64_t UnpinSummary::*figure) {
      uint64_t sum = 0;
      for (size_t i = 0; i < fleet.size(); ++i) sum += fleet.at(i).mesh().data().unpins().*figure;
      return sum;
    };
    if (count(&UnpinSummary::waiting) == 0) return "no UNPIN waits";
    for (size_t i = 0; i < fleet.size(); ++i) fleet.edit(i);
    fleet.back_up(rng.below(fleet.size()));
    fleet.world.run_for(rng.below(400) * kMillisecond);
    bool all = rng.below(2) == 0;
    for (size_t i = 0; i < fleet.size(); ++i)
      if (all || rng.below(2) == 0) fleet.at(i).sim().fall_asleep();
    fleet.world.run_for(all ? 30 * kDay : 3 * kHour);
    for (size_t i = 0; i < fleet.size(); ++i) fleet.at(i).sim().fall_asleep();
    fleet.world.run_for(30 * kDay);
    wrong = fleet.mend();
    if (!fleet.quiet()) return "a backup does not end";
    if (wrong.empty() && !fleet.together()) wrong = "they do not find each other again";
    fleet.world.run_for(kHour);
    if (count(&UnpinSummary::done) > 0) return "an UNPIN took effect before its time";
    if (wrong.empty()) wrong = fleet.settle();
    return wrong.empty() ? fleet.check_all(true) : wrong;
  });
}

// E3: devices years apart. The newest snapshot of each is the one it made last.
void run_years_apart(Suite& suite) {
  each_life(suite, 500, [&](uint64_t index, SimRng& rng) -> std::string {
    Fleet fleet(mix(suite.seed(), index, 43), small(3));
    std::string wrong = begin(fleet);
    for (int round = 0; round < 3 && wrong.empty(); ++round) {
      for (size_t i = 0; i < fleet.size(); ++i) {
        int64_t apart = (static_cast<int64_t>(rng.below(11)) - 5) * kYearNs;
        set_clock(fleet.world.node(i).clock, fleet.world, k2025Ns + apart, false);
        fleet.edit(i);
        fleet.back_up(i);
      }
      if (!fleet.quiet()) wrong = "a backup does not end";
      fleet.world.run_for(5 * kSecond);
    }
    if (wrong.empty()) wrong = fleet.settle();
    for (size_t i = 0; i < fleet.size() && wrong.empty(); ++i) {
      for (size_t k = 0; k < fleet.size(); ++k) {
        SnapshotInfo info;
        std::string name = fleet.at(k).sim().name() + ":latest";
        Status status = fleet.at(i).wait(
            [&](Machine::Done done) { fleet.at(i).resolve(name, &info, std::move(done)); });
        if (!ok(status)) return failed("latest", status);
        if (fleet.newest(k) == nullptr || info.id != *fleet.newest(k)) return "not the newest";
      }
    }
    return wrong.empty() ? fleet.check_all(true) : wrong;
  });
}

// D9: a device is back after a month to a year, in which the others backed up and let go.
void run_long_absence(Suite& suite) {
  each_life(suite, 100, [&](uint64_t index, SimRng& rng) -> std::string {
    constexpr uint64_t kDays[] = {30, 90, 400};
    Fleet fleet(mix(suite.seed(), index, 44), small(4));
    std::string wrong = begin(fleet);
    for (size_t i = 0; i < fleet.size() && wrong.empty(); ++i) fleet.back_up(i);
    if (!fleet.quiet()) return "a backup does not end";
    if (wrong.empty()) wrong = fleet.settle();
    if (!wrong.empty()) return wrong;
    size_t away = rng.below(fleet.size());
    if (rng.below(2) == 0) {
      fleet.at(away).sim().fall_asleep();
    } else {
      fleet.at(away).switch_off({SimDisk::Keep::kNothing, index, 512});
    }
    // The others sleep most of that time, too.
    uint64_t days = kDays[index % 3];
    for (int part = 0; part < 5; ++part) {
      for (size_t i = 0; i < fleet.size(); ++i) {
        fleet.edit(i);
        fleet.back_up(i);
      }
      fleet.world.run_for(10 * kMinute);
      for (size_t i = 0; i < fleet.size(); ++i)
        if (i != away) fleet.forget(i, 2);
      fleet.world.run_for(4 * kHour);
      for (size_t i = 0; i < fleet.size(); ++i) fleet.at(i).sim().fall_asleep();
      fleet.world.run_for(days * kDay / 5);
      for (size_t i = 0; i < fleet.size(); ++i)
        if (i != away) fleet.at(i).sim().wake_up();
    }
    wrong = fleet.mend();
    if (wrong.empty()) wrong = fleet.settle();
    if (!wrong.empty()) return wrong;
    wrong = fleet.check_all(true);
    return wrong.empty() ? fleet.check_forgotten() : wrong;
  });
}

// D12: a device comes and goes every ten seconds for a day. What is copied because of that is at
// most twice what there is.
void run_flapping(Suite& suite) {
  each_life(suite, 20, [&](uint64_t index, SimRng& rng) -> std::string {
    Fleet fleet(mix(suite.seed(), index, 45), small(4));
    std::string wrong = begin(fleet);
    for (size_t i = 0; i < fleet.size() && wrong.empty(); ++i) fleet.back_up(i);
    if (!fleet.quiet()) return "a backup does not end";
    if (wrong.empty()) wrong = fleet.settle();
    if (!wrong.empty()) return wrong;
    uint64_t all = fleet.taken_in();
    const SimNode* flapping = &fleet.world.node(rng.below(fleet.size()));
    uint64_t end = fleet.world.now_ns() + kDay;
    while (fleet.world.now_ns() < end) {
      fleet.world.partition({flapping});
      fleet.world.run_for(10 * kSecond);
      fleet.world.mend_all();
      fleet.world.run_for(10 * kSecond);
    }
    uint64_t repaired = fleet.taken_in() - all;
    if (repaired > 2 * all) return std::to_string(repaired) + " bytes of " + std::to_string(all);
    wrong = fleet.settle();
    return wrong.empty() ? fleet.check_all(true) : wrong;
  });
}

}  // namespace drey::sim
