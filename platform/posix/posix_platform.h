// Everything the platform offers, in one object for main's static storage, and the Ports it fills.
// Loop thread. Nothing here allocates; libuv and libc do, inside open().
//
//   static PosixPlatform platform;
//   DREY_TRY(platform.open(limits::kWorkThreads));
//   DREY_TRY(platform.disk.open_root(dir, true));
//   Ports ports = platform.ports();
//   ports.host->run(&ready, &tick, 100);
//   platform.close();
#pragma once

#include "drey/ports.h"
#include "posix/posix_clock.h"
#include "posix/posix_disk.h"
#include "posix/posix_random.h"
#include "posix/posix_tree.h"
#include "posix/uv_host.h"
#include "posix/uv_lanes.h"
#include "posix/uv_net.h"

namespace drey {

struct PosixPlatform {
  // Descriptors the process may have: directories of a walk, sockets, files, and some to spare.
  static constexpr size_t kFdsMax = 2048;

  // Loop, descriptors, threads. A failure leaves the object closed.
  Status open(size_t work_threads);
  // Lanes first (they finish what is queued), then sockets, then the loop. Again is harmless.
  void close();
  // `store` is the second disk when it was opened, else DIR itself.
  Ports ports();

  PosixClock clock;
  PosixRandom random;
  PosixDisk disk;
  PosixDisk store;  // opened only when segments lie elsewhere
  PosixTree tree;
  UvHost host;
  UvNet net;
  UvLanes lanes;
};

}  // namespace drey
