#include "crypto/sign.h"

#include <gtest/gtest.h>

#include "crypto/ecdh.h"
#include "crypto/hash.h"
#include "crypto/hex.h"

namespace drey {
namespace {

class CountingRandom : public Random {
 public:
  Status fill(MutBytes to) override {
    if (fails) return Status::kIo;
    for (uint8_t& byte : to) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      byte = static_cast<uint8_t>(state >> 56);
    }
    return Status::kOk;
  }
  uint64_t state = 7;
  bool fails = false;
};

KeyPair make_pair(CountingRandom& random) {
  KeyPair pair;
  EXPECT_EQ(generate_key(random, &pair), Status::kOk);
  return pair;
}

TEST(Sign, Rfc6979SecondMessageMatches) {
  KeyPair pair;
  pair.secret.raw = hex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
  Signature signature;
  ASSERT_EQ(sign(pair, as_bytes("test"), &signature), Status::kOk);
  EXPECT_EQ(signature, hex("f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
                           "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083"));
}

TEST(Sign, EveryFlippedBitOfASignatureIsDenied) {
  CountingRandom random;
  KeyPair pair = make_pair(random);
  Signature signature;
  ASSERT_EQ(sign(pair, as_bytes("message"), &signature), Status::kOk);
  ASSERT_TRUE(verify(pair.pub, as_bytes("message"), signature));
  for (size_t i = 0; i < signature.size(); ++i) {
    Signature wrong = signature;
    wrong[i] = static_cast<uint8_t>(wrong[i] ^ (1u << (i % 8)));
    ASSERT_FALSE(verify(pair.pub, as_bytes("message"), wrong)) << i;
  }
  EXPECT_FALSE(verify(pair.pub, as_bytes("massage"), signature));
  EXPECT_FALSE(verify(make_pair(random).pub, as_bytes("message"), signature));
}

TEST(Sign, ComponentsOutOfRangeAreDenied) {
  CountingRandom random;
  KeyPair pair = make_pair(random);
  Signature good;
  ASSERT_EQ(sign(pair, as_bytes("m"), &good), Status::kOk);
  static constexpr Key32 kOrder =
      hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  for (size_t half : {size_t{0}, size_t{32}}) {
    Signature wrong = good;
    std::fill_n(wrong.begin() + static_cast<ptrdiff_t>(half), 32, uint8_t{0});
    EXPECT_FALSE(verify(pair.pub, as_bytes("m"), wrong));
    std::copy(kOrder.begin(), kOrder.end(), wrong.begin() + static_cast<ptrdiff_t>(half));
    EXPECT_FALSE(verify(pair.pub, as_bytes("m"), wrong));
    std::fill_n(wrong.begin() + static_cast<ptrdiff_t>(half), 32, uint8_t{0xff});
    EXPECT_FALSE(verify(pair.pub, as_bytes("m"), wrong));
  }
}

TEST(Sign, InvalidPointsAreRefused) {
  CountingRandom random;
  KeyPair pair = make_pair(random);
  Signature signature;
  ASSERT_EQ(sign(pair, as_bytes("m"), &signature), Status::kOk);
  EXPECT_EQ(check_public_key(pair.pub), Status::kOk);
  PublicKey off_curve = pair.pub;
  off_curve[64] ^= 1;
  PublicKey zero{};
  PublicKey compressed = pair.pub;
  compressed[0] = 2;
  PublicKey zero_point{};
  zero_point[0] = 4;
  PublicKey huge;
  huge.fill(0xff);
  huge[0] = 4;
  for (const PublicKey& key : {off_curve, zero, compressed, zero_point, huge}) {
    EXPECT_EQ(check_public_key(key), Status::kInvalid);
    EXPECT_EQ(verify_digest(key, sha256(as_bytes("m")), signature), Status::kDenied);
    Secret<32> shared;
    EXPECT_EQ(ecdh(pair.secret, key, random, &shared), Status::kInvalid);
  }
}

TEST(Sign, SecretOutOfRangeIsInvalid) {
  KeyPair pair;  // zero
  EXPECT_EQ(derive_public(&pair), Status::kInvalid);
  pair.secret.raw = hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  EXPECT_EQ(derive_public(&pair), Status::kInvalid);
  Signature signature;
  EXPECT_EQ(sign(pair, as_bytes("m"), &signature), Status::kInvalid);
}

TEST(GenerateKey, WithoutRandomnessNoKeyIsMade) {
  CountingRandom random;
  random.fails = true;
  KeyPair pair;
  EXPECT_EQ(generate_key(random, &pair), Status::kIo);
  EXPECT_EQ(pair.pub, PublicKey{});
}

TEST(GenerateKey, TwoKeysDiffer) {
  CountingRandom random;
  EXPECT_NE(make_pair(random).pub, make_pair(random).pub);
}

TEST(Statement, EveryPartChangesTheDigest) {
  MeshId mesh{sha256(as_bytes("mesh"))}, other{sha256(as_bytes("other"))};
  Key32 digest = statement_digest("add", 1, mesh, as_bytes("body"));
  EXPECT_EQ(digest, statement_digest("add", 1, mesh, as_bytes("body")));
  EXPECT_NE(digest, statement_digest("adc", 1, mesh, as_bytes("body")));
  EXPECT_NE(digest, statement_digest("add", 2, mesh, as_bytes("body")));
  EXPECT_NE(digest, statement_digest("add", 1, other, as_bytes("body")));
  EXPECT_NE(digest, statement_digest("add", 1, mesh, as_bytes("bodz")));
}

TEST(Ecdh, BothSidesAgree) {
  CountingRandom random;
  KeyPair a = make_pair(random), b = make_pair(random);
  Secret<32> ab, ba;
  ASSERT_EQ(ecdh(a.secret, b.pub, random, &ab), Status::kOk);
  ASSERT_EQ(ecdh(b.secret, a.pub, random, &ba), Status::kOk);
  EXPECT_EQ(ab.raw, ba.raw);
  EXPECT_NE(ab.raw, Key32{});
}

TEST(Ecdh, NistVectorMatches) {  // CAVS 14.1, KAS ECC CDH primitive, P-256, count 0
  CountingRandom random;
  Secret<32> secret, shared;
  secret.raw = hex("7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534");
  static constexpr PublicKey kPeer =
      hex("04700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287"
          "db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac");
  ASSERT_EQ(ecdh(secret, kPeer, random, &shared), Status::kOk);
  EXPECT_EQ(shared.raw, hex("46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b"));
}

}  // namespace
}  // namespace drey
