// M7: a device without randomness makes no node, and starts none; whatever fails, no key is zero.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "node/node.h"
#include "sim/sim_node.h"
#include "sim/sim_world.h"
#include "unit/node/sqlite_once.h"

namespace drey {
namespace {

// Right until its n-th call, which fails, as do all after it; 0 = never.
class DyingRandom final : public Random {
 public:
  DyingRandom(uint64_t seed, uint64_t dies_at) : random_(seed), dies_at_(dies_at) {}
  Status fill(MutBytes to) override {
    ++calls;
    if (dies_at_ != 0 && calls >= dies_at_) {
      std::fill(to.begin(), to.end(), uint8_t{0});  // as PosixRandom leaves it
      return Status::kIo;
    }
    return random_.fill(to);
  }
  uint64_t calls = 0;

 private:
  SimRandom random_;
  uint64_t dies_at_;
};

class Randomness : public ::testing::Test {
 protected:
  void SetUp() override { start_sqlite(); }

  struct Device {
    explicit Device(uint64_t dies_at) : world(1), random(7, dies_at) {
      sim = &world.add_node("device");
      node = std::make_unique<Node>(&sim->clock, &sim->host);
      options.ports = sim->ports();
      options.ports.random = &random;
      options.config = &config;
      options.control_path = "/control.sock";
    }
    Status init() {
      Node::InitRequest request;
      request.node_name = "device";
      request.mesh_name = "home";
      request.compression = "auto";
      std::array<char, 128> phrase;
      size_t size = 0;
      Explanation why;
      return node->init(options, request, phrase, &size, &why);
    }
    SimWorld world;
    DyingRandom random;
    SimNode* sim = nullptr;
    Config config;
    NodeOptions options;
    std::unique_ptr<Node> node;
  };

  static void expect_no_zero_key(Device& device) {
    auto keys = std::make_unique<NodeKeys>();
    if (!ok(load_keys(device.sim->disk, keys.get()))) return;  // then there is no node
    const std::array<uint8_t, 32> zero{};
    EXPECT_NE(keys->sign.secret.raw, zero);
    EXPECT_NE(keys->wrap.secret.raw, zero);
    EXPECT_NE(keys->keyring.mesh_secret().raw, zero);
    for (size_t i = 0; i < keys->keyring.epoch_count(); ++i)
      EXPECT_NE(keys->keyring.epoch_at(i).seed.raw, zero);
    for (size_t i = 0; i < keys->beacon_key_count; ++i)
      EXPECT_NE(keys->beacon_keys[i].key.raw, zero);
  }
};

TEST_F(Randomness, NoNodeIsMadeWhereverItFails) {
  uint64_t calls = 0;
  {
    Device device(0);
    ASSERT_EQ(device.init(), Status::kOk);
    expect_no_zero_key(device);
    calls = device.random.calls;
  }
  EXPECT_GE(calls, 6u);
  for (uint64_t nth = 1; nth <= calls; ++nth) {
    Device device(nth);
    EXPECT_NE(device.init(), Status::kOk) << "call " << nth;
    expect_no_zero_key(device);
    EXPECT_EQ(device.sim->disk.peek(kKeyFileName), nullptr) << "call " << nth;
  }
}

TEST_F(Randomness, NoNodeStartsWithoutIt) {
  Device device(0);
  ASSERT_EQ(device.init(), Status::kOk);
  device.node.reset();
  DyingRandom dead(8, 1);
  auto again = std::make_unique<Node>(&device.sim->clock, &device.sim->host);
  device.options.ports.random = &dead;
  Explanation why;
  EXPECT_NE(again->start(device.options, &why), Status::kOk);
  EXPECT_GT(why.size, 0u);
}

}  // namespace
}  // namespace drey
