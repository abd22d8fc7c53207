// Words of the data service (data_service.h): its ports, how it sees the members, what it reports.
// Plain values, loop thread.
#pragma once

#include <span>

#include "base/log.h"
#include "crypto/sign.h"
#include "drey/limits.h"
#include "drey/pool.h"
#include "drey/ports.h"
#include "mesh/requests.h"
#include "store/commit.h"
#include "store/state_log.h"

namespace drey {

struct DataOptions {
  Store* store = nullptr;
  Committer* committer = nullptr;
  Lanes* lanes = nullptr;
  Clock* clock = nullptr;
  Random* random = nullptr;  // null: no audits
  Log* log = nullptr;        // may be null
  ReadyQueue* ready = nullptr;
  NodeId self;
  // For giving up (DATA.md). Without an identity this node unpins nothing.
  const KeyPair* identity = nullptr;
  MeshId mesh;
  StateLog* state = nullptr;                           // may be null: own up-time is not remembered
  uint64_t minimum_age_s = board::kMinimumAgeSeconds;  // tests only set another one
  uint64_t quota_bytes = 0;  // what one other member may fill here; 0: see Quota::limit()
};

// One active member, self included. Mesh hands over the whole table whenever a row changed.
struct DataMember {
  NodeId id;
  uint32_t capacity_gib = 1;  // the weight in placement; all nodes must use the same number
  uint16_t zone = 0;          // 0 = none
  bool lost = false;          // its copies do not count any more
  bool full = false;          // told so in HELLO, or read only, or failed: no new records
  bool frozen = false;  // two devices have its identity: nothing of it is removed, nothing taken
  bool operator==(const DataMember&) const = default;
};

// Completes when every claim (store.own) of the pushes completed so far is on disk. kIo: some are
// not: the backup they belong to must not publish its head.
struct FlushRequest {
  Op* op = nullptr;
  // Used by Mesh.
  Ticket ticket = 0;
  bool reports = false;
  FlushRequest* next = nullptr;
};

// How well the own records are kept (DESIGN 4 "Copies"). The counts are those of the last complete
// pass; records are counted in each line they fit.
struct ReplicationSummary {
  uint64_t records = 0;           // own records
  uint64_t under_replicated = 0;  // with fewer holders than needed, the missing ones included
  uint64_t missing = 0;           // held by nobody, as far as is known
  uint64_t at_risk = 0;           // held by the owner alone
  uint64_t pass_number = 0;       // of the pass these counts come from; 0 = none yet
  bool counted = false;           // these counts know of everything that happened on this device
  bool settled = false;  // nothing has changed since, and every open peer was asked what it holds
};

// Giving up, for the status.
struct UnpinSummary {
  uint64_t told = 0;               // own records that holders were told to give up, since the start
  uint64_t approved = 0;           // the own number up to which they may
  bool waits_for_members = false;  // some member has not stored that number yet
  uint64_t waiting = 0;            // UNPINs of others that wait here for their minimum age
  uint64_t released = 0;           // surplus copies that were let go since the start
  uint64_t done = 0;               // that took effect since the start
};

// Records read and given since the start, for the figures.
struct TransferCounts {
  uint64_t own_log = 0;  // wanted here and found here,
  uint64_t peer = 0;     // got from another device,
  uint64_t nowhere = 0;  // or not found
  uint64_t peer_bytes = 0;
  uint64_t served = 0;  // given to another device that asked
  uint64_t served_bytes = 0;
};

using RecordBuffer = Buffer<limits::kRecordBytesMax>;
using ReceivePool = Pool<RecordBuffer, limits::kReceiveSlots>;
using ServePool = Pool<RecordBuffer, limits::kServeSlots>;

}  // namespace drey
