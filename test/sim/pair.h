// An owner and a holder, each the real code on a simulated device, and the oracle of what the owner
// was told.
#pragma once

#include "sim/suite.h"

namespace drey::sim {

class Pair {
 public:
  explicit Pair(uint64_t seed);
  // `device` falls at the mutating call that is about to happen, as `index` says, and is back two
  // seconds later.
  void fell(Device* device, uint64_t index);
  std::string start();
  bool together();
  Status back_up();
  // W without its restart.
  std::string work();
  // Both lose power; both come back, and everything is there.
  std::string finish();

  SimWorld world;
  SimNode& a;
  SimNode& b;
  Device owner;
  Device holder;
  Household household;
  Oracle oracle;
  bool strict = true;  // no faults are injected: nothing may fail

 private:
  void watch();
  Device* falling_ = nullptr;
  bool with_power_ = false;
  SimDisk::Crash crash_;
  std::string wrong_;
};

}  // namespace drey::sim
