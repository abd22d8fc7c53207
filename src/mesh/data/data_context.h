// What the parts of the data service share: ports, members, links, the serve pool. Owned by
// DataService, loop thread.
#pragma once

#include "mesh/data/data_members.h"
#include "mesh/data/data_peers.h"

namespace drey {

inline constexpr uint64_t kDataSecondNs = 1'000'000'000;

class Replication;

struct DataContext {
  DataOptions options;
  DataMembers members;
  DataPeers peers;
  ServePool serve_pool;
  // Woken when own records may have too few holders, or when somebody can be given more.
  DataSignal<Replication> changed;
  // Own pins have numbers of at least this: above all that members say they have stored for us.
  uint64_t number_floor = 0;
  // In force; zeros, which no signature fits, until Mesh has told it.
  PublicKey recovery_key{};
  TransferCounts counts;

  uint64_t now() const { return options.clock->up_ns(); }
  void submit(Lane lane, Job* job, Op* op) {
    job->op = op;
    options.lanes->submit(lane, job);
  }
};

}  // namespace drey
