#include "backup/entry.h"

#include <algorithm>

namespace drey {
namespace {

// '/' sorts before everything else; NUL never stands in a path.
uint8_t rank(char c) { return c == '/' ? 0 : static_cast<uint8_t>(c); }

bool is_component(std::string_view name) {
  return !name.empty() && name.size() <= limits::kFileNameBytesMax && name != "." && name != "..";
}

bool valid_kind(uint8_t kind) {
  return kind >= static_cast<uint8_t>(FileKind::kFile) &&
         kind <= static_cast<uint8_t>(FileKind::kBlockDevice);
}

bool is_device(FileKind kind) {
  return kind == FileKind::kCharDevice || kind == FileKind::kBlockDevice;
}

constexpr uint8_t kFlagMask = 0x0f;
constexpr uint8_t kHardlinkBit = 0x80;
enum ExtentKind : uint8_t { kData = 1, kHole = 2 };

bool valid_xattrs(Bytes xattrs) {
  XattrReader reader(xattrs);
  std::string_view name;
  Bytes value;
  while (reader.next(&name, &value)) {
    if (name.empty() || name.find('\0') != std::string_view::npos) return false;
  }
  return reader.ok();
}

Status read_entry(ByteReader& from, Entry* to) {
  uint8_t kind = from.u8();
  uint8_t flags = from.u8();
  if (!from.ok() || !valid_kind(kind) || (flags & ~(kFlagMask | kHardlinkBit)) != 0)
    return Status::kInvalid;
  to->kind = static_cast<FileKind>(kind);
  to->flags = flags & kFlagMask;
  to->mode = from.u16();
  to->uid = from.u32();
  to->gid = from.u32();
  to->size = from.u64();
  to->mtime_ns = static_cast<int64_t>(from.u64());
  to->ctime_ns = static_cast<int64_t>(from.u64());
  to->inode = from.u64();
  to->hardlink = (flags & kHardlinkBit) != 0;
  to->link_id = {};
  if (to->hardlink) from.copy(to->link_id);
  to->rdev_major = is_device(to->kind) ? from.u32() : 0;
  to->rdev_minor = is_device(to->kind) ? from.u32() : 0;
  to->link = {};
  if (to->kind == FileKind::kSymlink) to->link = from.bytes(from.u16());
  to->xattrs = from.bytes(from.u32());
  if (!from.ok() || to->mode > 07777) return Status::kInvalid;
  if (to->kind != FileKind::kFile && to->size != 0) return Status::kInvalid;
  if (to->kind == FileKind::kSymlink) {
    if (to->link.empty() || to->link.size() > kLinkBytesMax) return Status::kInvalid;
    if (std::find(to->link.begin(), to->link.end(), 0) != to->link.end()) return Status::kInvalid;
  }
  if (to->xattrs.size() > kRowXattrBytesMax || !valid_xattrs(to->xattrs)) return Status::kInvalid;
  return Status::kOk;
}

}  // namespace

std::strong_ordering compare_paths(std::string_view a, std::string_view b) {
  size_t common = std::min(a.size(), b.size());
  size_t i = 0;
  while (i < common && a[i] == b[i]) ++i;
  if (i < common) return rank(a[i]) <=> rank(b[i]);
  return a.size() <=> b.size();
}

std::strong_ordering compare_keys(const RowKey& a, const RowKey& b) {
  std::strong_ordering order = compare_paths(a.path, b.path);
  return order != 0 ? order : a.offset <=> b.offset;
}

bool is_beneath(std::string_view path, std::string_view parent) {
  if (parent.empty()) return true;
  if (!path.starts_with(parent)) return false;
  return path.size() == parent.size() || path[parent.size()] == '/';
}

bool is_entry_path(std::string_view path) {
  if (path.empty() || path.size() > kEntryPathMax) return false;
  if (path.find('\0') != std::string_view::npos) return false;
  while (true) {
    size_t slash = path.find('/');
    if (!is_component(path.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

Status encode_entry(const Entry& entry, MutBytes to, size_t* size) {
  ByteWriter writer(to);
  writer.u8(static_cast<uint8_t>(entry.kind));
  writer.u8(static_cast<uint8_t>(entry.flags | (entry.hardlink ? kHardlinkBit : 0)));
  writer.u16(entry.mode);
  writer.u32(entry.uid);
  writer.u32(entry.gid);
  writer.u64(entry.size);
  writer.u64(static_cast<uint64_t>(entry.mtime_ns));
  writer.u64(static_cast<uint64_t>(entry.ctime_ns));
  writer.u64(entry.inode);
  if (entry.hardlink) writer.bytes(entry.link_id);
  if (is_device(entry.kind)) {
    writer.u32(entry.rdev_major);
    writer.u32(entry.rdev_minor);
  }
  if (entry.kind == FileKind::kSymlink) {
    writer.u16(static_cast<uint16_t>(entry.link.size()));
    writer.bytes(entry.link);
  }
  writer.u32(static_cast<uint32_t>(entry.xattrs.size()));
  writer.bytes(entry.xattrs);
  *size = writer.size();
  return writer.ok() ? Status::kOk : Status::kTooLarge;
}

Status decode_entry(Bytes from, Entry* to) {
  ByteReader reader(from);
  DREY_TRY(read_entry(reader, to));
  return reader.at_end() ? Status::kOk : Status::kInvalid;
}

void encode_extent(const Extent& extent, ByteWriter& to) {
  if (extent.hole) {
    to.u8(kHole);
    to.u64(extent.length);
    return;
  }
  to.u8(kData);
  to.bytes(extent.d.bytes());
  to.bytes(extent.c.bytes());
  to.u32(extent.chunk_bytes);
  to.u32(extent.offset);
  to.u32(static_cast<uint32_t>(extent.length));
}

Extent decode_extent(ByteReader& from) {
  Extent extent;
  uint8_t kind = from.u8();
  bool good = true;
  if (kind == kHole) {
    extent.hole = true;
    extent.length = from.u64();
    good = extent.length <= static_cast<uint64_t>(INT64_MAX);
  } else if (kind == kData) {
    from.copy(extent.d.mut());
    from.copy(extent.c.mut());
    extent.chunk_bytes = from.u32();
    extent.offset = from.u32();
    extent.length = from.u32();
    good = extent.chunk_bytes <= limits::kChunkBytesMax && extent.offset <= extent.chunk_bytes &&
           extent.length <= extent.chunk_bytes - extent.offset;
  } else {
    good = false;
  }
  if (!good || extent.length == 0) (void)from.bytes(from.left() + 1);  // makes the reader fail
  return extent;
}

Status decode_row(const RowKey& key, Bytes body, Row* to) {
  if (body.empty() || body.size() > kRowBodyBytesMax) return Status::kInvalid;
  if (!is_entry_path(key.path)) return Status::kInvalid;
  ByteReader reader(body);
  to->continuation = body[0] == kContinuationMark;
  if (to->continuation != (key.offset != 0)) return Status::kInvalid;
  if (to->continuation) {
    (void)reader.u8();
    to->entry = Entry{};
  } else {
    DREY_TRY(read_entry(reader, &to->entry));
  }
  to->entry_bytes = body.first(reader.position());
  to->extent_count = reader.u16();
  if (!reader.ok() || to->extent_count > kExtentsPerRow) return Status::kInvalid;
  bool file = to->continuation || to->entry.kind == FileKind::kFile;
  if (to->extent_count != 0 && !file) return Status::kInvalid;
  to->extents = body.subspan(reader.position());
  uint64_t end = key.offset;
  for (size_t i = 0; i < to->extent_count; ++i) {
    Extent extent = decode_extent(reader);
    if (!reader.ok()) return Status::kInvalid;
    end += extent.length;
    if (end > static_cast<uint64_t>(INT64_MAX)) return Status::kInvalid;
  }
  if (!to->continuation && end > to->entry.size) return Status::kInvalid;
  return reader.at_end() ? Status::kOk : Status::kInvalid;
}

bool XattrReader::next(std::string_view* name, Bytes* value) {
  if (!from_.ok() || from_.at_end()) return false;
  size_t name_size = from_.u16();
  size_t value_size = from_.u32();
  *name = as_text(from_.bytes(name_size));
  *value = from_.bytes(value_size);
  return from_.ok();
}

}  // namespace drey
