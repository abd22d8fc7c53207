// What the ops of src/backup share; filled by BackupService::start(), constant afterwards.
#pragma once

#include "backup/record_space.h"
#include "backup/slot_share.h"
#include "codec/chunker.h"
#include "codec/compress.h"
#include "codec/keyring.h"
#include "crypto/sign.h"
#include "mesh/data/data_signal.h"
#include "store/store.h"

namespace drey {

struct BackupContext {
  Lanes* lanes = nullptr;
  Clock* clock = nullptr;
  Random* random = nullptr;
  Tree* tree = nullptr;
  ReadyQueue* ready = nullptr;
  Log* log = nullptr;  // may be null
  Store* store = nullptr;
  RecordSpace* records = nullptr;
  const Keyring* keyring = nullptr;
  CompressorSet* compressors = nullptr;
  const KeyPair* sign_key = nullptr;
  NodeId self;
  Compression compression;
  ChunkSizes chunk_sizes;
  SlotShare slots;

  bool is_own(const NodeId& owner) const { return records->is_own(self, owner); }
  void submit(Lane lane, Job* job, Op* op) {
    job->op = op;
    lanes->submit(lane, job);
  }
};

template <class Owner>
using Signal = DataSignal<Owner>;

}  // namespace drey
