#include "mesh/heads/forget.h"

#include <algorithm>

#include "drey/check.h"

namespace drey {
namespace {

constexpr uint8_t kForgetVersion = 1;
constexpr std::string_view kForgetKind = "forget";
constexpr size_t kSignatureBytes = 64;
constexpr size_t kRangeBytes = 16;

bool well_formed(const Forget& forget) {
  if (forget.number == 0 || forget.range_count > kForgetRangesMax) return false;
  uint64_t before = 0;  // the last of the range before: the next may not even touch it
  for (size_t i = 0; i < forget.range_count; ++i) {
    SequenceRange range = forget.range(i);
    if (range.first == 0 || range.first > range.last || range.last > forget.highest) return false;
    if (i > 0 && range.first - 1 <= before) return false;
    before = range.last;
  }
  return true;
}

}  // namespace

SequenceRange Forget::range(size_t index) const {
  const uint8_t* at = ranges.data() + index * kRangeBytes;
  return {load_le<uint64_t>(at), load_le<uint64_t>(at + 8)};
}

bool Forget::contains(uint64_t sequence) const {
  size_t low = 0;
  size_t high = range_count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    SequenceRange at = range(middle);
    if (sequence < at.first) {
      high = middle;
    } else if (sequence > at.last) {
      low = middle + 1;
    } else {
      return true;
    }
  }
  return false;
}

// ---- RangeBuilder ----

void RangeBuilder::begin(const Forget* before) {
  before_ = before;
  at_ = count_ = 0;
  open_ = {};
}

Status RangeBuilder::take(SequenceRange range) {
  if (open_.first != 0 && range.first - 1 <= open_.last) {
    open_.last = std::max(open_.last, range.last);
    return Status::kOk;
  }
  DREY_TRY(write_open());
  open_ = range;
  return Status::kOk;
}

Status RangeBuilder::write_open() {
  if (open_.first == 0) return Status::kOk;
  if (count_ == kForgetRangesMax) return Status::kTooLarge;
  store_le(bytes_.data() + count_ * kRangeBytes, open_.first);
  store_le(bytes_.data() + count_ * kRangeBytes + 8, open_.last);
  ++count_;
  open_ = {};
  return Status::kOk;
}

// The ranges of the statement before that begin below `below`.
Status RangeBuilder::take_before(uint64_t below) {
  while (before_ != nullptr && at_ < before_->range_count && before_->range(at_).first < below)
    DREY_TRY(take(before_->range(at_++)));
  return Status::kOk;
}

Status RangeBuilder::add(uint64_t sequence) {
  DREY_TRY(take_before(sequence));
  return take({sequence, sequence});
}

Status RangeBuilder::finish() {
  while (before_ != nullptr && at_ < before_->range_count) DREY_TRY(take(before_->range(at_++)));
  return write_open();
}

// ---- Bytes ----

Result<size_t> encode_forget(const KeyPair& owner, const MeshId& mesh, Forget* forget,
                             MutBytes to) {
  if (forget->range_count > kForgetRangesMax) return Status::kTooLarge;
  if (forget->ranges.size() != forget->range_count * kRangeBytes) return Status::kInvalid;
  if (forget->owner != node_id(owner.pub) || !well_formed(*forget)) return Status::kInvalid;
  ByteWriter out(to);
  out.u8(kForgetVersion);
  out.bytes(forget->owner.bytes());
  out.u64(forget->number);
  out.u64(forget->highest);
  out.bytes(forget->highest_hash);
  out.u16(static_cast<uint16_t>(forget->range_count));
  out.bytes(forget->ranges);
  if (!out.ok()) return Status::kTooLarge;
  Key32 digest = statement_digest(kForgetKind, kForgetVersion, mesh, out.written());
  DREY_TRY(sign_digest(owner, digest, &forget->signature));
  out.bytes(forget->signature);
  if (!out.ok()) return Status::kTooLarge;
  return out.size();
}

Status decode_forget(Bytes from, Forget* to) {
  if (from.size() > limits::kStatementBytesMax) return Status::kTooLarge;
  ByteReader in(from);
  uint8_t version = in.u8();
  if (in.ok() && version > kForgetVersion) return Status::kUnsupported;
  in.copy(to->owner.mut());
  to->number = in.u64();
  to->highest = in.u64();
  in.copy(to->highest_hash);
  to->range_count = in.u16();
  if (!in.ok() || to->range_count > kForgetRangesMax) return Status::kInvalid;
  to->ranges = in.bytes(to->range_count * kRangeBytes);
  in.copy(to->signature);
  if (!in.at_end() || version != kForgetVersion || !well_formed(*to)) return Status::kInvalid;
  return Status::kOk;
}

Status verify_forget(Bytes from, const MeshId& mesh, const PublicKey& owner_key) {
  Forget forget;
  DREY_TRY(decode_forget(from, &forget));
  if (forget.owner != node_id(owner_key)) return Status::kDenied;
  Bytes body = from.first(from.size() - kSignatureBytes);
  return verify_digest(owner_key, statement_digest(kForgetKind, kForgetVersion, mesh, body),
                       forget.signature);
}

Key32 forget_hash(Bytes forget) { return head_hash(forget); }

bool says_all_of(const Forget& newer, const Forget& older) {
  if (newer.owner != older.owner || newer.highest < older.highest) return false;
  size_t at = 0;
  for (size_t i = 0; i < older.range_count; ++i) {
    SequenceRange range = older.range(i);
    while (at < newer.range_count && newer.range(at).last < range.first) ++at;
    if (at == newer.range_count) return false;
    if (newer.range(at).first > range.first || newer.range(at).last < range.last) return false;
  }
  return true;
}

}  // namespace drey
