// SQLite's process-wide settings: our allocator over one fixed arena, no default file system.
//
// SQLite keeps its configuration in globals of its own, so this is the one thing of the store that
// belongs to the process and not to an object. Main (or a test program) calls start once, before
// the first Store is opened and before any thread runs; several stores share the arena.
#pragma once

#include "drey/ports.h"

namespace drey {

struct SqliteMemory {
  size_t arena_bytes = 0;
  size_t used_bytes = 0;
  size_t peak_bytes = 0;
  size_t refused_count = 0;  // allocations that found no room: answered "busy"
};

// `arena` lives as long as the process: board::kSqliteArenaBytes per store. A second call returns
// kOk when it names the same arena, else kExists. `random` seeds SQLite's own generator (WAL
// salts).
Status sqlite_runtime_start(MutBytes arena, Random* random);
bool sqlite_runtime_started();
SqliteMemory sqlite_runtime_memory();

}  // namespace drey
