#include "crypto/hash.h"

#include <gtest/gtest.h>

#include <vector>

#include "crypto/crc32c.h"
#include "crypto/hex.h"
#include "crypto/kernels.h"
#include "crypto/self_test.h"

namespace drey {
namespace {

std::vector<uint8_t> pattern(size_t size) {
  std::vector<uint8_t> data(size);
  for (size_t i = 0; i < size; ++i) data[i] = static_cast<uint8_t>(i * 131 + (i >> 8) * 7 + 3);
  return data;
}

TEST(SelfTest, EveryPrimitiveGivesItsKnownAnswer) { EXPECT_EQ(crypto_self_test(), Status::kOk); }

TEST(Sha256, EmptyInputHasTheKnownDigest) {
  EXPECT_EQ(sha256({}), hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
}

TEST(Sha256, EverySplitOfTheInputGivesTheSameDigest) {
  for (size_t size = 0; size <= 200; ++size) {
    auto data = pattern(size);
    Key32 whole = sha256(data);
    for (size_t cut = 0; cut <= size; ++cut) {
      Sha256 hash;
      hash.update(Bytes(data).first(cut));
      hash.update(Bytes(data).subspan(cut));
      ASSERT_EQ(hash.finish(), whole) << size << " cut at " << cut;
    }
  }
}

TEST(Sha256, FinishStartsAnew) {
  Sha256 hash;
  hash.update(as_bytes("abc"));
  Key32 first = hash.finish();
  hash.update(as_bytes("abc"));
  EXPECT_EQ(hash.finish(), first);
}

TEST(Sha256, MillionLettersHaveTheKnownDigest) {
  std::vector<uint8_t> letters(1000000, 'a');
  EXPECT_EQ(sha256(letters),
            hex("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"));
}

TEST(Hmac, Rfc4231CasesMatch) {
  std::array<uint8_t, 20> key1;
  key1.fill(0x0b);
  EXPECT_EQ(hmac_sha256(key1, as_bytes("Hi There")),
            hex("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"));
  std::array<uint8_t, 20> key3;
  key3.fill(0xaa);
  std::array<uint8_t, 50> data3;
  data3.fill(0xdd);
  EXPECT_EQ(hmac_sha256(key3, data3),
            hex("773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"));
  std::array<uint8_t, 131> key7;
  key7.fill(0xaa);
  EXPECT_EQ(hmac_sha256(key7, as_bytes("This is a test using a larger than block-size key and a "
                                       "larger than block-size data. The key needs to be hashed "
                                       "before being used by the HMAC algorithm.")),
            hex("9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"));
}

TEST(Hmac, FinishStartsAnewWithTheSameKey) {
  HmacSha256 hmac(as_bytes("key"));
  hmac.update(as_bytes("data"));
  Key32 first = hmac.finish();
  hmac.update(as_bytes("data"));
  EXPECT_EQ(hmac.finish(), first);
  EXPECT_EQ(hmac_sha256(as_bytes("key"), as_bytes("data")), first);
  EXPECT_NE(hmac_sha256(as_bytes("kez"), as_bytes("data")), first);
}

TEST(Hkdf, Rfc5869Case2And3Match) {
  std::array<uint8_t, 80> ikm, salt, info;
  for (size_t i = 0; i < 80; ++i) {
    ikm[i] = static_cast<uint8_t>(i);
    salt[i] = static_cast<uint8_t>(0x60 + i);
    info[i] = static_cast<uint8_t>(0xb0 + i);
  }
  std::array<uint8_t, 82> okm;
  hkdf(salt, ikm, info, okm);
  EXPECT_EQ(okm, hex("b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
                     "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
                     "cc30c58179ec3e87c14c01d5c1f3434f1d87"));
  std::array<uint8_t, 22> ikm3;
  ikm3.fill(0x0b);
  std::array<uint8_t, 42> okm3;
  hkdf({}, ikm3, {}, okm3);
  EXPECT_EQ(okm3, hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
                      "9d201395faa4b61a96c8"));
}

TEST(Pbkdf2, KnownAnswersMatch) {
  std::array<uint8_t, 64> out;  // RFC 7914, section 11
  pbkdf2_sha256(as_bytes("passwd"), as_bytes("salt"), 1, out);
  EXPECT_EQ(out, hex("55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
                     "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"));
  Key32 key;
  pbkdf2_sha256(as_bytes("password"), as_bytes("salt"), 4096, key);
  EXPECT_EQ(key, hex("c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a"));
}

uint32_t crc_bit_by_bit(Bytes data) {
  uint32_t crc = ~0u;
  for (uint8_t byte : data) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78u : 0u);
  }
  return ~crc;
}

TEST(Crc32c, MatchesTheDefinitionForEveryLengthAndOffset) {
  auto data = pattern(300);
  for (size_t offset = 0; offset < 9; ++offset)
    for (size_t size = 0; size + offset <= data.size(); ++size) {
      Bytes part = Bytes(data).subspan(offset, size);
      ASSERT_EQ(crc32c(0, part), crc_bit_by_bit(part));
    }
}

TEST(Crc32c, ValuesChain) {
  auto data = pattern(100);
  for (size_t cut = 0; cut <= data.size(); ++cut)
    ASSERT_EQ(crc32c(crc32c(0, Bytes(data).first(cut)), Bytes(data).subspan(cut)), crc32c(0, data));
}

TEST(Kernels, WrongKernelFailsTheSelfTest) {
  CryptoKernels wrong;
  wrong.sha256_blocks = [](uint32_t state[8], const uint8_t*, size_t) { state[0] ^= 1; };
  install_crypto_kernels(wrong);
  EXPECT_EQ(crypto_self_test(), Status::kCorrupt);
  wrong = {};
  wrong.crc32c = [](uint32_t, const uint8_t*, size_t) { return 0u; };
  install_crypto_kernels(wrong);
  EXPECT_EQ(crypto_self_test(), Status::kCorrupt);
  install_crypto_kernels({});
  EXPECT_EQ(crypto_self_test(), Status::kOk);
}

}  // namespace
}  // namespace drey
