#include "crypto/p256.h"

#include <algorithm>

namespace drey::p256 {

Status Group::load() {
  return from_mbedtls(mbedtls_ecp_group_load(&value, MBEDTLS_ECP_DP_SECP256R1));
}

Status from_mbedtls(int error) {
  switch (error) {
    case 0:
      return Status::kOk;
    case MBEDTLS_ERR_MPI_ALLOC_FAILED:
    case MBEDTLS_ERR_ECP_ALLOC_FAILED:
      return Status::kBusy;
    case MBEDTLS_ERR_ECP_RANDOM_FAILED:
      return Status::kIo;
    default:
      // MBEDTLS_ERR_MD_ALLOC_FAILED, without mbedtls/md.h's other contents.
      return error == -0x5180 ? Status::kBusy : Status::kInvalid;
  }
}

Status load_scalar(const Group& group, const Secret<32>& secret, Mpi* to) {
  DREY_TRY(from_mbedtls(mbedtls_mpi_read_binary(&to->value, secret.raw.data(), secret.raw.size())));
  return from_mbedtls(mbedtls_ecp_check_privkey(&group.value, &to->value));
}

Status load_point(const Group& group, const PublicKey& key, Point* to) {
  if (key[0] != 0x04) return Status::kInvalid;  // one encoding only: a key has one hash
  DREY_TRY(from_mbedtls(
      mbedtls_ecp_point_read_binary(&group.value, &to->value, key.data(), key.size())));
  return from_mbedtls(mbedtls_ecp_check_pubkey(&group.value, &to->value));
}

int random_from_port(void* context, unsigned char* to, size_t size) {
  Status status = static_cast<Random*>(context)->fill({to, size});
  return ok(status) ? 0 : MBEDTLS_ERR_ECP_RANDOM_FAILED;
}

int SecretBlinding::fill(void* context, unsigned char* to, size_t size) {
  auto* self = static_cast<SecretBlinding*>(context);
  while (size > 0) {
    std::array<uint8_t, 8> counter;
    store_le(counter.data(), self->counter_++);
    HmacSha256 hmac(self->secret_.bytes());
    hmac.update(as_bytes("drey blinding"));
    hmac.update(counter);
    Key32 block = hmac.finish();
    size_t take = std::min<size_t>(size, block.size());
    std::memcpy(to, block.data(), take);
    wipe(block);
    to += take;
    size -= take;
  }
  return 0;
}

}  // namespace drey::p256
