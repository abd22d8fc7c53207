#include "codec/keyring.h"

#include <gtest/gtest.h>

#include "codec/head.h"
#include "unit/codec/support.h"

namespace drey {
namespace {

Epoch epoch(uint64_t id, uint8_t byte = 1) {
  Epoch e;
  e.id = id;
  e.seed.raw.fill(byte);
  return e;
}

BeaconKey beacon(uint32_t number, uint8_t byte = 1) {
  BeaconKey b;
  b.number = number;
  b.key.raw.fill(byte);
  return b;
}

Keyring full_keyring() {
  Keyring keyring = test::golden_keyring();
  for (uint64_t id = 1; keyring.epoch_count() < limits::kEpochsMax; ++id)
    EXPECT_EQ(keyring.add_epoch(epoch(id)), Status::kOk);
  for (uint32_t n = 1; n <= Keyring::kBeaconKeysMax; ++n)
    EXPECT_EQ(keyring.add_beacon_key(beacon(n)), Status::kOk);
  return keyring;
}

TEST(Keyring, EpochsAreKeptInOrderAndTheHighestIsCurrent) {
  Keyring keyring;
  EXPECT_EQ(keyring.current_epoch(), 0u);
  for (uint64_t id : {5, 2, 9, 1}) EXPECT_EQ(keyring.add_epoch(epoch(id)), Status::kOk);
  EXPECT_EQ(keyring.current_epoch(), 9u);
  EXPECT_EQ(keyring.epoch_at(0).id, 1u);
  EXPECT_EQ(keyring.add_epoch(epoch(5)), Status::kExists);
  EXPECT_EQ(keyring.add_epoch(epoch(5, 7)), Status::kInvalid);
  EXPECT_EQ(keyring.add_epoch(epoch(0)), Status::kInvalid);
}

TEST(Keyring, SealsUnderTheEpochItWasToldAndUnderNoneItLacks) {
  Keyring keyring = test::golden_keyring();
  ASSERT_EQ(keyring.add_epoch(epoch(0x0300000000000000)), Status::kOk);
  EXPECT_EQ(keyring.current_epoch(), 0x0300000000000000u);
  uint64_t first = keyring.epoch_at(0).id;
  keyring.seal_under(first);
  EXPECT_EQ(keyring.current_epoch(), first);
  // A higher one came, and is not in force: it was not asked for.
  ASSERT_EQ(keyring.add_epoch(epoch(0x0400000000000000)), Status::kOk);
  EXPECT_EQ(keyring.current_epoch(), first);
  keyring.seal_under(12345);
  EXPECT_EQ(keyring.current_epoch(), 0u);
  keyring.seal_under(first);
  EXPECT_EQ(keyring.current_epoch(), first);
}

TEST(Keyring, EachEpochHasABeaconKeyOfItsOwn) {
  Keyring keyring = test::golden_keyring();
  ASSERT_EQ(keyring.add_epoch(epoch(77, 5)), Status::kOk);
  Secret<32> one, other, head;
  ASSERT_EQ(keyring.k_beacon(keyring.epoch_at(1).id, &one), Status::kOk);
  ASSERT_EQ(keyring.k_beacon(77, &other), Status::kOk);
  ASSERT_EQ(keyring.k_head(77, &head), Status::kOk);
  EXPECT_NE(one.raw, other.raw);
  EXPECT_NE(other.raw, head.raw);
  EXPECT_EQ(keyring.k_beacon(78, &one), Status::kNotFound);
}

TEST(Keyring, FullOfEpochsRefusesOneMore) {
  Keyring keyring = full_keyring();
  EXPECT_EQ(keyring.add_epoch(epoch(1000)), Status::kFull);
  EXPECT_EQ(keyring.add_epoch(epoch(3)), Status::kExists);
}

TEST(Keyring, OldestBeaconKeyMakesRoom) {
  Keyring keyring;
  for (uint32_t n = 1; n <= 12; ++n) EXPECT_EQ(keyring.add_beacon_key(beacon(n)), Status::kOk);
  EXPECT_EQ(keyring.beacon_key_count(), Keyring::kBeaconKeysMax);
  EXPECT_EQ(keyring.beacon_key_at(0).number, 5u);
  EXPECT_EQ(keyring.beacon_key_at(7).number, 12u);
  EXPECT_EQ(keyring.add_beacon_key(beacon(4)), Status::kTooLarge);
  EXPECT_EQ(keyring.add_beacon_key(beacon(12)), Status::kExists);
  EXPECT_EQ(keyring.add_beacon_key(beacon(12, 9)), Status::kInvalid);
  EXPECT_EQ(keyring.add_beacon_key(beacon(0)), Status::kInvalid);
}

TEST(Keyring, EncodingComesBack) {
  for (const Keyring& keyring : {Keyring(), test::golden_keyring(), full_keyring()}) {
    std::vector<uint8_t> bytes(Keyring::kEncodedBytesMax);
    Result<size_t> size = keyring.encode(bytes);
    ASSERT_TRUE(size.ok());
    Keyring back;
    ASSERT_EQ(back.decode(Bytes(bytes).first(size.value())), Status::kOk);
    std::vector<uint8_t> again(Keyring::kEncodedBytesMax);
    ASSERT_TRUE(back.encode(again).ok());
    EXPECT_EQ(bytes, again);
    EXPECT_EQ(keyring.encode(MutBytes(again).first(size.value() - 1)).status(), Status::kTooLarge);
  }
}

TEST(Keyring, FullEncodingHasTheStatedSize) {
  std::vector<uint8_t> bytes(Keyring::kEncodedBytesMax + 10);
  EXPECT_EQ(full_keyring().encode(bytes).value(), Keyring::kEncodedBytesMax);
}

TEST(Keyring, EveryTruncationAndExtensionIsInvalid) {
  Keyring keyring = test::golden_keyring();
  ASSERT_EQ(keyring.add_beacon_key(beacon(3)), Status::kOk);
  std::vector<uint8_t> bytes(Keyring::kEncodedBytesMax);
  size_t size = keyring.encode(bytes).value();
  for (size_t n = 0; n < size + 50; ++n) {
    if (n == size) continue;
    Keyring back;
    ASSERT_NE(back.decode(Bytes(bytes).first(n)), Status::kOk) << n;
    ASSERT_EQ(back.epoch_count(), 0u);
    ASSERT_EQ(back.mesh_secret().raw, Key32{});
  }
}

TEST(Keyring, WrongFieldsAreRefused) {
  Keyring keyring = test::golden_keyring();
  ASSERT_EQ(keyring.add_epoch(epoch(0x0202020202020202)), Status::kOk);
  std::vector<uint8_t> good(Keyring::kEncodedBytesMax);
  good.resize(keyring.encode(good).value());
  Keyring back;
  auto with = [&](size_t at, uint8_t value) {
    auto bytes = good;
    bytes[at] = value;
    return back.decode(bytes);
  };
  EXPECT_EQ(with(0, 'X'), Status::kInvalid);
  EXPECT_EQ(with(4, 2), Status::kUnsupported);
  EXPECT_EQ(with(4, 0), Status::kInvalid);
  EXPECT_EQ(with(70, 65), Status::kInvalid);              // more epochs than there may be
  EXPECT_EQ(with(70, 1), Status::kInvalid);               // fewer than follow
  EXPECT_EQ(with(72 + 40 + 7, 0), Status::kInvalid);      // not ascending
  EXPECT_EQ(with(good.size() - 2, 1), Status::kInvalid);  // a beacon key that is not there
  EXPECT_EQ(back.decode(good), Status::kOk);
}

TEST(Keyring, MergeTakesWhatIsMissingFromTheSameMeshOnly) {
  Keyring a = test::golden_keyring(), b = test::golden_keyring();
  ASSERT_EQ(b.add_epoch(epoch(77)), Status::kOk);
  ASSERT_EQ(b.add_beacon_key(beacon(2)), Status::kOk);
  EXPECT_EQ(a.merge(b), Status::kOk);
  EXPECT_TRUE(a.has_epoch(77));
  EXPECT_EQ(a.beacon_key_count(), 1u);
  EXPECT_EQ(a.merge(b), Status::kOk);
  Keyring other;
  EXPECT_EQ(a.merge(other), Status::kInvalid);
  // The mesh's id is public: only its secret tells that a keyring is of this mesh.
  Secret<32> secret;
  secret.raw.fill(1);
  other.reset(a.mesh(), secret);
  ASSERT_EQ(other.add_epoch(epoch(78)), Status::kOk);
  EXPECT_EQ(a.merge(other), Status::kInvalid);
  EXPECT_FALSE(a.has_epoch(78));
  other.reset(MeshId{}, a.mesh_secret());
  EXPECT_EQ(a.merge(other), Status::kInvalid);
}

TEST(Keyring, DerivedKeysAllDiffer) {
  Keyring keyring = test::golden_keyring();
  ASSERT_EQ(keyring.add_epoch(epoch(9)), Status::kOk);
  ASSERT_EQ(keyring.add_epoch(epoch(10)), Status::kOk);  // the same seed, another number
  std::vector<Key32> keys = {keyring.k_dedup().raw, keyring.k_cdc().raw};
  for (uint64_t id : {9, 10}) {
    Secret<32> key;
    ASSERT_EQ(keyring.k_enc(id, &key), Status::kOk);
    keys.push_back(key.raw);
    ASSERT_EQ(keyring.k_nonce(id, &key), Status::kOk);
    keys.push_back(key.raw);
    ASSERT_EQ(keyring.k_head(id, &key), Status::kOk);
    keys.push_back(key.raw);
  }
  for (size_t i = 0; i < keys.size(); ++i)
    for (size_t k = 0; k < i; ++k) EXPECT_NE(keys[i], keys[k]);
  Secret<32> key;
  EXPECT_EQ(keyring.k_enc(11, &key), Status::kNotFound);
}

TEST(Head, BodyComesBackAndEveryOtherPlaceIsRefused) {
  Keyring keyring = test::golden_keyring();
  ASSERT_EQ(keyring.add_epoch(epoch(9)), Status::kOk);
  test::ScriptedRandom random(1);
  HeadPlace place{NodeId{}, 5, 9};
  place.owner.raw[3] = 7;
  auto body = test::random_bytes(200, 2);
  std::vector<uint8_t> sealed(body.size() + kHeadOverheadBytes), back(body.size());
  ASSERT_EQ(seal_head(keyring, random, place, body, sealed), Status::kOk);
  ASSERT_EQ(open_head(keyring, place, sealed, back), Status::kOk);
  EXPECT_EQ(back, body);
  HeadPlace other = place;
  other.owner.raw[3] = 8;
  EXPECT_EQ(open_head(keyring, other, sealed, back), Status::kCorrupt);
  other = place;
  other.sequence = 6;
  EXPECT_EQ(open_head(keyring, other, sealed, back), Status::kCorrupt);
  other = place;
  other.epoch = keyring.current_epoch();
  EXPECT_EQ(open_head(keyring, other, sealed, back), Status::kCorrupt);
  other.epoch = 1234;
  EXPECT_EQ(open_head(keyring, other, sealed, back), Status::kNotFound);
  for (size_t i = 0; i < sealed.size(); ++i) {
    auto wrong = sealed;
    wrong[i] ^= 1;
    ASSERT_EQ(open_head(keyring, place, wrong, back), Status::kCorrupt);
    ASSERT_EQ(back, std::vector<uint8_t>(body.size()));
  }
}

TEST(Head, WrongSizesAndMissingRandomnessAreRefused) {
  Keyring keyring = test::golden_keyring();
  test::ScriptedRandom random(1);
  HeadPlace place{NodeId{}, 1, keyring.current_epoch()};
  std::vector<uint8_t> sealed(kHeadOverheadBytes), small(kHeadOverheadBytes - 1);
  EXPECT_EQ(seal_head(keyring, random, place, {}, small), Status::kInvalid);
  EXPECT_EQ(open_head(keyring, place, small, {}), Status::kInvalid);
  EXPECT_EQ(seal_head(keyring, random, place, {}, sealed), Status::kOk);
  EXPECT_EQ(open_head(keyring, place, sealed, {}), Status::kOk);
  random.fails = true;
  EXPECT_EQ(seal_head(keyring, random, place, {}, sealed), Status::kIo);
}

}  // namespace
}  // namespace drey
