// What hostile members tell about heads: I6 (an old head shown as the newest), I8 (two heads with
// one sequence) and I13 (statements of one kind offered as another), on whole meshes.
#include <random>

#include "mesh/heads/forget.h"
#include "unit/mesh/mesh_support.h"

namespace drey::test {
namespace {

class MeshForks : public ::testing::Test {};

// A household of three members, made anew for each case; the last ones may be off.
class House : public MeshTest {
 public:
  explicit House(uint64_t seed, int running = 3) : MeshTest(seed) {
    view.add(0, 1);
    view.add(0, 2);
    for (int i = 0; i < running; ++i) nodes.push_back(&add_member(i, view));
  }
  void TestBody() override {}
  using MeshTest::make_head;
  using MeshTest::publish;
  using MeshTest::until;
  SimWorld& net() { return world; }
  void split(bool all) {
    net().cut_both(*nodes[0]->sim, *nodes[1]->sim, true);
    if (!all || nodes.size() < 3) return;
    net().cut_both(*nodes[0]->sim, *nodes[2]->sim, true);
    net().cut_both(*nodes[1]->sim, *nodes[2]->sim, true);
  }
  size_t alarms() const {
    size_t count = 0;
    for (Device* node : nodes) count += node->mesh->heads().forked_count();
    return count;
  }
  uint64_t newest(int node, int owner) const {
    const HeadTable::Highest* row = nodes[static_cast<size_t>(node)]->mesh->heads().find(id(owner));
    return row != nullptr ? row->sequence : 0;
  }
  View view;
  std::vector<Device*> nodes;
};

// A stolen identity or an old card goes on beside the original: both tell of snapshots with the
// same numbers, to different members.
TEST_F(MeshForks, TwoHeadsWithOneSequenceAreAnAlarmWhoeverGotWhich) {
  size_t noticed = 0, cases = 0;
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    House house(seed);
    house.split(true);
    uint64_t fork = 1 + random() % 4;
    uint64_t lengths[2] = {fork + random() % 5, fork + random() % 5};
    for (size_t side : {0u, 1u}) {
      for (uint64_t n = 1; n <= lengths[side]; ++n) {
        std::string told = n < fork ? "common" : side == 0 ? "original" : "clone";
        ASSERT_EQ(
            house.publish(*house.nodes[side], StatementKind::kHead, house.make_head(2, n, told)),
            Status::kOk);
      }
    }
    EXPECT_EQ(house.alarms(), 0u);
    house.net().mend_all();
    noticed += house.until([&] { return house.alarms() > 0; }, 300) ? 1 : 0;
    ++cases;
  }
  std::printf("%zu of %zu forks noticed\n", noticed, cases);
  EXPECT_EQ(noticed, cases);
}

// An owner that breaks its own chain signs one newest head for both, and two below it.
TEST_F(MeshForks, AForkBelowACommonNewestHeadIsNoticedByTwoMembersAlone) {
  for (uint32_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    House house(seed, 2);
    house.split(false);
    uint64_t newest = 2 + random() % 4;
    uint64_t fork = 1 + random() % (newest - 1);
    for (size_t side : {0u, 1u}) {
      for (uint64_t n = 1; n <= newest; ++n) {
        std::string told = n != fork ? "common" : side == 0 ? "one" : "another";
        ASSERT_EQ(
            house.publish(*house.nodes[side], StatementKind::kHead, house.make_head(2, n, told)),
            Status::kOk);
      }
    }
    EXPECT_EQ(house.alarms(), 0u);
    house.net().mend_all();
    EXPECT_TRUE(house.until([&] { return house.alarms() == 2; }, 600));
  }
}

// Whoever knew the newest head keeps knowing it, and tells those who were shown an old one.
TEST_F(MeshForks, AnOldHeadIsNeverTakenForTheNewestWhereSomebodyKnowsBetter) {
  size_t detected = 0;
  constexpr size_t kCases = 20;
  for (uint32_t seed = 1; seed <= kCases; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    House house(seed);
    house.split(true);
    uint64_t old = 1 + random() % 5, newest = old + 1 + random() % 5;
    for (uint64_t n = 1; n <= newest; ++n) {
      ByteVector head = house.make_head(2, n);
      ASSERT_EQ(house.publish(*house.nodes[0], StatementKind::kHead, head), Status::kOk);
      if (n > old) continue;
      // The one rolled back, and the owner itself on a card of yesterday.
      for (size_t at : {1u, 2u})
        ASSERT_EQ(house.publish(*house.nodes[at], StatementKind::kHead, head), Status::kOk);
    }
    // Own memory: told the old ones once more, in any order, also after a restart.
    for (int i = 0; i < 4; ++i)
      EXPECT_NE(house.publish(*house.nodes[0], StatementKind::kHead,
                              house.make_head(2, 1 + random() % old)),
                Status::kDenied);
    if (random() % 2 == 0) house.nodes[0]->restart();
    EXPECT_EQ(house.newest(0, 2), newest);
    EXPECT_EQ(house.newest(1, 2), old);
    EXPECT_EQ(house.newest(2, 2), old);
    house.net().mend_all();
    auto all_know = [&] {
      return house.newest(0, 2) == newest && house.newest(1, 2) == newest &&
             house.newest(2, 2) == newest;
    };
    detected += house.until(all_know, 300) ? 1 : 0;
    EXPECT_EQ(house.alarms(), 0u);
  }
  std::printf("%zu of %zu rollbacks detected\n", detected, kCases);
  EXPECT_EQ(detected, kCases);
}

TEST_F(MeshForks, AStatementOfOneKindOfferedAsAnotherIsRefused) {
  House house(1);
  Device& node = *house.nodes[0];
  ByteVector add = house.view.make_add(View::node(0), 7);
  ByteVector head = house.make_head(0, 1);
  RangeBuilder builder;
  builder.begin(nullptr);
  ASSERT_EQ(builder.add(4), Status::kOk);
  ASSERT_EQ(builder.finish(), Status::kOk);
  Forget forget;
  forget.owner = id(0);
  forget.number = 1;
  forget.highest = 9;
  MeshId mesh;
  mesh.raw = id_of(genesis()).raw;
  ByteVector forgets(limits::kStatementBytesMax);
  forget.range_count = builder.count();
  forget.ranges = builder.bytes();
  Result<size_t> size = encode_forget(key(0), mesh, &forget, forgets);
  ASSERT_EQ(size.status(), Status::kOk);
  forgets.resize(size.value());
  std::vector<std::pair<StatementKind, ByteVector>> objects = {{StatementKind::kMembership, add},
                                                               {StatementKind::kHead, head},
                                                               {StatementKind::kForget, forgets}};
  Key32 members = node.membership().digest(), heads = node.mesh->heads().digest();
  for (const auto& [right, bytes] : objects)
    for (StatementKind kind : kStatementKinds)
      EXPECT_TRUE(kind == right || house.publish(node, kind, bytes) != Status::kOk);
  EXPECT_EQ(node.membership().digest(), members);
  EXPECT_EQ(node.mesh->heads().digest(), heads);
  EXPECT_EQ(house.publish(node, StatementKind::kMembership, add), Status::kOk);
  EXPECT_EQ(house.publish(node, StatementKind::kHead, head), Status::kOk);
}

}  // namespace
}  // namespace drey::test
