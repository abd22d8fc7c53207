// Sealing of snapshot heads (DESIGN 5): nonce ‖ ciphertext ‖ tag under K_head(epoch), with
// AAD = owner ‖ sequence ‖ epoch ‖ mesh id. The signature stands outside and is not made here.
#pragma once

#include "codec/keyring.h"
#include "drey/ports.h"

namespace drey {

inline constexpr size_t kHeadOverheadBytes = 12 + 16;  // nonce, tag

struct HeadPlace {
  NodeId owner;
  uint64_t sequence = 0;
  uint64_t epoch = 0;  // Keyring::current_epoch() when sealing
};

// `out` holds exactly body.size() + kHeadOverheadBytes. kInvalid (size), kNotFound (epoch unknown),
// kIo (no randomness).
Status seal_head(const Keyring& keyring, Random& random, const HeadPlace& place, Bytes body,
                 MutBytes out);
// `out` holds exactly sealed.size() - kHeadOverheadBytes. kInvalid, kNotFound, kCorrupt.
Status open_head(const Keyring& keyring, const HeadPlace& place, Bytes sealed, MutBytes out);

}  // namespace drey
