// HPKE (RFC 9180) base mode, single shot: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256,
// ChaCha20-Poly1305. Wraps keyrings to a member's or a phrase's key. Milliseconds: jobs. Any
// thread, no state.
#pragma once

#include "crypto/sign.h"

namespace drey {

inline constexpr size_t kHpkeOverheadBytes = 65 + 16;  // enc, tag

// `out` holds exactly plain.size() + kHpkeOverheadBytes: enc ‖ ciphertext ‖ tag. kInvalid (`to` is
// no point, `out` of another size), kIo (no randomness), kBusy (no memory).
Status hpke_seal(Random& random, const PublicKey& to, Bytes info, Bytes aad, Bytes plain,
                 MutBytes out);
// `out` holds exactly sealed.size() - kHpkeOverheadBytes. kInvalid (sizes, enc is no point),
// kCorrupt (not sealed to this key with this info and aad, or altered), kBusy.
Status hpke_open(const KeyPair& pair, Bytes info, Bytes aad, Bytes sealed, MutBytes out);

// RFC 9180 DeriveKeyPair for P-256; `ikm` has at least 32 bytes. kInvalid, kBusy.
Status derive_key_pair(Bytes ikm, KeyPair* pair);

}  // namespace drey
