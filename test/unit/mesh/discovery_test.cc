#include "mesh/discovery/discovery.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "sim/sim_world.h"

namespace drey {
namespace {

Address group() {
  Address at;
  at.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 239, 255, 47, 47};
  at.port = 4747;
  return at;
}

// One that speaks and listens, or a hostile one that only sends what a test makes up.
struct Speaker final : DiscoverySide, Op {
  explicit Speaker(SimNode* node, uint8_t number) : sim(node) {
    content.listen_port = 5000;
    content.node.raw.fill(number);
    content.boot_id = number;
    content.key_number = 1;
    content.key.raw.fill(7);
    bind(&ready);
    Address at = group();
    discovery.start({&sim->net, &sim->clock, &sim->random, nullptr, &ready, this}, {&at, 1});
    sim->host.attach(&ready, this, 100);
  }
  ~Speaker() override { sim->kill(); }
  bool beacon_content(BeaconContent* to) override {
    *to = content;
    return speaks;
  }
  bool judge_beacon(Bytes datagram, const Beacon& beacon, const Address&) override {
    return beacon.node != content.node && verify_beacon(datagram, beacon, content.key);
  }
  void step(Status) override { discovery.tick(sim->clock.up_ns()); }

  SimNode* sim;
  ReadyQueue ready;
  BeaconContent content;
  bool speaks = true;
  Discovery discovery;
};

struct DiscoveryTest : ::testing::Test {
  SimWorld world{3};
  Speaker& add() {
    size_t index = speakers.size();
    SimNode& sim = world.add_node("s" + std::to_string(index));
    speakers.push_back(std::make_unique<Speaker>(&sim, static_cast<uint8_t>(index + 1)));
    return *speakers.back();
  }
  std::vector<std::unique_ptr<Speaker>> speakers;
};

TEST_F(DiscoveryTest, HearsOthersWithTheirListeningAddressAndForgetsTheSilent) {
  Speaker& a = add();
  Speaker& b = add();
  world.run_for(2 * kSecond);
  const Candidate* found = a.discovery.find(b.content.node);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->address.ip, b.sim->net.address().ip);
  EXPECT_EQ(found->address.port, 5000);
  EXPECT_EQ(a.discovery.find(a.content.node), nullptr);
  // What a device hears of itself is neither heard nor refused.
  EXPECT_LE(a.discovery.counters().heard, b.discovery.counters().sent);
  EXPECT_GT(a.discovery.counters().heard, 0u);
  EXPECT_EQ(a.discovery.counters().refused, 0u);
  b.speaks = false;
  world.run_for(70 * kSecond);
  EXPECT_EQ(a.discovery.find(b.content.node), nullptr);
}

TEST_F(DiscoveryTest, SpeaksFastAtFirstThenEveryThreeSeconds) {
  Speaker& a = add();
  world.run_for(15 * kSecond);
  uint64_t fast = a.discovery.counters().sent;
  EXPECT_GE(fast, 11u);
  EXPECT_LE(fast, 20u);
  world.run_for(60 * kSecond);
  uint64_t slow = a.discovery.counters().sent - fast;
  EXPECT_GE(slow, 15u);
  EXPECT_LE(slow, 26u);
}

TEST_F(DiscoveryTest, AnOrderlyEndIsHeardAtOnce) {
  Speaker& a = add();
  Speaker& b = add();
  world.run_for(2 * kSecond);
  ASSERT_NE(a.discovery.find(b.content.node), nullptr);
  b.discovery.stop();
  world.run_for(kSecond);
  EXPECT_EQ(a.discovery.find(b.content.node), nullptr);
  EXPECT_TRUE(b.discovery.stopped());
}

TEST_F(DiscoveryTest, ForgedAndReplayedBeaconsAreNeverAnswered) {
  Speaker& a = add();
  a.speaks = false;
  SimNode& evil = world.add_node("evil");
  Net::Socket socket = evil.net.open_multicast(group()).value();
  Beacon beacon;
  beacon.listen_port = 1;
  std::array<uint8_t, kBeaconBytes> bytes;
  Secret<32> wrong;
  uint64_t before = a.sim->net.datagrams_sent + a.sim->net.bytes_sent;
  for (uint32_t i = 0; i < 5000; ++i) {
    store_le(beacon.node.raw.data(), i);
    beacon.nonce = i;
    encode_beacon(&beacon, i % 2 == 0 ? wrong : a.content.key, Key32{}, bytes);
    if (i % 3 == 0) bytes[i % kBeaconBytes] ^= 1;
    ASSERT_EQ(evil.net.send_multicast(socket, group(), bytes), Status::kOk);
    if (i % 100 == 0) world.run_for(10 * kMillisecond);
  }
  world.run_for(kSecond);
  EXPECT_EQ(a.sim->net.datagrams_sent + a.sim->net.bytes_sent, before);
  EXPECT_GT(a.discovery.counters().refused, 2000u);
  EXPECT_GT(a.discovery.counters().flooded, 0u);  // the table is bounded
  evil.kill();
}

TEST_F(DiscoveryTest, AnAddressIsTriedAtOnceAndThenOncePerTenSeconds) {
  Speaker& a = add();
  Address at = group();
  at.port = 80;
  uint64_t now = 100 * kSecond;
  EXPECT_TRUE(a.discovery.may_try(at, now));
  EXPECT_FALSE(a.discovery.may_try(at, now + 9 * kSecond));
  EXPECT_TRUE(a.discovery.may_try(at, now + 10 * kSecond));
  at.port = 0;
  EXPECT_FALSE(a.discovery.may_try(at, now));
}

TEST_F(DiscoveryTest, InventedAddressesFillATableNotTheNetwork) {
  Speaker& a = add();
  Address at = group();
  size_t tries = 0;
  for (uint32_t i = 0; i < 10000; ++i) {
    store_le(at.ip.data(), i);
    tries += a.discovery.may_try(at, 100 * kSecond) ? 1 : 0;
  }
  EXPECT_EQ(tries, Discovery::kTriesMax);
}

}  // namespace
}  // namespace drey
