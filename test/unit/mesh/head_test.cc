#include "mesh/heads/head.h"

#include "unit/mesh/membership_support.h"

namespace drey::test {
namespace {

struct Made {
  MeshId mesh;
  Head head;
  ByteVector bytes = ByteVector(limits::kHeadBytesMax);
  explicit Made(size_t sealed_bytes = 20, uint64_t sequence = 3) : sealed(sealed_bytes, 9) {
    mesh.raw.fill(8);
    head.owner = id(1);
    head.sequence = sequence;
    head.previous.fill(4);
    head.epoch = 5;
    head.sealed = sealed;
    Result<size_t> size = encode_head(key(1), mesh, &head, bytes);
    status = size.status();
    bytes.resize(size.ok() ? size.value() : 0);
  }
  ByteVector sealed;
  Status status;
};

TEST(Head, RoundTripAndVerification) {
  for (size_t sealed : {size_t{0}, size_t{1}, kHeadSealedBytesMax}) {
    Made made(sealed);
    ASSERT_EQ(made.status, Status::kOk);
    Head read;
    ASSERT_EQ(decode_head(made.bytes, &read), Status::kOk);
    EXPECT_EQ(read.owner, id(1));
    EXPECT_EQ(read.sequence, 3u);
    EXPECT_EQ(read.previous, made.head.previous);
    EXPECT_EQ(read.epoch, 5u);
    EXPECT_TRUE(equal(read.sealed, made.sealed));
    EXPECT_EQ(verify_head(made.bytes, made.mesh, key(1).pub), Status::kOk);
    EXPECT_EQ(verify_head(made.bytes, made.mesh, key(2).pub), Status::kDenied);
    made.mesh.raw[0] ^= 1;
    EXPECT_EQ(verify_head(made.bytes, made.mesh, key(1).pub), Status::kDenied);
  }
  EXPECT_EQ(Made(kHeadSealedBytesMax + 1).status, Status::kTooLarge);
  EXPECT_EQ(Made(1, 0).status, Status::kInvalid);
}

TEST(Head, EveryChangedByteIsRefused) {
  Made made;
  for (size_t i = 0; i < made.bytes.size(); ++i) {
    ByteVector bad = made.bytes;
    bad[i] ^= 0x10;
    EXPECT_NE(verify_head(bad, made.mesh, key(1).pub), Status::kOk) << i;
  }
  for (size_t size = 0; size < made.bytes.size(); ++size) {
    Head read;
    EXPECT_NE(decode_head(Bytes(made.bytes).first(size), &read), Status::kOk);
  }
}

TEST(Head, OnlyTheOwnerSigns) {
  Made made;
  ByteVector to(limits::kHeadBytesMax);
  EXPECT_EQ(encode_head(key(2), made.mesh, &made.head, to).status(), Status::kInvalid);
}

// A member signs with its own key what it says is another's: the key alone does not make it right.
TEST(Head, AnotherMembersSignatureIsNotTheOwners) {
  Made made;
  ByteVector bytes = made.bytes;
  constexpr size_t kSignatureBytes = std::tuple_size_v<Signature>;
  Bytes body = Bytes(bytes).first(bytes.size() - kSignatureBytes);
  Signature signature;
  ASSERT_EQ(sign_digest(key(2), statement_digest("head", 1, made.mesh, body), &signature),
            Status::kOk);
  std::copy(signature.begin(), signature.end(), bytes.end() - kSignatureBytes);
  EXPECT_EQ(verify_head(bytes, made.mesh, key(2).pub), Status::kDenied);
  EXPECT_EQ(verify_head(bytes, made.mesh, key(1).pub), Status::kDenied);
}

TEST(Head, KeysSortBySequence) {
  EXPECT_LT(head_key(id(1), 255), head_key(id(1), 256));
  NodeId owner;
  uint64_t sequence = 0;
  split_head_key(head_key(id(1), 0x0102030405060708), &owner, &sequence);
  EXPECT_EQ(owner, id(1));
  EXPECT_EQ(sequence, 0x0102030405060708u);
}

TEST(HeadTable, RemembersTheHighestAndIsIndependentOfOrder) {
  HeadTable one, two;
  one.reset();
  two.reset();
  Key32 hash{};
  for (uint64_t n = 1; n <= 9; ++n) {
    hash[0] = static_cast<uint8_t>(n);
    EXPECT_EQ(one.note(head_key(id(1), n), hash), Status::kOk);
    hash[0] = static_cast<uint8_t>(10 - n);
    EXPECT_EQ(two.note(head_key(id(1), 10 - n), hash), Status::kOk);
  }
  EXPECT_EQ(one.digest(), two.digest());
  EXPECT_EQ(one.find(id(1))->sequence, 9u);
  EXPECT_EQ(two.find(id(1))->hash[0], 9);
  EXPECT_EQ(one.find(id(2)), nullptr);
  EXPECT_EQ(one.note(head_key(id(2), 1), hash), Status::kOk);
  EXPECT_NE(one.digest(), two.digest());
}

TEST(HeadTable, TwoHeadsWithOneSequenceAreAFork) {
  HeadTable table;
  table.reset();
  Key32 hash{};
  EXPECT_EQ(table.note(head_key(id(1), 1), hash), Status::kOk);
  EXPECT_EQ(table.note(head_key(id(1), 1), hash), Status::kExists);
  EXPECT_EQ(table.forked_count(), 0u);
  hash[0] = 1;
  EXPECT_EQ(table.note(head_key(id(1), 1), hash), Status::kCorrupt);
  EXPECT_TRUE(table.find(id(1))->forked);
  EXPECT_EQ(table.count(), 1u);
}

TEST(HeadTable, IsFullAtItsLimit) {
  HeadTable table;
  table.reset();
  NodeId owner;
  for (size_t i = 0; i < HeadTable::kOwnersMax; ++i) {
    store_le(owner.raw.data(), static_cast<uint32_t>(i));
    EXPECT_EQ(table.note(head_key(owner, 1), Key32{}), Status::kOk);
  }
  owner.raw.fill(0xff);
  EXPECT_EQ(table.note(head_key(owner, 1), Key32{}), Status::kFull);
}

}  // namespace
}  // namespace drey::test
