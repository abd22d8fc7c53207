// Rows on their way from the walk to the page builder, in path order, in a fixed ring. Their
// contents lie in chunks that are sealed in parallel and finish out of order: such an extent is
// pending, named by its chunk's number, until resolve() fills in (D, C). One thread at a time.
#pragma once

#include "backup/entry.h"
#include "backup/page.h"

namespace drey {

using ChunkNumber = uint32_t;  // of a chunk within one backup, rising from 1

// What a chunk turned out to be.
struct ResolvedChunk {
  ChunkNumber number = 0;
  ContentId d;
  ChunkId c;
  uint32_t chunk_bytes = 0;
};

// A row being put together.
class RowDraft {
 public:
  // The entry's row, or (entry null) a further row of its extents from `offset` on. kTooLarge.
  Status begin(std::string_view path, const Entry* entry, uint64_t offset);
  // An existing row as it is.
  Status copy(const RowKey& key, Bytes body);
  bool full() const { return extent_count_ == kExtentsPerRow; }
  void add(const Extent& extent);  // not full()
  void add_pending(ChunkNumber number, uint32_t offset, uint32_t length);
  void resolve(const ResolvedChunk& chunk);
  // Sets flags of the entry after the fact.
  void add_flags(uint8_t flags) { body_[1] = static_cast<uint8_t>(body_[1] | flags); }

  RowKey key() const { return key_.key(); }
  Bytes body() const { return Bytes(body_).first(size_); }
  size_t extents_at() const { return extents_at_; }
  uint16_t extent_count() const { return extent_count_; }
  uint16_t pending() const { return pending_; }
  uint64_t end() const { return end_; }  // file offset behind the last extent

 private:
  MutBytes rest() { return MutBytes(body_).subspan(size_); }
  void count(uint64_t length);

  KeyBuffer key_;
  size_t size_ = 0;
  size_t extents_at_ = 0;
  uint16_t extent_count_ = 0;
  uint16_t pending_ = 0;
  uint64_t end_ = 0;
  std::array<uint8_t, kRowBodyBytesMax> body_;
};

class RowQueue {
 public:
  // At least three rows of the largest kind; 1,500 usual ones on the larger boards.
  static constexpr size_t kBytes =
      std::max<size_t>(limits::kPageBytesMax * 4 / 3, 3 * (kRowBodyBytesMax + kEntryPathMax + 64));

  void reset() { head_ = tail_ = used_ = 0; }
  bool empty() const { return used_ == 0; }
  // False when there is no room now. At least one row of any size fits an empty queue.
  bool push(const RowDraft& row);
  void resolve(const ResolvedChunk& chunk);
  // kOk: the oldest row, complete; kAgain: it has pending extents; kEnd: empty.
  Status front(RowKey* key, Bytes* body);
  void pop();
  // The first chunk the oldest row waits for; after kAgain.
  ChunkNumber front_waits_for();

 private:
  struct Head {
    uint32_t bytes = 0;  // in the ring, all together
    uint32_t body_size = 0;
    uint32_t extents_at = 0;
    uint16_t path_size = 0;
    uint16_t pending = 0;
    uint16_t extent_count = 0;
    bool skip = false;  // unused bytes up to the end of the ring
    uint64_t offset = 0;
  };
  static_assert(sizeof(Head) % 8 == 0);
  Head head_at(size_t at) const;
  void put_head(size_t at, const Head& head);
  void skip_gap();

  size_t head_ = 0;  // oldest
  size_t tail_ = 0;  // next free
  size_t used_ = 0;
  alignas(8) std::array<uint8_t, kBytes / 8 * 8> ring_;
};

}  // namespace drey
