#include <atomic>

#include "conformance/subject.h"

namespace drey::conformance {
namespace {

class LanesConformance : public Suite {};

class Work final : public Job {
 public:
  Status run() override { return what ? what() : Status::kOk; }
  std::function<Status()> what;
};

TEST_P(LanesConformance, AJobsResultCompletesItsOp) {
  Probe probe(&subject->ready);
  Work job;
  job.op = &probe;
  job.what = [] { return Status::kCorrupt; };
  ports.lanes->submit(Lane::kStore, &job);
  EXPECT_TRUE(job.in_flight);
  ASSERT_TRUE(subject->run_until([&] { return probe.count > 0; }));
  EXPECT_EQ(Status::kCorrupt, probe.last);
  EXPECT_FALSE(job.in_flight);
  subject->run_ticks(5);
  EXPECT_EQ(1, probe.count);
}

TEST_P(LanesConformance, AJobNeedsNoOp) {
  Work job;
  std::atomic<bool> ran{false};
  job.what = [&ran] {
    ran = true;
    return Status::kOk;
  };
  ports.lanes->submit(Lane::kSync, &job);
  EXPECT_TRUE(subject->run_until([&] { return ran && !job.in_flight; }));
}

TEST_P(LanesConformance, StoreAndSyncRunTheirJobsInOrder) {
  for (Lane lane : {Lane::kStore, Lane::kSync}) {
    constexpr int kJobs = 500;
    std::vector<int> ran;   // the lane's thread alone writes it
    std::vector<int> told;  // the loop
    std::vector<std::unique_ptr<Probe>> probes;
    std::vector<std::unique_ptr<Work>> jobs;
    for (int i = 0; i < kJobs; ++i) {
      probes.push_back(std::make_unique<Probe>(&subject->ready));
      probes.back()->then = [&told, i](Status) { told.push_back(i); };
      jobs.push_back(std::make_unique<Work>());
      jobs.back()->op = probes.back().get();
      jobs.back()->what = [&ran, i] {
        ran.push_back(i);
        return Status::kOk;
      };
    }
    for (auto& job : jobs) ports.lanes->submit(lane, job.get());
    ASSERT_TRUE(subject->run_until([&] { return told.size() == kJobs; }));
    for (int i = 0; i < kJobs; ++i) {
      EXPECT_EQ(i, ran[static_cast<size_t>(i)]);
      EXPECT_EQ(i, told[static_cast<size_t>(i)]);
    }
  }
}

TEST_P(LanesConformance, AJobMayBeSubmittedAgainByTheOpItCompleted) {
  Probe probe(&subject->ready);
  Work job;
  int runs = 0;
  job.op = &probe;
  job.what = [&runs] {
    ++runs;
    return Status::kOk;
  };
  probe.then = [&](Status) {
    if (probe.count < 200) ports.lanes->submit(Lane::kStore, &job);
  };
  ports.lanes->submit(Lane::kStore, &job);
  ASSERT_TRUE(subject->run_until([&] { return probe.count == 200; }));
  EXPECT_EQ(200, runs);
}

TEST_P(LanesConformance, LanesDoNotWaitForEachOther) {
  Probe slow(&subject->ready);
  Probe fast(&subject->ready);
  std::atomic<bool> go{false};
  Work blocked;
  Work quick;
  blocked.op = &slow;
  // The simulator runs a job at once; there only the order of completion can be seen.
  bool real = GetParam() == Side::kReal;
  blocked.what = [&go, real] {
    while (real && !go) ::usleep(1000);
    return Status::kOk;
  };
  quick.op = &fast;
  ports.lanes->submit(Lane::kStore, &blocked);
  ports.lanes->submit(Lane::kWork, &quick);
  EXPECT_TRUE(subject->run_until([&] { return fast.count == 1; }));
  EXPECT_EQ(real ? 0 : slow.count, slow.count);
  go = true;
  EXPECT_TRUE(subject->run_until([&] { return slow.count == 1; }));
}

TEST_P(LanesConformance, WorkRunsOnAllItsThreads) {
  constexpr int kJobs = 400;
  std::atomic<int> ran{0};
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  int told = 0;
  std::vector<std::unique_ptr<Probe>> probes;
  std::vector<std::unique_ptr<Work>> jobs;
  for (int i = 0; i < kJobs; ++i) {
    probes.push_back(std::make_unique<Probe>(&subject->ready));
    probes.back()->then = [&told](Status) { ++told; };
    jobs.push_back(std::make_unique<Work>());
    jobs.back()->op = probes.back().get();
    jobs.back()->what = [&] {
      int now = ++inside;
      for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) continue;
      ::usleep(200);
      --inside;
      ++ran;
      return Status::kOk;
    };
    ports.lanes->submit(Lane::kWork, jobs.back().get());
  }
  ASSERT_TRUE(subject->run_until([&] { return told == kJobs; }));
  EXPECT_EQ(kJobs, ran);
  EXPECT_EQ(GetParam() == Side::kReal ? 2 : 1, most);
}

DREY_CONFORMANCE(LanesConformance);

}  // namespace
}  // namespace drey::conformance
