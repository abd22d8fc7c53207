// Keyrings in envelopes: HPKE to a member's or the recovery phrase's key (DESIGN 5 "Wrapping").
// Milliseconds: jobs. The mesh carries the envelopes without being able to open them.
#pragma once

#include "codec/hpke.h"
#include "codec/keyring.h"
#include "mesh/joining/pairing.h"

namespace drey {

// Who an envelope is for; each purpose has a label of its own, so that none opens as another.
enum class Envelope : uint8_t { kRecovery = 1, kJoin = 2 };

// Wraps `keyring`. kTooLarge (`to`), kInvalid (`recipient`), kIo, kBusy.
Status wrap_keyring(Random& random, Envelope kind, const PublicKey& recipient,
                    const Keyring& keyring, MutBytes to, size_t* size);
// Opens an envelope and sets the keyring's mesh. kDenied: it was not made for this key; kInvalid.
Status unwrap_keyring(Envelope kind, const KeyPair& recipient, const MeshId& mesh, Bytes wrapped,
                      Keyring* keyring);

}  // namespace drey
