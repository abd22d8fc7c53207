// One simulated device with the real code on it: keys, Store, Committer, Mesh and BackupService,
// put together as src/node/start.cc does, over the simulated ports. Channels between devices are
// plain: what the simulator looks for is not in TLS, and handshakes would cost most of its time.
//
// For the simulator only: it may allocate.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backup/backup.h"
#include "node/key_file.h"
#include "node/keyring_wrap.h"
#include "sim/sim_world.h"
#include "sim/stream_reader.h"
#include "store/commit.h"
#include "store/state_log.h"

namespace drey::sim {

// Once per process, before the first device starts.
void start_process();

class Device {
 public:
  explicit Device(SimNode* sim);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  // Makes a node and a mesh on the device's disk (the real drey init).
  Status init();
  // Makes the device a full member of the mesh of `host`, as a pairing does. Neither runs.
  Status join(Device& host);
  // The daemon starts. Not kOk: it ended again, as the program does with exit code 1.
  Status start();
  // Ends it in good order; false when that took more than ten seconds.
  bool stop();
  // The process dies.
  void kill();
  void lose_power(const SimDisk::Crash& how);
  bool is_running() const { return parts_ != nullptr; }

  // Each runs the world until the answer is there. kTimeout: no answer in two minutes. kClosed: the
  // daemon ended meanwhile.
  Status back_up(std::string_view path, std::string_view set, StatementId* snapshot);
  Status list(std::vector<SnapshotInfo>* to);
  Restored restore(const SnapshotInfo& snapshot);
  Status forget(const StatementId& snapshot);
  // Gives up what forgotten snapshots alone needed, once they are out of the log.
  Status sweep();
  // Frees all that compaction can free.
  Status compact();

  SimNode& sim() { return *sim_; }
  bool plain = true;  // false: real TLS between devices
  Mesh& mesh();
  Store& store();
  BackupService& service();

 private:
  struct Parts;
  struct Waiter;
  Status open_parts();
  Status start_mesh();
  Status start_backup();
  void drop();
  Waiter& ask();
  Status answer(const Waiter& waiter);

  SimNode* sim_;
  std::unique_ptr<Parts> parts_;
  uint64_t ends_ = 0;  // of daemons
};

}  // namespace drey::sim
