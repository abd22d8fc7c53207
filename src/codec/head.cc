#include "codec/head.h"

#include "codec/aead.h"

namespace drey {
namespace {

static_assert(kHeadOverheadBytes == sizeof(AeadNonce) + kAeadTagBytes);

std::array<uint8_t, 32 + 8 + 8 + 32> make_aad(const Keyring& keyring, const HeadPlace& place) {
  std::array<uint8_t, 32 + 8 + 8 + 32> aad;
  ByteWriter writer(aad);
  writer.bytes(place.owner.bytes());
  writer.u64(place.sequence);
  writer.u64(place.epoch);
  writer.bytes(keyring.mesh().bytes());
  return aad;
}

}  // namespace

Status seal_head(const Keyring& keyring, Random& random, const HeadPlace& place, Bytes body,
                 MutBytes out) {
  if (out.size() != body.size() + kHeadOverheadBytes) return Status::kInvalid;
  Secret<32> key;
  DREY_TRY(keyring.k_head(place.epoch, &key));
  AeadNonce nonce;
  DREY_TRY(random.fill(nonce));
  std::memcpy(out.data(), nonce.data(), nonce.size());
  aead_seal(key, nonce, make_aad(keyring, place), body, out.subspan(nonce.size()));
  return Status::kOk;
}

Status open_head(const Keyring& keyring, const HeadPlace& place, Bytes sealed, MutBytes out) {
  if (sealed.size() < kHeadOverheadBytes || out.size() != sealed.size() - kHeadOverheadBytes)
    return Status::kInvalid;
  Secret<32> key;
  DREY_TRY(keyring.k_head(place.epoch, &key));
  AeadNonce nonce;
  std::memcpy(nonce.data(), sealed.data(), nonce.size());
  return aead_open(key, nonce, make_aad(keyring, place), sealed.subspan(nonce.size()), out);
}

}  // namespace drey
