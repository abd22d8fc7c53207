// FORGET statements: which of its snapshots an owner has removed, as ranges of head sequences. Each
// is cumulative, a newer one (higher number) says all that the older one said and supersedes it.
// The byte table is MEMBERSHIP.md. Decoded views point into the given bytes. Pure functions, any
// thread; what holds them is the store's log (kind kForget) and HeadTable.
#pragma once

#include "mesh/heads/head.h"

namespace drey {

struct SequenceRange {
  uint64_t first = 0;
  uint64_t last = 0;
};

inline constexpr size_t kForgetFixedBytes = 1 + 32 + 8 + 8 + 32 + 2 + 64;
// A kept snapshot between removed ones costs a range; 500 of them fit a statement.
inline constexpr size_t kForgetRangesMax = 500;
static_assert(kForgetFixedBytes + kForgetRangesMax * 16 <= limits::kStatementBytesMax);

struct Forget {
  NodeId owner;
  uint64_t number = 0;   // of the owner's counter: a higher one supersedes
  uint64_t highest = 0;  // the highest sequence the owner has given out, and the hash of that head:
  Key32 highest_hash{};  // numbers go on above it even when it is among the removed
  size_t range_count = 0;
  Bytes ranges;  // encoded: 16 bytes each, rising, with gaps between them
  Signature signature{};

  SequenceRange range(size_t index) const;
  bool contains(uint64_t sequence) const;
};

// Its key in the store's log and in sync: owner ‖ number (big endian), as a head's.
inline HeadKey forget_key(const NodeId& owner, uint64_t number) { return head_key(owner, number); }

// Builds the ranges of a new statement: what was removed before and what is removed now.
class RangeBuilder {
 public:
  void begin(const Forget* before);  // null: nothing was removed yet
  // Each `sequence` above the one before. kTooLarge: kForgetRangesMax.
  Status add(uint64_t sequence);
  Status finish();
  Bytes bytes() const { return Bytes(bytes_).first(count_ * 16); }
  size_t count() const { return count_; }

 private:
  Status take(SequenceRange range);
  Status write_open();
  Status take_before(uint64_t below);
  const Forget* before_ = nullptr;
  size_t at_ = 0;  // ranges of before_ taken
  size_t count_ = 0;
  SequenceRange open_;  // the range being extended; first 0: none
  std::array<uint8_t, kForgetRangesMax * 16> bytes_;
};

// Signs `forget` (its signature is filled in) and writes it. kTooLarge, kInvalid (ranges, or the
// owner is not this key), kBusy. A job.
Result<size_t> encode_forget(const KeyPair& owner, const MeshId& mesh, Forget* forget, MutBytes to);
// kTooLarge, kInvalid, kUnsupported (a newer version). Says nothing about the signature.
Status decode_forget(Bytes from, Forget* to);
// kOk, kDenied (not this owner's key, or a wrong signature), kBusy. A job.
Status verify_forget(Bytes from, const MeshId& mesh, const PublicKey& owner_key);
// SHA-256 of everything but the signature.
Key32 forget_hash(Bytes forget);
// Whether `newer` removes everything that `older` removes and knows no lower highest sequence.
bool says_all_of(const Forget& newer, const Forget& older);

}  // namespace drey
