#include "sim/sim_world.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

namespace drey {
namespace {

class Probe final : public Op {
 public:
  explicit Probe(ReadyQueue* queue) { bind(queue); }
  void step(Status status) override {
    ++count;
    last = status;
    if (then) then(status);
  }
  int count = 0;
  Status last = Status::kInvalid;
  std::function<void(Status)> then;
};

class Work final : public Job {
 public:
  Status run() override { return what(); }
  std::function<Status()> what;
};

Address at(SimNode& node, uint16_t port) {
  Address address = node.net.address();
  address.port = port;
  return address;
}

// Takes every connection and sends back what it hears.
struct Echo {
  Echo(SimNode* where, ReadyQueue* ready) : node(where), accepting(ready), reading(ready) {
    listener = node->net.listen_tcp(at(*node, 7)).value();
    accepting.then = [this](Status) {
      Result<Net::Socket> next = node->net.accept(listener, nullptr);
      if (next.ok()) {
        socket = next.value();
        EXPECT_EQ(Status::kOk, node->net.wait(socket, Net::kReadable, &reading));
      }
      EXPECT_EQ(Status::kOk, node->net.wait(listener, Net::kReadable, &accepting));
    };
    reading.then = [this](Status) {
      std::array<uint8_t, 256> bytes;
      Result<size_t> count = node->net.try_read(socket, bytes);
      if (count.status() == Status::kClosed) return;
      if (count.ok()) (void)node->net.try_write(socket, Bytes(bytes).first(count.value()));
      EXPECT_EQ(Status::kOk, node->net.wait(socket, Net::kReadable, &reading));
    };
    EXPECT_EQ(Status::kOk, node->net.wait(listener, Net::kReadable, &accepting));
  }
  SimNode* node;
  Probe accepting;
  Probe reading;
  Net::Socket listener = Net::kNone;
  Net::Socket socket = Net::kNone;
};

// Two nodes, b echoes, a asks.
class SimWorldTest : public testing::Test {
 protected:
  explicit SimWorldTest(uint64_t seed = 7) : world(seed) {
    a = &world.add_node("a");
    b = &world.add_node("b");
    a->host.attach(&ready_a, nullptr, 0);
    b->host.attach(&ready_b, nullptr, 0);
    echo = std::make_unique<Echo>(b, &ready_b);
  }
  Status connect() {
    socket = a->net.connect_tcp(at(*b, 7)).value();
    if (!wait(Net::kWritable, 200 * kSecond)) return Status::kAgain;
    return a->net.connect_result(socket);
  }
  bool wait(uint8_t events, uint64_t limit_ns) {
    Probe probe(&ready_a);
    EXPECT_EQ(Status::kOk, a->net.wait(socket, events, &probe));
    if (world.run_until([&] { return probe.count > 0; }, limit_ns)) return true;
    a->net.cancel_wait(socket, events);
    world.run_for(kMillisecond);
    (void)world.run_until([&] { return probe.count > 0; }, 1);
    return false;
  }
  void say(std::string_view text) {
    EXPECT_EQ(text.size(), a->net.try_write(socket, as_bytes(text)).value());
  }
  std::string hear(uint64_t limit_ns = 10 * kSecond) {
    if (!wait(Net::kReadable, limit_ns)) return "(silence)";
    std::array<uint8_t, 256> bytes;
    Result<size_t> count = a->net.try_read(socket, bytes);
    if (!count.ok()) return "(closed)";
    return std::string(as_text(Bytes(bytes).first(count.value())));
  }
  SimWorld world;
  ReadyQueue ready_a;
  ReadyQueue ready_b;
  SimNode* a;
  SimNode* b;
  std::unique_ptr<Echo> echo;
  Net::Socket socket = Net::kNone;
};

TEST_F(SimWorldTest, NodesTalk) {
  uint64_t start = world.now_ns();
  ASSERT_EQ(Status::kOk, connect());
  say("hello");
  EXPECT_EQ("hello", hear());
  EXPECT_GE(world.now_ns() - start, 4 * world.net.latency_ns_min);
  EXPECT_LE(world.now_ns() - start, kSecond);
}

TEST_F(SimWorldTest, ACutPathDelaysBytesUntilItIsMended) {
  ASSERT_EQ(Status::kOk, connect());
  world.cut_both(*a, *b, true);
  say("one ");
  say("two");
  EXPECT_EQ("(silence)", hear(60 * kSecond));
  world.mend_all();
  std::string got = hear();
  while (got.size() < 7 && got != "(silence)") got += hear();
  EXPECT_EQ("one two", got);
}

TEST_F(SimWorldTest, APartitionSeparatesGroups) {
  SimNode& c = world.add_node("c");
  world.partition({a, &c});
  EXPECT_TRUE(world.is_cut(0, 1));
  EXPECT_TRUE(world.is_cut(1, 2));
  EXPECT_FALSE(world.is_cut(0, 2));
  EXPECT_EQ(Status::kTimeout, connect());
}

TEST_F(SimWorldTest, AKilledPeerClosesItsConnections) {
  ASSERT_EQ(Status::kOk, connect());
  b->kill();
  EXPECT_EQ("(closed)", hear());
  a->net.close(socket);
  EXPECT_EQ(Status::kClosed, connect());
}

TEST_F(SimWorldTest, APeerWithoutPowerIsSilentUntilItIsBack) {
  ASSERT_EQ(Status::kOk, connect());
  b->power_off({});
  say("anyone?");
  EXPECT_EQ("(silence)", hear(60 * kSecond));
  uint64_t up = a->clock.up_ns();
  b->power_on();
  EXPECT_LT(b->clock.up_ns(), up);
  say("again");
  EXPECT_EQ("(closed)", hear());
}

TEST_F(SimWorldTest, AMachineThatSleepsAnswersWhenItWakesAndItsUpTimeWentOn) {
  ASSERT_EQ(Status::kOk, connect());
  uint64_t up = b->clock.up_ns();
  b->fall_asleep();
  say("anyone?");
  EXPECT_EQ("(silence)", hear(60 * kSecond));
  EXPECT_EQ(up, b->clock.up_ns());  // nobody there to look
  b->wake_up();
  EXPECT_EQ("anyone?", hear());
  EXPECT_GE(b->clock.up_ns(), up + 60 * kSecond);  // as CLOCK_BOOTTIME does
}

TEST_F(SimWorldTest, ANodeToWhichNothingHappensTicksSeldom) {
  SimNode& c = world.add_node("c");
  ReadyQueue ready_c;
  Probe tick(&ready_c);
  c.host.idle_tick_ns = 5 * kSecond;
  c.host.attach(&ready_c, &tick, 100);
  world.run_for(2 * kSecond);
  EXPECT_GE(tick.count, 19);
  int before = tick.count;
  world.run_for(1000 * kSecond);
  EXPECT_LE(tick.count, before + 202);
  before = tick.count;
  c.host.stir();
  world.run_for(kSecond);
  EXPECT_GE(tick.count, before + 9);
}

TEST_F(SimWorldTest, AnUnknownHostIsClosedAfterAWhile) {
  Address nowhere = at(*b, 7);
  nowhere.ip[12] = 192;
  socket = a->net.connect_tcp(nowhere).value();
  EXPECT_TRUE(wait(Net::kWritable, 10 * kSecond));
  EXPECT_EQ(Status::kClosed, a->net.connect_result(socket));
}

TEST_F(SimWorldTest, JobsAndTicksOfAKilledNodeAreVoid) {
  Probe probe(&ready_a);
  Work job;
  int runs = 0;
  job.op = &probe;
  job.what = [&runs] {
    ++runs;
    return Status::kOk;
  };
  a->lanes.submit(Lane::kStore, &job);
  a->kill();
  EXPECT_FALSE(a->host.is_attached());
  world.run_for(kSecond);
  EXPECT_EQ(0, runs);
  EXPECT_EQ(0, probe.count);
  EXPECT_EQ(0u, a->lanes.in_flight());
}

TEST_F(SimWorldTest, AStalledLaneHoldsUpItselfOnly) {
  Probe stalled(&ready_a);
  Probe free(&ready_a);
  Work slow;
  Work fast;
  slow.what = fast.what = [] { return Status::kOk; };
  slow.op = &stalled;
  fast.op = &free;
  a->lanes.stall_ns[static_cast<size_t>(Lane::kStore)] = 5 * kSecond;
  a->lanes.submit(Lane::kStore, &slow);
  a->lanes.submit(Lane::kSync, &fast);
  EXPECT_TRUE(world.run_until([&] { return free.count == 1; }, kSecond));
  EXPECT_EQ(0, stalled.count);
  EXPECT_TRUE(world.run_until([&] { return stalled.count == 1; }, 6 * kSecond));
}

TEST_F(SimWorldTest, DatagramsReachEveryNodeButLossAndBlocksStopThem) {
  SimNode& c = world.add_node("c");
  Address group;
  group.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 239, 0, 0, 1};
  group.port = 9;
  std::array<SimNode*, 3> nodes = {a, b, &c};
  std::array<Net::Socket, 3> sockets;
  for (size_t i = 0; i < 3; ++i) sockets[i] = nodes[i]->net.open_multicast(group).value();
  auto heard = [&](size_t i) {
    std::array<uint8_t, 16> to;
    int count = 0;
    while (nodes[i]->net.receive(sockets[i], to, nullptr).ok()) ++count;
    return count;
  };
  auto send = [&] {
    EXPECT_EQ(Status::kOk, a->net.send_multicast(sockets[0], group, as_bytes("x")));
    world.run_for(kSecond);
  };
  send();
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(1, heard(i));
  world.cut(*a, *b, true);
  send();
  EXPECT_EQ(0, heard(1));
  EXPECT_EQ(1, heard(2));
  world.mend_all();
  world.net.multicast = false;
  send();
  EXPECT_EQ(0, heard(1) + heard(2));
  world.net.multicast = true;
  world.net.datagram_loss_ppm = 1000000;
  send();
  EXPECT_EQ(0, heard(1) + heard(2));
  world.net.datagram_loss_ppm = 0;
  world.net.datagram_repeat_ppm = 1000000;
  send();
  EXPECT_EQ(2, heard(1));
}

TEST_F(SimWorldTest, ClocksMayLieButUpTimeGoesOn) {
  uint64_t up = a->clock.up_ns();
  int64_t wall = a->clock.wall_ns();
  a->clock.wall_offset_ns -= int64_t{10} * 365 * 86400 * 1000000000;
  EXPECT_LT(a->clock.wall_ns(), wall);
  a->clock.wall_frozen = true;
  a->clock.wall_frozen_ns = 0;
  world.run_for(3 * kSecond);
  EXPECT_EQ(0, a->clock.wall_ns());
  EXPECT_EQ(up + 3 * kSecond, a->clock.up_ns());
}

// Talk, jobs, random bytes, a kill and a power cut; what came of it as one number.
uint64_t busy_day(uint64_t seed) {
  SimWorld world(seed);
  SimNode& a = world.add_node("a");
  SimNode& b = world.add_node("b");
  ReadyQueue ready_a;
  ReadyQueue ready_b;
  Probe tick(&ready_a);
  Net::Socket socket = Net::kNone;
  Work job;
  job.what = [&a] {
    Result<Disk::File> file = a.disk.open("log", Disk::kWrite | Disk::kCreate);
    std::array<uint8_t, 32> noise;
    Status status = a.random.fill(noise);
    if (ok(status)) status = a.disk.write_at(file.value(), a.disk.mutation_count(), noise);
    a.disk.close(file.value());
    return status;
  };
  {
    Echo echo(&b, &ready_b);
    b.host.attach(&ready_b, nullptr, 0);
    a.host.attach(&ready_a, &tick, 10);
    socket = a.net.connect_tcp(at(b, 7)).value();
    tick.then = [&](Status) {
      if (!job.in_flight) a.lanes.submit(Lane::kStore, &job);
      (void)a.net.try_write(socket, as_bytes("ping"));
      std::array<uint8_t, 64> to;
      (void)a.net.try_read(socket, to);
    };
    world.run_for(2 * kSecond);
    b.kill();
  }
  world.run_for(kSecond);
  SimDisk::Crash how;
  how.keep = SimDisk::Keep::kSome;
  how.seed = seed;
  a.power_off(how);
  world.trace("disk", a.disk.content_hash());
  return world.trace_hash();
}

TEST(SimWorldSeeds, TheSameSeedGivesTheSameTraceAHundredTimes) {
  uint64_t first = busy_day(42);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(first, busy_day(42));
}

TEST(SimWorldSeeds, AnotherSeedGivesAnotherTrace) {
  std::set<uint64_t> traces;
  for (uint64_t seed = 0; seed < 50; ++seed) traces.insert(busy_day(seed));
  EXPECT_EQ(50u, traces.size());
}

TEST(SimWorldSeeds, TimeEndsWhereItWasToldTo) {
  SimWorld world(1);
  uint64_t start = world.now_ns();
  world.run_for(5 * kSecond);
  EXPECT_EQ(start + 5 * kSecond, world.now_ns());
  int ran = 0;
  world.after(kSecond, nullptr, [&ran] { ++ran; });
  world.after(3 * kSecond, nullptr, [&ran] { ++ran; });
  EXPECT_FALSE(world.run_until([] { return false; }, 2 * kSecond));
  EXPECT_EQ(1, ran);
  EXPECT_TRUE(world.run_until([&ran] { return ran == 2; }, 2 * kSecond));
  EXPECT_FALSE(world.step());
}

}  // namespace
}  // namespace drey
