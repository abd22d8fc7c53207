// I3: one who cannot make beacons, or makes them of old ones, sends 100,000 of them: no byte is
// answered, and no address is called more than once per 10 s.
#include <random>

#include "mesh/discovery/beacon.h"
#include "unit/mesh/mesh_support.h"

namespace drey::test {
namespace {

class ForgedBeacons : public MeshTest {
 protected:
  // Hears everything, answers nothing, and counts who calls when.
  struct Evil {
    SimNode* node;
    Net::Socket group;
    Net::Socket door;
    std::vector<uint64_t> calls_ns;
    std::vector<Net::Socket> open;
    void look() {
      while (true) {
        Result<Net::Socket> one = node->net.accept(door, nullptr);
        if (!one.ok()) return;
        calls_ns.push_back(node->clock.up_ns());
        node->net.close(one.value());
      }
    }
    std::vector<ByteVector> listen() {
      std::vector<ByteVector> heard;
      std::array<uint8_t, 600> room;
      while (true) {
        Result<size_t> got = node->net.receive(group, room, nullptr);
        if (!got.ok()) return heard;
        heard.emplace_back(room.begin(), room.begin() + static_cast<long>(got.value()));
      }
    }
  };
  Evil make_evil() {
    Evil evil;
    evil.node = &world.add_node("evil");
    evil.group = evil.node->net.open_multicast(group_address()).value();
    Address any;
    any.port = 4747;
    evil.door = evil.node->net.listen_tcp(any).value();
    return evil;
  }
};

TEST_F(ForgedBeacons, AHundredThousandAreNotAnsweredAndCallNoAddressMoreThanOncePerTenSeconds) {
  constexpr size_t kBeacons = 100'000, kPerTurn = 200;
  View view;
  view.add(0, 1);
  Evil evil = make_evil();
  Device& a = add_member(0, view);
  Device& b = add_member(1, view);
  ASSERT_TRUE(until([&] { return a.sees_alive(1); }, 20));
  world.run_for(30 * kSecond);
  std::vector<ByteVector> real;
  for (const ByteVector& one : evil.listen()) {
    Beacon beacon;
    if (ok(decode_beacon(one, &beacon)) && beacon.node == id(1)) real.push_back(one);
  }
  ASSERT_GT(real.size(), 5u);
  b.kill();
  ASSERT_TRUE(until([&] { return !a.sees_alive(1); }, 120));
  const Discovery::Counters before = a.mesh->discovery().counters();
  uint64_t datagrams = a.sim->net.datagrams_sent;
  uint64_t start = a.sim->clock.up_ns();
  std::mt19937 random(3);
  Secret<32> wrong;
  wrong.raw.fill(0x31);
  size_t replayed = 0;
  for (size_t i = 0; i < kBeacons; ++i) {
    ByteVector bytes = real[random() % real.size()];
    if (i % 4 == 0) {
      ++replayed;  // as it was, from another address
    } else if (i % 4 == 1) {
      bytes[random() % bytes.size()] ^= static_cast<uint8_t>(1 + random() % 255);
    } else if (i % 4 == 2) {
      for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
      bytes.resize(random() % (bytes.size() + 1));
    } else {
      Beacon beacon;
      beacon.node = id(static_cast<int>(random() % 5));
      beacon.listen_port = static_cast<uint16_t>(1 + random() % 65535);
      beacon.key_number = 1;
      beacon.nonce = i;
      encode_beacon(&beacon, wrong, Key32{},
                    std::span<uint8_t, kBeaconBytes>(bytes.data(), kBeaconBytes));
    }
    ASSERT_EQ(evil.node->net.send_multicast(evil.group, group_address(), bytes), Status::kOk);
    if (i % kPerTurn != 0) continue;
    world.run_for(200 * kMillisecond);
    evil.look();
    (void)evil.listen();
  }
  world.run_for(kSecond);
  evil.look();
  const Discovery::Counters& after = a.mesh->discovery().counters();
  // All it said was its own beacons, at its own times.
  EXPECT_EQ(a.sim->net.datagrams_sent - datagrams, after.sent - before.sent);
  uint64_t seconds = (a.sim->clock.up_ns() - start) / kSecond;
  EXPECT_LE(after.sent - before.sent, seconds / 2);
  EXPECT_GT(after.refused - before.refused, kBeacons / 8);
  EXPECT_GT(after.heard - before.heard, replayed / 4);
  ASSERT_GT(evil.calls_ns.size(), 1u);  // the replayed ones show a port somebody answers at
  for (size_t i = 1; i < evil.calls_ns.size(); ++i)
    EXPECT_GE(evil.calls_ns[i] - evil.calls_ns[i - 1], 9 * kSecond) << i;
  EXPECT_LE(evil.calls_ns.size(), seconds / 10 + 1);
  std::printf("%zu beacons in %llu s, %zu replayed, %llu heard, %llu refused; %zu calls\n",
              kBeacons, static_cast<unsigned long long>(seconds), replayed,
              static_cast<unsigned long long>(after.heard - before.heard),
              static_cast<unsigned long long>(after.refused - before.refused),
              evil.calls_ns.size());
  evil.node->kill();
}

}  // namespace
}  // namespace drey::test
