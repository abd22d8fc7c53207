// I15: generated histories in which a stolen device forks the log, adds itself again and signs with
// its revoked key. Every node must come to one verdict, whatever arrived first, and to the right
// one.
#include <algorithm>
#include <random>

#include "unit/mesh/membership_support.h"

namespace drey::test {
namespace {

constexpr int kMembers = 5;
constexpr int kPuppets = 20;  // keys from here on are the thief's inventions

struct ForkCase {
  std::vector<ByteVector> statements;  // each after its parents
  int thief = 0;
  std::vector<int> revokers;
  std::vector<StatementId> void_ones;  // said by the thief or its puppets outside what counts
  std::vector<int> puppets;
  bool mutual = false;  // the thief cast a revoker out before it knew
};

// What a thief says on a view that does not know of its revocation, or does.
void misbehave(ForkCase* made, View* view, std::mt19937& random, int steps, bool knows) {
  for (int step = 0; step < steps; ++step) {
    int by = made->thief;
    if (!made->puppets.empty() && random() % 3 == 0)
      by = made->puppets[random() % made->puppets.size()];
    int victim = static_cast<int>(random() % kMembers);
    ByteVector bytes;
    switch (random() % 7) {
      case 0:
        bytes = view->make_add(View::node(by), made->thief);
        break;
      case 1:
        bytes = view->make_add(View::node(by), made->thief, Role::kFull, "innocent");
        break;
      case 2: {
        int puppet = kPuppets + static_cast<int>(made->puppets.size());
        bytes = view->make_add(View::node(by), puppet);
        if (ok(view->take(bytes))) {
          made->puppets.push_back(puppet);
          made->void_ones.push_back(id_of(bytes));
        }
        continue;
      }
      case 3:
        bytes = view->make_revoke(View::node(by), victim);
        break;
      case 4:
        bytes = view->make_retire(View::node(by), victim);
        break;
      case 5:
        bytes = view->make_epoch(View::node(by), view->membership->next_epoch_id(id(by)));
        break;
      default:
        bytes = view->make_feature(View::node(by), 60000);
        break;
    }
    if (!ok(view->take(bytes))) continue;  // denied to everybody: a stranger there
    Statement statement;
    ASSERT_EQ(decode_statement(bytes, &statement), Status::kOk);
    // It may take its revoker along, itself or by a puppet: a ring of revocations stands.
    bool hits = statement.act == Act::kRevoke && !knows &&
                std::count(made->revokers.begin(), made->revokers.end(), victim) > 0;
    // Casting itself out is what everybody wants.
    bool itself = statement.act == Act::kRevoke && victim == made->thief;
    if (hits) made->mutual = true;
    if (!hits && !itself) made->void_ones.push_back(id_of(bytes));
  }
}

ForkCase make_case(uint32_t seed) {
  std::mt19937 random(seed);
  ForkCase made;
  View base;
  for (int i = 1; i < kMembers; ++i) base.add(0, i);
  made.thief = 1 + static_cast<int>(random() % (kMembers - 1));
  // One or two revoke it, not knowing of each other.
  int first = (made.thief + 1 + static_cast<int>(random() % (kMembers - 1))) % kMembers;
  made.revokers.push_back(first);
  int second = static_cast<int>(random() % kMembers);
  if (random() % 3 == 0 && second != first && second != made.thief) made.revokers.push_back(second);
  // Two tales on the same parents, each told to another half of the house.
  View one = base.copy(), two = base.copy();
  misbehave(&made, &one, random, 2 + static_cast<int>(random() % 4), false);
  misbehave(&made, &two, random, 2 + static_cast<int>(random() % 4), false);
  View honest = base.copy();
  std::vector<View> halves;
  for (int revoker : made.revokers) {
    halves.push_back(base.copy());
    halves.back().revoke(revoker, made.thief);
  }
  for (const View& half : halves) honest.merge(half);
  // Then it knows, and goes on: on its own tale, and on what everybody has.
  View late = honest.copy();
  misbehave(&made, &late, random, 1 + static_cast<int>(random() % 3), true);
  one.merge(honest);
  misbehave(&made, &one, random, 1 + static_cast<int>(random() % 3), true);
  honest.merge(one);
  honest.merge(two);
  honest.merge(late);
  made.statements = honest.bytes;
  return made;
}

// One node that gets the statements one by one in some order, some of them twice, and keeps those
// whose parents it lacks until they come.
void deliver(const std::vector<ByteVector>& order, std::mt19937& random, Membership* to) {
  to->reset(MeshId{});
  std::vector<ByteVector> waiting = order;
  while (!waiting.empty()) {
    std::vector<ByteVector> next;
    for (const ByteVector& bytes : waiting) {
      Status status = to->insert(bytes);
      if (status == Status::kNotFound) {
        next.push_back(bytes);
      } else {
        ASSERT_EQ(status, Status::kOk);
        ASSERT_EQ(to->insert(bytes), Status::kExists);
      }
      if (random() % 3 == 0) to->evaluate();
    }
    ASSERT_LT(next.size(), waiting.size());
    waiting = next;
  }
  to->evaluate();
}

void expect_verdict(const ForkCase& made, const Membership& node) {
  auto state = [&](int number) {
    const Member* member = node.find(id(number));
    return member == nullptr ? MemberState::kNone : member->state;
  };
  EXPECT_EQ(state(made.thief), MemberState::kRevoked);
  EXPECT_NE(node.feature_level(), 60000);
  for (int puppet : made.puppets) EXPECT_NE(state(puppet), MemberState::kActive) << puppet;
  for (const StatementId& one : made.void_ones) {
    EXPECT_TRUE(node.has(one));
    EXPECT_FALSE(node.is_valid(one));
  }
  for (int i = 0; i < kMembers; ++i) {
    bool revoker = std::count(made.revokers.begin(), made.revokers.end(), i) > 0;
    if (i == made.thief || (revoker && made.mutual)) continue;
    EXPECT_EQ(state(i), MemberState::kActive) << i;
  }
}

TEST(MembershipForks, TwoHundredThievesGetOneVerdictOnEveryNodeInEveryOrder) {
  const uint32_t cases = cases_wanted("DREY_THIEVES", 200);
  size_t statements = 0, void_ones = 0, mutual = 0, puppets = 0;
  auto node = std::make_unique<Membership>();
  for (uint32_t seed = 1; seed <= cases; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ForkCase made = make_case(seed);
    std::mt19937 random(seed + 1000);
    std::string expected;
    for (int order = 0; order < 12; ++order) {
      std::vector<ByteVector> arriving = made.statements;
      if (order == 1) std::reverse(arriving.begin(), arriving.end());
      if (order > 1) std::shuffle(arriving.begin(), arriving.end(), random);
      deliver(arriving, random, node.get());
      if (order == 0) expected = describe(*node);
      ASSERT_EQ(describe(*node), expected) << "order " << order;
    }
    expect_verdict(made, *node);
    if (HasFailure()) return;
    statements += made.statements.size();
    void_ones += made.void_ones.size();
    puppets += made.puppets.size();
    mutual += made.mutual ? 1 : 0;
  }
  std::printf("%u cases: %zu statements, %zu void, %zu invented devices, %zu mutual\n", cases,
              statements, void_ones, puppets, mutual);
  if (cases < 200) return;
  EXPECT_GT(void_ones, 1000u);
  EXPECT_GT(puppets, 100u);
  EXPECT_GT(mutual, 10u);
  EXPECT_LT(mutual, 190u);
}

// What somebody else signs in the name of a member, revoked or not, never gets into the table.
TEST(MembershipForks, AStatementInAnothersNameIsDenied) {
  View view;
  view.add(0, 1);
  View before = view.copy();
  view.revoke(0, 1);
  auto membership = std::make_unique<Membership>();
  for (const ByteVector& bytes : view.bytes) ASSERT_EQ(membership->add(bytes), Status::kOk);
  for (const View* at : {&before, &view}) {
    View on = at->copy();
    for (int by : {0, 1}) {
      ByteVector bytes = on.make_add(View::node(by), 2);
      Statement statement;
      ASSERT_EQ(decode_statement(bytes, &statement), Status::kOk);
      Signature signature;
      ASSERT_EQ(sign_digest(key(1 - by), signed_digest(statement, membership->mesh()), &signature),
                Status::kOk);
      std::copy(signature.begin(), signature.end(), bytes.end() - 64);
      EXPECT_EQ(membership->add(bytes), Status::kDenied) << by;
    }
  }
}

}  // namespace
}  // namespace drey::test
