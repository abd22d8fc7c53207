#include "codec/aead.h"

#include <mbedtls/chachapoly.h>

#include "drey/check.h"

namespace drey {
namespace {

// The context lies on the stack; Debian's mbedTLS builds chachapoly without an alternative
// implementation, so nothing here allocates and nothing but a wrong tag fails.
struct Context {
  explicit Context(const Secret<32>& key) {
    mbedtls_chachapoly_init(&value);
    DREY_CHECK(mbedtls_chachapoly_setkey(&value, key.raw.data()) == 0);
  }
  ~Context() { mbedtls_chachapoly_free(&value); }  // overwrites
  mbedtls_chachapoly_context value;
};

}  // namespace

void aead_seal(const Secret<32>& key, const AeadNonce& nonce, Bytes aad, Bytes plain,
               MutBytes out) {
  DREY_CHECK(out.size() == plain.size() + kAeadTagBytes);
  Context context(key);
  int failed = mbedtls_chachapoly_encrypt_and_tag(&context.value, plain.size(), nonce.data(),
                                                  aad.data(), aad.size(), plain.data(), out.data(),
                                                  out.data() + plain.size());
  DREY_CHECK(failed == 0);
}

Status aead_open(const Secret<32>& key, const AeadNonce& nonce, Bytes aad, Bytes sealed,
                 MutBytes out) {
  if (sealed.size() < kAeadTagBytes) return Status::kInvalid;
  size_t size = sealed.size() - kAeadTagBytes;
  DREY_CHECK(out.size() == size);
  Context context(key);
  // Zeroes `out` when the tag is wrong.
  int failed =
      mbedtls_chachapoly_auth_decrypt(&context.value, size, nonce.data(), aad.data(), aad.size(),
                                      sealed.data() + size, sealed.data(), out.data());
  return failed == 0 ? Status::kOk : Status::kCorrupt;
}

}  // namespace drey
