// Cards that come back empty, old, or twice (D10, D11, F0's older image), with the identity of
// their device: nothing of anybody is lost by it.
#include "sim/fleet.h"

namespace drey::sim {
namespace {

void each_life(Suite& suite, uint64_t cases,
               const std::function<std::string(uint64_t index, SimRng& rng)>& body) {
  suite.expect(cases);
  for (uint64_t index = 0; index < cases; ++index) {
    if (!suite.wants(index)) continue;
    suite.run(index, [&] {
      SimRng rng(mix(suite.seed(), index, 61));
      return Outcome{1, 0, body(index, rng)};
    });
  }
}

FleetOptions small() {
  FleetOptions options;
  options.count = 4;
  options.files = 6;
  options.large_bytes = 32 * 1024;
  return options;
}

std::string everybody_backs_up(Fleet& fleet) {
  for (size_t i = 0; i < fleet.size(); ++i) fleet.edit(i);
  for (size_t i = 0; i < fleet.size(); ++i) fleet.back_up(i);
  if (!fleet.quiet()) return "a backup does not end";
  for (size_t i = 0; i < fleet.size(); ++i)
    if (!fleet.last_worked(i)) return "a backup failed";
  fleet.world.run_for(kMinute);
  return fleet.settle();
}

std::string begin(Fleet& fleet) {
  std::string wrong = fleet.mend();
  if (wrong.empty() && !fleet.together()) wrong = "they do not find each other";
  return wrong.empty() ? everybody_backs_up(fleet) : wrong;
}

// The device dies, and starts on this card.
std::string start_on(Fleet& fleet, size_t i, const SimDisk& card) {
  fleet.at(i).switch_off({SimDisk::Keep::kNothing, 1, 512});
  fleet.at(i).sim().disk.copy_from(card);
  fleet.world.run_for(kMinute);
  Status status = fleet.at(i).start();
  return ok(status) ? "" : failed("start", status);
}

// Everything is there; then everybody backs up, lets go of the rest, and what is left is there.
std::string goes_on(Fleet& fleet) {
  std::string wrong = fleet.settle();
  if (wrong.empty()) wrong = fleet.check_all(true);
  if (wrong.empty()) wrong = everybody_backs_up(fleet);
  for (size_t i = 0; i < fleet.size() && wrong.empty(); ++i) fleet.forget(i, 2);
  fleet.world.run_for(kHour);
  if (wrong.empty()) wrong = fleet.settle();
  return wrong.empty() ? fleet.check_all(true) : wrong;
}

}  // namespace

// D10: only the key file and the copy of the first statement are left on the card. Such a device
// refuses to start (its disk may not be mounted); nobody else loses anything.
void run_empty_card(Suite& suite) {
  each_life(suite, 50, [&](uint64_t index, SimRng& rng) -> std::string {
    Fleet fleet(mix(suite.seed(), index, 62), small());
    std::string wrong = begin(fleet);
    if (wrong.empty()) wrong = everybody_backs_up(fleet);
    if (!wrong.empty()) return wrong;
    size_t i = rng.below(fleet.size());
    SimDisk card;
    for (const char* name : {"drey.keys", "drey.genesis"})
      if (const auto* bytes = fleet.at(i).sim().disk.peek(name)) card.put(name, *bytes);
    if (start_on(fleet, i, card).empty()) return "it started without its log";
    fleet.lose(i);
    fleet.world.run_for(kHour);
    return fleet.check_all(true);
  });
}

// A card as it was some backups ago, with or without forgetting since.
void run_old_card(Suite& suite) {
  each_life(suite, 100, [&](uint64_t index, SimRng& rng) -> std::string {
    Fleet fleet(mix(suite.seed(), index, 63), small());
    std::string wrong = begin(fleet);
    size_t i = rng.below(fleet.size());
    SimDisk card;
    card.copy_from(fleet.at(i).sim().disk);
    for (uint64_t round = 0; round <= index % 3 && wrong.empty(); ++round) {
      wrong = everybody_backs_up(fleet);
      for (size_t k = 0; k < fleet.size() && index % 2 == 0; ++k) fleet.forget(k, 1);
      fleet.world.run_for(kHour);
    }
    if (wrong.empty()) wrong = start_on(fleet, i, card);
    return wrong.empty() ? goes_on(fleet) : wrong;
  });
}

std::string refused(Machine& machine) {
  Status status = machine.wait([&](Machine::Done done) {
    machine.back_up(Household::kRoot, [done](Status s, const BackupResult&) { done(s); });
  });
  return status == Status::kExists ? "" : failed("a backup beside a clone", status);
}

// Everybody starts again; the alarms stand until a person ends them, one device at a time.
std::string alarms_outlive_restarts(Fleet& fleet, size_t i) {
  NodeId id = fleet.at(i).mesh().self();
  for (size_t k = 0; k < fleet.size(); ++k) {
    fleet.at(k).kill();
    if (Status status = fleet.at(k).start(); !ok(status)) return failed("start", status);
  }
  if (!fleet.together()) return "they do not find each other";
  fleet.world.run_for(kMinute);
  if (!fleet.at(i).mesh().clone_proved()) return "the alarm is forgotten";
  std::string wrong = refused(fleet.at(i));
  size_t ended = 0;
  for (size_t k = 0; k < fleet.size(); ++k)
    ended += ok(fleet.at(k).mesh().end_clone_alarm(id)) ? 1 : 0;
  if (ended < 2) return "none of the others remembers the alarm";
  fleet.world.run_for(kMinute);
  if (fleet.at(i).mesh().cloned()) return "the alarm is back without a clone";
  return wrong;
}

// D11: two devices with one identity are noticed within three beacons, by both; nothing new is
// taken of either, also after restarts; when one of them is gone and a person has said so, life
// goes on.
void run_clone(Suite& suite) {
  each_life(suite, 50, [&](uint64_t index, SimRng& rng) -> std::string {
    Fleet fleet(mix(suite.seed(), index, 64), small());
    std::string wrong = begin(fleet);
    if (!wrong.empty()) return wrong;
    size_t i = rng.below(fleet.size());
    SimNode& other = fleet.world.add_node("clone");
    Machine clone(&other);
    other.disk.copy_from(fleet.at(i).sim().disk);
    other.disk.restart();
    Status status = clone.start();
    if (!ok(status)) return failed("the clone's start", status);
    fleet.world.run_for(30 * kSecond);
    if (!fleet.at(i).mesh().clone_proved() || !clone.mesh().clone_proved()) return "nobody noticed";
    wrong = refused(fleet.at(i));
    if (wrong.empty()) wrong = refused(clone);
    for (size_t k = 0; k < fleet.size(); ++k) fleet.forget(k, 1);
    fleet.world.run_for(10 * kMinute);
    clone.kill();
    if (wrong.empty()) wrong = alarms_outlive_restarts(fleet, i);
    return wrong.empty() ? goes_on(fleet) : wrong;
  });
}

}  // namespace drey::sim
