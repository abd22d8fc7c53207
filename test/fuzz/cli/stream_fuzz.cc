// The daemon's stream as the command line reads it: fed in pieces it gives what it gives as a
// whole, and what decodes encodes to the same frames. First byte: the size of the pieces.
#include <algorithm>
#include <string>

#include "cli/stream_reader.h"
#include "drey/check.h"

namespace {

using namespace drey;

// Writes down what it is shown, as frames again.
class Echo final : public cli::FrameVisitor {
 public:
  explicit Echo(size_t frames_max) : left_(frames_max) {}

  bool on_entry(const EntryFrame& frame) override {
    DREY_CHECK(is_entry_path(frame.path));
    static std::array<uint8_t, kFrameBodyBytesMax> room;
    ByteWriter to(room);
    to.u16(static_cast<uint16_t>(frame.path.size()));
    to.text(frame.path);
    size_t size = 0;
    DREY_CHECK(ok(encode_entry(frame.entry, MutBytes(room).subspan(to.size()), &size)));
    return add(FrameType::kEntry, Bytes(room).first(to.size() + size));
  }
  bool on_data(const DataFrame& frame) override {
    DREY_CHECK(!frame.bytes.empty() && frame.bytes.size() <= kFrameDataBytesMax);
    std::array<uint8_t, 8> offset;
    store_le(offset.data(), frame.offset);
    std::string body(as_text(offset));
    body += as_text(frame.bytes);
    return add(FrameType::kData, as_bytes(body));
  }
  bool on_range(FrameType type, const RangeFrame& frame) override {
    DREY_CHECK(frame.length != 0 && frame.offset + frame.length <= uint64_t{INT64_MAX});
    std::array<uint8_t, 32> room;
    ByteWriter to(room);
    encode_range_frame(type, frame, to);
    text += as_text(to.written());
    return --left_ != 0;
  }
  bool on_lost(Status status) override {
    std::array<uint8_t, 8> room;
    ByteWriter to(room);
    encode_lost(status, to);
    text += as_text(to.written());
    return --left_ != 0;
  }

  std::string text;

 private:
  bool add(FrameType type, Bytes body) {
    std::array<uint8_t, kFrameHeaderBytes> header;
    ByteWriter to(header);
    encode_frame_header(type, body.size(), to);
    text += as_text(header);
    text += as_text(body);
    return --left_ != 0;
  }
  size_t left_;
};

// Bytes of status that this build does not know are read as "io": the echo then differs there.
bool same_but_status(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) return false;
  size_t differ = 0;
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i]) {
      if (static_cast<uint8_t>(a[i]) != static_cast<uint8_t>(Status::kIo)) return false;
      ++differ;
    }
  return differ <= a.size() / (kFrameHeaderBytes + 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  std::string_view stream = as_text({data + 2, size - 2});
  size_t piece = 1 + data[0];
  size_t frames_max = data[1] == 0 ? SIZE_MAX : data[1];
  Echo whole(frames_max), parts(frames_max);
  cli::FrameSplitter one(whole), many(parts);
  bool one_good = one.feed(stream);
  bool many_good = true;
  for (size_t at = 0; at < stream.size() && many_good; at += piece)
    many_good = many.feed(stream.substr(at, piece));
  DREY_CHECK(one_good == many_good && one.stopped() == many.stopped());
  DREY_CHECK(one.ended() == many.ended() && whole.text == parts.text);
  if (whole.text.empty()) return 0;
  std::array<uint8_t, kFrameHeaderBytes + 4> start;
  ByteWriter to(start);
  encode_start(to);
  DREY_CHECK(same_but_status(whole.text, stream.substr(start.size())));
  if (!one.ended()) return 0;
  std::array<uint8_t, 32> room;
  ByteWriter end(room);
  encode_end_frame(one.end(), end);
  DREY_CHECK(end.ok() && end.size() == kFrameHeaderBytes + 25);
  return 0;
}
