// Devices that join or recover, with a peer that knows the code or the phrase and says valid
// messages in any order: the request ends, nothing is left open, and the same device finds its way
// in afterwards with a peer that keeps the order.
#include <cstdlib>

#include "unit/mesh/wrong_order_support.h"

namespace drey::test {
namespace {

class Stray : public MeshTest {
 public:
  explicit Stray(uint64_t seed) : MeshTest(seed), gossip_(seed + 5000) {
    view_.add(0, 1);
    view_.put(view_.make_epoch(View::node(0), view_.membership->next_epoch_id(id(0))));
    ByteVector add = view_.make_add(View::node(0), 12);
    gossip_.mesh = view_.membership->mesh();
    gossip_.disc = disc;
    gossip_.add = id_of(add);
    gossip_.owners = {0, 1, 12};
    gossip_.records.push_back(make_known(seed, 500));
    gossip_.records.push_back(make_known(seed + 1, 900));
    for (const ByteVector& bytes : view_.bytes) gossip_.know(bytes);
    gossip_.know(add);
    gossip_.know(view_.make_add(View::node(0), 20));
    for (uint64_t sequence : {1, 2, 9}) gossip_.know_head(1, sequence, make_head(1, sequence));
    honest_ = &add_member(0, view_);
    SimNode& node = world.add_node("street");
    street_ = node.net.address();
    street_.port = 4747;
    node.host.attach(&ready_, &tick_, 100);
    tick_.bind(&ready_);
    peer_ = std::make_unique<Caller>(&world, &node, &ready_, &gossip_, SessionKind::kPairing, 1);
    peer_->listen(street_);
    tick_.call = [this, &node] { peer_->sessions->tick(node.clock.up_ns()); };
  }
  ~Stray() override { world.node(1).host.stop(); }
  void TestBody() override {}

  // One device, one request, whoever answers. True when it got in.
  bool live(bool recovers) {
    SimNode& sim = world.add_node("n" + std::to_string(world.node_count()));
    devices.push_back(std::make_unique<Device>(&sim, -1));
    Device& device = *devices.back();
    device.fixed = {street_};
    device.boot();
    world.net.multicast = false;  // nobody else is found
    Status status = request(device, recovers, 5 * kSecond);
    world.net.multicast = true;
    device.mesh->stop();
    EXPECT_TRUE(until([&] { return device.mesh->stopped(); }, 60)) << "a session slot is held";
    device.kill();
    ++(!ok(status) ? out : recovers ? recovered : joined);
    return ok(status);
  }
  // A device that was led astray comes with the right peer.
  void find_the_way(bool recovers) {
    Device& device = add_fresh();
    Waiter over;
    over.bind(honest_->ready.get());
    InviteRequest invitation;
    invitation.room = 0x1234;
    invitation.code.raw.fill(0x77);
    invitation.role = Role::kFull;
    invitation.op = &over;
    if (!recovers) {
      EXPECT_EQ(honest_->mesh->invite(&invitation), Status::kOk);
    }
    EXPECT_EQ(request(device, recovers, 60 * kSecond), Status::kOk);
    honest_->mesh->cancel_invite();
    world.run_for(kSecond);
  }
  uint64_t sessions() const { return peer_->opened; }
  const Gossip& gossip() const { return gossip_; }
  uint64_t joined = 0, recovered = 0, out = 0;

 private:
  Status request(Device& device, bool recovers, uint64_t timeout_ns) {
    Waiter op;
    op.bind(device.ready.get());
    JoinRequest join;
    RecoverRequest recover;
    TestGuide guide;
    guide.new_node = 13;
    if (recovers) {
      recover.recovery = &phrase();
      recover.guide = &guide;
      recover.timeout_ns = timeout_ns;
      recover.op = &op;
      EXPECT_EQ(device.mesh->recover(&recover), Status::kOk);
    } else {
      join.room = 0x1234;
      join.code.raw.fill(0x77);
      join.identity = &key(12);
      join.wrap_key = card(12).wrap_key;
      join.name = card(12).name;
      join.timeout_ns = timeout_ns;
      join.op = &op;
      EXPECT_EQ(device.mesh->join(&join), Status::kOk);
    }
    EXPECT_TRUE(until([&] { return op.count > 0; }, 3000)) << "a request without an end";
    world.run_for(100 * kMillisecond);
    EXPECT_EQ(op.count, 1);
    return op.status;
  }

  View view_;
  Gossip gossip_;
  Device* honest_;
  Address street_;
  ReadyQueue ready_;
  Tick tick_;
  std::unique_ptr<Caller> peer_;
};

TEST(WrongOrderWaysIn, EveryRequestEndsAndTheNextDeviceFindsItsWay) {
  const char* text = std::getenv("DREY_SESSIONS");
  uint64_t wanted = text != nullptr ? std::strtoull(text, nullptr, 10) / 20 : 100;
  uint64_t sessions = 0, joined = 0, recovered = 0, out = 0, messages = 0;
  for (uint64_t seed = 1; sessions < wanted && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Stray stray(seed);
    for (int i = 0; i < 20; ++i) stray.live(i % 2 == 0);
    stray.find_the_way(seed % 2 == 0);
    sessions += stray.sessions();
    joined += stray.joined;
    recovered += stray.recovered;
    out += stray.out;
    for (const auto& [type, count] : stray.gossip().said) messages += count;
  }
  std::printf("%llu sessions, %llu messages; %llu joined, %llu recovered, %llu gave up\n",
              static_cast<unsigned long long>(sessions), static_cast<unsigned long long>(messages),
              static_cast<unsigned long long>(joined), static_cast<unsigned long long>(recovered),
              static_cast<unsigned long long>(out));
  EXPECT_GT(out, 0u);
  EXPECT_GT(joined + recovered, 0u);
  EXPECT_GT(messages, 2 * sessions);
}

}  // namespace
}  // namespace drey::test
