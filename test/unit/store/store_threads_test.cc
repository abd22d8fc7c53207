// The store lane appends while the sync lane syncs the group before, on real files. For TSan.
#include <stdlib.h>

#include <filesystem>
#include <thread>

#include "posix/posix_disk.h"
#include "unit/store/store_fixture.h"

namespace drey {
namespace {

TEST(StoreThreads, AppendsGoOnWhileAGroupIsSynced) {
  start_sqlite();
  char dir[] = "/tmp/drey-store-XXXXXX";
  ASSERT_NE(mkdtemp(dir), nullptr);
  {
    PosixDisk disk;
    ASSERT_EQ(disk.open_root(dir, false), Status::kOk);
    TestClock clock;
    TestRandom random(4);
    Store store;
    StoreOptions options;
    options.disk = options.log_disk = &disk;
    options.clock = &clock;
    options.random = &random;
    options.self = make_node(1);
    ASSERT_EQ(store.open(options), Status::kOk);
    uint64_t number = 0;
    std::vector<TestRecord> records;
    auto append_some = [&] {
      for (int i = 0; i < 10; ++i) {
        TestRecord record = make_record(number++, limits::kChunkBytesMin);
        Ticket ticket = 0;
        Status status =
            store.append_record(record.c, record.type, record.bytes, make_node(2), number, &ticket);
        ASSERT_EQ(status, Status::kOk);
        records.push_back(record);
      }
    };
    append_some();
    for (int round = 0; round < 20; ++round) {
      CommitGroup group;
      ASSERT_EQ(store.close_group(&group), Status::kOk);
      Status synced = Status::kIo;
      std::thread sync_lane([&] { synced = Store::sync_group(&group); });
      append_some();
      sync_lane.join();
      store.finish_group(&group, synced);
      EXPECT_EQ(group.failed.outcome(group.through), Status::kOk);
      ASSERT_EQ(store.maintain(), Status::kOk);
    }
    ASSERT_EQ(store.close(), Status::kOk);
    ASSERT_EQ(store.open(options), Status::kOk);
    std::vector<uint8_t> room(limits::kRecordBytesMax);
    size_t size = 0;
    for (const TestRecord& record : records)
      EXPECT_EQ(store.read_record(record.c, room, &size), Status::kOk);
    ASSERT_EQ(store.close(), Status::kOk);
  }
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace drey
