// Head statements: the signed outside of a snapshot (DESIGN 5 "Heads"). The sealed body is opaque
// here; who was told what time it is stands inside it. The byte table is MEMBERSHIP.md.
//
// HeadTable remembers the highest head of every owner, its newest FORGET (forget.h), and the digest
// of all heads and FORGETs in force. Loop thread; rebuilt from the store's log at start.
#pragma once

#include <array>

#include "crypto/sign.h"
#include "drey/ids.h"
#include "drey/limits.h"
#include "drey/status.h"

namespace drey {

struct Head {
  NodeId owner;
  uint64_t sequence = 0;  // from 1, rising by one per snapshot of this owner
  Key32 previous{};       // head_hash() of the head before; zeros for the first
  uint64_t epoch = 0;
  Bytes sealed;  // view; at most kHeadSealedBytesMax
  Signature signature{};
};
inline constexpr size_t kHeadFixedBytes = 1 + 32 + 8 + 32 + 8 + 2 + 64;
inline constexpr size_t kHeadSealedBytesMax = limits::kHeadBytesMax - kHeadFixedBytes;

// Its key in the store's log and in sync: owner ‖ sequence (big endian).
using HeadKey = std::array<uint8_t, 40>;
HeadKey head_key(const NodeId& owner, uint64_t sequence);
void split_head_key(const HeadKey& key, NodeId* owner, uint64_t* sequence);

// Signs `head` (its signature is filled in) and writes it. kTooLarge, kInvalid (sequence 0, owner
// is not this key), kBusy. A job.
Result<size_t> encode_head(const KeyPair& owner, const MeshId& mesh, Head* head, MutBytes to);
// kTooLarge, kInvalid, kUnsupported (a newer version). Says nothing about the signature.
Status decode_head(Bytes from, Head* to);
// kOk, kDenied (not this owner's key, or a wrong signature), kBusy. A job.
Status verify_head(Bytes from, const MeshId& mesh, const PublicKey& owner_key);
// What the next head names as `previous`: SHA-256 of everything but the signature.
Key32 head_hash(Bytes head);

class HeadTable {
 public:
  static constexpr size_t kOwnersMax = 128;  // as many as identities
  struct Highest {
    NodeId owner;
    uint64_t sequence = 0;
    Key32 hash{};
    bool forked = false;        // two different heads with one sequence: an alarm
    bool highest_held = false;  // that one lies in the log, too
    uint64_t held = 0;          // heads of this owner in the log
    // The newest FORGET of this owner; 0: none.
    uint64_t forget_number = 0;
    Key32 forget_hash{};
  };
  void reset();
  // Notes a head that the log holds. kExists (the same head, noted as highest already), kFull
  // (too many owners), kCorrupt: another head with the highest sequence: the owner is marked
  // forked.
  Status note(const HeadKey& key, const Key32& hash);
  // The log does not hold this head any more. What was highest stays so.
  void drop(const HeadKey& key, const Key32& hash);
  // Notes a FORGET, and the highest head it tells of. kExists (the same, or an older one: it says
  // nothing new), kFull, kCorrupt: another one with this number: the owner is marked forked.
  struct Forgotten {
    NodeId owner;
    uint64_t number = 0;
    Key32 hash{};
    uint64_t highest = 0;
    Key32 highest_hash{};
  };
  Status note_forget(const Forgotten& forget);
  // Marks the owner forked: two different heads with one sequence were seen.
  void mark_forked(const NodeId& owner);
  const Highest* find(const NodeId& owner) const;
  std::span<const Highest> owners() const { return {owners_.data(), owner_count_}; }
  size_t forked_count() const;
  size_t count() const { return count_; }  // heads held
  // Rises with every change of what is held.
  uint64_t changes() const { return changes_; }
  // Order-independent digest of all heads held and FORGETs in force, keys and contents.
  const Key32& digest() const { return digest_; }

 private:
  Highest* row_of(const NodeId& owner);
  size_t owner_count_ = 0;
  size_t count_ = 0;
  uint64_t changes_ = 0;
  Key32 digest_{};
  std::array<Highest, kOwnersMax> owners_;
};

// Adds a 32-byte element to an order-independent digest (four sums modulo 2^64).
void add_to_digest(Key32* digest, Bytes element);
void take_from_digest(Key32* digest, Bytes element);

}  // namespace drey
