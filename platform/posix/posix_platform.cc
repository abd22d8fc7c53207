#include "posix/posix_platform.h"

#include "drey/limits.h"

namespace drey {

Status PosixPlatform::open(size_t work_threads) {
  DREY_TRY(host.open());
  net.open(host.loop());
  host.set_net(&net);
  Status status = host.reserve_fds(kFdsMax);
  if (ok(status)) status = lanes.open(host.loop(), work_threads, limits::kLaneStackBytes);
  if (!ok(status)) close();
  return status;
}

void PosixPlatform::close() {
  lanes.close();
  net.close_all();
  host.close();
}

Ports PosixPlatform::ports() {
  Ports ports;
  ports.clock = &clock;
  ports.random = &random;
  ports.disk = &disk;
  ports.store = store.is_open() ? &store : &disk;
  ports.tree = &tree;
  ports.net = &net;
  ports.lanes = &lanes;
  ports.host = &host;
  return ports;
}

}  // namespace drey
