// The data service with its jobs on real threads and a real disk: what ThreadSanitizer looks at.
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <random>
#include <thread>

#include "data_net.h"
#include "posix/posix_clock.h"
#include "posix/posix_disk.h"

namespace drey::data_test {
namespace {

// One thread per lane, completions delivered by drain() on the test's thread.
class ThreadLanes final : public Lanes {
 public:
  ThreadLanes() {
    for (size_t i = 0; i < 3; ++i) threads_[i] = std::thread([this, i] { work(i); });
  }
  ~ThreadLanes() override {
    {
      std::lock_guard guard(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  void submit(Lane lane, Job* job) override {
    job->in_flight = true;
    {
      std::lock_guard guard(mutex_);
      queues_[static_cast<size_t>(lane)].push_back(job);
    }
    wake_.notify_all();
  }
  void drain() {
    std::deque<Job*> done;
    {
      std::lock_guard guard(mutex_);
      done.swap(done_);
    }
    for (Job* job : done) {
      job->in_flight = false;
      job->op->complete(job->result);
    }
  }

 private:
  void work(size_t lane) {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [&] { return stop_ || !queues_[lane].empty(); });
      if (stop_) return;
      Job* job = queues_[lane].front();
      queues_[lane].pop_front();
      lock.unlock();
      job->result = job->run();
      lock.lock();
      done_.push_back(job);
    }
  }
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job*> queues_[3];
  std::deque<Job*> done_;
  bool stop_ = false;
  std::thread threads_[3];
};

struct ThreadNode {
  ThreadNode(Household& home, const std::filesystem::path& root, size_t index)
      : node(&home.world.node(index)) {
    std::filesystem::create_directories(root);
    EXPECT_EQ(disk.open_root(root.string(), false), Status::kOk);
    node.id.raw.fill(static_cast<uint8_t>(0x11 * (index + 1)));
    StoreOptions store;
    store.disk = store.log_disk = &disk;
    store.clock = &clock;
    store.random = &node.sim->random;
    store.self = node.id;
    EXPECT_EQ(node.store.open(store), Status::kOk);
    node.committer.bind(&node.ready);
    node.committer.start(&node.store, &lanes);
    DataOptions options;
    options.store = &node.store;
    options.committer = &node.committer;
    options.lanes = &lanes;
    options.clock = &node.sim->clock;
    options.ready = &node.ready;
    options.self = node.id;
    node.data.start(options);
    node.tick.call = [this] { node.data.tick(node.sim->clock.up_ns()); };
    node.tick.bind(&node.ready);
    node.sim->host.attach(&node.ready, &node.tick, 100);
  }
  ~ThreadNode() { node.sim->host.stop(); }
  PosixDisk disk;
  PosixClock clock;
  Node node;
  ThreadLanes lanes;
};

TEST(DataThreads, MutualBackupsWithJobsOnThreads) {
  Household home;
  std::filesystem::path root = std::filesystem::temp_directory_path() /
                               ("drey-data-" + std::to_string(std::random_device()()));
  for (const char* name : {"a", "b", "c"}) home.world.add_node(name);
  {
    std::vector<std::unique_ptr<ThreadNode>> nodes;
    for (size_t i = 0; i < 3; ++i)
      nodes.push_back(std::make_unique<ThreadNode>(home, root / std::to_string(i), i));
    std::vector<DataMember> members;
    for (auto& node : nodes) members.push_back({node->node.id, 100, 0, false, false});
    for (auto& node : nodes) node->node.data.set_members(members, 2);
    auto until = [&](const std::function<bool()>& done) {
      // Virtual time follows the real one, so that deadlines mean what they say.
      PosixClock clock;
      uint64_t begun_ns = clock.up_ns();
      uint64_t now_ns = begun_ns;
      while (now_ns - begun_ns < 60 * kSecond) {
        for (auto& node : nodes) node->lanes.drain();
        uint64_t last_ns = std::exchange(now_ns, clock.up_ns());
        home.run(now_ns - last_ns);
        if (done()) return true;
        std::this_thread::yield();
      }
      return false;
    };
    ASSERT_TRUE(until([&] {
      for (auto& node : nodes)
        if (node->node.data.slot_of(members[0].id) == DataService::kNoSlot) return false;
      return true;
    }));
    for (size_t i = 0; i < 3; ++i)
      for (size_t k = i + 1; k < 3; ++k) home.connect(nodes[i]->node, nodes[k]->node);
    std::vector<Household::Push*> pushes;
    for (size_t i = 0; i < 60; ++i)
      pushes.push_back(&home.begin_push(nodes[i % 3]->node, home.record(1000 + 200 * i)));
    EXPECT_TRUE(until([&] {
      for (auto* push : pushes)
        if (!push->op.done()) return false;
      return true;
    }));
    for (auto* push : pushes) {
      EXPECT_EQ(push->op.status, Status::kOk);
      EXPECT_EQ(std::popcount(push->request.holders), 2);
    }
    nodes[0]->node.data.recheck();
    EXPECT_TRUE(until([&] {
      ReplicationSummary summary = nodes[0]->node.data.replication();
      return summary.settled && summary.records == 20 && summary.under_replicated == 0;
    }));
    EXPECT_TRUE(until([&] {
      for (auto& node : nodes)
        if (!node->node.data.idle() || !node->node.committer.idle()) return false;
      return true;
    }));
  }
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace drey::data_test
