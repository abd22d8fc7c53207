// FORGET statements: bytes, tables, and how a mesh obeys them.
#include "mesh/heads/forget.h"

#include "unit/mesh/mesh_support.h"

namespace drey::test {
namespace {

MeshId test_mesh() {
  MeshId mesh;
  mesh.raw = id_of(genesis()).raw;
  return mesh;
}

// A FORGET of everything in `before` and `removed`.
ByteVector make_forget(int owner, uint64_t number, uint64_t highest,
                       const std::vector<uint64_t>& removed, const ByteVector* before = nullptr) {
  Forget old;
  if (before != nullptr) {
    EXPECT_EQ(decode_forget(*before, &old), Status::kOk);
  }
  RangeBuilder builder;
  builder.begin(before != nullptr ? &old : nullptr);
  for (uint64_t sequence : removed) EXPECT_EQ(builder.add(sequence), Status::kOk);
  EXPECT_EQ(builder.finish(), Status::kOk);
  Forget forget;
  forget.owner = id(owner);
  forget.number = number;
  forget.highest = highest;
  forget.range_count = builder.count();
  forget.ranges = builder.bytes();
  ByteVector to(limits::kStatementBytesMax);
  Result<size_t> size = encode_forget(key(owner), test_mesh(), &forget, to);
  EXPECT_EQ(size.status(), Status::kOk);
  to.resize(size.ok() ? size.value() : 0);
  return to;
}

TEST(Forget, RoundTripJoinsNeighboursAndWhatWasRemovedBefore) {
  ByteVector first = make_forget(1, 5, 20, {1, 2, 3, 9});
  ByteVector second = make_forget(1, 6, 30, {4, 7, 10, 25}, &first);
  Forget read;
  ASSERT_EQ(decode_forget(second, &read), Status::kOk);
  EXPECT_EQ(verify_forget(second, test_mesh(), key(1).pub), Status::kOk);
  EXPECT_EQ(verify_forget(second, test_mesh(), key(2).pub), Status::kDenied);
  ASSERT_EQ(read.range_count, 4u);  // 1-4, 7, 9-10, 25
  std::vector<uint64_t> in;
  for (uint64_t n = 0; n <= 31; ++n)
    if (read.contains(n)) in.push_back(n);
  EXPECT_EQ(in, (std::vector<uint64_t>{1, 2, 3, 4, 7, 9, 10, 25}));
  Forget older;
  ASSERT_EQ(decode_forget(first, &older), Status::kOk);
  EXPECT_TRUE(says_all_of(read, older));
  EXPECT_FALSE(says_all_of(older, read));
}

TEST(Forget, EveryChangedByteAndEveryShorterOneIsRefused) {
  ByteVector made = make_forget(1, 5, 20, {1, 2, 3, 9});
  for (size_t i = 0; i < made.size(); ++i) {
    ByteVector bad = made;
    bad[i] ^= 0x10;
    EXPECT_NE(verify_forget(bad, test_mesh(), key(1).pub), Status::kOk) << i;
    Forget read;
    EXPECT_NE(decode_forget(Bytes(made).first(i), &read), Status::kOk) << i;
  }
}

TEST(Forget, RangesThatTouchOverlapOrExceedTheHighestAreMalformed) {
  struct Case {
    std::vector<uint64_t> ends;
    bool good;
  };
  for (const Case& c : std::vector<Case>{{{1, 2, 4, 5}, true},
                                         {{1, 2, 3, 5}, false},
                                         {{1, 2, 2, 5}, false},
                                         {{4, 5, 1, 2}, false},
                                         {{2, 1}, false},
                                         {{0, 1}, false},
                                         {{1, 10}, true},
                                         {{1, 11}, false}}) {
    ByteVector ranges(c.ends.size() * 8);
    for (size_t i = 0; i < c.ends.size(); ++i) store_le(ranges.data() + 8 * i, c.ends[i]);
    Forget forget;
    forget.owner = id(1);
    forget.number = 1;
    forget.highest = 10;
    forget.ranges = ranges;
    forget.range_count = c.ends.size() / 2;
    ByteVector to(limits::kStatementBytesMax);
    EXPECT_EQ(encode_forget(key(1), test_mesh(), &forget, to).ok(), c.good);
  }
}

TEST(Forget, OneRangeMoreThanTheLimitIsToldByName) {
  RangeBuilder builder;
  builder.begin(nullptr);
  Status status = Status::kOk;
  for (uint64_t n = 0; n < kForgetRangesMax; ++n) status = builder.add(2 * n + 1);
  EXPECT_EQ(status, Status::kOk);
  EXPECT_EQ(builder.finish(), Status::kOk);
  EXPECT_EQ(builder.count(), kForgetRangesMax);
  builder.begin(nullptr);
  for (uint64_t n = 0; n <= kForgetRangesMax && ok(status); ++n) status = builder.add(2 * n + 1);
  if (ok(status)) status = builder.finish();
  EXPECT_EQ(status, Status::kTooLarge);
}

TEST(HeadTableForget, HeadsThatGoLeaveTheDigestAsIfTheyHadNeverBeen) {
  HeadTable one, two;
  one.reset();
  two.reset();
  Key32 hash{};
  for (uint64_t n = 1; n <= 3; ++n) EXPECT_EQ(one.note(head_key(id(1), n), hash), Status::kOk);
  EXPECT_EQ(two.note(head_key(id(1), 2), hash), Status::kOk);
  one.drop(head_key(id(1), 1), hash);
  one.drop(head_key(id(1), 3), hash);
  EXPECT_EQ(one.digest(), two.digest());
  EXPECT_EQ(one.count(), 1u);
  EXPECT_EQ(one.find(id(1))->sequence, 3u);  // numbers go on above it
}

TEST(HeadTableForget, TheNewestStandsAndTellsTheHighest) {
  HeadTable one, two;
  one.reset();
  two.reset();
  Key32 a{}, b{};
  a[0] = 1;
  b[0] = 2;
  EXPECT_EQ(one.note_forget({id(1), 4, a, 9, b}), Status::kOk);
  EXPECT_EQ(one.note_forget({id(1), 4, a, 9, b}), Status::kExists);
  EXPECT_EQ(one.find(id(1))->sequence, 9u);
  EXPECT_EQ(one.find(id(1))->held, 0u);
  EXPECT_EQ(one.note_forget({id(1), 6, b, 9, b}), Status::kOk);
  EXPECT_EQ(one.note_forget({id(1), 5, a, 9, b}), Status::kExists);
  EXPECT_EQ(two.note_forget({id(1), 6, b, 9, b}), Status::kOk);
  EXPECT_EQ(one.digest(), two.digest());
  EXPECT_EQ(one.note_forget({id(1), 6, a, 9, b}), Status::kCorrupt);
  EXPECT_EQ(one.forked_count(), 1u);
  // The head it told of comes late.
  EXPECT_EQ(one.note(head_key(id(1), 9), b), Status::kOk);
  EXPECT_EQ(one.note(head_key(id(1), 9), b), Status::kExists);
  EXPECT_EQ(one.count(), 1u);
}

class ForgetMesh : public MeshTest {
 protected:
  void household(int members) {
    View view;
    for (int i = 1; i < members; ++i) view.add(0, i);
    for (int i = 0; i < members; ++i) add_member(i, view);
  }
  Device& at(size_t index) { return *devices[index]; }
  bool holds(Device& device, uint64_t sequence) {
    size_t size = 0;
    return device.store->read_statement(StatementKind::kHead, head_key(id(0), sequence), {},
                                        &size) == Status::kTooLarge;
  }
  bool same() {
    for (const auto& device : devices)
      if (device->mesh->heads().digest() != devices[0]->mesh->heads().digest()) return false;
    return true;
  }
};

TEST_F(ForgetMesh, TakesTheHeadsOutEverywhereAndForGood) {
  household(2);
  ASSERT_TRUE(until([&] { return at(0).sees_alive(1) && at(1).sees_alive(0); }));
  for (uint64_t n = 1; n <= 70; ++n)
    ASSERT_EQ(publish(at(0), StatementKind::kHead, make_head(0, n)), Status::kOk);
  ASSERT_TRUE(until([&] { return at(1).mesh->heads().count() == 70; }, 120));
  std::vector<uint64_t> removed;
  for (uint64_t n = 1; n <= 70; ++n)
    if (n % 7 != 0) removed.push_back(n);
  ByteVector forget = make_forget(0, 1000, 70, removed);
  ASSERT_EQ(publish(at(0), StatementKind::kForget, forget), Status::kOk);
  EXPECT_TRUE(until(
      [&] { return at(0).mesh->heads().count() == 10 && at(1).mesh->heads().count() == 10; }));
  EXPECT_TRUE(same());
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_FALSE(holds(at(i), 1));
    EXPECT_TRUE(holds(at(i), 14));
  }
  // Nobody takes them in again, whoever offers them.
  EXPECT_EQ(publish(at(1), StatementKind::kHead, make_head(0, 3)), Status::kExists);
  EXPECT_FALSE(holds(at(1), 3));
  // Nor after a restart; and the numbers go on.
  at(1).restart();
  EXPECT_EQ(at(1).mesh->heads().count(), 10u);
  EXPECT_EQ(at(1).mesh->heads().find(id(0))->sequence, 70u);
  EXPECT_TRUE(same());
  EXPECT_EQ(publish(at(1), StatementKind::kHead, make_head(0, 3)), Status::kExists);
}

TEST_F(ForgetMesh, WhoWasAwayHearsOfItAndDropsWhatItHeld) {
  household(2);
  for (uint64_t n = 1; n <= 9; ++n)
    ASSERT_EQ(publish(at(0), StatementKind::kHead, make_head(0, n)), Status::kOk);
  ASSERT_TRUE(until([&] { return at(1).mesh->heads().count() == 9; }, 120));
  at(1).kill();
  ByteVector first = make_forget(0, 1, 9, {9});
  ByteVector second = make_forget(0, 2, 9, {1, 2, 3}, &first);
  ASSERT_EQ(publish(at(0), StatementKind::kForget, first), Status::kOk);
  ASSERT_EQ(publish(at(0), StatementKind::kForget, second), Status::kOk);
  ASSERT_TRUE(until([&] { return at(0).mesh->heads().count() == 5; }));
  at(1).boot();
  EXPECT_TRUE(until([&] { return at(1).mesh->heads().count() == 5 && same(); }, 120));
  EXPECT_EQ(at(1).mesh->heads().find(id(0))->sequence, 9u);
  // Only the newest is kept.
  std::array<StatementRow, 4> rows;
  size_t count = 0;
  for (size_t i = 0; i < 2; ++i) {
    ASSERT_EQ(at(i).store->scan_statements(StatementKind::kForget, StatementKey{}, rows, &count),
              Status::kOk);
    EXPECT_EQ(count, 1u);
  }
}

// C8: nobody can give again what all have removed.
TEST_F(ForgetMesh, HeadsThatWereLostBeforeTheyWereForgottenAreNotAskedForForEver) {
  household(2);
  for (uint64_t n = 1; n <= 9; ++n)
    ASSERT_EQ(publish(at(0), StatementKind::kHead, make_head(0, n)), Status::kOk);
  ASSERT_TRUE(until([&] { return at(1).mesh->heads().count() == 9; }, 120));
  at(1).kill();
  ASSERT_EQ(publish(at(0), StatementKind::kForget, make_forget(0, 1, 9, {1, 2, 3})), Status::kOk);
  ASSERT_TRUE(until([&] { return at(0).mesh->heads().count() == 6; }));
  at(1).boot();
  std::array<LostStatement, 4> lost;  // the last of them is there again before it is asked for
  for (uint64_t n = 1; n <= 4; ++n) lost[n - 1] = {StatementKind::kHead, head_key(id(0), n)};
  at(1).mesh->statements_lost(lost);
  EXPECT_EQ(at(1).mesh->missing_statements(), 4u);
  EXPECT_TRUE(until([&] { return at(1).mesh->missing_statements() == 0 && same(); }, 120))
      << at(1).mesh->missing_statements();
  EXPECT_EQ(at(1).mesh->heads().count(), 6u);
}

TEST_F(ForgetMesh, OneThatTakesBackOrIsNotTheOwnersIsRefused) {
  household(2);
  for (uint64_t n = 1; n <= 5; ++n)
    ASSERT_EQ(publish(at(0), StatementKind::kHead, make_head(0, n)), Status::kOk);
  ByteVector first = make_forget(0, 10, 5, {1, 2});
  ASSERT_EQ(publish(at(0), StatementKind::kForget, first), Status::kOk);
  EXPECT_EQ(publish(at(0), StatementKind::kForget, make_forget(0, 11, 5, {2})), Status::kInvalid);
  EXPECT_EQ(publish(at(0), StatementKind::kForget, make_forget(0, 12, 4, {1, 2})),
            Status::kInvalid);
  EXPECT_EQ(publish(at(0), StatementKind::kForget, make_forget(0, 9, 5, {1})), Status::kExists);
  ByteVector bad = make_forget(0, 13, 5, {1, 2, 3});
  bad[bad.size() - 70] ^= 1;
  EXPECT_NE(publish(at(0), StatementKind::kForget, bad), Status::kOk);
  EXPECT_EQ(publish(at(0), StatementKind::kForget, make_forget(9, 13, 5, {3})), Status::kDenied);
  ASSERT_TRUE(until([&] { return at(0).mesh->heads().count() == 3; }));
  EXPECT_EQ(at(0).mesh->heads().find(id(0))->forget_number, 10u);
}

// Every place of a stop between the statement and the last head that goes.
TEST_F(ForgetMesh, AfterAStopAnywhereTheRestGoes) {
  household(1);
  for (uint64_t n = 1; n <= 80; ++n)
    ASSERT_EQ(publish(at(0), StatementKind::kHead, make_head(0, n)), Status::kOk);
  ByteVector forget;
  for (uint64_t last = 20; last <= 80; last += 20) {
    std::vector<uint64_t> removed;
    for (uint64_t n = last - 19; n < last; ++n) removed.push_back(n);
    ByteVector next = make_forget(0, last, 80, removed, forget.empty() ? nullptr : &forget);
    forget = next;
    ASSERT_EQ(publish(at(0), StatementKind::kForget, forget), Status::kOk);
    world.run_for(world.rng().between(0, 30) * kMillisecond);
    at(0).restart();
    EXPECT_TRUE(until([&] { return at(0).mesh->heads().count() == 80 - 19 * last / 20; }));
  }
  for (uint64_t n = 20; n <= 80; n += 20) EXPECT_TRUE(holds(at(0), n));
}

}  // namespace
}  // namespace drey::test
