#include "codec/hpke.h"

#include "codec/aead.h"
#include "crypto/ecdh.h"
#include "crypto/hash.h"

namespace drey {
namespace {

// RFC 9180, sections 4 and 5.1: "KEM" ‖ kem_id, and "HPKE" ‖ kem_id ‖ kdf_id ‖ aead_id.
constexpr std::array<uint8_t, 5> kKemSuite = {'K', 'E', 'M', 0x00, 0x10};
constexpr std::array<uint8_t, 10> kHpkeSuite = {'H',  'P',  'K',  'E',  0x00,
                                                0x10, 0x00, 0x01, 0x00, 0x03};
constexpr size_t kEncBytes = std::tuple_size_v<PublicKey>;
static_assert(kHpkeOverheadBytes == kEncBytes + kAeadTagBytes);

Secret<32> labeled_extract(Bytes suite, Bytes salt, std::string_view label, Bytes input_key) {
  HmacSha256 hmac(salt);
  hmac.update(as_bytes("HPKE-v1"));
  hmac.update(suite);
  hmac.update(as_bytes(label));
  hmac.update(input_key);
  Secret<32> prk;
  prk.raw = hmac.finish();
  return prk;
}

// LabeledExpand for at most 32 bytes: one round of HKDF-Expand.
void labeled_expand(Bytes suite, const Secret<32>& prk, std::string_view label, Bytes info,
                    MutBytes out) {
  const std::array<uint8_t, 2> length_be = {0, static_cast<uint8_t>(out.size())};
  const uint8_t round = 1;
  HmacSha256 hmac(prk.bytes());
  hmac.update(length_be);
  hmac.update(as_bytes("HPKE-v1"));
  hmac.update(suite);
  hmac.update(as_bytes(label));
  hmac.update(info);
  hmac.update({&round, 1});
  Key32 block = hmac.finish();
  std::memcpy(out.data(), block.data(), out.size());
  wipe(block);
}

struct Context {
  Secret<32> key;
  AeadNonce nonce;  // the base nonce: sequence number 0 is the only one used
};

// ExtractAndExpand of the KEM, then the key schedule of mode_base.
Context make_context(const Secret<32>& dh, Bytes enc, const PublicKey& to, Bytes info) {
  std::array<uint8_t, 2 * kEncBytes> kem_context;
  std::memcpy(kem_context.data(), enc.data(), kEncBytes);
  std::memcpy(kem_context.data() + kEncBytes, to.data(), kEncBytes);
  Secret<32> eae_prk = labeled_extract(kKemSuite, {}, "eae_prk", dh.bytes());
  Secret<32> shared;
  labeled_expand(kKemSuite, eae_prk, "shared_secret", kem_context, shared.mut());

  std::array<uint8_t, 1 + 32 + 32> schedule;
  ByteWriter writer(schedule);
  writer.u8(0);  // mode_base
  writer.bytes(labeled_extract(kHpkeSuite, {}, "psk_id_hash", {}).bytes());
  writer.bytes(labeled_extract(kHpkeSuite, {}, "info_hash", info).bytes());
  Secret<32> secret = labeled_extract(kHpkeSuite, shared.bytes(), "secret", {});
  Context context;
  labeled_expand(kHpkeSuite, secret, "key", schedule, context.key.mut());
  labeled_expand(kHpkeSuite, secret, "base_nonce", schedule, context.nonce);
  return context;
}

}  // namespace

Status derive_key_pair(Bytes ikm, KeyPair* pair) {
  if (ikm.size() < 32) return Status::kInvalid;
  Secret<32> prk = labeled_extract(kKemSuite, {}, "dkp_prk", ikm);
  for (unsigned counter = 0; counter < 256; ++counter) {
    const uint8_t byte = static_cast<uint8_t>(counter);
    labeled_expand(kKemSuite, prk, "candidate", {&byte, 1}, pair->secret.mut());
    Status status = derive_public(pair);
    if (status != Status::kInvalid) return status;  // kInvalid: out of range, once in 2^32
  }
  return Status::kInvalid;
}

Status hpke_seal(Random& random, const PublicKey& to, Bytes info, Bytes aad, Bytes plain,
                 MutBytes out) {
  if (out.size() != plain.size() + kHpkeOverheadBytes) return Status::kInvalid;
  Secret<32> seed;
  DREY_TRY(random.fill(seed.mut()));
  KeyPair ephemeral;
  DREY_TRY(derive_key_pair(seed.bytes(), &ephemeral));
  Secret<32> dh;
  DREY_TRY(ecdh(ephemeral.secret, to, random, &dh));
  Context context = make_context(dh, ephemeral.pub, to, info);
  std::memcpy(out.data(), ephemeral.pub.data(), kEncBytes);
  aead_seal(context.key, context.nonce, aad, plain, out.subspan(kEncBytes));
  return Status::kOk;
}

Status hpke_open(const KeyPair& pair, Bytes info, Bytes aad, Bytes sealed, MutBytes out) {
  if (sealed.size() < kHpkeOverheadBytes || out.size() != sealed.size() - kHpkeOverheadBytes)
    return Status::kInvalid;
  PublicKey enc;
  std::memcpy(enc.data(), sealed.data(), kEncBytes);
  Secret<32> dh;
  DREY_TRY(ecdh(pair.secret, enc, &dh));
  Context context = make_context(dh, enc, pair.pub, info);
  return aead_open(context.key, context.nonce, aad, sealed.subspan(kEncBytes), out);
}

}  // namespace drey
