#include "base/text.h"
#include "unit/mesh/mesh_support.h"

namespace drey::test {
namespace {

class Mesh2 : public MeshTest {
 protected:
  Mesh2() {
    view.add(0, 1);
    a = &add_member(0, view);
    b = &add_member(1, view);
  }
  bool together() { return a->sees_alive(1) && b->sees_alive(0); }
  View view;
  Device* a;
  Device* b;
};

TEST_F(Mesh2, MembersFindEachOtherByBeacons) {
  ASSERT_TRUE(until([&] { return together(); }, 10));
  world.run_for(30 * kSecond);
  EXPECT_EQ(a->mesh->session_count(), 1u);
  EXPECT_EQ(b->mesh->session_count(), 1u);
  EXPECT_FALSE(a->mesh->cloned());
}

TEST_F(Mesh2, MembersFindEachOtherByRememberedAddressesWithoutMulticast) {
  ASSERT_TRUE(until([&] { return together(); }, 10));
  world.run_for(5 * kSecond);
  world.net.multicast = false;
  a->kill();
  b->kill();
  a->boot();
  b->boot();
  EXPECT_TRUE(until([&] { return together(); }, 60));
}

TEST_F(MeshTest, MembersFindEachOtherByAFixedAddressWithoutMulticast) {
  world.net.multicast = false;
  View view;
  view.add(0, 1);
  Device& a = add_member(0, view);
  Device& b = add_member(1, view);
  b.kill();
  b.fixed = {a.address(), b.address()};  // its own one does no harm
  b.boot();
  EXPECT_TRUE(until([&] { return a.sees_alive(1) && b.sees_alive(0); }, 30));
  uint64_t opened = world.event_count();
  world.run_for(60 * kSecond);
  EXPECT_EQ(a.mesh->session_count(), 1u);
  EXPECT_GT(world.event_count(), opened);
}

TEST_F(Mesh2, APeerThatGoesIsQuietThenAwayThenLost) {
  ASSERT_TRUE(until([&] { return together(); }, 10));
  b->kill();
  ASSERT_TRUE(until([&] { return !a->sees_alive(1); }, 60));
  EXPECT_EQ(a->mesh->peers().find(id(1))->state, PeerState::kQuiet);
  world.run_for(130 * kSecond);
  EXPECT_EQ(a->mesh->peers().find(id(1))->state, PeerState::kAway);
}

TEST_F(Mesh2, ANewStatementReachesEverybodyAndIsDurableThere) {
  ASSERT_TRUE(until([&] { return together(); }, 10));
  EXPECT_EQ(publish(*a, StatementKind::kMembership, view.make_add(View::node(0), 2)), Status::kOk);
  EXPECT_TRUE(a->knows(2));
  ASSERT_TRUE(until([&] { return b->knows(2); }, 5));
  world.run_for(2 * kSecond);
  b->restart();
  EXPECT_TRUE(b->knows(2));
}

TEST_F(Mesh2, PublishingTwiceSaysExists) {
  ByteVector add = view.make_add(View::node(0), 2);
  EXPECT_EQ(publish(*a, StatementKind::kMembership, add), Status::kOk);
  EXPECT_EQ(publish(*a, StatementKind::kMembership, add), Status::kExists);
  add[40] ^= 1;
  EXPECT_NE(publish(*a, StatementKind::kMembership, add), Status::kOk);
}

TEST_F(Mesh2, HeadsReachEverybodyAlsoThoseWhoWereAway) {
  for (uint64_t n = 1; n <= 150; ++n)  // more than two pages
    ASSERT_EQ(publish(*a, StatementKind::kHead, make_head(0, n)), Status::kOk);
  EXPECT_TRUE(until([&] { return b->mesh->heads().count() == 150; }, 120));
  EXPECT_EQ(b->mesh->heads().find(id(0))->sequence, 150u);
  EXPECT_EQ(b->mesh->heads().digest(), a->mesh->heads().digest());
  Device& late = add_member(1, view);  // a second start of b with an empty log, b being gone
  late.kill();
  b->restart();
  EXPECT_EQ(b->mesh->heads().count(), 150u);
  EXPECT_EQ(b->mesh->heads().digest(), a->mesh->heads().digest());
}

// C8: what rots while the node runs comes again without a restart.
TEST_F(Mesh2, LostStatementsComeAgainFromAnotherMemberWhileRunning) {
  for (uint64_t n = 1; n <= 3; ++n)
    ASSERT_EQ(publish(*a, StatementKind::kHead, make_head(0, n)), Status::kOk);
  ASSERT_TRUE(until([&] { return b->mesh->heads().count() == 3; }, 60));
  world.run_for(2 * kSecond);
  std::vector<LostStatement> keys;
  for (uint64_t n = 1; n <= 3; ++n) keys.push_back({StatementKind::kHead, head_key(id(0), n)});
  for (size_t i = 0; i < a->membership().count(); ++i) {
    const StatementId& statement = a->membership().id_at(i);
    keys.push_back({StatementKind::kMembership, {}});
    std::copy(statement.raw.begin(), statement.raw.end(), keys.back().key.begin());
  }
  const std::string segment = "log/00000001.seg";
  size_t size = a->sim->disk.peek(segment)->size();
  for (size_t at = 64; at < size; at += 16) ASSERT_TRUE(a->sim->disk.flip(segment, at, 1));
  std::array<uint8_t, limits::kStatementBytesMax> room;
  size_t read = 0;
  for (const LostStatement& lost : keys)
    EXPECT_EQ(a->store->read_statement(lost.kind, lost.key, room, &read), Status::kCorrupt);
  std::array<LostStatement, 16> lost;
  size_t count = a->store->take_lost_statements(lost);
  EXPECT_EQ(count, keys.size());
  a->mesh->statements_lost(std::span<const LostStatement>(lost).first(count));
  EXPECT_EQ(a->mesh->missing_statements(), count);
  Key32 members = a->membership().digest();
  EXPECT_TRUE(until([&] { return a->mesh->missing_statements() == 0; }, 60));
  world.run_for(5 * kSecond);
  for (const LostStatement& row : keys)
    EXPECT_EQ(a->store->read_statement(row.kind, row.key, room, &read), Status::kOk);
  EXPECT_EQ(a->membership().digest(), members);
  EXPECT_EQ(a->mesh->heads().digest(), b->mesh->heads().digest());
}

// The table knows them at once; what the disk then refused must not stay away from the log for
// ever.
TEST_F(Mesh2, StatementsWhoseSyncFailedComeAgainFromAnotherMember) {
  world.run_for(5 * kSecond);
  b->sim->disk.fail_nth(SimDisk::Call::kSync, 1, Status::kIo, 2);
  for (uint64_t n = 1; n <= 3; ++n)
    ASSERT_EQ(publish(*a, StatementKind::kHead, make_head(0, n)), Status::kOk);
  ASSERT_TRUE(until([&] { return b->mesh->heads().count() == 3; }, 60));
  world.run_for(60 * kSecond);
  EXPECT_EQ(b->mesh->missing_statements(), 0u);
  std::array<uint8_t, limits::kStatementBytesMax> room;
  size_t size = 0;
  for (uint64_t n = 1; n <= 3; ++n)
    EXPECT_EQ(b->store->read_statement(StatementKind::kHead, head_key(id(0), n), room, &size),
              Status::kOk);
}

TEST_F(Mesh2, AForgedHeadIsRefusedAndTwoHeadsWithOneNumberAreAnAlarm) {
  ByteVector head = make_head(0, 1);
  head[head.size() - 70] ^= 1;
  EXPECT_EQ(publish(*a, StatementKind::kHead, head), Status::kDenied);
  EXPECT_EQ(publish(*a, StatementKind::kHead, make_head(9, 1)), Status::kDenied);  // a stranger's
  EXPECT_EQ(publish(*a, StatementKind::kHead, make_head(0, 1, "one")), Status::kOk);
  EXPECT_EQ(publish(*a, StatementKind::kHead, make_head(0, 1, "one")), Status::kExists);
  EXPECT_EQ(a->mesh->heads().forked_count(), 0u);
  EXPECT_EQ(publish(*a, StatementKind::kHead, make_head(0, 1, "two")), Status::kExists);
  EXPECT_EQ(a->mesh->heads().forked_count(), 1u);
}

TEST_F(Mesh2, TwoHeadsOfOneNumberOnTwoSidesAreNoticedWhenTheyMeet) {
  ASSERT_TRUE(until([&] { return together(); }, 10));
  world.cut_both(*a->sim, *b->sim, true);
  ASSERT_EQ(publish(*a, StatementKind::kHead, make_head(0, 1, "one")), Status::kOk);
  ASSERT_EQ(publish(*b, StatementKind::kHead, make_head(0, 1, "two")), Status::kOk);
  ASSERT_EQ(publish(*b, StatementKind::kHead, make_head(0, 2, "three")), Status::kOk);
  world.run_for(40 * kSecond);
  world.mend_all();
  EXPECT_TRUE(until([&] { return a->mesh->heads().forked_count() == 1; }, 120));
}

TEST_F(Mesh2, PartitionsMergeToOneState) {
  ASSERT_TRUE(until([&] { return together(); }, 10));
  world.cut_both(*a->sim, *b->sim, true);
  ASSERT_TRUE(until([&] { return !a->sees_alive(1) && !b->sees_alive(0); }, 120));
  View left = view.copy(), right = view.copy();
  for (int i = 10; i < 40; ++i) {
    ByteVector add = left.make_add(View::node(0), i);
    left.put(add);
    ASSERT_EQ(publish(*a, StatementKind::kMembership, add), Status::kOk);
  }
  for (int i = 40; i < 60; ++i) {
    ByteVector add = right.make_add(View::node(1), i);
    right.put(add);
    ASSERT_EQ(publish(*b, StatementKind::kMembership, add), Status::kOk);
  }
  world.mend_all();
  ASSERT_TRUE(
      until([&] { return a->membership().count() == 52 && b->membership().count() == 52; }, 120));
  EXPECT_EQ(a->membership().digest(), b->membership().digest());
  EXPECT_EQ(describe(a->membership()), describe(b->membership()));
}

TEST_F(MeshTest, AMemberNobodyToldUsOfIsLearntFromItself) {
  // 2 was added by 0 while 1 was away; then 0 went. 1 and 2 must find together all the same.
  View view;
  view.add(0, 1);
  View newer = view.copy();
  newer.add(0, 2);
  Device& one = add_member(1, view);
  Device& two = add_member(2, newer);
  ASSERT_TRUE(until([&] { return one.knows(2); }, 30));
  EXPECT_TRUE(until([&] { return one.sees_alive(2) && two.sees_alive(1); }, 60));
}

TEST_F(MeshTest, ARevokedNodeIsCutOffAtOnceAndNotLetInAgain) {
  View view;
  view.add(0, 1);
  view.add(0, 2);
  Device& a = add_member(0, view);
  Device& b = add_member(1, view);
  Device& c = add_member(2, view);
  auto all = [&] { return a.sees_alive(1) && a.sees_alive(2) && b.sees_alive(2); };
  ASSERT_TRUE(until(all, 30));
  ASSERT_EQ(publish(a, StatementKind::kMembership, view.make_revoke(View::node(0), 2)),
            Status::kOk);
  ASSERT_TRUE(
      until([&] { return a.mesh->session_count() == 1 && b.mesh->session_count() == 1; }, 10));
  EXPECT_TRUE(a.knows(2, MemberState::kRevoked));
  EXPECT_TRUE(b.knows(2, MemberState::kRevoked));
  for (int i = 0; i < 60; ++i) {
    world.run_for(kSecond);
    EXPECT_EQ(a.mesh->session_count(), 1u);
    EXPECT_FALSE(c.sees_alive(0));
    EXPECT_FALSE(c.sees_alive(1));
  }
}

// I2: what was known when it was cast out is kept and passed on, what comes to light later is not.
TEST_F(MeshTest, HeadsOfACastOutDeviceCountUpToWhatItsRevokerKnew) {
  View view;
  view.add(0, 1);
  view.add(0, 2);
  Device& a = add_member(0, view);
  Device& b = add_member(1, view);
  ASSERT_TRUE(until([&] { return a.sees_alive(1); }, 30));
  world.cut_both(*a.sim, *b.sim, true);
  // B took two snapshots of the device; only the first one was known to A, which casts it out.
  ASSERT_EQ(publish(b, StatementKind::kHead, make_head(2, 1)), Status::kOk);
  ASSERT_EQ(publish(b, StatementKind::kHead, make_head(2, 2)), Status::kOk);
  ASSERT_EQ(publish(a, StatementKind::kMembership, view.make_revoke(View::node(0), 2, 1)),
            Status::kOk);
  world.mend_all();
  ASSERT_TRUE(
      until([&] { return b.knows(2, MemberState::kRevoked) && a.mesh->heads().count() == 1; }));
  world.run_for(90 * kSecond);
  EXPECT_EQ(a.mesh->heads().count(), 1u);
  EXPECT_EQ(b.mesh->heads().count(), 2u);  // nothing is taken away because of a revocation
  for (Device* device : {&a, &b})
    for (uint64_t sequence = 3; sequence < 20; ++sequence)
      EXPECT_EQ(publish(*device, StatementKind::kHead, make_head(2, sequence)), Status::kDenied);
}

TEST_F(MeshTest, AnotherBeaconKeyIsAnotherMesh) {
  View view;
  view.add(0, 1);
  Device& a = add_member(0, view);
  disc.key.raw.fill(0x11);
  Device& b = add_member(1, view);
  world.run_for(30 * kSecond);
  EXPECT_FALSE(a.sees_alive(1));
  EXPECT_EQ(a.mesh->session_count(), 0u);
  EXPECT_GT(a.mesh->discovery().counters().refused, 0u);
  EXPECT_EQ(b.mesh->session_count(), 0u);
}

TEST_F(Mesh2, AClonedIdentityIsNoticed) {
  ASSERT_TRUE(until([&] { return together(); }, 10));
  Device& clone = add_member(1, view);
  EXPECT_TRUE(until([&] { return b->mesh->clone_proved() && clone.mesh->clone_proved(); }, 30));
}

// The alarm and what it freezes outlive a restart of everybody, until a person ends it.
TEST_F(Mesh2, AnAlarmAboutACloneStandsUntilAPersonEndsIt) {
  ASSERT_TRUE(until([&] { return together(); }, 10));
  Device& clone = add_member(1, view);
  auto noticed = [&] { return a->mesh->peers().find(id(1))->cloned && b->mesh->clone_proved(); };
  ASSERT_TRUE(until(noticed, 60));
  world.run_for(kSecond);  // written down
  clone.kill();
  a->restart();
  b->restart();
  EXPECT_TRUE(noticed());
  ASSERT_TRUE(until([&] { return together(); }, 60));
  world.run_for(60 * kSecond);
  EXPECT_TRUE(noticed());
  EXPECT_EQ(a->mesh->end_clone_alarm(id(1)), Status::kOk);
  EXPECT_EQ(b->mesh->end_clone_alarm(id(1)), Status::kOk);
  EXPECT_EQ(b->mesh->end_clone_alarm(id(1)), Status::kNotFound);
  EXPECT_EQ(b->mesh->end_clone_alarm(id(0)), Status::kNotFound);
  world.run_for(kSecond);
  a->restart();
  b->restart();
  ASSERT_TRUE(until([&] { return together(); }, 60));
  world.run_for(30 * kSecond);
  EXPECT_FALSE(a->mesh->peers().find(id(1))->cloned);
  EXPECT_FALSE(b->mesh->cloned());
}

TEST_F(Mesh2, AnAlarmEndedTooEarlyIsBackAtOnce) {
  ASSERT_TRUE(until([&] { return together(); }, 10));
  Device& clone = add_member(1, view);
  ASSERT_TRUE(until([&] { return b->mesh->clone_proved() && clone.mesh->clone_proved(); }, 30));
  ASSERT_EQ(b->mesh->end_clone_alarm(id(1)), Status::kOk);
  EXPECT_TRUE(until([&] { return b->mesh->clone_proved(); }, 30));
}

TEST_F(Mesh2, TheCourierIsToldOfANewEpoch) {
  ASSERT_TRUE(until([&] { return together(); }, 10));
  int before = b->courier.changes;
  uint64_t number = view.membership->next_epoch_id(id(0));
  ASSERT_EQ(publish(*a, StatementKind::kMembership, view.make_epoch(View::node(0), number)),
            Status::kOk);
  ASSERT_TRUE(until([&] { return b->membership().current_epoch() == number; }, 10));
  EXPECT_GT(b->courier.changes, before);
}

// Who was not seen for 30 days of up-time is lost from the start on.
TEST_F(MeshTest, ADeviceThatLeavesWaitsForNobodyWhoIsLost) {
  View view;
  view.add(0, 1);
  view.add(0, 2);
  Device& a = add_member(0, view);
  Device& b = add_member(1, view);
  ASSERT_TRUE(until([&] { return a.sees_alive(1) && b.sees_alive(0); }, 10));
  ASSERT_EQ(publish(b, StatementKind::kMembership, view.make_leave(View::node(1), 1)), Status::kOk);
  ASSERT_TRUE(until([&] { return b.mesh->is_leaving(); }, 10));
  world.run_for(60 * kSecond);
  ASSERT_NE(b.mesh->leaving_waits_for(), nullptr);
  EXPECT_EQ(b.mesh->leaving_waits_for()->id, id(2));
  b.before_start = [](Device& device) {
    std::array<char, 56> key;
    std::array<uint8_t, 51> row{};
    TextWriter out{std::span<char>(key)};
    out.text("peer/").hex(id(2).bytes().first(24));
    store_le<uint64_t>(row.data() + 26, 30 * 24 * Peers::kHourNs);
    ASSERT_EQ(device.state->put(out.view(), row), Status::kOk);
  };
  b.restart();
  ASSERT_TRUE(until([&] { return a.sees_alive(1) && b.sees_alive(0); }, 60));
  EXPECT_EQ(b.mesh->peers().find(id(2))->state, PeerState::kLost);
  EXPECT_TRUE(until([&] { return b.mesh->leaving_waits_for() == nullptr; }, 60));
}

TEST_F(Mesh2, StopsCleanly) {
  ASSERT_TRUE(until([&] { return together(); }, 10));
  a->mesh->stop();
  EXPECT_TRUE(until([&] { return a->mesh->stopped(); }, 10));
}

// The load at start: ids lie in the store in no useful order.
TEST_F(MeshTest, AChainOfManyStatementsIsLoadedAgain) {
  View view;
  for (int i = 0; i < 300; ++i) view.put(view.make_other(View::node(0), 90, std::to_string(i)));
  Device& a = add_member(0, view);
  EXPECT_EQ(a.membership().count(), 301u);
  EXPECT_EQ(a.membership().digest(), view.membership->digest());
  a.restart();
  EXPECT_EQ(a.membership().count(), 301u);
}

}  // namespace
}  // namespace drey::test
