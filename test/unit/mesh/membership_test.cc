#include <algorithm>
#include <random>

#include "unit/mesh/membership_support.h"

namespace drey::test {
namespace {

TEST(Membership, EmptyHasNobodyAndTakesOnlyAGenesis) {
  auto membership = std::make_unique<Membership>();
  EXPECT_FALSE(membership->has_genesis());
  EXPECT_EQ(membership->active_count(), 0u);
  View view;
  EXPECT_EQ(membership->insert(view.make_add(View::node(0), 1)), Status::kNotFound);
}

TEST(Membership, GenesisFoundsTheMeshWithItsFounder) {
  View view;
  EXPECT_EQ(view.membership->mesh().raw, id_of(genesis()).raw);
  EXPECT_TRUE(view.active(0));
  EXPECT_EQ(view.membership->find(id(0))->role, Role::kFull);
  EXPECT_EQ(view.membership->mesh_name(), "home");
  EXPECT_EQ(view.membership->settings().copies, 2);
  EXPECT_EQ(view.membership->settings().compression, "zlib");
  EXPECT_EQ(view.membership->current_epoch(), 1u);
  EXPECT_EQ(view.membership->recovery_id(), recovery_key_id(phrase().pub));
  EXPECT_EQ(view.take(genesis()), Status::kExists);
}

TEST(Membership, RefusesTheGenesisOfAnotherMesh) {
  auto membership = std::make_unique<Membership>();
  MeshId other;
  other.raw.fill(7);
  membership->reset(other);
  EXPECT_EQ(membership->insert(genesis()), Status::kDenied);
}

TEST(Membership, AddedMembersCountWithTheirRole) {
  View view;
  view.add(0, 1);
  view.add(1, 2, Role::kVault);
  EXPECT_TRUE(view.active(1));
  EXPECT_EQ(view.membership->find(id(2))->role, Role::kVault);
  EXPECT_EQ(view.membership->find(id(2))->name(), "node-2");
  EXPECT_EQ(view.membership->active_count(), 3u);
}

TEST(Membership, AVaultInvitesNobodyAndCastsNobodyOutButMayLeave) {
  View view;
  view.add(0, 1, Role::kVault);
  view.add(1, 2);
  view.revoke(1, 0);
  EXPECT_FALSE(view.active(2));
  EXPECT_TRUE(view.active(0));
  view.retire(1, 1);
  EXPECT_EQ(view.state(1), MemberState::kRetired);
}

TEST(Membership, AStrangersStatementIsDenied) {
  View view;
  EXPECT_EQ(view.take(view.make_add(View::node(9), 9)), Status::kDenied);
  // Somebody who is a member, but not in the statement's own past, is a stranger too.
  View other = view.copy();
  view.add(0, 1);
  EXPECT_EQ(view.take(other.make_add(View::node(1), 2)), Status::kDenied);
}

TEST(Membership, ARevokeVoidsWhatItsSubjectSaidOutsideItsPast) {
  View honest;
  honest.add(0, 1);
  honest.add(1, 2);  // known to whoever revokes: stays
  View thief = honest.copy();
  thief.add(1, 3);
  thief.revoke(1, 2);
  honest.revoke(0, 1);
  honest.merge(thief);
  EXPECT_EQ(honest.state(1), MemberState::kRevoked);
  EXPECT_TRUE(honest.active(2));
  EXPECT_EQ(honest.state(3), MemberState::kNone);
}

TEST(Membership, ARevokedNodeCannotAddItselfAgain) {
  View view;
  view.add(0, 1);
  View thief = view.copy();
  view.revoke(0, 1);
  thief.add(1, 1);
  view.merge(thief);
  EXPECT_EQ(view.state(1), MemberState::kRevoked);
  view.add(1, 1);
  EXPECT_EQ(view.state(1), MemberState::kRevoked);
  // Nor may a friend take it back: that is the recovery key's.
  view.add(0, 1);
  EXPECT_EQ(view.state(1), MemberState::kRevoked);
  view.put(view.make_add(View::words(), 1));
  EXPECT_TRUE(view.active(1));
  view.add(1, 4);
  EXPECT_TRUE(view.active(4));
}

TEST(Membership, ARetiredNodeKeepsWhatItSaidAndSaysNothingMore) {
  View view;
  view.add(0, 1);
  View meanwhile = view.copy();
  view.retire(0, 1);
  meanwhile.add(1, 2);  // concurrent: in good faith
  view.merge(meanwhile);
  EXPECT_EQ(view.state(1), MemberState::kRetired);
  EXPECT_TRUE(view.active(2));
  view.add(1, 3);
  EXPECT_EQ(view.state(3), MemberState::kNone);
}

TEST(Membership, ALeavingDeviceStaysAMemberUntilItRetires) {
  View view;
  view.add(0, 1);
  view.add(0, 2, Role::kVault);
  auto leaving = [&](int number) { return view.membership->find(id(number))->leaving; };
  // A vault may say it of itself only.
  EXPECT_EQ(view.take(view.make_leave(View::node(2), 1)), Status::kOk);
  EXPECT_FALSE(leaving(1));
  view.put(view.make_leave(View::node(2), 2));
  EXPECT_TRUE(leaving(2));
  EXPECT_TRUE(view.active(2));
  view.put(view.make_leave(View::node(0), 1));
  EXPECT_TRUE(leaving(1));
  view.add(1, 3);  // it is a member like any other meanwhile
  EXPECT_TRUE(view.active(3));
  view.retire(1, 1);
  EXPECT_EQ(view.state(1), MemberState::kRetired);
  EXPECT_FALSE(leaving(1));
  // The recovery key takes it back, and it stays.
  view.put(view.make_add(View::words(), 1));
  EXPECT_TRUE(view.active(1));
  EXPECT_FALSE(leaving(1));
}

TEST(Membership, RemovalWinsOverAConcurrentAddition) {
  View one;
  one.add(0, 1);
  one.add(0, 2);
  View two = one.copy();
  one.revoke(0, 2);
  two.add(1, 2);
  one.merge(two);
  EXPECT_EQ(one.state(2), MemberState::kRevoked);
}

TEST(Membership, TwoConcurrentMutualRevokesPutBothOut) {
  View one;
  one.add(0, 1);
  one.add(0, 2);
  View two = one.copy();
  one.revoke(1, 2);
  two.revoke(2, 1);
  one.merge(two);
  EXPECT_EQ(one.state(1), MemberState::kRevoked);
  EXPECT_EQ(one.state(2), MemberState::kRevoked);
  EXPECT_TRUE(one.active(0));
}

TEST(Membership, OfMutualRevokesTheSecondOneInKnowledgeIsVoid) {
  View view;
  view.add(0, 1);
  view.add(0, 2);
  view.revoke(1, 2);
  view.revoke(2, 1);
  EXPECT_TRUE(view.active(1));
  EXPECT_EQ(view.state(2), MemberState::kRevoked);
}

TEST(Membership, ARingOfRevokesPutsTheRingOutAndNobodyElse) {
  View base;
  for (int i = 1; i <= 4; ++i) base.add(0, i);
  View a = base.copy(), b = base.copy(), c = base.copy();
  a.revoke(1, 2);
  b.revoke(2, 3);
  c.revoke(3, 1);
  b.revoke(2, 4);  // void: 2 is out by a revoke that did not know of it
  a.merge(b);
  a.merge(c);
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(a.state(i), MemberState::kRevoked) << i;
  EXPECT_TRUE(a.active(4));
}

TEST(Membership, SockPuppetsOfARevokedNodeTakeNobodyWithThemButItsRevoker) {
  View base;
  for (int i = 1; i <= 3; ++i) base.add(0, i);
  View thief = base.copy();
  thief.add(3, 10);
  thief.revoke(10, 0);
  thief.revoke(10, 1);
  thief.revoke(10, 2);
  base.revoke(0, 3);
  base.merge(thief);
  EXPECT_EQ(base.state(3), MemberState::kRevoked);
  EXPECT_FALSE(base.active(10));
  EXPECT_TRUE(base.active(1));
  EXPECT_TRUE(base.active(2));
}

TEST(Membership, TheRecoveryKeyAnnulsARevocation) {
  View view;
  view.add(0, 1);
  StatementId revocation = view.revoke(0, 1);
  view.put(view.make_annul(View::words(), revocation));
  EXPECT_TRUE(view.active(1));
  View other;
  other.add(0, 1);
  StatementId again = other.revoke(0, 1);
  EXPECT_EQ(other.take(other.make_annul(View::node(0), again)), Status::kDenied);
}

TEST(Membership, ANewRecoveryKeyEndsTheOldOne) {
  View view;
  View old = view.copy();
  view.put(view.make_recovery(View::words(0), 1));
  EXPECT_EQ(view.membership->recovery_id(), recovery_key_id(phrase(1).pub));
  view.put(view.make_add(View::words(0), 1));  // knows better: void
  EXPECT_EQ(view.state(1), MemberState::kNone);
  old.put(old.make_add(View::words(0), 2));  // concurrent: void, too
  view.merge(old);
  EXPECT_EQ(view.state(2), MemberState::kNone);
  view.put(view.make_add(View::words(1), 3));
  EXPECT_TRUE(view.active(3));
  EXPECT_EQ(view.take(view.make_recovery(View::words(1), 0)), Status::kDenied);  // no way back
  EXPECT_EQ(view.take(view.make_recovery(View::node(0), 2)), Status::kDenied);
}

TEST(Membership, AnHeirTakesThePlaceOfTheDeadDevice) {
  View view;
  view.add(0, 1);
  view.put(view.make_add(View::words(), 2));
  view.put(view.make_heir(View::words(), 1, 2));
  EXPECT_EQ(view.state(1), MemberState::kRetired);
  EXPECT_EQ(view.membership->find(id(1))->heir, id(2));
  EXPECT_EQ(view.membership->find(id(2))->ancestor, id(1));
  EXPECT_EQ(view.take(view.make_heir(View::node(0), 0, 2)), Status::kDenied);
}

TEST(Membership, AnEpochCountsOnlyWhenItKnowsEveryRevocation) {
  View view;
  view.add(0, 1);
  view.add(0, 2);
  uint64_t first = view.membership->next_epoch_id(id(0));
  view.put(view.make_epoch(View::node(0), first));
  EXPECT_EQ(view.membership->current_epoch(), first);
  view.revoke(0, 1);
  EXPECT_EQ(view.membership->current_epoch(), 0u);
  uint64_t second = view.membership->next_epoch_id(id(0));
  EXPECT_GT(second, first);
  EXPECT_NE(second, view.membership->next_epoch_id(id(2)));
  view.put(view.make_epoch(View::node(0), second));
  EXPECT_EQ(view.membership->current_epoch(), second);
  // Nobody can use up the numbers.
  EXPECT_EQ(view.take(view.make_epoch(View::node(0), 1ull << 60)), Status::kInvalid);
}

TEST(Membership, UnknownKindsAreKeptAndChangeNothing) {
  View view;
  view.add(0, 1);
  std::string before = describe(*view.membership).substr(0, 60);
  StatementId other = view.put(view.make_other(View::node(1), 200, "of a later version"));
  EXPECT_TRUE(view.membership->has(other));
  EXPECT_FALSE(view.membership->is_valid(other));
  EXPECT_EQ(describe(*view.membership).substr(0, 60), before);
  view.add(1, 2);  // has the unknown one as parent
  EXPECT_TRUE(view.active(2));
}

TEST(Membership, NamesTheParentsAStatementWaitsFor) {
  View view;
  View behind = view.copy();
  StatementId first = view.add(0, 1);
  ByteVector second = view.make_add(View::node(1), 2);
  EXPECT_EQ(behind.take(second), Status::kNotFound);
  std::array<StatementId, 8> missing;
  ASSERT_EQ(behind.membership->missing_parents(second, missing), 1u);
  EXPECT_EQ(missing[0], first);
}

TEST(Membership, VerifiesEverySignature) {
  View view;
  ByteVector good = view.make_add(View::node(0), 1);
  auto membership = std::make_unique<Membership>();
  ASSERT_EQ(membership->add(genesis()), Status::kOk);
  for (size_t i = 0; i < good.size(); ++i) {
    ByteVector bad = good;
    bad[i] ^= 0x40;
    EXPECT_NE(membership->add(bad), Status::kOk) << "byte " << i;
  }
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_NE(membership->add(ByteVector(good.begin(), good.begin() + static_cast<long>(size))),
              Status::kOk);
  good.push_back(0);
  EXPECT_EQ(membership->add(good), Status::kInvalid);
  good.pop_back();
  EXPECT_EQ(membership->add(good), Status::kOk);
}

TEST(Membership, VerifiesThatTheDeviceSignedItsCard) {
  View view;
  IdentityCard forged = card(1);
  forged.signature[3] ^= 1;
  ByteVector bytes =
      view.author(View::node(0), [&](Signer s, const MeshId& m, Parents p, MutBytes to) {
        return build_add(s, m, p, {Role::kFull, forged}, to);
      });
  EXPECT_EQ(view.membership->add(bytes), Status::kDenied);
}

TEST(Membership, VerifiesThatTheNewRecoveryKeyIsHeld) {
  View view;
  ByteVector good = view.make_recovery(View::words(0), 1);
  ASSERT_EQ(view.membership->add(good), Status::kOk);
  View other;
  Statement statement;
  ASSERT_EQ(decode_statement(good, &statement), Status::kOk);
  RecoveryBody body;
  ASSERT_EQ(decode_recovery(statement.body, &body), Status::kOk);
  ByteVector forged(statement.body.begin(), statement.body.end());
  forged[65 + 65 + 5] ^= 1;  // in the proof
  ByteVector bytes =
      other.author(View::words(0), [&](Signer s, const MeshId& m, Parents p, MutBytes to) {
        return build_statement(s, m, Act::kRecovery, p, forged, to);
      });
  EXPECT_EQ(other.membership->add(bytes), Status::kDenied);
}

// ---- The state is a function of the set ----

void expect_same_in_any_order(const std::vector<ByteVector>& statements, uint32_t seed,
                              int orders) {
  std::string expected;
  std::mt19937 random(seed);
  auto membership = std::make_unique<Membership>();
  for (int order = 0; order < orders; ++order) {
    std::vector<ByteVector> waiting = statements;
    std::shuffle(waiting.begin(), waiting.end(), random);
    membership->reset(MeshId{});
    while (!waiting.empty()) {
      std::vector<ByteVector> next;
      for (const ByteVector& bytes : waiting) {
        Status status = membership->insert(bytes);
        if (status == Status::kNotFound)
          next.push_back(bytes);
        else
          ASSERT_EQ(status, Status::kOk) << "seed " << seed;
        if (random() % 4 == 0) membership->evaluate();
      }
      ASSERT_LT(next.size(), waiting.size());
      waiting = next;
    }
    membership->evaluate();
    std::string text = describe(*membership);
    if (order == 0) expected = text;
    ASSERT_EQ(text, expected) << "seed " << seed << " order " << order;
  }
}

TEST(MembershipOrder, AllPermutationsOfASmallForkGiveOneState) {
  View one;
  one.add(0, 1);
  View two = one.copy();
  one.revoke(0, 1);
  two.add(1, 2);
  two.revoke(1, 0);
  one.merge(two);
  std::vector<ByteVector> all = one.bytes;
  std::sort(all.begin(), all.end());
  std::string expected = describe(*one.membership);
  auto membership = std::make_unique<Membership>();
  int permutations = 0;
  do {
    membership->reset(MeshId{});
    for (size_t round = 0; round < all.size(); ++round)
      for (const ByteVector& bytes : all) (void)membership->insert(bytes);
    membership->evaluate();
    ASSERT_EQ(describe(*membership), expected);
    ++permutations;
  } while (std::next_permutation(all.begin(), all.end()));
  EXPECT_EQ(permutations, 120);
}

// Five devices that gossip now and then and do everything there is, honest or not.
void random_history(uint32_t seed) {
  std::mt19937 random(seed);
  View base;
  for (int i = 1; i < 5; ++i) base.add(0, i);
  std::vector<View> views;
  for (int i = 0; i < 5; ++i) views.push_back(base.copy());
  int fresh = 10, words = 0;
  for (int step = 0; step < 24; ++step) {
    View& view = views[random() % 5];
    Signer by = random() % 8 == 0 ? View::words(static_cast<int>(random() % 2))
                                  : View::node(static_cast<int>(random() % 5));
    int subject = static_cast<int>(random() % 5);
    ByteVector bytes;
    switch (random() % 9) {
      case 0:
      case 1:
        bytes = view.make_revoke(by, subject);
        break;
      case 2:
        bytes = view.make_add(by, subject, Role::kFull, random() % 2 != 0 ? "renamed" : "");
        break;
      case 3:
        bytes = view.make_add(by, fresh++, random() % 3 == 0 ? Role::kVault : Role::kFull);
        break;
      case 4:
        bytes = view.make_retire(by, subject);
        break;
      case 5:
        bytes = view.make_epoch(by, view.membership->next_epoch_id(id(subject)));
        break;
      case 6:
        bytes = by.recovery ? view.make_heir(by, subject, (subject + 1) % 5)
                            : view.make_feature(by, static_cast<uint16_t>(random() % 5));
        break;
      case 7:
        bytes = random() % 4 == 0 ? view.make_recovery(View::words(words), words + 1)
                                  : view.make_other(by, 99, "?");
        break;
      default:
        view.merge(views[random() % 5]);
        continue;
    }
    (void)view.take(bytes);  // some are denied; then nobody has them
  }
  for (int i = 1; i < 5; ++i) views[0].merge(views[static_cast<size_t>(i)]);
  expect_same_in_any_order(views[0].bytes, seed, 8);
}

TEST(MembershipOrder, RandomHistoriesGiveOneStateInEveryOrder) {
  for (uint32_t seed = 1; seed <= cases_wanted("DREY_HISTORIES", 60); ++seed) {
    random_history(seed);
    if (HasFatalFailure()) return;
  }
}

// ---- Limits ----

TEST(MembershipLimits, NineParentsAreRefused) {
  View view;
  std::array<StatementId, 9> parents;
  for (size_t i = 0; i < 9; ++i) parents[i].raw.fill(static_cast<uint8_t>(i + 1));
  ByteVector to(limits::kStatementBytesMax);
  NodeId subject = id(0);
  EXPECT_EQ(build_retire(View::node(0), view.membership->mesh(), parents, subject, to).status(),
            Status::kTooLarge);
}

TEST(MembershipLimits, ActsAreFullForNodesBeforeTheyAreFullForTheRecoveryKey) {
  View view;
  size_t room = Membership::kActsMax - Membership::kActsReserved - 1;
  auto put_fast = [&](const ByteVector& bytes) { return view.membership->insert(bytes); };
  for (size_t i = 0; i < room; ++i)
    ASSERT_EQ(put_fast(view.make_feature(View::node(0), static_cast<uint16_t>(i))), Status::kOk);
  EXPECT_EQ(put_fast(view.make_feature(View::node(0), 1)), Status::kTooLarge);
  ASSERT_EQ(put_fast(view.make_other(View::node(0), 77, "no act")), Status::kOk);
  for (size_t i = 0; i < Membership::kActsReserved; ++i)
    ASSERT_EQ(put_fast(view.make_feature(View::words(), static_cast<uint16_t>(i))), Status::kOk);
  EXPECT_EQ(put_fast(view.make_feature(View::words(), 1)), Status::kTooLarge);
  view.membership->evaluate();
  EXPECT_EQ(view.membership->feature_level(), room - 1);
}

TEST(MembershipLimits, StatementsAreFullAtTheirLimit) {
  View view;
  size_t room = limits::kStatementsMax - Membership::kStatementsReserved - 1;
  // insert() is for verified statements: one signature serves them all.
  ByteVector bytes = view.make_other(View::node(0), 77, "12345678");
  Status status = Status::kOk;
  size_t made = 0;
  while (ok(status)) {
    store_le(bytes.data() + bytes.size() - 64 - 8, uint64_t{made});
    status = view.membership->insert(bytes);
    made += ok(status) ? 1 : 0;
  }
  EXPECT_EQ(status, Status::kTooLarge);
  EXPECT_EQ(made, room);
  EXPECT_EQ(view.take(view.make_add(View::words(), 1)), Status::kOk);
  EXPECT_TRUE(view.active(1));
}

TEST(MembershipLimits, TheSixtyFifthMemberStaysOutside) {
  View view;
  for (int i = 1; i < static_cast<int>(limits::kMembersMax); ++i) view.add(0, i);
  EXPECT_EQ(view.membership->active_count(), limits::kMembersMax);
  view.add(0, 64);
  EXPECT_EQ(view.membership->active_count(), limits::kMembersMax);
  EXPECT_FALSE(view.active(64));
  view.retire(0, 5);
  EXPECT_TRUE(view.active(64));
}

}  // namespace
}  // namespace drey::test
