// SHA-256, HMAC (RFC 2104), HKDF (RFC 5869) and PBKDF2 (RFC 8018), all over SHA-256. Pure functions
// and small objects on the caller's stack: any thread, no allocation, no failure. Objects wipe
// themselves.
#pragma once

#include "drey/ids.h"

namespace drey {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void update(Bytes data);
  // The digest of everything given so far; the object starts anew afterwards.
  Key32 finish();

 private:
  void reset();
  std::array<uint32_t, 8> state_;
  uint64_t total_bytes_;
  std::array<uint8_t, 64> block_;
};

Key32 sha256(Bytes data);

class HmacSha256 {
 public:
  explicit HmacSha256(Bytes key);
  ~HmacSha256();
  void update(Bytes data) { inner_.update(data); }
  // The code of everything given so far; the object starts anew with the same key.
  Key32 finish();

 private:
  std::array<uint8_t, 64> pad_;  // key ^ ipad
  Sha256 inner_;
};

Key32 hmac_sha256(Bytes key, Bytes data);

// HKDF. `out` holds at most 255 * 32 bytes (checked: it is always a constant of ours).
void hkdf_extract(Bytes salt, Bytes input_key, Key32& prk);
void hkdf_expand(Bytes prk, Bytes info, MutBytes out);
void hkdf(Bytes salt, Bytes input_key, Bytes info, MutBytes out);

// PBKDF2-HMAC-SHA256. Costs about 2 * iterations block operations per 32 bytes: a job, not the
// loop.
void pbkdf2_sha256(Bytes password, Bytes salt, uint32_t iterations, MutBytes out);

}  // namespace drey
