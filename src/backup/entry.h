// Rows of a snapshot: one entry of the walked tree (or a further piece of its extent list) under
// the key (path, offset). Byte tables in FORMAT.md. Pure functions over views, any thread, no
// state; the decoder trusts nothing: what it accepts can be restored beneath a directory without
// escaping it.
//
// Also used, without extents, by the restore stream (STREAM.md): this header includes nothing above
// include/drey, so the command line can read it.
#pragma once

#include <algorithm>
#include <compare>
#include <string_view>

#include "drey/ids.h"
#include "drey/limits.h"
#include "drey/ports.h"
#include "drey/status.h"

namespace drey {

inline constexpr size_t kEntryPathMax = limits::kPathBytesMax - 1;  // without the NUL
inline constexpr size_t kLinkBytesMax = limits::kPathBytesMax - 1;
inline constexpr size_t kExtentsPerRow = 48;
inline constexpr size_t kDataExtentBytes = 1 + 32 + 32 + 4 + 4 + 4;
inline constexpr size_t kHoleExtentBytes = 1 + 8;
inline constexpr size_t kEntryFixedBytesMax =
    80;  // everything of a row but path, link, xattrs, extents
// A row must fit a page; on boards with small pages that bounds the attributes of a file.
inline constexpr size_t kRowXattrBytesMax = std::min(
    limits::kXattrBytesMax, limits::kPageBytesMax - kEntryPathMax - kLinkBytesMax -
                                kEntryFixedBytesMax - kExtentsPerRow * kDataExtentBytes - 64);
inline constexpr size_t kRowBodyBytesMax =
    kEntryFixedBytesMax + kLinkBytesMax + kRowXattrBytesMax + kExtentsPerRow * kDataExtentBytes;
static_assert(kRowBodyBytesMax + kEntryPathMax + 32 <= limits::kPageBytesMax);

// Bytewise, component by component: '/' counts as less than every other byte. A depth-first walk
// with sorted directories visits paths in this order.
std::strong_ordering compare_paths(std::string_view a, std::string_view b);
// True when `path` is `parent` or lies beneath it; everything lies beneath "".
bool is_beneath(std::string_view path, std::string_view parent);
// 1..kEntryPathMax bytes, no leading or trailing '/', no empty, "." or ".." component, no NUL,
// components of at most kFileNameBytesMax bytes.
bool is_entry_path(std::string_view path);

// One piece of a file's contents. Extents follow each other without gaps from the row's offset on.
struct Extent {
  ContentId d;
  ChunkId c;                 // a hint; d is the truth
  uint32_t chunk_bytes = 0;  // plain bytes of the whole chunk: how much of a bundle is still alive
  uint32_t offset = 0;       // within the chunk
  uint64_t length = 0;       // at most chunk_bytes - offset, unless a hole
  bool hole = false;         // zeros, nothing stored: d, c, offset and chunk_bytes are zero
};

struct Entry {
  enum Flags : uint8_t {
    kRecent = 1,   // ctime was not 2 s older than its reading, or it changed: never skip it
    kRoot = 2,     // a source root of this snapshot
    kMount = 4,    // a source root that is a mount point
    kChanged = 8,  // it changed while being read, twice: contents may be torn
  };
  FileKind kind = FileKind::kOther;
  uint8_t flags = 0;
  uint16_t mode = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint64_t size = 0;
  int64_t mtime_ns = 0;
  int64_t ctime_ns = 0;
  uint64_t inode = 0;
  bool hardlink = false;  // entries with equal link_id are one file
  std::array<uint8_t, 16> link_id{};
  uint32_t rdev_major = 0;
  uint32_t rdev_minor = 0;
  Bytes link;    // target of a symlink
  Bytes xattrs;  // encoded, see XattrReader
};

struct RowKey {
  std::string_view path;
  uint64_t offset = 0;  // of the first extent; 0 = the entry itself
};
std::strong_ordering compare_keys(const RowKey& a, const RowKey& b);

// A decoded row: views into the page.
struct Row {
  bool continuation = false;
  Entry entry;        // unless a continuation
  Bytes entry_bytes;  // the encoding of `entry` alone
  uint16_t extent_count = 0;
  Bytes extents;  // encoded, checked
};

// The entry alone, as in entry frames of a stream: kTooLarge (room), else kOk and *size.
Status encode_entry(const Entry& entry, MutBytes to, size_t* size);
// Exactly one entry. kInvalid.
Status decode_entry(Bytes from, Entry* to);

// A row's body: an encoded entry or the continuation mark, then extent_count and extents.
inline constexpr uint8_t kContinuationMark = 0xff;
Status decode_row(const RowKey& key, Bytes body, Row* to);  // kInvalid

void encode_extent(const Extent& extent, ByteWriter& to);
// Reads one extent; the reader fails (ok() false) on malformed bytes.
Extent decode_extent(ByteReader& from);

// Extended attributes: {u16 name size, u32 value size, name (no NUL), value}*, sorted as listed.
class XattrReader {
 public:
  explicit XattrReader(Bytes from) : from_(from) {}
  // False at the end, or at malformed bytes (then ok() is false).
  bool next(std::string_view* name, Bytes* value);
  bool ok() const { return from_.ok(); }

 private:
  ByteReader from_;
};

}  // namespace drey
