// Workload W and its oracle. W: three backups of 60 files / 2 MiB with edits and deletions between
// them, a clean restart, one snapshot forgotten, the sweep and the compaction that follow, one
// restore.
//
// The oracle knows which snapshots were acknowledged and which were only tried, each with the bytes
// of its files. Acknowledged ones must be listed and restore byte-identically; a tried one may be
// listed, and then restores too; nothing else may ever be listed or restored.
#pragma once

#include <functional>
#include <string>

#include "sim/device.h"

namespace drey::sim {

// Bytes of the files of one snapshot, by path without the leading slash.
using Files = std::map<std::string, std::shared_ptr<const std::string>>;

// The user's files: a function of the seed and of how many rounds of edits there were.
class Household {
 public:
  // 60 files and 2 MiB unless asked otherwise.
  explicit Household(uint64_t seed, int files = 60, size_t large_bytes = 512 * 1024)
      : rng_(seed), file_count_(files), large_bytes_(large_bytes) {}
  static constexpr std::string_view kRoot = "/home/ann";
  static constexpr int kRounds = 3;
  // The next round on `tree`: the first one makes everything, later ones edit, delete and add.
  void advance(SimTree* tree);
  int round() const { return round_; }
  const Files& files() const { return files_; }

 private:
  void write(SimTree* tree, const std::string& name, std::string bytes);
  std::string make_bytes(size_t size);
  void edit(SimTree* tree);
  SimRng rng_;
  int file_count_;
  size_t large_bytes_;
  int round_ = 0;
  int made_ = 0;
  Files files_;
};

class Oracle {
 public:
  void begin(const Files& files) { tried_.push_back({StatementId{}, files}); }
  // The snapshot begun last was acknowledged.
  void acknowledge(const StatementId& id);
  // The oldest acknowledged one is to be forgotten: from now on it may be there, whole, or not.
  StatementId forget_oldest();
  size_t acknowledged() const { return acked_.size(); }

  // What is wrong with what the device says; "" = nothing. Strict: every acknowledged snapshot is
  // there, whole. Else a fault may be in the way: only lies are wrong. A fault may begin meanwhile:
  // that is why it is a reference.
  std::string check(Device& device, const bool& strict) const;
  // The same for the newest acknowledged one alone.
  std::string check_newest(Device& device) const;

 private:
  struct Snapshot {
    StatementId id;
    Files files;
  };
  std::string check_one(Device& device, const SnapshotInfo& info, const bool& strict) const;
  static std::string compare(const Files& expected, const Restored& got, bool strict);
  std::vector<Snapshot> acked_;
  std::vector<Snapshot> tried_;
};

// One device living through W.
class Run {
 public:
  // `disk`: of a device after init(); its copy is worked on.
  Run(uint64_t seed, const SimDisk& disk);
  // From the first start to the last restore. Goes on after failures, as people do: a daemon that
  // does not start is started again, a backup that failed is asked for once more. Returns what is
  // wrong, "" = nothing.
  std::string work();
  // After a fault: the device starts, has everything, backs up once more, and still has everything
  // when power fails right afterwards (`then_cut`).
  // Not `thorough`: of the old snapshots only the newest is restored.
  std::string recover(bool then_cut, bool thorough = true);
  // A backup of the files as they are.
  Status back_up();
  // Forgets the oldest snapshot and frees what it alone needed. Returns what is wrong.
  std::string forget_and_free();

  SimWorld world;
  SimNode& node;
  Device device;
  Household household;
  Oracle oracle;
  bool strict = true;  // no faults are injected: nothing may fail

 private:
  Status start_patiently();
};

std::string failed(const char* what, Status status);

}  // namespace drey::sim
