// A stream of frames as a peer may send it (first byte: the kind of session; a stream of 64 bytes
// is also tried as a knock, the first bytes as its answer). What decodes encodes to the same bytes.
#include <algorithm>

#include "drey/check.h"
#include "wire/frame.h"
#include "wire/knock.h"

namespace {

using namespace drey;

template <class M>
void round_trip(Bytes body) {
  static M message;
  static std::array<uint8_t, M::kBytesMax> room;
  if (!ok(M::decode(body, &message))) return;
  ByteWriter to(room);
  message.encode(to);
  DREY_CHECK(to.ok());
  DREY_CHECK(equal(to.written(), body));
}

template <class... M>
void by_type(MessageType type, Bytes body) {
  ((type == M::kType ? round_trip<M>(body) : void()), ...);
}

void decode_any(MessageType type, Bytes body) {
  by_type<HelloMessage, PingMessage, StatementIdsMessage, StatementGetMessage, StatementMessage,
          PinMessage, PinnedMessage, StoredMessage, GetMessage, MissingMessage, DigestMessage,
          DigestsMessage, PinnedListMessage, PinnedChunksMessage, LessMessage, AnnounceMessage,
          AnnouncedMessage, UnpinMessage, UnpinNowMessage, UnpinnedMessage, KeepMessage,
          KeptMessage, FreedMessage, PairHelloMessage, PairAcceptMessage, PairKeyringMessage,
          PairDoneMessage, PutHead, DataHead>(type, body);
}

void try_knock(Bytes bytes) {
  KnockBytes in, out;
  if (bytes.size() != in.size()) return;
  std::copy(bytes.begin(), bytes.end(), in.begin());
  Knock knock;
  if (!ok(decode_knock(in, &knock))) return;
  encode_knock(knock, &out);
  DREY_CHECK(in == out);
  NodeId self;
  self.raw.fill(1);
  Secret<32> key;
  key.raw.fill(0x77);
  DREY_CHECK(!knock_fits(key, knock, self));
}

void try_knock_answer(Bytes bytes) {
  KnockAnswer in, out;
  if (bytes.size() < in.size()) return;
  std::copy_n(bytes.begin(), in.size(), in.begin());
  PairingSalt salt;
  if (!ok(decode_knock_answer(in, &salt))) return;
  encode_knock_answer(salt, &out);
  DREY_CHECK(in == out);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Bytes stream(data, size);
  try_knock(stream);
  try_knock_answer(stream);
  if (stream.empty()) return 0;
  static FrameParser parser;
  static std::array<uint8_t, limits::kBulkBytesMax> room;
  parser.reset(static_cast<SessionKind>(1 + stream[0] % 3));
  bool drop = (stream[0] & 0x80) != 0;
  stream = stream.subspan(1);
  while (!stream.empty()) {
    MutBytes want = parser.want();
    size_t count = std::min(want.size(), stream.size());
    std::copy_n(stream.begin(), count, want.begin());
    stream = stream.subspan(count);
    Result<FrameParser::Event> event = parser.advance(count);
    if (!event.ok()) return 0;
    if (event.value() == FrameParser::Event::kMore) continue;
    if (event.value() != FrameParser::Event::kBulk) decode_any(parser.header().type, parser.head());
    if (event.value() == FrameParser::Event::kBulkHead)
      parser.place_bulk(drop ? MutBytes{} : MutBytes(room));
  }
  return 0;
}
