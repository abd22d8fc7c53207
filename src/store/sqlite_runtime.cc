#include "store/sqlite_runtime.h"

#include <sqlite3.h>

#include <cstring>

#include "drey/check.h"
#include "store/sqlite_heap.h"

namespace drey {
namespace {

// SQLite's allocator hooks carry no context, so the one heap of the process stands here. It is set
// up once, before any thread runs.
SqliteHeap heap;
bool started = false;
const uint8_t* arena_begin = nullptr;
Random* generator = nullptr;

void* heap_allocate(int bytes) { return heap.allocate(static_cast<size_t>(bytes)); }
void heap_release(void* block) { heap.release(block); }
void* heap_resize(void* block, int bytes) { return heap.resize(block, static_cast<size_t>(bytes)); }
int heap_size(void* block) {
  return block == nullptr ? 0 : static_cast<int>(SqliteHeap::size_of(block));
}
int heap_round_up(int bytes) {
  return static_cast<int>(SqliteHeap::round_up(static_cast<size_t>(bytes)));
}
int heap_init(void*) { return SQLITE_OK; }
void heap_shutdown(void*) {}

// The default file system opens nothing: a database without a store's own VFS is a defect, and so
// is a temporary file.
int refuse_open(sqlite3_vfs*, const char*, sqlite3_file* file, int, int*) {
  file->pMethods = nullptr;
  return SQLITE_CANTOPEN;
}
int refuse_delete(sqlite3_vfs*, const char*, int) { return SQLITE_IOERR_DELETE; }
int refuse_access(sqlite3_vfs*, const char*, int, int* result) {
  *result = 0;
  return SQLITE_OK;
}
int refuse_path(sqlite3_vfs*, const char*, int, char*) { return SQLITE_CANTOPEN; }
int fill_random(sqlite3_vfs*, int count, char* to) {
  MutBytes room{reinterpret_cast<uint8_t*>(to), static_cast<size_t>(count)};
  if (generator == nullptr || !ok(generator->fill(room))) std::memset(to, 0, room.size());
  return count;
}
int no_sleep(sqlite3_vfs*, int) { return 0; }
int no_time(sqlite3_vfs*, double* days) {
  *days = 2440587.5;  // 1970: nothing of ours asks SQLite for the time
  return SQLITE_OK;
}
int no_error(sqlite3_vfs*, int, char*) { return 0; }

sqlite3_vfs default_vfs = {
    .iVersion = 1,
    .szOsFile = static_cast<int>(sizeof(sqlite3_file)),
    .mxPathname = 64,
    .pNext = nullptr,
    .zName = "drey-none",
    .pAppData = nullptr,
    .xOpen = refuse_open,
    .xDelete = refuse_delete,
    .xAccess = refuse_access,
    .xFullPathname = refuse_path,
    .xDlOpen = nullptr,
    .xDlError = nullptr,
    .xDlSym = nullptr,
    .xDlClose = nullptr,
    .xRandomness = fill_random,
    .xSleep = no_sleep,
    .xCurrentTime = no_time,
    .xGetLastError = no_error,
    .xCurrentTimeInt64 = nullptr,
    .xSetSystemCall = nullptr,
    .xGetSystemCall = nullptr,
    .xNextSystemCall = nullptr,
};

const sqlite3_mem_methods kMemory = {heap_allocate, heap_release, heap_resize,   heap_size,
                                     heap_round_up, heap_init,    heap_shutdown, nullptr};

}  // namespace

Status sqlite_runtime_start(MutBytes arena, Random* random) {
  if (started) return arena.data() == arena_begin ? Status::kOk : Status::kExists;
  if (arena.size() < 64 * 1024) return Status::kTooLarge;
  heap.start(arena);
  arena_begin = arena.data();
  generator = random;
  // One connection per store, used by one lane at a time: no mutex per connection is needed.
  bool configured = sqlite3_config(SQLITE_CONFIG_MALLOC, &kMemory) == SQLITE_OK &&
                    sqlite3_config(SQLITE_CONFIG_MULTITHREAD) == SQLITE_OK &&
                    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK &&
                    sqlite3_initialize() == SQLITE_OK &&
                    sqlite3_vfs_register(&default_vfs, 1) == SQLITE_OK;
  DREY_CHECK(configured);
  // SQLite seeds its generator at the first use: now, while `random` is known to live.
  uint64_t seed = 0;
  sqlite3_randomness(sizeof seed, &seed);
  generator = nullptr;
  started = true;
  return Status::kOk;
}

bool sqlite_runtime_started() { return started; }

SqliteMemory sqlite_runtime_memory() {
  return {heap.arena_bytes(), heap.used_bytes(), heap.peak_bytes(), heap.refused_count()};
}

}  // namespace drey
