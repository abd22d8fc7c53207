#include "crypto/ecdh.h"

#include <mbedtls/ecdh.h>

#include "crypto/p256.h"

namespace drey {

namespace {

using FillRandom = int (*)(void* context, unsigned char* to, size_t size);

Status compute(const Secret<32>& secret, const PublicKey& peer, FillRandom fill, void* context,
               Secret<32>* shared_x) {
  p256::Group group;
  p256::Mpi scalar, shared;
  p256::Point point;
  DREY_TRY(group.load());
  DREY_TRY(p256::load_scalar(group, secret, &scalar));
  DREY_TRY(p256::load_point(group, peer, &point));
  DREY_TRY(p256::from_mbedtls(mbedtls_ecdh_compute_shared(&group.value, &shared.value, &point.value,
                                                          &scalar.value, fill, context)));
  return p256::from_mbedtls(
      mbedtls_mpi_write_binary(&shared.value, shared_x->raw.data(), shared_x->raw.size()));
}

}  // namespace

Status ecdh(const Secret<32>& secret, const PublicKey& peer, Random& random, Secret<32>* shared_x) {
  return compute(secret, peer, p256::random_from_port, &random, shared_x);
}

Status ecdh(const Secret<32>& secret, const PublicKey& peer, Secret<32>* shared_x) {
  p256::SecretBlinding blinding(secret);
  return compute(secret, peer, p256::SecretBlinding::fill, &blinding, shared_x);
}

}  // namespace drey
