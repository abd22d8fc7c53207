// The n-th allocation of SQLite fails, once or from there on: the store refuses or carries on, and
// what it acknowledged is there afterwards. Nothing of SQLite's arena is lost.
// DREY_EVERY=1: every n; without it a sample.
#include <sqlite3.h>

#include <cstdlib>

#include "store/sqlite_runtime.h"
#include "unit/store/store_fixture.h"

namespace drey {
namespace {

// Between SQLite and its heap. SQLite's hooks carry no context.
sqlite3_mem_methods heap_methods;
long fail_at = -1;    // counts down to the allocation that fails; below zero: none
long fail_count = 0;  // so many fail from there on
long failed = 0;

bool fails() {
  if (fail_at < 0) return false;
  if (fail_at-- > 0) return false;
  ++failed;
  if (--fail_count > 0) fail_at = 0;
  return true;
}
void* allocate(int bytes) { return fails() ? nullptr : heap_methods.xMalloc(bytes); }
void* resize(void* block, int bytes) {
  return fails() ? nullptr : heap_methods.xRealloc(block, bytes);
}

void use(const sqlite3_mem_methods& methods) {
  ASSERT_EQ(sqlite3_shutdown(), SQLITE_OK);
  ASSERT_EQ(sqlite3_config(SQLITE_CONFIG_MALLOC, &methods), SQLITE_OK);
  ASSERT_EQ(sqlite3_initialize(), SQLITE_OK);
  // Initialising made SQLite's own file system the default one again.
  ASSERT_EQ(sqlite3_vfs_register(sqlite3_vfs_find("drey-none"), 1), SQLITE_OK);
}

class StoreAllocationTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    ASSERT_EQ(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &heap_methods), SQLITE_MISUSE);
    ASSERT_EQ(sqlite3_shutdown(), SQLITE_OK);
    ASSERT_EQ(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &heap_methods), SQLITE_OK);
    sqlite3_mem_methods between = heap_methods;
    between.xMalloc = allocate;
    between.xRealloc = resize;
    use(between);
  }
  void TearDown() override {
    fail_at = -1;
    store.reset();
    use(heap_methods);
    StoreTest::TearDown();
  }

  // A life with everything that uses the index; whatever is refused is refused.
  void live() {
    if (!ok(open())) return;
    for (uint64_t number = 0; number < 20; ++number) {
      TestRecord record = make_record(number, 200 + number * 97);
      if (ok(append_durably(record, number))) acknowledged.push_back(record);
      if (number % 5 == 4) (void)store->maintain();
      clock.now_ns += 3'000'000'000;
    }
    for (const TestRecord& record : acknowledged) {
      Status status = read(record);
      EXPECT_TRUE(status == Status::kOk || status == Status::kBusy || status == Status::kIo ||
                  status == Status::kNotFound)
          << status_name(status);
    }
    (void)store->close();
  }
  void expect_everything() {
    ASSERT_EQ(open(), Status::kOk);
    for (const TestRecord& record : acknowledged) EXPECT_EQ(read(record), Status::kOk);
    EXPECT_EQ(store->close(), Status::kOk);
  }

  // The number of allocations that could fail.
  long run(long n, long count) {
    disk = SimDisk();
    store = std::make_unique<Store>();
    acknowledged.clear();
    fail_at = n;
    fail_count = count;
    failed = 0;
    live();
    if (store->is_open()) kill();
    // The next start, with the index gone: a rebuild, perhaps with failures in its midst.
    (void)disk.remove("drey.index");
    (void)disk.remove("drey.index-wal");
    live();
    long left = fail_at;
    fail_at = -1;
    kill();
    expect_everything();
    return n - left;
  }

  std::vector<TestRecord> acknowledged;
};

TEST_F(StoreAllocationTest, EveryFailedAllocationOfSqliteIsRefusedOrOutlived) {
  const char* every = std::getenv("DREY_EVERY");
  long step = every != nullptr ? std::atol(every) : 97;
  ASSERT_GT(step, 0);
  size_t used = 0;
  for (long count : {1L, 5L, 1000L}) {
    long failures = 0, n = 0;
    do {
      SCOPED_TRACE("allocation " + std::to_string(n) + ", " + std::to_string(count) + " fail");
      run(n, count);
      if (HasFatalFailure()) return;
      store.reset();
      if (used == 0) used = sqlite_runtime_memory().used_bytes;
      EXPECT_EQ(sqlite_runtime_memory().used_bytes, used);
      failures += failed > 0 ? 1 : 0;
      n += step;
    } while (failed > 0);
    EXPECT_GT(failures, 5);
    RecordProperty("failures", static_cast<int>(failures));
  }
}

}  // namespace
}  // namespace drey
