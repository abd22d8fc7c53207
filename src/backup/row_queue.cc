#include "backup/row_queue.h"

#include "drey/check.h"

namespace drey {
namespace {

// Encoded like a data extent, with the chunk's number where D will stand.
constexpr uint8_t kPendingExtent = 0xfe;
constexpr uint8_t kDataExtent = 1;

size_t extent_bytes(const uint8_t* at) {
  return *at == kPendingExtent || *at == kDataExtent ? kDataExtentBytes : kHoleExtentBytes;
}

ChunkNumber number_of(const uint8_t* at) { return load_le<ChunkNumber>(at + 1); }

// Fills in what `chunk` resolves; returns how many extents that were.
uint16_t resolve_extents(MutBytes extents, size_t count, const ResolvedChunk& chunk) {
  uint16_t resolved = 0;
  uint8_t* at = extents.data();
  for (size_t i = 0; i < count; ++i) {
    size_t size = extent_bytes(at);
    if (*at == kPendingExtent && number_of(at) == chunk.number) {
      *at = kDataExtent;
      std::memcpy(at + 1, chunk.d.raw.data(), 32);
      std::memcpy(at + 33, chunk.c.raw.data(), 32);
      store_le<uint32_t>(at + 65, chunk.chunk_bytes);
      ++resolved;
    }
    at += size;
  }
  return resolved;
}

size_t align(size_t size) { return (size + 7) & ~size_t{7}; }

}  // namespace

Status RowDraft::begin(std::string_view path, const Entry* entry, uint64_t offset) {
  key_.assign({path, offset});
  extent_count_ = pending_ = 0;
  end_ = offset;
  if (entry != nullptr) {
    DREY_TRY(encode_entry(*entry, MutBytes(body_).first(body_.size() - 2), &size_));
  } else {
    body_[0] = kContinuationMark;
    size_ = 1;
  }
  size_ += 2;
  extents_at_ = size_;
  store_le<uint16_t>(body_.data() + extents_at_ - 2, 0);
  return Status::kOk;
}

Status RowDraft::copy(const RowKey& key, Bytes body) {
  Row row;
  DREY_TRY(decode_row(key, body, &row));
  key_.assign(key);
  std::memcpy(body_.data(), body.data(), body.size());
  size_ = body.size();
  extents_at_ = size_ - row.extents.size();
  extent_count_ = row.extent_count;
  pending_ = 0;
  end_ = key.offset;
  ByteReader reader(row.extents);
  for (size_t i = 0; i < row.extent_count; ++i) end_ += decode_extent(reader).length;
  return Status::kOk;
}

void RowDraft::count(uint64_t length) {
  end_ += length;
  store_le<uint16_t>(body_.data() + extents_at_ - 2, ++extent_count_);
}

void RowDraft::add(const Extent& extent) {
  DREY_CHECK(!full());
  ByteWriter writer(rest());
  encode_extent(extent, writer);
  DREY_CHECK(writer.ok());
  size_ += writer.size();
  count(extent.length);
}

void RowDraft::add_pending(ChunkNumber number, uint32_t offset, uint32_t length) {
  Extent extent;
  extent.offset = offset;
  extent.length = length;
  uint8_t* at = body_.data() + size_;
  add(extent);
  *at = kPendingExtent;
  store_le<ChunkNumber>(at + 1, number);
  ++pending_;
}

void RowDraft::resolve(const ResolvedChunk& chunk) {
  if (pending_ == 0) return;
  MutBytes extents = MutBytes(body_).first(size_).subspan(extents_at_);
  pending_ = static_cast<uint16_t>(pending_ - resolve_extents(extents, extent_count_, chunk));
}

RowQueue::Head RowQueue::head_at(size_t at) const {
  Head head;
  std::memcpy(&head, ring_.data() + at, sizeof(head));
  return head;
}

void RowQueue::put_head(size_t at, const Head& head) {
  std::memcpy(ring_.data() + at, &head, sizeof(head));
}

bool RowQueue::push(const RowDraft& row) {
  RowKey key = row.key();
  size_t need = align(sizeof(Head) + key.path.size() + row.body().size());
  if (used_ == 0) head_ = tail_ = 0;
  if (ring_.size() - used_ < need) return false;
  size_t to_end = ring_.size() - tail_;
  if (tail_ >= head_ && to_end < need) {  // wrap, leaving a gap
    if (head_ < need) return false;
    Head gap;
    gap.skip = true;
    if (to_end >= sizeof(Head)) put_head(tail_, gap);
    used_ += to_end;
    tail_ = 0;
  }
  if (tail_ < head_ && head_ - tail_ < need) return false;
  Head head;
  head.bytes = static_cast<uint32_t>(need);
  head.body_size = static_cast<uint32_t>(row.body().size());
  head.extents_at = static_cast<uint32_t>(row.extents_at());
  head.path_size = static_cast<uint16_t>(key.path.size());
  head.pending = row.pending();
  head.extent_count = row.extent_count();
  head.offset = key.offset;
  put_head(tail_, head);
  uint8_t* at = ring_.data() + tail_ + sizeof(Head);
  std::memcpy(at, key.path.data(), key.path.size());
  std::memcpy(at + key.path.size(), row.body().data(), row.body().size());
  tail_ += need;
  used_ += need;
  return true;
}

// A gap smaller than a head has none: it reaches to the end all the same.
void RowQueue::skip_gap() {
  if (used_ == 0) return;
  size_t to_end = ring_.size() - head_;
  if (to_end >= sizeof(Head) && !head_at(head_).skip) return;
  used_ -= to_end;
  head_ = 0;
}

Status RowQueue::front(RowKey* key, Bytes* body) {
  skip_gap();
  if (used_ == 0) return Status::kEnd;
  Head head = head_at(head_);
  if (head.pending != 0) return Status::kAgain;
  const uint8_t* at = ring_.data() + head_ + sizeof(Head);
  *key = {{reinterpret_cast<const char*>(at), head.path_size}, head.offset};
  *body = {at + head.path_size, head.body_size};
  return Status::kOk;
}

void RowQueue::pop() {
  DREY_CHECK(used_ != 0);
  size_t bytes = head_at(head_).bytes;
  head_ += bytes;
  used_ -= bytes;
  skip_gap();
}

ChunkNumber RowQueue::front_waits_for() {
  skip_gap();
  Head head = head_at(head_);
  DREY_CHECK(used_ != 0 && head.pending != 0);
  const uint8_t* at = ring_.data() + head_ + sizeof(Head) + head.path_size + head.extents_at;
  while (*at != kPendingExtent) at += extent_bytes(at);
  return number_of(at);
}

void RowQueue::resolve(const ResolvedChunk& chunk) {
  size_t at = head_;
  for (size_t left = used_; left > 0;) {
    size_t to_end = ring_.size() - at;
    Head head;
    head.skip = true;
    if (to_end >= sizeof(Head)) head = head_at(at);
    if (head.skip) {
      left -= to_end;
      at = 0;
      continue;
    }
    if (head.pending != 0) {
      uint8_t* extents = ring_.data() + at + sizeof(Head) + head.path_size + head.extents_at;
      MutBytes all(extents, head.body_size - head.extents_at);
      head.pending =
          static_cast<uint16_t>(head.pending - resolve_extents(all, head.extent_count, chunk));
      put_head(at, head);
    }
    at += head.bytes;
    left -= head.bytes;
  }
}

}  // namespace drey
