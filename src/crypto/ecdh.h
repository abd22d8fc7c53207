// Raw Diffie-Hellman on P-256, for HPKE only. Any thread, milliseconds.
#pragma once

#include "drey/ids.h"
#include "drey/ports.h"
#include "drey/status.h"

namespace drey {

// The x coordinate (32 bytes, big endian) of secret * peer. `random` feeds the blinding only.
// kInvalid when peer is no point of the curve or the secret is out of range; kIo without
// randomness; kBusy without memory.
Status ecdh(const Secret<32>& secret, const PublicKey& peer, Random& random, Secret<32>* shared_x);
// The same with blinding derived from the secret, for whoever has no Random at hand.
Status ecdh(const Secret<32>& secret, const PublicKey& peer, Secret<32>* shared_x);

}  // namespace drey
