#include "base/log.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace drey {
namespace {

struct FakeClock : Clock {
  uint64_t at = 1;
  uint64_t up_ns() override { return at; }
  int64_t wall_ns() override { return 0; }
};

struct FakeHost : Host {
  std::vector<std::string> lines;
  std::vector<int> levels;
  void run(ReadyQueue*, Op*, uint32_t) override {}
  void stop() override {}
  void on_terminate(Op*) override {}
  void on_reload(Op*) override {}
  void notify(std::string_view) override {}
  void print_line(std::string_view) override {}
  void log_line(int level, std::string_view line) override {
    levels.push_back(level);
    lines.emplace_back(line);
  }
  std::string_view host_name() override { return "test"; }
};

constexpr uint64_t kSecond = 1'000'000'000;

struct LogTest : testing::Test {
  FakeClock clock;
  FakeHost host;
  Log log{&clock, &host};
};

TEST_F(LogTest, LevelsReachTheHostAsInSyslogAndDebugIsOff) {
  log.error("e %d", 1);
  log.warning("w");
  log.info("i");
  log.debug("d");
  EXPECT_EQ(host.lines, (std::vector<std::string>{"e 1", "w", "i"}));
  EXPECT_EQ(host.levels, (std::vector<int>{3, 4, 6}));
  log.set_level(LogLevel::kDebug);
  log.debug("d");
  EXPECT_EQ(host.levels.back(), 7);
}

TEST_F(LogTest, RepeatsAreCountedNotPrinted) {
  const char* format = "peer %d is slow";
  for (int i = 0; i < 5; ++i) log.warning(format, i);
  EXPECT_EQ(host.lines, std::vector<std::string>{"peer 0 is slow"});
  log.tick();
  EXPECT_EQ(host.lines.size(), 1u) << "the window is still open";
  clock.at += 10 * kSecond;
  log.tick();
  ASSERT_EQ(host.lines.size(), 2u);
  EXPECT_EQ(host.lines[1], "4 times more in 10 s: peer 4 is slow");
  log.warning(format, 5);
  EXPECT_EQ(host.lines.size(), 2u) << "it keeps coming: one line per window";
  clock.at += 10 * kSecond;
  log.tick();
  clock.at += 10 * kSecond;
  log.tick();
  log.warning(format, 6);
  EXPECT_EQ(host.lines.back(), "peer 6 is slow") << "after a quiet window it is news again";
}

TEST_F(LogTest, ARepeatAfterTheWindowTellsTheCount) {
  const char* format = "again %d";
  for (int i = 0; i < 3; ++i) log.info(format, i);
  clock.at += 11 * kSecond;
  log.info(format, 3);
  EXPECT_EQ(host.lines.back(), "again 3 (2 more before)");
}

TEST_F(LogTest, LongLinesAreCutAndControlBytesBecomeSpaces) {
  log.info("%s", std::string(2000, 'x').c_str());
  EXPECT_EQ(host.lines[0].size(), Log::kLineBytesMax - 1);
  EXPECT_TRUE(host.lines[0].ends_with("xx..."));
  log.warning("a %s", "forged\n<3>line\x1b[2J");
  EXPECT_EQ(host.lines[1], "a forged <3>line [2J");
}

TEST_F(LogTest, TheRingHoldsTheLast64Events) {
  Log::Event event;
  EXPECT_FALSE(log.next_event(0, &event));
  static const char* const kFormats[] = {"a %d", "b %d"};
  for (int i = 1; i <= 65; ++i) {
    log.info(kFormats[i % 2], i);
    clock.at += 20 * kSecond;
  }
  EXPECT_EQ(log.last_event_number(), 65u);
  ASSERT_TRUE(log.next_event(0, &event));
  EXPECT_EQ(event.number, 2u) << "the first one was pushed out";
  EXPECT_EQ(event.text(), "a 2");
  uint64_t seen = 0;
  for (uint64_t after = 0; log.next_event(after, &event); after = event.number) ++seen;
  EXPECT_EQ(seen, 64u);
  EXPECT_EQ(event.text(), "b 65");
  host.lines.clear();
  log.report();
  EXPECT_EQ(host.lines.size(), 64u);
}

TEST_F(LogTest, MoreFormatsThanTheTableWatchesAreStillPrinted) {
  static char formats[100][16];
  for (int round = 0; round < 2; ++round) {
    for (auto& format : formats) {
      std::snprintf(format, sizeof(format), "%d", static_cast<int>(&format - formats));
      log.error("%s", format);
    }
  }
  EXPECT_EQ(log.error_count(), 200u);
  EXPECT_EQ(host.lines.size(), 1u) << "one format: one line";
}

TEST(Log, WorksWithoutHostAndClock) {
  Log log(nullptr, nullptr);
  log.error("lost");
  log.tick();
  log.report();
  EXPECT_EQ(log.error_count(), 1u);
}

TEST(Log, ManyThreadsLoseNoLine) {
  Log log(nullptr, nullptr);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&log] {
      for (int i = 0; i < 2000; ++i) log.error("from a lane %d", i);
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(log.error_count(), 8000u);
}

}  // namespace
}  // namespace drey
