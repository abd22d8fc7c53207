#include "wire/identity.h"

#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>

#include <algorithm>

#include "drey/check.h"

namespace drey {
namespace {

int random_from_port(void* context, unsigned char* to, size_t size) {
  constexpr int kNoEntropy = -0x0034;  // MBEDTLS_ERR_CTR_DRBG_ENTROPY_SOURCE_FAILED
  return ok(static_cast<Random*>(context)->fill({to, size})) ? 0 : kNoEntropy;
}

int parse_key(mbedtls_pk_context* key, Bytes der, Random& random) {
#if MBEDTLS_VERSION_MAJOR >= 3
  return mbedtls_pk_parse_key(key, der.data(), der.size(), nullptr, 0, random_from_port, &random);
#else
  static_cast<void>(random);
  return mbedtls_pk_parse_key(key, der.data(), der.size(), nullptr, 0);
#endif
}

int set_serial(mbedtls_x509write_cert* certificate) {
#if MBEDTLS_VERSION_MAJOR >= 3
  unsigned char one = 1;
  return mbedtls_x509write_crt_set_serial_raw(certificate, &one, 1);
#else
  mbedtls_mpi one;
  mbedtls_mpi_init(&one);
  int error = mbedtls_mpi_lset(&one, 1);
  if (error == 0) error = mbedtls_x509write_crt_set_serial(certificate, &one);
  mbedtls_mpi_free(&one);
  return error;
#endif
}

// The number of bytes at the end of `to`, or an mbedTLS error.
int write_certificate(mbedtls_pk_context* key, Random& random, MutBytes to) {
  mbedtls_x509write_cert writer;
  mbedtls_x509write_crt_init(&writer);
  mbedtls_x509write_crt_set_version(&writer, MBEDTLS_X509_CRT_VERSION_3);
  mbedtls_x509write_crt_set_md_alg(&writer, MBEDTLS_MD_SHA256);
  mbedtls_x509write_crt_set_subject_key(&writer, key);
  mbedtls_x509write_crt_set_issuer_key(&writer, key);
  int error = mbedtls_x509write_crt_set_subject_name(&writer, "CN=drey");
  if (error == 0) error = mbedtls_x509write_crt_set_issuer_name(&writer, "CN=drey");
  if (error == 0) error = set_serial(&writer);
  if (error == 0)
    error = mbedtls_x509write_crt_set_validity(&writer, "19700101000000", "99991231235959");
  if (error == 0)
    error = mbedtls_x509write_crt_der(&writer, to.data(), to.size(), random_from_port, &random);
  mbedtls_x509write_crt_free(&writer);
  return error;
}

}  // namespace

void encode_private_key(const KeyPair& pair, std::span<uint8_t, kPrivateKeyDerBytes> to) {
  constexpr uint8_t kHead[] = {0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20};
  constexpr uint8_t kCurve[] = {0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
                                0x03, 0x01, 0x07, 0xa1, 0x44, 0x03, 0x42, 0x00};
  ByteWriter writer(to);
  writer.bytes(kHead);
  writer.bytes(pair.secret.bytes());
  writer.bytes(kCurve);
  writer.bytes(pair.pub);
  DREY_CHECK(writer.ok() && writer.size() == to.size());
}

Status make_certificate(const KeyPair& pair, Random& random, MutBytes to, size_t* size) {
  Secret<kPrivateKeyDerBytes> der;
  encode_private_key(pair, der.raw);
  mbedtls_pk_context key;
  mbedtls_pk_init(&key);
  int result = parse_key(&key, der.bytes(), random);
  if (result == 0) result = write_certificate(&key, random, to);
  mbedtls_pk_free(&key);
  if (result <= 0) return Status::kBusy;  // all else is ours: memory or randomness is missing
  *size = static_cast<size_t>(result);
  std::copy(to.end() - result, to.end(), to.begin());  // mbedTLS writes from the end
  return Status::kOk;
}

}  // namespace drey
