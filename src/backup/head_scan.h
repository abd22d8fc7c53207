// Reads the heads of the store's log in key order (owner, sequence) and opens them: a job for the
// store lane that delivers a few at a time. Embedded in the op that scans; submit it again until
// `ended`.
#pragma once

#include "backup/types.h"
#include "codec/keyring.h"
#include "mesh/heads/head.h"
#include "store/store.h"

namespace drey {

// One stored head. kOk; kNotFound (a key this node was not given), kInvalid, kUnsupported,
// kCorrupt.
Status open_stored_head(const Keyring& keyring, const HeadKey& key, Bytes statement,
                        SnapshotInfo* info);

struct HeadScan final : Job {
  static constexpr size_t kBatch = 4;
  Store* store = nullptr;
  const Keyring* keyring = nullptr;
  // From the start, or one owner's only.
  void begin(const NodeId* only_owner);
  // kIo.
  Status run() override;

  std::array<SnapshotInfo, kBatch> infos;  // out: `count` of them
  size_t count = 0;
  bool ended = false;
  uint64_t unreadable = 0;      // heads that could not be opened, since begin()
  NodeId self;                  // of these,
  uint64_t unreadable_own = 0;  // so many are this node's

 private:
  StatementKey after_{};
  bool one_owner_ = false;
  NodeId owner_;
  std::array<uint8_t, limits::kHeadBytesMax> statement_;
};

}  // namespace drey
