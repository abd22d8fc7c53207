#include "store/commit.h"

#include "sim/sim_world.h"
#include "unit/store/store_fixture.h"

namespace drey {
namespace {

struct AppendOp final : Op {
  struct AppendJob final : Job {
    Store* store = nullptr;
    TestRecord record;
    Ticket ticket = 0;
    Status run() override {
      return store->append_record(record.c, record.type, record.bytes, make_node(2), 1, &ticket);
    }
  };
  void step(Status status) override {
    if (appending) {
      appending = false;
      if (!ok(status) && status != Status::kExists) {
        outcome = status;
        done = true;
        return;
      }
      waiter.op = this;
      committer->wait(job.ticket, &waiter);
      return;
    }
    outcome = status;
    done = true;
  }
  AppendJob job;
  CommitWaiter waiter;
  Committer* committer = nullptr;
  bool appending = true;
  bool done = false;
  Status outcome = Status::kIo;
};

class CommitTest : public ::testing::Test {
 protected:
  void SetUp() override {
    start_sqlite();
    StoreOptions options;
    Ports ports = node.ports();
    options.disk = options.log_disk = ports.disk;
    options.clock = ports.clock;
    options.random = ports.random;
    options.self = make_node(1);
    ASSERT_EQ(store->open(options), Status::kOk);
    node.host.attach(&ready, nullptr, 100);
    committer.bind(&ready);
    committer.start(store.get(), ports.lanes);
    lanes = ports.lanes;
    disk = static_cast<SimDisk*>(ports.disk);
  }
  AppendOp& start(uint64_t number, size_t size = 500) {
    ops.push_back(std::make_unique<AppendOp>());
    AppendOp& op = *ops.back();
    op.bind(&ready);
    op.committer = &committer;
    op.job.store = store.get();
    op.job.record = make_record(number, size);
    op.job.op = &op;
    lanes->submit(Lane::kStore, &op.job);
    return op;
  }
  bool finish() {
    return world.run_until(
        [this] {
          for (auto& op : ops)
            if (!op->done) return false;
          return committer.idle();
        },
        60 * kSecond);
  }
  Status read(const AppendOp& op) {
    std::vector<uint8_t> room(limits::kRecordBytesMax);
    size_t size = 0;
    return store->read_record(op.job.record.c, room, &size);
  }

  SimWorld world{11};
  SimNode& node = world.add_node("a");
  ReadyQueue ready;
  std::unique_ptr<Store> store = std::make_unique<Store>();
  Committer committer;
  Lanes* lanes = nullptr;
  SimDisk* disk = nullptr;
  std::vector<std::unique_ptr<AppendOp>> ops;
};

TEST_F(CommitTest, ManyAppendsShareFewSyncs) {
  uint64_t before = disk->call_count(SimDisk::Call::kSync);
  for (uint64_t i = 0; i < 100; ++i) start(i);
  ASSERT_TRUE(finish());
  for (auto& op : ops) {
    EXPECT_EQ(op->outcome, Status::kOk);
    EXPECT_EQ(read(*op), Status::kOk);
  }
  EXPECT_LT(disk->call_count(SimDisk::Call::kSync) - before, 50u);
}

TEST_F(CommitTest, AnAcknowledgedAppendIsSynced) {
  for (uint64_t i = 0; i < 20; ++i) {
    start(i);
    ASSERT_TRUE(finish());
  }
  store = std::make_unique<Store>();
  disk->crash({SimDisk::Keep::kNothing, 1, 512});
  StoreOptions options;
  Ports ports = node.ports();
  options.disk = options.log_disk = ports.disk;
  options.clock = ports.clock;
  options.random = ports.random;
  options.self = make_node(1);
  ASSERT_EQ(store->open(options), Status::kOk);
  for (auto& op : ops) EXPECT_EQ(read(*op), Status::kOk);
}

TEST_F(CommitTest, TheSameRecordTwiceIsDurableForBoth) {
  start(1);
  start(1);
  ASSERT_TRUE(finish());
  EXPECT_EQ(ops[0]->outcome, Status::kOk);
  EXPECT_EQ(ops[1]->outcome, Status::kOk);
}

TEST_F(CommitTest, AFailedSyncRefusesItsGroupAndLaterAppendsGoOn) {
  start(1);
  ASSERT_TRUE(finish());
  disk->fail_nth(SimDisk::Call::kSync, 1, Status::kIo);
  for (uint64_t i = 10; i < 15; ++i) start(i);
  ASSERT_TRUE(finish());
  size_t refused = 0;
  for (size_t i = 1; i < ops.size(); ++i) {
    if (!ok(ops[i]->outcome)) {
      ++refused;
      EXPECT_EQ(read(*ops[i]), Status::kNotFound);
    } else {
      EXPECT_EQ(read(*ops[i]), Status::kOk);
    }
  }
  EXPECT_GE(refused, 1u);
  size_t later = ops.size();
  for (uint64_t i = 10; i < 20; ++i) start(i);
  ASSERT_TRUE(finish());
  for (size_t i = later; i < ops.size(); ++i) {
    EXPECT_EQ(ops[i]->outcome, Status::kOk);
    EXPECT_EQ(read(*ops[i]), Status::kOk);
  }
  EXPECT_EQ(store->stats().retired, 1u);
}

TEST_F(CommitTest, WritesThatFailAmongOthersRefuseOnlyWhatTheyTouched) {
  for (uint64_t round = 0; round < 30; ++round) {
    disk->fail_nth(SimDisk::Call::kWrite, 1 + round % 9, Status::kIo);
    for (uint64_t i = 0; i < 8; ++i) start(round * 8 + i);
    ASSERT_TRUE(finish());
    disk->clear_faults();
  }
  size_t good = 0;
  for (auto& op : ops) {
    if (ok(op->outcome)) {
      ++good;
      EXPECT_EQ(read(*op), Status::kOk);
    }
  }
  EXPECT_GT(good, ops.size() / 3);
}

TEST_F(CommitTest, OldTicketsThatFailedStayFailed) {
  FailedTickets failed;
  for (Ticket t = 2; t <= 200; t += 2) failed.add(t, Status::kFull);
  EXPECT_EQ(failed.outcome(200), Status::kFull);
  EXPECT_EQ(failed.outcome(201), Status::kOk);
  EXPECT_EQ(failed.outcome(199), Status::kOk);
  EXPECT_EQ(failed.outcome(2), Status::kIo);
  EXPECT_EQ(failed.outcome(0), Status::kOk);
}

}  // namespace
}  // namespace drey
