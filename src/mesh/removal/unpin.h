// UNPIN statements: which of its pins at one holder an owner gives up (DESIGN 6 "Pins"). Numbers up
// to the statement's go, higher ones stay, whenever it arrives and however often. The byte table is
// DATA.md. Decoded views point into the given bytes. Pure functions, any thread.
#pragma once

#include "crypto/sign.h"
#include "drey/ids.h"
#include "drey/limits.h"
#include "drey/status.h"

namespace drey {

inline constexpr size_t kUnpinFixedBytes = 1 + 65 + 32 + 8 + 2 + 64;
inline constexpr size_t kUnpinChunksMax = 250;
inline constexpr size_t kUnpinBytesMax = kUnpinFixedBytes + kUnpinChunksMax * ChunkId::kSize;
static_assert(kUnpinBytesMax <= limits::kStatementBytesMax);

struct Unpin {
  NodeId owner;  // of the key in it: nobody has to look the key up
  NodeId holder;
  uint64_t number = 0;
  std::span<const ChunkId> chunks;  // strictly rising
  Signature signature{};
};

// kTooLarge, kInvalid, kUnsupported (a newer version). Says nothing about the signature.
Status decode_unpin(Bytes from, Unpin* to);
// kOk, kDenied (wrong signature), kBusy; as decode_unpin. A job.
Status verify_unpin(Bytes from, const MeshId& mesh);

// `forget --now`: the recovery phrase says that this very UNPIN need not wait for its minimum age.
// Signs every byte of it, its owner's signature too. A job. As verify_unpin; kBusy.
Status cosign_unpin(const KeyPair& recovery, const MeshId& mesh, Bytes unpin, Signature* to);
// That, and the UNPIN itself. kDenied: one of the two signatures is not right. A job.
Status verify_cosigned_unpin(Bytes unpin, const MeshId& mesh, const PublicKey& recovery,
                             const Signature& cosignature);

// Collects chunks in the statement's own bytes. One at a time; sign() is a job.
class UnpinDraft {
 public:
  void begin(const NodeId& holder, uint64_t number);
  bool full() const { return count_ == kUnpinChunksMax; }
  size_t count() const { return count_; }
  // Each above the one before. Not when full.
  void add(const ChunkId& c);
  // kBusy, kInvalid. Then bytes() is the statement.
  Status sign(const KeyPair& owner, const MeshId& mesh);
  Bytes bytes() const { return Bytes(bytes_).first(size_); }

 private:
  NodeId holder_;
  uint64_t number_ = 0;
  size_t count_ = 0;
  size_t size_ = 0;
  std::array<uint8_t, kUnpinBytesMax> bytes_;
};

}  // namespace drey
