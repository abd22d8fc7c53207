#include "unit/mesh/mesh_support.h"

namespace drey::test {
namespace {

class Recovery : public MeshTest {
 protected:
  Recovery() {
    view.add(0, 1, Role::kVault);
    view.put(view.make_epoch(View::node(0), view.membership->next_epoch_id(id(0))));
  }
  Status recover(Device& fresh, TestGuide& guide, const KeyPair& words, uint64_t timeout_s = 60) {
    op.bind(fresh.ready.get());
    request.recovery = &words;
    request.guide = &guide;
    request.timeout_ns = timeout_s * kSecond;
    request.op = &op;
    op.count = 0;
    EXPECT_EQ(fresh.mesh->recover(&request), Status::kOk);
    EXPECT_TRUE(until([&] { return op.count > 0; }, 300));
    return op.status;
  }
  View view;
  RecoverRequest request;
  Waiter op;
};

TEST_F(Recovery, ThePhraseAndOneVaultGiveEverythingBack) {
  Device& vault = add_member(1, view);
  for (uint64_t n = 1; n <= 70; ++n)
    ASSERT_EQ(publish(vault, StatementKind::kHead, make_head(0, n)), Status::kOk);
  Device& fresh = add_fresh();
  TestGuide guide;
  guide.new_node = 8;
  guide.replace = "node-0";
  ASSERT_EQ(recover(fresh, guide, phrase()), Status::kOk);
  EXPECT_EQ(guide.keyring_bytes, 3u);
  EXPECT_EQ(guide.epochs.size(), 1u);
  EXPECT_EQ(fresh.mesh->heads().count(), 70u);
  EXPECT_TRUE(vault.knows(8));
  EXPECT_TRUE(vault.knows(0, MemberState::kRetired));
  EXPECT_EQ(vault.membership().find(id(0))->heir, id(8));
  EXPECT_EQ(vault.membership().find(id(8))->name(), "phoenix");
  EXPECT_EQ(request.mesh, view.membership->mesh());
  // The vault has it on disk, and the recovered device comes back as a member.
  vault.restart();
  EXPECT_TRUE(vault.knows(8));
  fresh.kill();
  fresh.number = 8;
  fresh.mesh_id = request.mesh;
  fresh.keys = {disc};
  fresh.boot();
  EXPECT_EQ(fresh.mesh->heads().count(), 70u);
  EXPECT_TRUE(until([&] { return fresh.sees_alive(1) && vault.sees_alive(8); }, 60));
}

TEST_F(Recovery, WorksOverTls) {
  plain = false;
  Device& vault = add_member(1, view);
  Device& fresh = add_fresh();
  TestGuide guide;
  guide.new_node = 8;
  ASSERT_EQ(recover(fresh, guide, phrase()), Status::kOk);
  EXPECT_TRUE(vault.knows(8));
}

TEST_F(Recovery, WithoutReplaceTheOthersStay) {
  Device& vault = add_member(1, view);
  Device& fresh = add_fresh();
  TestGuide guide;
  guide.new_node = 8;
  ASSERT_EQ(recover(fresh, guide, phrase()), Status::kOk);
  EXPECT_TRUE(vault.knows(0));
  EXPECT_TRUE(vault.knows(8));
  EXPECT_EQ(vault.membership().find(id(8))->role, Role::kFull);
}

TEST_F(Recovery, AnotherPhraseFindsNobody) {
  Device& vault = add_member(1, view);
  Key32 before = vault.membership().digest();
  Device& fresh = add_fresh();
  TestGuide guide;
  guide.new_node = 8;
  EXPECT_EQ(recover(fresh, guide, phrase(5), 20), Status::kTimeout);
  EXPECT_EQ(vault.membership().digest(), before);
}

TEST_F(Recovery, AReplacedPhraseIsWorthNothing) {
  view.put(view.make_recovery(View::words(0), 1));
  Device& vault = add_member(1, view);
  Device& fresh = add_fresh();
  TestGuide guide;
  guide.new_node = 8;
  fresh.mesh->add_peer_address(vault.address());
  EXPECT_EQ(recover(fresh, guide, phrase(0), 20), Status::kTimeout);
  EXPECT_EQ(recover(fresh, guide, phrase(1)), Status::kOk);
  EXPECT_EQ(guide.keyring_bytes, 4u);
}

TEST_F(Recovery, WhatTheGuideRefusesEndsItWithoutATrace) {
  Device& vault = add_member(1, view);
  Key32 before = vault.membership().digest();
  Device& fresh = add_fresh();
  TestGuide guide;
  guide.new_node = 8;
  guide.replace = "nobody";
  EXPECT_EQ(recover(fresh, guide, phrase()), Status::kNotFound);
  guide.refuse = Status::kDenied;
  EXPECT_EQ(recover(fresh, guide, phrase()), Status::kDenied);
  world.run_for(5 * kSecond);
  EXPECT_EQ(vault.membership().digest(), before);
}

TEST_F(Recovery, ARetiredNodeStillAnswersTheRecoveryKey) {
  view.retire(0, 1);
  Device& retired = add_member(1, view);
  Device& fresh = add_fresh();
  TestGuide guide;
  guide.new_node = 8;
  EXPECT_EQ(recover(fresh, guide, phrase()), Status::kOk);
  EXPECT_TRUE(retired.knows(8));
}

}  // namespace
}  // namespace drey::test
