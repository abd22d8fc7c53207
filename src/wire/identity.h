// The certificate a node shows: self-signed X.509 (RFC 5280) around its P-256 key, always the same
// bytes for the same key up to the signature. Names and dates mean nothing to us: peers pin the
// key. Pure functions, a few milliseconds of ECDSA each: at start, or in a job.
#pragma once

#include "crypto/sign.h"
#include "wire/limits.h"

namespace drey {

// DER into `to` (kCertificateBytesMax suffice). kBusy: no memory; kIo: no randomness.
Status make_certificate(const KeyPair& pair, Random& random, MutBytes to, size_t* size);

// The private key as RFC 5915 DER, for mbedTLS's parser; wiped by the caller.
inline constexpr size_t kPrivateKeyDerBytes = 121;
void encode_private_key(const KeyPair& pair, std::span<uint8_t, kPrivateKeyDerBytes> to);

}  // namespace drey
