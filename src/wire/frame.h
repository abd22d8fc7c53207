// Frames on an open channel: an 8-byte header, then the body (control), or head and bulk. The
// parser says where the next bytes belong (want) and is told how many came (advance), so that
// nothing is copied twice and a record lands where its owner wants it.
//
// One parser per session, loop thread, plain state; lost at a crash.
#pragma once

#include "wire/messages.h"

namespace drey {

struct FrameHeader {
  uint32_t size = 0;  // control: of the body; bulk: of head and bulk together
  MessageType type = MessageType::kPing;
  uint16_t head_size = 0;  // bulk only; the flags field of a control frame, which is 0
};

// `to` holds kFrameHeaderBytes.
void encode_frame_header(const FrameHeader& header, MutBytes to);
// Checks length, type and what `kind` may say, before a byte of the body is read. kTooLarge,
// kInvalid, kUnsupported (unknown type), kDenied (a type that this kind of session may not say).
Status decode_frame_header(Bytes from, SessionKind kind, FrameHeader* to);

class FrameParser {
 public:
  enum class Event : uint8_t {
    kMore,      // nothing complete yet
    kControl,   // header() and head() are a whole control frame (head() = its body)
    kBulkHead,  // header() and head() stand; call place_bulk() before want()
    kBulk,      // the bulk is complete; head() still stands
  };

  void reset(SessionKind kind);
  // Where the next bytes go; never empty.
  MutBytes want();
  // `count` bytes were put where want() pointed. Not kOk: a protocol error, close.
  Result<Event> advance(size_t count);

  const FrameHeader& header() const { return header_; }
  Bytes head() const { return {buffer_.data(), head_size()}; }
  size_t bulk_size() const { return header_.size - header_.head_size; }
  // Where the bulk goes: at least bulk_size() bytes, untouched by others until kBulk or reset().
  // An empty span drops the bulk.
  void place_bulk(MutBytes room);
  Bytes bulk() const { return Bytes(bulk_.data(), bulk_.empty() ? 0 : bulk_size()); }
  bool bulk_dropped() const { return bulk_.empty(); }
  bool in_bulk() const { return part_ == Part::kBulk; }
  // True between frames: the place where an orderly end may fall.
  bool at_boundary() const { return part_ == Part::kHeader && filled_ == 0; }

 private:
  enum class Part : uint8_t { kHeader, kHead, kPlace, kBulk };
  size_t head_size() const { return is_bulk(header_.type) ? header_.head_size : header_.size; }
  Result<Event> header_done();
  Event head_done();

  Part part_ = Part::kHeader;
  SessionKind kind_ = SessionKind::kMember;
  FrameHeader header_;
  size_t filled_ = 0;  // of the current part
  MutBytes bulk_;
  std::array<uint8_t, limits::kFrameHeaderBytes> header_bytes_;
  std::array<uint8_t, limits::kControlBytesMax> buffer_;  // body, head, or dropped bulk bytes
};

}  // namespace drey
