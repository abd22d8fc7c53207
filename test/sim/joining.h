// How simulated devices become members of one mesh without the hours of pairing them: the
// statements and keys that a pairing leaves behind are written straight to their disks.
#pragma once

#include "node/key_file.h"
#include "sim/sim_world.h"

namespace drey::sim {

// Makes `guest` a member of the mesh of `host`. No daemon runs on either.
Status admit(SimNode& host, SimNode& guest, NodeRole role);

}  // namespace drey::sim
