#include "backup/stream_format.h"

namespace drey {
namespace {

// A status byte of another build may be unknown here: then it is an I/O error like any other.
Status status_from(uint8_t value) {
  return value <= static_cast<uint8_t>(Status::kChanged) ? static_cast<Status>(value) : Status::kIo;
}

}  // namespace

Status decode_frame_header(Bytes from, StreamFrameHeader* to) {
  ByteReader reader(from.first(std::min(from.size(), kFrameHeaderBytes)));
  uint8_t type = reader.u8();
  to->size = reader.u32();
  if (!reader.ok() || to->size > kFrameBodyBytesMax) return Status::kInvalid;
  if (type < static_cast<uint8_t>(FrameType::kStart) ||
      type > static_cast<uint8_t>(FrameType::kEnd))
    return Status::kInvalid;
  to->type = static_cast<FrameType>(type);
  return Status::kOk;
}

Status decode_start(Bytes body) {
  ByteReader reader(body);
  uint32_t version = reader.u32();
  if (!reader.at_end() || version == 0) return Status::kInvalid;
  return version == kStreamVersion ? Status::kOk : Status::kUnsupported;
}

Status decode_entry_frame(Bytes body, EntryFrame* to) {
  ByteReader reader(body);
  to->path = as_text(reader.bytes(reader.u16()));
  if (!reader.ok() || !is_entry_path(to->path)) return Status::kInvalid;
  return decode_entry(reader.bytes(reader.left()), &to->entry);
}

Status decode_data_frame(Bytes body, DataFrame* to) {
  ByteReader reader(body);
  to->offset = reader.u64();
  to->bytes = reader.bytes(reader.left());
  if (!reader.ok() || to->bytes.empty() || to->bytes.size() > kFrameDataBytesMax)
    return Status::kInvalid;
  return to->offset <= static_cast<uint64_t>(INT64_MAX) - to->bytes.size() ? Status::kOk
                                                                           : Status::kInvalid;
}

Status decode_range_frame(FrameType type, Bytes body, RangeFrame* to) {
  ByteReader reader(body);
  to->offset = reader.u64();
  to->length = reader.u64();
  to->status = type == FrameType::kMissing ? status_from(reader.u8()) : Status::kOk;
  constexpr uint64_t kMost = static_cast<uint64_t>(INT64_MAX);
  if (!reader.at_end() || to->length == 0) return Status::kInvalid;
  return to->offset <= kMost && to->length <= kMost - to->offset ? Status::kOk : Status::kInvalid;
}

Status decode_lost(Bytes body, Status* to) {
  if (body.size() != 1) return Status::kInvalid;
  *to = status_from(body[0]);
  return Status::kOk;
}

Status decode_end_frame(Bytes body, EndFrame* to) {
  ByteReader reader(body);
  to->files = reader.u64();
  to->bytes = reader.u64();
  to->missing = reader.u64();
  to->status = status_from(reader.u8());
  return reader.at_end() ? Status::kOk : Status::kInvalid;
}

void encode_frame_header(FrameType type, size_t body_size, ByteWriter& to) {
  to.u8(static_cast<uint8_t>(type));
  to.u32(static_cast<uint32_t>(body_size));
}

void encode_start(ByteWriter& to) {
  encode_frame_header(FrameType::kStart, 4, to);
  to.u32(kStreamVersion);
}

void encode_range_frame(FrameType type, const RangeFrame& range, ByteWriter& to) {
  bool missing = type == FrameType::kMissing;
  encode_frame_header(type, missing ? 17 : 16, to);
  to.u64(range.offset);
  to.u64(range.length);
  if (missing) to.u8(static_cast<uint8_t>(range.status));
}

void encode_lost(Status status, ByteWriter& to) {
  encode_frame_header(FrameType::kLost, 1, to);
  to.u8(static_cast<uint8_t>(status));
}

void encode_end_frame(const EndFrame& end, ByteWriter& to) {
  encode_frame_header(FrameType::kEnd, 25, to);
  to.u64(end.files);
  to.u64(end.bytes);
  to.u64(end.missing);
  to.u8(static_cast<uint8_t>(end.status));
}

}  // namespace drey
