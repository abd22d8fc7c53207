// What the scheduler asks for, done with the node's own parts: backups and forgetting by
// BackupService, the state log on the store lane. Part of the node, loop thread.
#pragma once

#include "node/scheduler.h"
#include "store/state_log.h"

namespace drey {

class Node;

class NodeScheduleWork final : public ScheduleWork, private SnapshotSink {
 public:
  void start(Node* node, StateLog* state);
  void set_config(const Config* config) { config_ = config; }

  Status begin_backup(size_t set, Op* done) override;
  Status begin_retention(size_t set, Op* done) override;
  Status begin_confirm(int64_t wall_ns, Op* done) override;
  Status begin_save(std::string_view key, Bytes value, Op* done) override;
  Status load(std::string_view key, MutBytes to, size_t* size) override;

 private:
  struct SaveJob final : Job {
    StateLog* state = nullptr;
    size_t key_size = 0, value_size = 0;
    std::array<char, 24> key;
    std::array<uint8_t, 16> value;
    Status run() override;
  };
  bool row(const SnapshotInfo& info) override;
  void listed(Status status);

  Node* node_ = nullptr;
  StateLog* state_ = nullptr;
  const Config* config_ = nullptr;
  SaveJob save_;
  bool agreed_ = false;
  int64_t wall_ns_ = 0;
  Op* confirm_done_ = nullptr;
  DataSignal<NodeScheduleWork> listed_;
};

}  // namespace drey
