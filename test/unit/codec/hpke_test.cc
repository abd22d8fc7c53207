#include "codec/hpke.h"

#include <gtest/gtest.h>

#include "codec/aead.h"
#include "crypto/hex.h"
#include "unit/codec/support.h"

namespace drey {
namespace {

// RFC 9180, appendix A.5.1: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305, base mode.
constexpr auto kIkmE = hex("f1f1a3bc95416871539ecb51c3a8f0cf608afb40fbbe305c0a72819d35c33f1f");
constexpr auto kIkmR = hex("61092f3f56994dd424405899154a9918353e3e008171517ad576b900ddb275e7");
constexpr auto kPkR =
    hex("04a697bffde9405c992883c5c439d6cc358170b51af72812333b015621dc0f40ba"
        "d9bb726f68a5c013806a790ec716ab8669f84f6b694596c2987cf35baba2a006");
constexpr auto kSealed = hex(
    "04c07836a0206e04e31d8ae99bfd549380b072a1b1b82e563c935c095827824fc1"
    "559eac6fb9e3c70cd3193968994e7fe9781aa103f5b50e934b5b2f387e381291"
    "6469c41c5c81d3aa85432531ecf6460ec945bde1eb428cb2fedf7a29f5a685b4ccb0d057f03ea2952a27bb458b");
constexpr std::string_view kInfo = "Ode on a Grecian Urn";
constexpr std::string_view kAad = "Count-0";
constexpr std::string_view kPlain = "Beauty is truth, truth beauty";

TEST(Hpke, DeriveKeyPairMatchesTheRfc) {
  KeyPair r, e;
  ASSERT_EQ(derive_key_pair(kIkmR, &r), Status::kOk);
  EXPECT_EQ(r.secret.raw, hex("a4d1c55836aa30f9b3fbb6ac98d338c877c2867dd3a77396d13f68d3ab150d3b"));
  EXPECT_EQ(r.pub, kPkR);
  ASSERT_EQ(derive_key_pair(kIkmE, &e), Status::kOk);
  EXPECT_EQ(e.secret.raw, hex("7550253e1147aae48839c1f8af80d2770fb7a4c763afe7d0afa7e0f42a5b3689"));
  EXPECT_EQ(derive_key_pair(Bytes(kIkmE).first(31), &e), Status::kInvalid);
}

TEST(Hpke, SealingMatchesTheRfc) {
  test::ScriptedRandom random(1, {kIkmE.begin(), kIkmE.end()});
  std::vector<uint8_t> sealed(kPlain.size() + kHpkeOverheadBytes);
  ASSERT_EQ(hpke_seal(random, kPkR, as_bytes(kInfo), as_bytes(kAad), as_bytes(kPlain), sealed),
            Status::kOk);
  EXPECT_TRUE(equal(sealed, kSealed));
}

TEST(Hpke, EveryChangedByteInfoAadAndKeyIsRefused) {
  KeyPair pair, other;
  ASSERT_EQ(derive_key_pair(kIkmR, &pair), Status::kOk);
  ASSERT_EQ(derive_key_pair(kIkmE, &other), Status::kOk);
  std::vector<uint8_t> plain(kPlain.size());
  ASSERT_EQ(hpke_open(pair, as_bytes(kInfo), as_bytes(kAad), kSealed, plain), Status::kOk);
  EXPECT_EQ(as_text(plain), kPlain);
  for (size_t i = 0; i < kSealed.size(); ++i) {
    auto wrong = kSealed;
    wrong[i] ^= 1;
    ASSERT_EQ(hpke_open(pair, as_bytes(kInfo), as_bytes(kAad), wrong, plain),
              i < 65 ? Status::kInvalid : Status::kCorrupt);
  }
  EXPECT_EQ(hpke_open(pair, as_bytes("ode"), as_bytes(kAad), kSealed, plain), Status::kCorrupt);
  EXPECT_EQ(hpke_open(pair, as_bytes(kInfo), as_bytes("Count-1"), kSealed, plain),
            Status::kCorrupt);
  EXPECT_EQ(hpke_open(other, as_bytes(kInfo), as_bytes(kAad), kSealed, plain), Status::kCorrupt);
}

TEST(Hpke, WrongSizesPointsAndMissingRandomnessAreRefused) {
  test::ScriptedRandom random(1);
  KeyPair pair;
  ASSERT_EQ(derive_key_pair(kIkmR, &pair), Status::kOk);
  std::vector<uint8_t> out(kHpkeOverheadBytes + 3);
  EXPECT_EQ(hpke_seal(random, kPkR, {}, {}, as_bytes("four"), out), Status::kInvalid);
  EXPECT_EQ(hpke_open(pair, {}, {}, Bytes(out).first(kHpkeOverheadBytes - 1), {}),
            Status::kInvalid);
  PublicKey no_point = kPkR;
  no_point[40] ^= 1;
  EXPECT_EQ(hpke_seal(random, no_point, {}, {}, as_bytes("abc"), out), Status::kInvalid);
  random.fails = true;
  EXPECT_EQ(hpke_seal(random, kPkR, {}, {}, as_bytes("abc"), out), Status::kIo);
}

TEST(Hpke, TwoSealingsDifferAndBothOpen) {
  test::ScriptedRandom random(2);
  KeyPair pair;
  ASSERT_EQ(derive_key_pair(kIkmR, &pair), Status::kOk);
  std::vector<uint8_t> a(kHpkeOverheadBytes), b(kHpkeOverheadBytes);
  ASSERT_EQ(hpke_seal(random, pair.pub, {}, {}, {}, a), Status::kOk);
  ASSERT_EQ(hpke_seal(random, pair.pub, {}, {}, {}, b), Status::kOk);
  EXPECT_NE(a, b);
  EXPECT_EQ(hpke_open(pair, {}, {}, a, {}), Status::kOk);
  EXPECT_EQ(hpke_open(pair, {}, {}, b, {}), Status::kOk);
}

TEST(Aead, EmptyInputsWorkAndShortOnesAreInvalid) {
  Secret<32> key;
  AeadNonce nonce{};
  std::array<uint8_t, kAeadTagBytes> sealed;
  aead_seal(key, nonce, {}, {}, sealed);
  EXPECT_EQ(aead_open(key, nonce, {}, sealed, {}), Status::kOk);
  EXPECT_EQ(aead_open(key, nonce, as_bytes("x"), sealed, {}), Status::kCorrupt);
  EXPECT_EQ(aead_open(key, nonce, {}, Bytes(sealed).first(15), {}), Status::kInvalid);
}

}  // namespace
}  // namespace drey
