#include "crypto/sign.h"

#include <mbedtls/ecdsa.h>

#include "crypto/hash.h"
#include "crypto/p256.h"

namespace drey {
namespace {

using p256::from_mbedtls;

constexpr int kKeyTriesMax = 16;  // one random scalar in 2^32 is out of range

}  // namespace

Status generate_key(Random& random, KeyPair* pair) {
  for (int i = 0; i < kKeyTriesMax; ++i) {
    DREY_TRY(random.fill(pair->secret.mut()));
    Status status = derive_public(pair);
    if (status != Status::kInvalid) return status;
  }
  return Status::kIo;  // sixteen scalars out of range: that is no randomness
}

Status derive_public(KeyPair* pair) {
  p256::Group group;
  p256::Mpi scalar;
  p256::Point point;
  DREY_TRY(group.load());
  DREY_TRY(p256::load_scalar(group, pair->secret, &scalar));
  p256::SecretBlinding blinding(pair->secret);
  DREY_TRY(from_mbedtls(mbedtls_ecp_mul(&group.value, &point.value, &scalar.value, &group.value.G,
                                        p256::SecretBlinding::fill, &blinding)));
  size_t size = 0;
  DREY_TRY(from_mbedtls(mbedtls_ecp_point_write_binary(&group.value, &point.value,
                                                       MBEDTLS_ECP_PF_UNCOMPRESSED, &size,
                                                       pair->pub.data(), pair->pub.size())));
  return size == pair->pub.size() ? Status::kOk : Status::kInvalid;
}

Status check_public_key(const PublicKey& key) {
  p256::Group group;
  p256::Point point;
  DREY_TRY(group.load());
  return p256::load_point(group, key, &point);
}

Status sign(const KeyPair& pair, Bytes message, Signature* signature) {
  return sign_digest(pair, sha256(message), signature);
}

Status sign_digest(const KeyPair& pair, const Key32& digest, Signature* signature) {
  p256::Group group;
  p256::Mpi scalar, r, s;
  DREY_TRY(group.load());
  DREY_TRY(p256::load_scalar(group, pair.secret, &scalar));
  p256::SecretBlinding blinding(pair.secret);
  DREY_TRY(from_mbedtls(mbedtls_ecdsa_sign_det_ext(&group.value, &r.value, &s.value, &scalar.value,
                                                   digest.data(), digest.size(), MBEDTLS_MD_SHA256,
                                                   p256::SecretBlinding::fill, &blinding)));
  DREY_TRY(from_mbedtls(mbedtls_mpi_write_binary(&r.value, signature->data(), 32)));
  return from_mbedtls(mbedtls_mpi_write_binary(&s.value, signature->data() + 32, 32));
}

Status verify_digest(const PublicKey& key, const Key32& digest, const Signature& signature) {
  p256::Group group;
  p256::Point point;
  p256::Mpi r, s;
  DREY_TRY(group.load());
  Status status = p256::load_point(group, key, &point);
  if (status == Status::kInvalid) return Status::kDenied;
  DREY_TRY(status);
  DREY_TRY(from_mbedtls(mbedtls_mpi_read_binary(&r.value, signature.data(), 32)));
  DREY_TRY(from_mbedtls(mbedtls_mpi_read_binary(&s.value, signature.data() + 32, 32)));
  // mbedTLS refuses r and s outside of 1 .. n-1.
  int error = mbedtls_ecdsa_verify(&group.value, digest.data(), digest.size(), &point.value,
                                   &r.value, &s.value);
  if (error == 0) return Status::kOk;
  return from_mbedtls(error) == Status::kBusy ? Status::kBusy : Status::kDenied;
}

bool verify(const PublicKey& key, Bytes message, const Signature& signature) {
  return ok(verify_digest(key, sha256(message), signature));
}

Key32 statement_digest(std::string_view kind, uint16_t version, const MeshId& mesh, Bytes body) {
  std::array<uint8_t, 2> version_le;
  store_le(version_le.data(), version);
  Sha256 hash;
  hash.update(as_bytes("drey/"));
  hash.update(as_bytes(kind));
  hash.update(version_le);
  hash.update(mesh.bytes());
  hash.update(body);
  return hash.finish();
}

NodeId node_id(const PublicKey& key) { return NodeId{sha256(key)}; }

}  // namespace drey
