#include "unit/mesh/mesh_support.h"

namespace drey::test {
namespace {

class Pairing : public MeshTest {
 protected:
  explicit Pairing(bool over_tls = false) {
    plain = !over_tls;
    view.add(0, 1);
    inviter = &add_member(0, view);
    other = &add_member(1, view);
    EXPECT_TRUE(until([&] { return inviter->sees_alive(1); }, 20));
    invite_op.bind(inviter->ready.get());
    invite.room = 0x1234;
    invite.code.raw.fill(0x77);
    invite.op = &invite_op;
  }
  void prepare(JoinRequest& request, Waiter& op, Device& joiner, int number) {
    op.bind(joiner.ready.get());
    request.room = invite.room;
    request.code = invite.code;
    request.identity = &key(number);
    request.wrap_key = key(200000).pub;
    request.name = "newcomer";
    request.op = &op;
  }
  Status join(int number, const std::function<void(JoinRequest&)>& change = {},
              JoinRequest* result = nullptr) {
    Device& joiner = add_fresh();
    JoinRequest request;
    Waiter op;
    prepare(request, op, joiner, number);
    if (change) change(request);
    EXPECT_EQ(joiner.mesh->join(&request), Status::kOk);
    EXPECT_TRUE(until([&] { return op.count > 0; }, 200));
    world.run_for(kSecond);
    if (result != nullptr) *result = request;
    last = &joiner;
    return op.status;
  }
  View view;
  Device* inviter;
  Device* other;
  Device* last = nullptr;
  InviteRequest invite;
  Waiter invite_op;
};

class PairingOverTls : public Pairing {
 protected:
  PairingOverTls() : Pairing(true) {}
};

TEST_F(PairingOverTls, TheRightCodeJoinsAndAWrongOneDoesNot) {
  ASSERT_EQ(inviter->mesh->invite(&invite), Status::kOk);
  EXPECT_EQ(join(5, [](JoinRequest& r) { r.code.raw[0] ^= 1; }), Status::kDenied);
  EXPECT_EQ(inviter->membership().find(id(5)), nullptr);
  JoinRequest request;
  ASSERT_EQ(join(6, {}, &request), Status::kOk);
  EXPECT_EQ(request.keyring.size, 65u);
  EXPECT_TRUE(until([&] { return other->knows(6); }, 10));
}

TEST_F(Pairing, AFullNodeJoinsAndIsAtHomeEverywhere) {
  ASSERT_EQ(inviter->mesh->invite(&invite), Status::kOk);
  JoinRequest request;
  ASSERT_EQ(join(5, {}, &request), Status::kOk);
  EXPECT_EQ(invite_op.count, 1);
  EXPECT_EQ(invite_op.status, Status::kOk);
  EXPECT_EQ(invite.joined, id(5));
  EXPECT_EQ(request.mesh, view.membership->mesh());
  EXPECT_EQ(request.role, Role::kFull);
  EXPECT_EQ(request.inviter, id(0));
  EXPECT_EQ(request.discovery.number, disc.number);
  EXPECT_EQ(request.discovery.key.raw, disc.key.raw);
  EXPECT_EQ(request.keyring.size, 65u);
  EXPECT_EQ(last->membership().digest(), inviter->membership().digest());
  ASSERT_TRUE(until([&] { return other->knows(5); }, 10));
  EXPECT_EQ(other->membership().find(id(5))->name(), "newcomer");

  // The joiner starts again, as the node it is now.
  last->kill();
  last->number = 5;
  last->mesh_id = request.mesh;
  last->keys = {request.discovery};
  last->boot();
  EXPECT_TRUE(until([&] { return last->sees_alive(0) && last->sees_alive(1); }, 60));
}

TEST_F(Pairing, AVaultJoinsWithoutAKeyring) {
  invite.role = Role::kVault;
  ASSERT_EQ(inviter->mesh->invite(&invite), Status::kOk);
  JoinRequest request;
  ASSERT_EQ(join(5, {}, &request), Status::kOk);
  EXPECT_EQ(request.role, Role::kVault);
  EXPECT_EQ(request.keyring.size, 0u);
  EXPECT_EQ(inviter->courier.exports, 0);
  EXPECT_EQ(inviter->membership().find(id(5))->role, Role::kVault);
}

TEST_F(Pairing, AWrongCodeLeavesNoTrace) {
  ASSERT_EQ(inviter->mesh->invite(&invite), Status::kOk);
  Key32 before = inviter->membership().digest();
  EXPECT_EQ(join(5, [](JoinRequest& r) { r.code.raw[0] ^= 1; }), Status::kDenied);
  EXPECT_EQ(inviter->membership().digest(), before);
  EXPECT_TRUE(inviter->mesh->inviting());
  EXPECT_EQ(join(6), Status::kOk);  // the right one still works
}

TEST_F(Pairing, FiveWrongCodesEndTheInvitation) {
  ASSERT_EQ(inviter->mesh->invite(&invite), Status::kOk);
  for (uint8_t i = 0; i < 5; ++i) {
    EXPECT_EQ(invite_op.count, 0);
    EXPECT_EQ(join(5, [&](JoinRequest& r) { r.code.raw[1] = i; }), Status::kDenied);
  }
  EXPECT_EQ(invite_op.count, 1);
  EXPECT_EQ(invite_op.status, Status::kDenied);
  EXPECT_EQ(join(5), Status::kDenied);
  EXPECT_EQ(inviter->membership().find(id(5)), nullptr);
}

TEST_F(Pairing, AnotherRoomIsNotCounted) {
  ASSERT_EQ(inviter->mesh->invite(&invite), Status::kOk);
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(join(5, [](JoinRequest& r) { r.room ^= 1; }), Status::kDenied);
  EXPECT_EQ(invite_op.count, 0);
  EXPECT_EQ(join(5), Status::kOk);
}

TEST_F(Pairing, AUsedCodeIsOver) {
  ASSERT_EQ(inviter->mesh->invite(&invite), Status::kOk);
  ASSERT_EQ(join(5), Status::kOk);
  EXPECT_FALSE(inviter->mesh->inviting());
  EXPECT_EQ(join(6), Status::kDenied);
  EXPECT_EQ(inviter->membership().find(id(6)), nullptr);
}

TEST_F(Pairing, ACodeForTwoLetsTwoIn) {
  invite.uses = 2;
  ASSERT_EQ(inviter->mesh->invite(&invite), Status::kOk);
  EXPECT_EQ(join(5), Status::kOk);
  EXPECT_EQ(invite_op.count, 0);
  EXPECT_EQ(join(6), Status::kOk);
  EXPECT_EQ(invite_op.count, 1);
  EXPECT_EQ(join(7), Status::kDenied);
}

TEST_F(Pairing, TenMinutesLaterTheCodeIsWorthNothing) {
  ASSERT_EQ(inviter->mesh->invite(&invite), Status::kOk);
  world.run_for(599 * kSecond);
  EXPECT_EQ(invite_op.count, 0);
  world.run_for(2 * kSecond);
  EXPECT_EQ(invite_op.status, Status::kTimeout);
  EXPECT_EQ(join(5), Status::kDenied);
}

TEST_F(Pairing, WithNobodyThereTheJoinerGivesUp) {
  world.net.multicast = false;
  EXPECT_EQ(join(5, [](JoinRequest& r) { r.timeout_ns = 20 * kSecond; }), Status::kTimeout);
}

TEST_F(Pairing, AJoinerFindsTheInviterByAGivenAddress) {
  world.net.multicast = false;
  ASSERT_EQ(inviter->mesh->invite(&invite), Status::kOk);
  Device& joiner = add_fresh();
  JoinRequest request;
  Waiter op;
  prepare(request, op, joiner, 5);
  joiner.mesh->add_peer_address(inviter->address());
  ASSERT_EQ(joiner.mesh->join(&request), Status::kOk);
  ASSERT_TRUE(until([&] { return op.count > 0; }, 60));
  EXPECT_EQ(op.status, Status::kOk);
}

TEST_F(Pairing, OnlyFullMembersInvite) {
  View more = view.copy();
  more.add(0, 2, Role::kVault);
  Device& vault = add_member(2, more);
  EXPECT_EQ(vault.mesh->invite(&invite), Status::kDenied);
  ASSERT_EQ(inviter->mesh->invite(&invite), Status::kOk);
  EXPECT_EQ(inviter->mesh->invite(&invite), Status::kBusy);
  inviter->mesh->cancel_invite();
  world.run_for(kSecond);
  EXPECT_EQ(invite_op.status, Status::kCancelled);
}

TEST_F(Pairing, AJoinThatBreaksMidwayMayResumeWithTheSameKeyOnly) {
  ASSERT_EQ(inviter->mesh->invite(&invite), Status::kOk);
  Device& joiner = add_fresh();
  JoinRequest request;
  Waiter op;
  prepare(request, op, joiner, 5);
  ASSERT_EQ(joiner.mesh->join(&request), Status::kOk);
  ASSERT_TRUE(until([&] { return inviter->knows(5); }, 30));
  joiner.kill();  // before it said that it has everything
  ASSERT_EQ(invite_op.count, 0);
  world.run_for(10 * kSecond);
  EXPECT_NE(join(6), Status::kOk);
  EXPECT_EQ(inviter->membership().find(id(6)), nullptr);
  EXPECT_EQ(join(5), Status::kOk);
  EXPECT_EQ(invite.joined, id(5));
}

}  // namespace
}  // namespace drey::test
