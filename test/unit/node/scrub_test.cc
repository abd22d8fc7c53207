#include "node/scrub.h"

#include <gtest/gtest.h>

#include "unit/store/store_fixture.h"

namespace drey {
namespace {

// A scrubber over a store on a simulated disk; jobs run at once.
class ScrubberTest : public StoreTest {
 protected:
  struct DirectLanes final : Lanes {
    void submit(Lane, Job* job) override { queue.push_back(job); }
    std::vector<Job*> queue;
  };
  void SetUp() override {
    StoreTest::SetUp();
    ASSERT_EQ(open(), Status::kOk);
    for (uint64_t i = 0; i < 100; ++i) {
      records.push_back(make_record(i, limits::kRecordBytesMax / 2));
      ASSERT_EQ(append_durably(records.back(), i + 1), Status::kOk);
    }
    ASSERT_EQ(state.open(&disk, nullptr), Status::kOk);
    begin();
  }
  void begin() {
    scrubber = std::make_unique<Scrubber>();
    scrubber->start(store.get(), &state, &lanes, &ready, now_ns);
  }
  // Jobs until nothing is queued; at most `most`.
  size_t work(size_t most) {
    size_t done = 0;
    while (!lanes.queue.empty() && done < most) {
      Job* job = lanes.queue.front();
      lanes.queue.erase(lanes.queue.begin());
      Status status = job->run();
      job->op->complete(status);
      while (ready.run()) {
      }
      ++done;
    }
    return done;
  }
  void tick(uint64_t seconds) {
    now_ns += seconds * 1'000'000'000;
    scrubber->tick(now_ns, store->stats().stored_bytes);
    work(100'000);
  }

  std::vector<TestRecord> records;
  DirectLanes lanes;
  ReadyQueue ready;
  StateLog state;
  uint64_t now_ns = 1;
  std::unique_ptr<Scrubber> scrubber;
};

TEST_F(ScrubberTest, UnaskedItReadsOnePieceAtATimeAndAPassInTwoWeeks) {
  tick(0);
  tick(1);
  EXPECT_EQ(scrubber->figures().read_bytes, 0u);  // a start has better things to do
  uint64_t begun_ns = now_ns;
  while (scrubber->figures().passes == 0 && now_ns - begun_ns < 2 * Scrubber::kPassNs) tick(600);
  EXPECT_EQ(scrubber->figures().passes, 1u);
  EXPECT_LE(now_ns - begun_ns, Scrubber::kPassNs * 3 / 2);
  EXPECT_EQ(scrubber->figures().damaged, 0u);
}

TEST_F(ScrubberTest, HurriedItReadsEverythingFromTheBeginningWithoutAPause) {
  tick(0);
  scrubber->hurry();
  EXPECT_TRUE(scrubber->figures().hurried);
  tick(0);
  EXPECT_FALSE(scrubber->figures().hurried);
  EXPECT_EQ(scrubber->figures().passes, 1u);
}

TEST_F(ScrubberTest, HurryWhileAPieceIsReadBeginsAgain) {
  tick(0);
  now_ns += Scrubber::kFirstWaitNs;
  scrubber->tick(now_ns, store->stats().stored_bytes);
  ASSERT_FALSE(scrubber->idle());
  scrubber->hurry();
  work(100'000);
  EXPECT_EQ(scrubber->figures().passes, 1u);
  EXPECT_FALSE(scrubber->figures().hurried);
}

TEST_F(ScrubberTest, PassesAndPositionSurviveARestart) {
  tick(0);
  scrubber->hurry();
  tick(0);
  begin();
  tick(0);
  EXPECT_EQ(scrubber->figures().passes, 1u);
}

TEST_F(ScrubberTest, FindingsRiseWithDamage) {
  tick(0);
  std::vector<uint8_t> log = *disk.peek("log/00000001.seg");
  ASSERT_TRUE(disk.flip("log/00000001.seg", log.size() / 2, 0x10));
  scrubber->hurry();
  tick(0);
  EXPECT_EQ(scrubber->figures().damaged, 1u);
  EXPECT_EQ(scrubber->findings(), 1u);
}

TEST_F(ScrubberTest, StoppedItStartsNothingMore) {
  tick(0);
  scrubber->hurry();
  scrubber->tick(now_ns, store->stats().stored_bytes);
  scrubber->stop();
  EXPECT_EQ(work(100'000), 1u);
  EXPECT_TRUE(scrubber->idle());
}

}  // namespace
}  // namespace drey
