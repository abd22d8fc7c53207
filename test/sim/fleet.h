// A mesh of three to seven devices, each a whole node on a simulated machine, and the oracle of
// what their owners were told. Any full device has files of its own and backs them up.
//
// The oracle: an acknowledged snapshot that nobody let go is listed and restores byte for byte on
// every full device, once all that answers is reachable; nothing else is ever given back; no rotten
// record ever lies in a log as a good one. What has one copy only may be lost with its card: a test
// destroys data only after settle().
#pragma once

#include <set>

#include "sim/log_map.h"
#include "sim/machine.h"
#include "sim/suite.h"

namespace drey::sim {

struct FleetOptions {
  size_t count = 3;
  size_t vaults = 0;  // of them, the last ones
  uint8_t copies = 2;
  int files = 12;  // of each owner
  size_t large_bytes = 64 * 1024;
  // Every second owner has the same files in the beginning, as households do.
  bool shared_files = true;
  bool same_files = false;  // of all owners, instead
  uint64_t minimum_age_s = board::kMinimumAgeSeconds;
};

class Fleet {
 public:
  Fleet(uint64_t seed, const FleetOptions& options);

  // ---- Devices ----
  size_t size() const { return machines_.size(); }
  Machine& at(size_t i) { return *machines_[i]; }
  bool is_full(size_t i) const { return i + options_.vaults < options_.count; }
  // Every device that is off starts, who sleeps wakes, every fault of the network ends.
  std::string mend();
  // Until every two of them are connected.
  bool together(uint64_t limit_ns = 120 * kSecond);

  // ---- What people do; each returns at once, what came of it is in the oracle ----
  // Edits the files of device i, unless a backup is reading them.
  void edit(size_t i);
  void back_up(size_t i);
  // Lets go all but the newest `keep` snapshots of device i.
  void forget(size_t i, uint32_t keep, uint32_t keep_daily = 0);
  bool is_busy(size_t i) const { return owners_[i].backing_up || owners_[i].forgetting; }
  // Runs the world until no backup and no forgetting is under way: false when that never comes.
  bool quiet(uint64_t limit_ns = 1800 * kSecond);

  // ---- The oracle; "" = nothing is wrong ----
  // What device i lists and gives back. Strict: every acknowledged snapshot, whole. Else devices
  // may be out of reach: only lies are wrong.
  std::string check(size_t i, bool strict);
  std::string check_all(bool strict);
  // What came of the restore of one snapshot.
  std::string judge(const SnapshotInfo& info, const Restored& got, bool strict) const;
  // Every log as it lies on its card: a record that is no longer what its id says must not pass for
  // a good one.
  std::string check_logs();
  // Nobody lists a snapshot that was let go.
  std::string check_forgotten();
  // Why the mesh is not in order yet; "" when everything of everybody is protected, all know the
  // same statements, and nothing is under way.
  std::string unrest();
  // Until unrest() is over; what still is when the time has passed.
  std::string settle(uint64_t limit_ns = 2 * 3600 * kSecond);
  // Device i is gone for good: nobody waits for it, and its snapshots are only to be right.
  void lose(size_t i);
  bool is_gone(size_t i) const { return gone_.contains(i); }
  bool last_worked(size_t i) const { return ok(owners_[i].last); }
  // The newest acknowledged snapshot of device i; null: none.
  const StatementId* newest(size_t i) const;
  // Bytes of records and statements that the devices' stores took in since each one's start.
  uint64_t taken_in();
  // Bytes of copies that the records of all owners lack, by what lies on the cards.
  uint64_t missing_bytes();
  // Keys of the records that device i should keep for others.
  std::set<std::string> records_of_others(size_t i);

  SimWorld world;

 private:
  // kLetGo: forgetting was asked for; kForgotten: and is done.
  enum class Fate : uint8_t { kTried, kAcknowledged, kLetGo, kForgotten };
  struct Snapshot {
    size_t owner = 0;
    StatementId id;
    Files files;
    Fate fate = Fate::kTried;
  };
  struct Owner {
    Household household;
    bool backing_up = false;
    bool forgetting = false;
    Status last = Status::kOk;  // of the last backup
  };
  bool connected(size_t i, size_t k);
  std::string unrest_of(size_t i, size_t first);

  FleetOptions options_;
  std::vector<std::unique_ptr<Machine>> machines_;
  std::vector<Owner> owners_;
  std::vector<Snapshot> snapshots_;
  std::set<size_t> gone_;
};

// Runs `cases` lives, each in a process of its own, with a source of choices that `salt` tells from
// other families'.
using Life = std::function<std::string(uint64_t index, SimRng& rng)>;
void each_life(Suite& suite, uint64_t cases, uint64_t salt, const Life& body);
// All are on and connected.
std::string begin_together(Fleet& fleet);
// Files of everybody change, everybody backs up, and every copy finds its place.
std::string all_back_up(Fleet& fleet);

// How the fleet names a record.
std::string record_key(const LogPlace& place);

constexpr uint64_t kMinute = 60 * kSecond;
constexpr uint64_t kHour = 3600 * kSecond;
constexpr uint64_t kDay = 24 * kHour;

}  // namespace drey::sim
