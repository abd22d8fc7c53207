#include "mesh/removal/unpin.h"

#include <algorithm>

#include "drey/check.h"

namespace drey {
namespace {

constexpr std::string_view kUnpinKind = "unpin";
constexpr std::string_view kNowKind = "now-unpin";  // no kind is the beginning of another
constexpr uint8_t kUnpinVersion = 1;
constexpr size_t kHeadBytes = kUnpinFixedBytes - sizeof(Signature);

static_assert(sizeof(ChunkId) == ChunkId::kSize && alignof(ChunkId) == 1);

}  // namespace

Status decode_unpin(Bytes from, Unpin* to) {
  if (from.size() > kUnpinBytesMax) return Status::kTooLarge;
  ByteReader in(from);
  uint8_t version = in.u8();
  if (in.ok() && version > kUnpinVersion) return Status::kUnsupported;
  PublicKey key{};
  in.copy(key);
  in.copy(to->holder.mut());
  to->number = in.u64();
  size_t count = in.u16();
  if (!in.ok() || version != kUnpinVersion || count == 0 || count > kUnpinChunksMax)
    return Status::kInvalid;
  Bytes rows = in.bytes(count * ChunkId::kSize);
  in.copy(to->signature);
  if (!in.at_end() || to->number == 0) return Status::kInvalid;
  to->owner = node_id(key);
  // Rows of single bytes: any address is aligned for them.
  to->chunks = {reinterpret_cast<const ChunkId*>(rows.data()), count};
  for (size_t i = 1; i < count; ++i)
    if (to->chunks[i] <= to->chunks[i - 1]) return Status::kInvalid;
  return Status::kOk;
}

Status verify_unpin(Bytes from, const MeshId& mesh) {
  Unpin unpin;
  DREY_TRY(decode_unpin(from, &unpin));
  PublicKey key{};
  std::copy_n(from.begin() + 1, key.size(), key.begin());
  Bytes body = from.first(from.size() - sizeof(Signature));
  return verify_digest(key, statement_digest(kUnpinKind, kUnpinVersion, mesh, body),
                       unpin.signature);
}

Status cosign_unpin(const KeyPair& recovery, const MeshId& mesh, Bytes unpin, Signature* to) {
  DREY_TRY(verify_unpin(unpin, mesh));
  return sign_digest(recovery, statement_digest(kNowKind, kUnpinVersion, mesh, unpin), to);
}

Status verify_cosigned_unpin(Bytes unpin, const MeshId& mesh, const PublicKey& recovery,
                             const Signature& cosignature) {
  DREY_TRY(verify_unpin(unpin, mesh));
  return verify_digest(recovery, statement_digest(kNowKind, kUnpinVersion, mesh, unpin),
                       cosignature);
}

void UnpinDraft::begin(const NodeId& holder, uint64_t number) {
  holder_ = holder;
  number_ = number;
  count_ = 0;
  size_ = 0;
}

void UnpinDraft::add(const ChunkId& c) {
  DREY_CHECK(!full());
  std::copy(c.raw.begin(), c.raw.end(),
            bytes_.begin() + static_cast<long>(kHeadBytes + count_ * ChunkId::kSize));
  ++count_;
}

Status UnpinDraft::sign(const KeyPair& owner, const MeshId& mesh) {
  if (count_ == 0) return Status::kInvalid;
  ByteWriter out{MutBytes(bytes_)};
  out.u8(kUnpinVersion);
  out.bytes(owner.pub);
  out.bytes(holder_.bytes());
  out.u64(number_);
  out.u16(static_cast<uint16_t>(count_));
  DREY_CHECK(out.ok() && out.size() == kHeadBytes);
  size_t body = kHeadBytes + count_ * ChunkId::kSize;
  Signature signature{};
  Key32 digest = statement_digest(kUnpinKind, kUnpinVersion, mesh, Bytes(bytes_).first(body));
  DREY_TRY(sign_digest(owner, digest, &signature));
  std::copy(signature.begin(), signature.end(), bytes_.begin() + static_cast<long>(body));
  size_ = body + signature.size();
  return Status::kOk;
}

}  // namespace drey
