// Pages of a snapshot's tree: sorted rows (leaves) or (first key, D, C) of child pages (index
// pages). Byte tables in FORMAT.md. Writer and reader work on the caller's buffer, any thread.
#pragma once

#include "backup/entry.h"
#include "drey/check.h"

namespace drey {

inline constexpr size_t kPageHeaderBytes = 8;  // 'P', version, level, 0, u32 entry count
inline constexpr uint8_t kPageVersion = 1;
// Index pages are smaller than leaves: they hold little but hashes, which do not compress, and an
// edit rewrites one on every level.
inline constexpr size_t kIndexBytesMax = std::min<size_t>(limits::kPageBytesMax, 32 * 1024);
inline constexpr size_t kIndexBytesAverage = std::max<size_t>(limits::kPageBytesAverage / 4, 4096);
inline constexpr size_t kIndexBytesMin = kIndexBytesAverage / 4;
inline constexpr size_t kPageEntryOverheadBytes = 2 + 2 + 8 + 4;  // shared, suffix, offset, body
// An index page has at least so many children, unless it is the last of its level: the tree narrows
// even when every key is as long as can be.
inline constexpr size_t kIndexChildrenMin = 4;
static_assert(kPageHeaderBytes +
                  kIndexChildrenMin * (kPageEntryOverheadBytes + kEntryPathMax + 64) <=
              kIndexBytesMax);

struct PageRef {
  ContentId d;
  ChunkId c;  // a hint
  uint8_t level = 0;
};

// A copy of a key, for what must outlive its page.
struct KeyBuffer {
  uint64_t offset = 0;
  size_t size = 0;
  std::array<char, kEntryPathMax> data;
  RowKey key() const { return {{data.data(), size}, offset}; }
  void assign(const RowKey& key) {
    size = key.path.size();
    offset = key.offset;
    if (size > 0) std::memcpy(data.data(), key.path.data(), size);
  }
  void clear() { size = 0, offset = 0; }
};

class PageWriter {
 public:
  // Starts an empty page of `level` in `room`, which stays the caller's.
  void begin(MutBytes room, uint8_t level);
  // False when it does not fit (nothing is written). Keys rise strictly.
  bool add(const RowKey& key, Bytes body);
  // Writes the header and gives the page's bytes.
  Bytes finish();
  size_t size() const { return at_; }
  uint32_t count() const { return count_; }

 private:
  MutBytes room_;
  size_t at_ = 0;
  uint32_t count_ = 0;
  uint8_t level_ = 0;
  KeyBuffer last_;
};

// Reads a page front to back. The key of the current entry is kept in a buffer of the reader.
class PageReader {
 public:
  // kInvalid (not a page of that level), kUnsupported (newer version). Entries are checked as they
  // are read.
  Status begin(Bytes page, uint8_t level);
  // kOk: key() and body() are the next entry's; kEnd; kInvalid: malformed or out of order.
  Status next();
  RowKey key() const { return key_.key(); }
  Bytes body() const { return body_; }

 private:
  ByteReader from_{Bytes{}};
  Bytes body_;
  uint32_t left_ = 0;
  uint8_t level_ = 0;
  bool first_ = true;
  KeyBuffer key_;
};

// Body of an index entry. kInvalid.
Status decode_child(Bytes body, PageRef* to);

}  // namespace drey
