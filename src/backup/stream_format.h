// The framed stream of a restore or a listing (STREAM.md): what BackupService produces and the
// command line consumes. Pure: includes nothing above include/drey. Any thread; views into the
// caller's bytes.
//
// Order: START, then for every entry in path order: ENTRY, and for a regular file (unless entries
// only) its DATA, HOLE and MISSING frames by rising offset, without gaps or overlaps up to its
// size; then END. A stream that ends without END was cut off: what has been received is incomplete.
#pragma once

#include "backup/entry.h"

namespace drey {

inline constexpr uint32_t kStreamVersion = 1;
inline constexpr size_t kFrameHeaderBytes = 5;           // u8 type, u32 body size
inline constexpr size_t kFrameDataBytesMax = 64 * 1024;  // of file contents in one DATA frame
inline constexpr size_t kFrameBodyBytesMax =
    std::max(kEntryPathMax + 2 + kRowBodyBytesMax, kFrameDataBytesMax + 8);

enum class FrameType : uint8_t {
  kStart = 1,    // u32 version
  kEntry = 2,    // u16 path size, path, encoded entry (entry.h)
  kData = 3,     // u64 file offset, bytes
  kHole = 4,     // u64 file offset, u64 length: zeros
  kMissing = 5,  // u64 file offset, u64 length, u8 Status: no reachable node holds these bytes
  kLost = 6,     // u8 Status: a page of entries could not be had; entries here may be absent
  kEnd = 7,      // u64 files, u64 bytes, u64 missing (MISSING and LOST frames), u8 Status
};

struct StreamFrameHeader {
  FrameType type = FrameType::kEnd;
  uint32_t size = 0;  // of the body
};

struct EntryFrame {
  std::string_view path;
  Entry entry;
};
struct DataFrame {
  uint64_t offset = 0;
  Bytes bytes;
};
struct RangeFrame {  // kHole, kMissing
  uint64_t offset = 0;
  uint64_t length = 0;
  Status status = Status::kOk;
};
struct EndFrame {
  uint64_t files = 0;
  uint64_t bytes = 0;
  uint64_t missing = 0;
  Status status = Status::kOk;
};

// `from` holds at least kFrameHeaderBytes. kInvalid: unknown type or a body too large.
Status decode_frame_header(Bytes from, StreamFrameHeader* to);
// Bodies: exactly header.size bytes. kInvalid; decode_start also kUnsupported (newer version).
Status decode_start(Bytes body);
Status decode_entry_frame(Bytes body, EntryFrame* to);
Status decode_data_frame(Bytes body, DataFrame* to);
Status decode_range_frame(FrameType type, Bytes body, RangeFrame* to);
Status decode_lost(Bytes body, Status* to);
Status decode_end_frame(Bytes body, EndFrame* to);

void encode_frame_header(FrameType type, size_t body_size, ByteWriter& to);
void encode_start(ByteWriter& to);  // with their headers, as the following
void encode_range_frame(FrameType type, const RangeFrame& range, ByteWriter& to);
void encode_lost(Status status, ByteWriter& to);
void encode_end_frame(const EndFrame& end, ByteWriter& to);

}  // namespace drey
