// P-256 keys and signatures: deterministic ECDSA (RFC 6979) over SHA-256. Any thread; milliseconds
// each on a Pi, so ops run them as jobs. mbedTLS takes its big numbers from the platform heap: when
// that is exhausted the answer is kBusy and nothing has changed.
#pragma once

#include "drey/ids.h"
#include "drey/ports.h"
#include "drey/status.h"

namespace drey {

struct KeyPair {
  Secret<32> secret;  // the scalar, big endian, 1 .. n-1
  PublicKey pub{};
};

// A fresh pair. kIo when there is no randomness (the caller must not go on), kBusy.
Status generate_key(Random& random, KeyPair* pair);
// Fills pair->pub from pair->secret. kInvalid when the secret is not in 1 .. n-1, kBusy.
Status derive_public(KeyPair* pair);
// kOk when `key` is a point of the curve (not infinity), else kInvalid; kBusy.
Status check_public_key(const PublicKey& key);

// Signs SHA-256(message). The same key and message give the same signature. kInvalid, kBusy.
Status sign(const KeyPair& pair, Bytes message, Signature* signature);
Status sign_digest(const KeyPair& pair, const Key32& digest, Signature* signature);

// kOk, kDenied (wrong signature, r or s out of range, no valid point), or kBusy (no memory: nothing
// is known, ask again). High s is accepted; whoever hashes a signature must not count on its form.
Status verify_digest(const PublicKey& key, const Key32& digest, const Signature& signature);
// For callers to whom "no memory" and "denied" are one: true only when the signature is right.
bool verify(const PublicKey& key, Bytes message, const Signature& signature);

// What every signed statement of the mesh signs (DESIGN 5):
// SHA-256("drey/" ‖ kind ‖ version (le16) ‖ mesh id ‖ body). Kinds are constants of ours, none a
// prefix of another.
Key32 statement_digest(std::string_view kind, uint16_t version, const MeshId& mesh, Bytes body);

// A node's name in the mesh: SHA-256 of its public key.
NodeId node_id(const PublicKey& key);

}  // namespace drey
