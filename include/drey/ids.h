// The identifiers of the system, each its own type so that they cannot be mixed up.
#pragma once

#include <array>
#include <compare>

#include "drey/bytes.h"

namespace drey {

template <class Tag>
struct Id {
  static constexpr size_t kSize = 32;
  std::array<uint8_t, kSize> raw{};

  Bytes bytes() const { return raw; }
  MutBytes mut() { return raw; }
  bool is_zero() const {
    for (uint8_t b : raw)
      if (b != 0) return false;
    return true;
  }
  auto operator<=>(const Id&) const = default;
  static Id from(Bytes bytes) {  // `bytes` holds exactly kSize bytes
    Id id;
    std::memcpy(id.raw.data(), bytes.data(), kSize);
    return id;
  }
};

using ChunkId = Id<struct ChunkTag>;      // C: SHA-256 of the record's bytes
using ContentId = Id<struct ContentTag>;  // D: HMAC(K_dedup, type ‖ plaintext)
using NodeId = Id<struct NodeTag>;        // SHA-256 of the node's public key (65-byte SEC1 point)
using MeshId = Id<struct MeshTag>;        // SHA-256 of the genesis statement
using StatementId = Id<struct StatementTag>;  // SHA-256 of a signed statement's bytes

// An uncompressed SEC1 point: 0x04 ‖ X ‖ Y.
using PublicKey = std::array<uint8_t, 65>;
using Signature = std::array<uint8_t, 64>;  // r ‖ s, big endian
using Key32 = std::array<uint8_t, 32>;      // not secret by itself; secrets use Secret<32>

// Kinds of plaintext; the byte stands in D, in the seal key and in the AAD.
enum class ChunkType : uint8_t { kData = 1, kPage = 2 };

// A secret of N bytes: wiped on destruction, no printer, no comparison that leaks time.
template <size_t N>
struct Secret {
  std::array<uint8_t, N> raw{};
  Secret() = default;
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  ~Secret() { wipe(raw); }
  Bytes bytes() const { return raw; }
  MutBytes mut() { return raw; }
};

}  // namespace drey
