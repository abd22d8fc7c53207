#include "crypto/self_test.h"

#include "crypto/crc32c.h"
#include "crypto/hash.h"
#include "crypto/hex.h"
#include "crypto/sign.h"

namespace drey {
namespace {

bool sha256_is_right() {
  // FIPS 180-4 examples: one block, two blocks, and a length that a kernel runs in several steps.
  if (sha256(as_bytes("abc")) !=
      hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"))
    return false;
  if (sha256(as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) !=
      hex("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"))
    return false;
  std::array<uint8_t, 1000> letters;
  letters.fill('a');
  return sha256(letters) == hex("41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3");
}

bool hmac_is_right() {  // RFC 4231, cases 2 and 6
  if (hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?")) !=
      hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"))
    return false;
  std::array<uint8_t, 131> key;
  key.fill(0xaa);
  return hmac_sha256(key, as_bytes("Test Using Larger Than Block-Size Key - Hash Key First")) ==
         hex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

bool hkdf_is_right() {  // RFC 5869, case 1
  std::array<uint8_t, 22> ikm;
  ikm.fill(0x0b);
  std::array<uint8_t, 42> okm;
  hkdf(hex("000102030405060708090a0b0c"), ikm, hex("f0f1f2f3f4f5f6f7f8f9"), okm);
  return okm == hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
                    "34007208d5b887185865");
}

bool pbkdf2_is_right() {  // the two-iteration case of the RFC 6070 set, with SHA-256
  Key32 out;
  pbkdf2_sha256(as_bytes("password"), as_bytes("salt"), 2, out);
  return out == hex("ae4d0c95af6b46d32d0adff928f06dd02a303f8ef3c251dfd6e2d85a95474c43");
}

Status test_signatures() {  // RFC 6979, A.2.5, SHA-256, "sample"
  static constexpr PublicKey kPub =
      hex("0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
          "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
  static constexpr Signature kSignature =
      hex("efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
          "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
  KeyPair pair;
  pair.secret.raw = hex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
  DREY_TRY(derive_public(&pair));
  Signature signature;
  DREY_TRY(sign(pair, as_bytes("sample"), &signature));
  if (pair.pub != kPub || signature != kSignature) return Status::kCorrupt;
  Status status = verify_digest(kPub, sha256(as_bytes("sample")), kSignature);
  if (!ok(status)) return status == Status::kBusy ? status : Status::kCorrupt;
  status = verify_digest(kPub, sha256(as_bytes("Sample")), kSignature);
  if (status == Status::kBusy) return status;
  return status == Status::kDenied ? Status::kOk : Status::kCorrupt;
}

}  // namespace

Status crypto_self_test() {
  bool right = sha256_is_right() && hmac_is_right() && hkdf_is_right() && pbkdf2_is_right() &&
               crc32c(0, as_bytes("123456789")) == 0xe3069283;
  return right ? test_signatures() : Status::kCorrupt;
}

}  // namespace drey
