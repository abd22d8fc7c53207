// One simulated device with a whole node on it, as the daemon has it: class Node over the simulated
// ports, driven by the world beside the others. Requests run while the world goes on. Channels
// between devices are plain unless asked otherwise: what the simulator looks for is seldom in TLS,
// and handshakes would cost most of its time.
//
// For the simulator only: it may allocate.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "node/node.h"
#include "sim/sim_world.h"
#include "sim/stream_reader.h"

namespace drey::sim {

class Machine {
 public:
  using Done = std::function<void(Status)>;
  explicit Machine(SimNode* sim);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // Makes a node and a mesh on the device's disk (the real drey init).
  Status init(uint8_t copies);
  // The daemon starts. Not kOk: it ended again, as the program does with exit code 1.
  Status start();
  // Ends it in good order; false when that took more than ten seconds.
  bool stop();
  // The process dies.
  void kill();
  void lose_power(const SimDisk::Crash& how);
  // The machine is off, with its process, until the next start().
  void switch_off(const SimDisk::Crash& how);
  bool is_running() const { return run_ != nullptr; }
  bool is_awake() const { return is_running() && !sim_->is_asleep(); }

  // Each returns at once; `done` is called in the loop of this node when it is over. kClosed: the
  // daemon ended first.
  void back_up(std::string_view path, std::function<void(Status, const BackupResult&)> done);
  void forget(const RetentionPolicy& policy, Done done);
  void list(Done done);
  void restore(const SnapshotInfo& snapshot, Done done);
  void resolve(std::string_view name, SnapshotInfo* to, Done done);
  // What would be left of it: no contents are fetched.
  void survey(const SnapshotInfo& snapshot, const Survivors& survivors, Done done);
  const std::vector<SnapshotInfo>& listed() const;
  Restored take_restored();

  // Runs the world until the request that `begin` makes is over; one refused as busy is made again.
  // kTimeout: not in an hour. kCancelled: the machine does not run.
  Status wait(const std::function<void(Done)>& begin);

  SimNode& sim() { return *sim_; }
  Node& node();
  Mesh& mesh() { return node().mesh(); }
  bool plain = true;  // false: real TLS between devices
  uint64_t idle_tick_ns = 8 * kSecond;
  uint64_t minimum_age_s = board::kMinimumAgeSeconds;  // before an UNPIN takes effect

 private:
  struct Run;
  struct Request;
  void drop();
  Request* ask(Done done);
  void open_stream(const StreamRequest& request, Done done);

  SimNode* sim_;
  std::unique_ptr<Run> run_;
};

}  // namespace drey::sim
