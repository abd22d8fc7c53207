// ChaCha20-Poly1305 (RFC 8439), the one cipher of Drey. Any thread, no allocation, no state.
// Whoever seals chooses the nonce and must never use one twice with a key for different input.
#pragma once

#include "drey/ids.h"
#include "drey/status.h"

namespace drey {

inline constexpr size_t kAeadTagBytes = 16;
using AeadNonce = std::array<uint8_t, 12>;

// `out` holds plain.size() + kAeadTagBytes bytes: ciphertext ‖ tag. `plain` may be the first part
// of `out` (in place) or must not overlap it.
void aead_seal(const Secret<32>& key, const AeadNonce& nonce, Bytes aad, Bytes plain, MutBytes out);
// `out` holds sealed.size() - kAeadTagBytes bytes; it may start where `sealed` starts. kInvalid
// when sealed is shorter than a tag, kCorrupt when the tag is wrong: `out` is then zeroed.
Status aead_open(const Secret<32>& key, const AeadNonce& nonce, Bytes aad, Bytes sealed,
                 MutBytes out);

}  // namespace drey
