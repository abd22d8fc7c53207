// Clock, Random and Host: the small ports.
#include <algorithm>
#include <set>

#include "conformance/subject.h"

namespace drey::conformance {
namespace {

class ClockConformance : public Suite {};

TEST_P(ClockConformance, UpTimeNeverGoesBackAndPasses) {
  uint64_t start = ports.clock->up_ns();
  EXPECT_GT(start, 0u);
  uint64_t last = start;
  for (int i = 0; i < 10000; ++i) {
    uint64_t now = ports.clock->up_ns();
    ASSERT_GE(now, last);
    last = now;
  }
  subject->run_ticks(4);
  EXPECT_GE(ports.clock->up_ns(), start + 10'000'000);
}

TEST_P(ClockConformance, WallTimeIsAfter2024) {
  EXPECT_GT(ports.clock->wall_ns(), int64_t{1704067200} * 1'000'000'000);
}

class RandomConformance : public Suite {};

TEST_P(RandomConformance, FillsEveryByteOfAnySize) {
  for (size_t size : {0u, 1u, 7u, 16u, 255u, 256u, 257u, 100000u}) {
    std::vector<uint8_t> seen(size);
    std::vector<uint8_t> bytes(size + 1, 0xaa);
    for (int round = 0; round < 20; ++round) {
      ASSERT_EQ(Status::kOk, ports.random->fill(MutBytes(bytes).first(size)));
      for (size_t i = 0; i < size; ++i) seen[i] = static_cast<uint8_t>(seen[i] | bytes[i]);
    }
    EXPECT_EQ(0xaa, bytes[size]);
    EXPECT_TRUE(std::all_of(seen.begin(), seen.end(), [](uint8_t byte) { return byte != 0; }));
  }
}

TEST_P(RandomConformance, DoesNotRepeat) {
  std::set<uint64_t> words;
  for (int i = 0; i < 1000; ++i) {
    std::array<uint8_t, 8> bytes;
    ASSERT_EQ(Status::kOk, ports.random->fill(bytes));
    words.insert(load_le<uint64_t>(bytes.data()));
  }
  EXPECT_EQ(1000u, words.size());
}

class HostConformance : public Suite {};

TEST_P(HostConformance, TicksComeInTheirTimeAndRunEndsWithStop) {
  Probe tick(&subject->ready);
  uint64_t start = ports.clock->up_ns();
  tick.then = [&](Status status) {
    EXPECT_EQ(Status::kOk, status);
    if (tick.count == 5) ports.host->stop();
  };
  ports.host->run(&subject->ready, &tick, 10);
  EXPECT_EQ(5, tick.count);
  EXPECT_GE(ports.clock->up_ns() - start, 45'000'000u);
}

TEST_P(HostConformance, AChainOfReadyOpsNeedsNoEvents) {
  Probe chain(&subject->ready);
  chain.then = [&](Status) {
    if (chain.count < 5000) chain.complete(Status::kOk);
  };
  chain.complete(Status::kOk);
  EXPECT_TRUE(subject->run_until([&] { return chain.count == 5000; }));
}

TEST_P(HostConformance, HasAName) {
  EXPECT_FALSE(ports.host->host_name().empty());
  EXPECT_EQ(std::string_view::npos, ports.host->host_name().find('.'));
}

DREY_CONFORMANCE(ClockConformance);
DREY_CONFORMANCE(RandomConformance);
DREY_CONFORMANCE(HostConformance);

}  // namespace
}  // namespace drey::conformance
