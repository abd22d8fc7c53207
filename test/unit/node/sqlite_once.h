// SQLite's memory, one for all tests of this program.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "drey/limits.h"
#include "sim/sim_node.h"
#include "store/sqlite_runtime.h"

namespace drey {

inline void start_sqlite() {
  static std::vector<uint8_t> arena(4 * board::kSqliteArenaBytes);
  static SimRandom random(3);
  ASSERT_EQ(sqlite_runtime_start(arena, &random), Status::kOk);
}

}  // namespace drey
