#include "mesh/heads/head.h"

#include <algorithm>

#include "crypto/hash.h"

namespace drey {
namespace {

constexpr uint8_t kHeadVersion = 1;
constexpr std::string_view kHeadKind = "head";
constexpr size_t kSignatureBytes = 64;

}  // namespace

HeadKey head_key(const NodeId& owner, uint64_t sequence) {
  HeadKey key;
  std::copy(owner.raw.begin(), owner.raw.end(), key.begin());
  store_be(&key[NodeId::kSize], sequence);
  return key;
}

void split_head_key(const HeadKey& key, NodeId* owner, uint64_t* sequence) {
  *owner = NodeId::from(Bytes(key).first(NodeId::kSize));
  *sequence = load_be<uint64_t>(&key[NodeId::kSize]);
}

Result<size_t> encode_head(const KeyPair& owner, const MeshId& mesh, Head* head, MutBytes to) {
  if (head->sequence == 0 || head->owner != node_id(owner.pub)) return Status::kInvalid;
  if (head->sealed.size() > kHeadSealedBytesMax) return Status::kTooLarge;
  ByteWriter out(to);
  out.u8(kHeadVersion);
  out.bytes(head->owner.bytes());
  out.u64(head->sequence);
  out.bytes(head->previous);
  out.u64(head->epoch);
  out.u16(static_cast<uint16_t>(head->sealed.size()));
  out.bytes(head->sealed);
  if (!out.ok()) return Status::kTooLarge;
  Key32 digest = statement_digest(kHeadKind, kHeadVersion, mesh, out.written());
  DREY_TRY(sign_digest(owner, digest, &head->signature));
  out.bytes(head->signature);
  if (!out.ok()) return Status::kTooLarge;
  return out.size();
}

Status decode_head(Bytes from, Head* to) {
  if (from.size() > limits::kHeadBytesMax) return Status::kTooLarge;
  ByteReader in(from);
  uint8_t version = in.u8();
  if (in.ok() && version > kHeadVersion) return Status::kUnsupported;
  in.copy(to->owner.mut());
  to->sequence = in.u64();
  in.copy(to->previous);
  to->epoch = in.u64();
  to->sealed = in.bytes(in.u16());
  in.copy(to->signature);
  if (!in.at_end() || version != kHeadVersion || to->sequence == 0) return Status::kInvalid;
  return Status::kOk;
}

Status verify_head(Bytes from, const MeshId& mesh, const PublicKey& owner_key) {
  Head head;
  DREY_TRY(decode_head(from, &head));
  if (head.owner != node_id(owner_key)) return Status::kDenied;
  Bytes body = from.first(from.size() - kSignatureBytes);
  return verify_digest(owner_key, statement_digest(kHeadKind, kHeadVersion, mesh, body),
                       head.signature);
}

Key32 head_hash(Bytes head) {
  return sha256(head.first(head.size() - std::min(head.size(), kSignatureBytes)));
}

void add_to_digest(Key32* digest, Bytes element) {
  for (size_t i = 0; i < 4; ++i) {
    uint64_t sum = load_le<uint64_t>(digest->data() + 8 * i);
    store_le(digest->data() + 8 * i, sum + load_le<uint64_t>(element.data() + 8 * i));
  }
}

void take_from_digest(Key32* digest, Bytes element) {
  for (size_t i = 0; i < 4; ++i) {
    uint64_t sum = load_le<uint64_t>(digest->data() + 8 * i);
    store_le(digest->data() + 8 * i, sum - load_le<uint64_t>(element.data() + 8 * i));
  }
}

namespace {

// Contents count: where two nodes hold two heads with one key, their digests differ, and the
// comparison that follows finds the fork.
Key32 element_of(std::string_view kind, const HeadKey& key, const Key32& hash) {
  Sha256 element;
  element.update(as_bytes(kind));
  element.update(key);
  element.update(hash);
  return element.finish();
}

}  // namespace

void HeadTable::reset() {
  owner_count_ = 0;
  count_ = 0;
  ++changes_;
  digest_ = {};
}

HeadTable::Highest* HeadTable::row_of(const NodeId& owner) {
  for (size_t i = 0; i < owner_count_; ++i)
    if (owners_[i].owner == owner) return &owners_[i];
  if (owner_count_ == kOwnersMax) return nullptr;
  Highest& row = owners_[owner_count_++];
  row = {};
  row.owner = owner;
  return &row;
}

Status HeadTable::note(const HeadKey& key, const Key32& hash) {
  NodeId owner;
  uint64_t sequence = 0;
  split_head_key(key, &owner, &sequence);
  Highest* row = row_of(owner);
  if (row == nullptr) return Status::kFull;
  if (sequence == row->sequence && row->hash != hash) {
    row->forked = true;
    return Status::kCorrupt;
  }
  // A FORGET may have told of the highest head before the head itself came.
  if (sequence == row->sequence && row->highest_held) return Status::kExists;
  if (sequence >= row->sequence) {
    row->sequence = sequence;
    row->hash = hash;
    row->highest_held = true;
  }
  ++count_;
  ++row->held;
  ++changes_;
  add_to_digest(&digest_, element_of("", key, hash));
  return Status::kOk;
}

void HeadTable::drop(const HeadKey& key, const Key32& hash) {
  NodeId owner;
  uint64_t sequence = 0;
  split_head_key(key, &owner, &sequence);
  Highest* row = find(owner) != nullptr ? row_of(owner) : nullptr;
  if (row == nullptr || row->held == 0) return;
  --row->held;
  --count_;
  ++changes_;
  if (sequence == row->sequence) row->highest_held = false;
  take_from_digest(&digest_, element_of("", key, hash));
}

Status HeadTable::note_forget(const Forgotten& forget) {
  Highest* row = row_of(forget.owner);
  if (row == nullptr) return Status::kFull;
  if (forget.number == row->forget_number && forget.hash != row->forget_hash) {
    row->forked = true;
    return Status::kCorrupt;
  }
  if (forget.number <= row->forget_number) return Status::kExists;
  HeadKey old_key = head_key(forget.owner, row->forget_number);
  if (row->forget_number != 0)
    take_from_digest(&digest_, element_of("forget", old_key, row->forget_hash));
  row->forget_number = forget.number;
  row->forget_hash = forget.hash;
  HeadKey new_key = head_key(forget.owner, forget.number);
  add_to_digest(&digest_, element_of("forget", new_key, forget.hash));
  ++changes_;
  if (forget.highest > row->sequence) {
    row->sequence = forget.highest;
    row->hash = forget.highest_hash;
    row->highest_held = false;
  }
  return Status::kOk;
}

void HeadTable::mark_forked(const NodeId& owner) {
  for (size_t i = 0; i < owner_count_; ++i)
    if (owners_[i].owner == owner) owners_[i].forked = true;
}

const HeadTable::Highest* HeadTable::find(const NodeId& owner) const {
  for (size_t i = 0; i < owner_count_; ++i)
    if (owners_[i].owner == owner) return &owners_[i];
  return nullptr;
}

size_t HeadTable::forked_count() const {
  return static_cast<size_t>(std::count_if(owners_.begin(), owners_.begin() + owner_count_,
                                           [](const Highest& row) { return row.forked; }));
}

}  // namespace drey
