#include "wire/frame.h"

#include <algorithm>

#include "drey/check.h"

namespace drey {

void encode_frame_header(const FrameHeader& header, MutBytes to) {
  ByteWriter writer(to);
  writer.u32(header.size);
  writer.u16(static_cast<uint16_t>(header.type));
  writer.u16(header.head_size);
  DREY_CHECK(writer.ok());
}

Status decode_frame_header(Bytes from, SessionKind kind, FrameHeader* to) {
  ByteReader reader(from);
  uint32_t size = reader.u32();
  uint16_t type = reader.u16();
  uint16_t head_size = reader.u16();
  if (!reader.ok()) return Status::kInvalid;
  if (size > limits::kBulkHeadBytesMax + limits::kBulkBytesMax) return Status::kTooLarge;
  const MessageRule* rule = message_rule(type);
  if (rule == nullptr) return Status::kUnsupported;
  if (is_bulk(rule->type)) {
    if (head_size > rule->bytes_max) return Status::kTooLarge;
    if (head_size < rule->bytes_min || size <= head_size) return Status::kInvalid;
    if (size - head_size > limits::kBulkBytesMax) return Status::kTooLarge;
  } else {
    if (size > rule->bytes_max) return Status::kTooLarge;
    if (size < rule->bytes_min || head_size != 0) return Status::kInvalid;
  }
  if (!rule->allowed_in(kind)) return Status::kDenied;
  *to = {size, rule->type, head_size};
  return Status::kOk;
}

void FrameParser::reset(SessionKind kind) {
  part_ = Part::kHeader;
  kind_ = kind;
  header_ = {};
  filled_ = 0;
  bulk_ = {};
}

MutBytes FrameParser::want() {
  switch (part_) {
    case Part::kHeader:
      return MutBytes(header_bytes_).subspan(filled_);
    case Part::kHead:
      return MutBytes(buffer_).first(head_size()).subspan(filled_);
    case Part::kPlace:
      break;
    case Part::kBulk:
      if (!bulk_dropped()) return bulk_.first(bulk_size()).subspan(filled_);
      // Dropped bytes overwrite each other behind the head.
      MutBytes scratch = MutBytes(buffer_).subspan(head_size());
      return scratch.first(std::min(scratch.size(), bulk_size() - filled_));
  }
  DREY_CHECK(part_ != Part::kPlace);
  return {};
}

Result<FrameParser::Event> FrameParser::advance(size_t count) {
  DREY_CHECK(count <= want().size());
  filled_ += count;
  switch (part_) {
    case Part::kHeader:
      if (filled_ < header_bytes_.size()) return Event::kMore;
      return header_done();
    case Part::kHead:
      if (filled_ < head_size()) return Event::kMore;
      return head_done();
    case Part::kPlace:
      break;
    case Part::kBulk:
      if (filled_ < bulk_size()) return Event::kMore;
      part_ = Part::kHeader;
      filled_ = 0;
      return Event::kBulk;
  }
  return Status::kInvalid;
}

Result<FrameParser::Event> FrameParser::header_done() {
  filled_ = 0;
  DREY_TRY(decode_frame_header(header_bytes_, kind_, &header_));
  part_ = Part::kHead;
  return head_size() == 0 ? head_done() : Event::kMore;
}

FrameParser::Event FrameParser::head_done() {
  filled_ = 0;
  bulk_ = {};
  if (is_bulk(header_.type)) {
    part_ = Part::kPlace;
    return Event::kBulkHead;
  }
  part_ = Part::kHeader;
  return Event::kControl;
}

void FrameParser::place_bulk(MutBytes room) {
  DREY_CHECK(part_ == Part::kPlace);
  DREY_CHECK(room.empty() || room.size() >= bulk_size());
  bulk_ = room;
  part_ = Part::kBulk;
}

}  // namespace drey
