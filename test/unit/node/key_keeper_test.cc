// Revocation among whole meshes: who gets which key, when, and who does not.
#include "node/key_keeper.h"

#include "unit/mesh/mesh_support.h"

namespace drey::test {
namespace {

struct Home {
  Device* device = nullptr;
  NodeKeys keys;
  Ports ports;
  std::unique_ptr<KeyKeeper> keeper;
  uint64_t epoch() const { return keys.keyring.current_epoch(); }
};

class KeeperTest : public MeshTest {
 protected:
  std::vector<std::unique_ptr<Home>> homes;

  ~KeeperTest() override {
    for (auto& device : devices) device->kill();
  }
  Home& add_home(int number, const View& view, Role role = Role::kFull, bool fresh_keys = false) {
    homes.push_back(std::make_unique<Home>());
    Home& home = *homes.back();
    home.keys.sign = key(number);
    home.keys.wrap = key(200000 + number % 7);
    home.keys.role = role == Role::kFull ? NodeRole::kFull : NodeRole::kVault;
    home.keys.mesh = view.membership->mesh();
    if (role == Role::kFull && !fresh_keys) {
      Secret<32> secret;
      Epoch first;
      first.id = 1;
      first.seed.raw.fill(9);
      home.keys.keyring.reset(home.keys.mesh, secret);
      EXPECT_EQ(home.keys.keyring.add_epoch(first), Status::kOk);
    }
    SimNode& sim = world.add_node("n" + std::to_string(devices.size()));
    devices.push_back(std::make_unique<Device>(&sim, number));
    Device& device = *devices.back();
    home.device = &device;
    device.mesh_id = view.membership->mesh();
    device.keys = {disc};
    device.before_start = [this, &home](Device& d) {
      home.ports.clock = &d.sim->clock;
      home.ports.random = &d.sim->random;
      home.ports.lanes = &d.sim->lanes;
      home.keeper = std::make_unique<KeyKeeper>();
      d.keeper = home.keeper.get();
      home.keeper->load(
          {&home.ports, d.ready.get(), d.log.get(), d.store.get(), d.mesh.get(), &home.keys});
      home.keeper->start();
      d.on_tick = [&home, &d] { home.keeper->tick(d.sim->clock.up_ns()); };
    };
    device.boot(view.bytes);
    return home;
  }
  bool all_hold(std::initializer_list<const Home*> which, uint64_t above) {
    uint64_t epoch = (*which.begin())->device->membership().current_epoch();
    for (const Home* home : which) {
      const Membership& membership = home->device->membership();
      if (membership.current_epoch() != epoch || epoch <= above) return false;
      if (home->keys.role == NodeRole::kFull && home->epoch() != epoch) return false;
    }
    return true;
  }
  void revoke(Home& by, View& view, int author, int subject) {
    ASSERT_EQ(publish(*by.device, StatementKind::kMembership,
                      view.make_revoke(View::node(author), subject)),
              Status::kOk);
    by.keeper->hurry();
  }
};

TEST_F(KeeperTest, AfterARevocationWhoIsLeftHasTheNewKeysAndTheRevokedDeviceHasNot) {
  View view;
  view.add(0, 1);
  view.add(0, 2, Role::kVault);
  view.add(0, 3);
  Home& a = add_home(0, view);
  Home& b = add_home(1, view);
  Home& vault = add_home(2, view, Role::kVault);
  Home& thief = add_home(3, view);
  ASSERT_TRUE(until([&] {
    return a.device->sees_alive(1) && a.device->sees_alive(2) && a.device->sees_alive(3) &&
           b.device->sees_alive(3);
  }));
  uint64_t begin = world.now_ns();
  revoke(a, view, 0, 3);
  ASSERT_TRUE(until([&] { return all_hold({&a, &b, &vault}, 1); }, 5));
  EXPECT_LT(world.now_ns() - begin, 5 * kSecond);
  EXPECT_FALSE(a.keeper->waits_for_epoch());
  EXPECT_TRUE(until([&] { return thief.device->mesh->is_cast_out(); }, 5));
  // The vault speaks the new beacon key: A and the vault find each other anew after restarts.
  a.device->restart();
  vault.device->restart();
  EXPECT_TRUE(until([&] { return a.device->sees_alive(2) && vault.device->sees_alive(1); }));
  EXPECT_EQ(a.epoch(), b.epoch());
  EXPECT_EQ(thief.keys.keyring.epoch_count(), 1u);
  EXPECT_EQ(thief.device->mesh->session_count(), 0u);
}

TEST_F(KeeperTest, FromTheWordOnNothingIsSealedUntilAnEpochKnowsOfIt) {
  View view;
  view.add(0, 1);
  view.add(0, 3);
  Home& a = add_home(0, view);
  Home& b = add_home(1, view);
  ASSERT_TRUE(until([&] { return a.device->sees_alive(1); }));
  // Nobody hurries: both wait for their turn.
  ASSERT_EQ(publish(*a.device, StatementKind::kMembership, view.make_revoke(View::node(0), 3)),
            Status::kOk);
  EXPECT_TRUE(a.keeper->waits_for_epoch());
  EXPECT_EQ(a.epoch(), 0u);
  ASSERT_TRUE(until([&] { return b.device->knows(3, MemberState::kRevoked); }, 5));
  EXPECT_EQ(b.epoch(), 0u);
  ASSERT_TRUE(until([&] { return all_hold({&a, &b}, 1); }, 30));
  // One of them wrote it, not both.
  size_t epochs = 0;
  for (size_t i = 0; i < a.device->membership().count(); ++i)
    epochs += a.device->membership().act_at(i) == Act::kEpoch;
  EXPECT_EQ(epochs, 1u);
}

TEST_F(KeeperTest, WhoWasOffDuringTwoRevocationsLearnsOfBothAtTheFirstContact) {
  View view;
  view.add(0, 1);
  view.add(0, 2, Role::kVault);
  view.add(0, 3);
  view.add(0, 4);
  Home& a = add_home(0, view);
  Home& b = add_home(1, view);
  Home& vault = add_home(2, view, Role::kVault);
  ASSERT_TRUE(until([&] { return a.device->sees_alive(1) && a.device->sees_alive(2); }));
  b.device->kill();
  vault.device->kill();
  for (int thief : {3, 4}) {
    View now = view.copy();
    revoke(a, view, 0, thief);
    ASSERT_TRUE(until([&] { return a.epoch() != 0 && !a.keeper->waits_for_epoch(); }, 30));
    view = View();
    // What A has now is what the next statement stands on.
    for (size_t i = 0; i < a.device->membership().count(); ++i) {
      std::vector<uint8_t> bytes(limits::kStatementBytesMax);
      StatementKey row{};
      const StatementId& statement = a.device->membership().id_at(i);
      std::copy(statement.raw.begin(), statement.raw.end(), row.begin());
      size_t size = 0;
      ASSERT_EQ(a.device->store->read_statement(StatementKind::kMembership, row, bytes, &size),
                Status::kOk);
      bytes.resize(size);
      if (!view.membership->has(statement)) (void)view.take(bytes);
    }
  }
  world.run_for(120 * kSecond);
  b.device->boot();
  vault.device->boot();
  ASSERT_TRUE(until([&] { return all_hold({&a, &b, &vault}, 1); }, 30));
  EXPECT_TRUE(b.device->knows(3, MemberState::kRevoked));
  EXPECT_TRUE(vault.device->knows(4, MemberState::kRevoked));
  EXPECT_EQ(b.keys.keyring.epoch_count(), 3u);
  EXPECT_TRUE(until([&] { return b.device->sees_alive(2) && a.device->sees_alive(1); }));
}

TEST_F(KeeperTest, TwoHalvesThatCastSomebodyOutApartAgreeOnKeysAgain) {
  View view;
  view.add(0, 1);
  view.add(0, 2);
  view.add(0, 3);
  Home& a = add_home(0, view);
  Home& b = add_home(1, view);
  ASSERT_TRUE(until([&] { return a.device->sees_alive(1); }));
  world.cut_both(*a.device->sim, *b.device->sim, true);
  View left = view.copy(), right = view.copy();
  revoke(a, left, 0, 2);
  revoke(b, right, 1, 3);
  auto fresh = [](const Home& home) { return home.epoch() > 1; };
  ASSERT_TRUE(until([&] { return fresh(a) && fresh(b); }, 60));
  uint64_t apart = std::max(a.epoch(), b.epoch());
  EXPECT_NE(a.epoch(), b.epoch());
  world.mend_all();
  // Neither epoch knows of both: a third one follows.
  ASSERT_TRUE(until([&] { return all_hold({&a, &b}, apart); }, 120));
  EXPECT_EQ(a.keys.keyring.epoch_count(), b.keys.keyring.epoch_count());
  EXPECT_EQ(a.keys.keyring.epoch_count(), 4u);
}

TEST_F(KeeperTest, WhoJoinedElsewhereMeanwhileIsGivenTheKeysAfterwards) {
  View view;
  view.add(0, 1);
  view.add(0, 3);
  Home& a = add_home(0, view);
  Home& b = add_home(1, view);
  ASSERT_TRUE(until([&] { return a.device->sees_alive(1); }));
  world.cut_both(*a.device->sim, *b.device->sim, true);
  View left = view.copy(), right = view.copy();
  revoke(a, left, 0, 3);
  ByteVector add = right.make_add(View::node(1), 4);
  ASSERT_EQ(publish(*b.device, StatementKind::kMembership, add), Status::kOk);
  right.put(add);
  Home& c = add_home(4, right);
  world.cut_both(*a.device->sim, *c.device->sim, true);
  ASSERT_TRUE(until([&] { return b.device->sees_alive(4) && a.epoch() > 1; }, 60));
  EXPECT_EQ(c.epoch(), 1u);
  world.mend_all();
  EXPECT_TRUE(until([&] { return all_hold({&a, &b, &c}, 1); }, 120));
}

TEST_F(KeeperTest, AStrangerWithAnOldKeyIsNobody) {
  View view;
  view.add(0, 1);
  view.add(0, 2);
  view.add(0, 3);
  Home& a = add_home(0, view);
  Home& b = add_home(1, view);  // 2 stays away: old keys are still listened to
  ASSERT_TRUE(until([&] { return a.device->sees_alive(1); }));
  View thief = view.copy();
  revoke(a, view, 0, 3);
  ASSERT_TRUE(until([&] { return all_hold({&a, &b}, 1); }, 30));
  // The thief invents a device, which it says it has added, and which knows the old beacon key.
  thief.add(3, 5);
  Device& invented = add_member(5, thief);
  for (int i = 0; i < 30; ++i) {
    world.run_for(kSecond);
    ASSERT_EQ(a.device->mesh->session_count(), 1u);
    ASSERT_EQ(b.device->mesh->session_count(), 1u);
  }
  EXPECT_FALSE(invented.sees_alive(0));
  EXPECT_FALSE(a.device->knows(5));
}

TEST_F(KeeperTest, ADeviceAskedToLeaveGoesWhenEveryFullDeviceWasHeard) {
  View view;
  view.add(0, 1);
  view.add(0, 2, Role::kVault);
  view.add(0, 3);
  Home& a = add_home(0, view);
  Home& b = add_home(1, view);
  Home& vault = add_home(2, view, Role::kVault);
  ASSERT_TRUE(until([&] { return a.device->sees_alive(1) && a.device->sees_alive(2); }));
  ASSERT_EQ(publish(*a.device, StatementKind::kMembership, view.make_leave(View::node(0), 2)),
            Status::kOk);
  // 3 is off: it may need what the vault keeps.
  world.run_for(60 * kSecond);
  EXPECT_TRUE(vault.device->mesh->is_leaving());
  EXPECT_TRUE(b.device->knows(2));
  Home& late = add_home(3, view);
  EXPECT_TRUE(until([&] {
    return a.device->knows(2, MemberState::kRetired) && b.device->knows(2, MemberState::kRetired) &&
           late.device->knows(2, MemberState::kRetired);
  }));
  EXPECT_TRUE(until([&] { return vault.device->mesh->session_count() == 0; }));
}

TEST_F(KeeperTest, TheFeatureLevelRisesWhenTheLastMemberCan) {
  View view;
  view.add(0, 1);
  Home& a = add_home(0, view);
  Home& b = add_home(1, view);
  auto restart_as = [&](Home& home, uint16_t level) {
    home.device->feature = level;
    home.device->restart();
  };
  restart_as(a, 2);
  ASSERT_TRUE(until([&] { return a.device->sees_alive(1); }));
  world.run_for(60 * kSecond);
  EXPECT_EQ(a.device->membership().feature_level(), 0u);
  restart_as(b, 2);
  EXPECT_TRUE(until([&] {
    return a.device->membership().feature_level() == 2 &&
           b.device->membership().feature_level() == 2;
  }));
}

}  // namespace
}  // namespace drey::test
