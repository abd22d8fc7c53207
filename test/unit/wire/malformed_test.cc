// G9: every message type, with every length a header may claim, cut at every byte; and every length
// a decoder may be given. A stream is refused exactly at the header that lies, before one byte of
// the body is taken; a session closes on any refusal (mesh/session).
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

#include "wire/frame.h"

namespace drey {
namespace {

constexpr SessionKind kKinds[] = {SessionKind::kMember, SessionKind::kPairing,
                                  SessionKind::kRecovery};

std::vector<const MessageRule*> all_rules() {
  std::vector<const MessageRule*> rules;
  for (uint32_t type = 0; type <= 0xffff; ++type)
    if (const MessageRule* rule = message_rule(static_cast<uint16_t>(type))) rules.push_back(rule);
  return rules;
}

std::set<uint32_t> claimed_lengths(const MessageRule& rule) {
  uint32_t low = rule.bytes_min, high = rule.bytes_max;
  if (is_bulk(rule.type)) high += static_cast<uint32_t>(limits::kBulkBytesMax);
  return {0,          1,          low - 1,    low,        low + 1,    high - 1,   high,   high + 1,
          0x7fffffff, 0x80000000, 0x80000001, 0xffffffff, 0xfffffff8, 0xffff0000, 0x10000};
}

bool is_allowed(const MessageRule& rule, SessionKind kind, uint32_t length) {
  if (!rule.allowed_in(kind)) return false;
  if (!is_bulk(rule.type)) return length >= rule.bytes_min && length <= rule.bytes_max;
  return length > rule.bytes_min && length <= rule.bytes_min + limits::kBulkBytesMax;
}

struct Outcome {
  size_t frames = 0;
  size_t refused_at = SIZE_MAX;  // bytes taken when the parser said no
};

Outcome feed(SessionKind kind, Bytes stream, size_t step) {
  static std::unique_ptr<FrameParser> parser = std::make_unique<FrameParser>();
  parser->reset(kind);
  Outcome outcome;
  for (size_t at = 0; at < stream.size();) {
    MutBytes want = parser->want();
    size_t count = std::min({want.size(), stream.size() - at, step});
    std::copy_n(stream.begin() + static_cast<std::ptrdiff_t>(at), count, want.begin());
    at += count;
    auto event = parser->advance(count);
    if (!event.ok()) {
      outcome.refused_at = at;
      return outcome;
    }
    if (event.value() == FrameParser::Event::kBulkHead) parser->place_bulk({});
    if (event.value() == FrameParser::Event::kControl || event.value() == FrameParser::Event::kBulk)
      ++outcome.frames;
  }
  return outcome;
}

TEST(Malformed, EveryTypeWithEveryLengthCutAtEveryByte) {
  constexpr size_t kHeader = limits::kFrameHeaderBytes;
  size_t cases = 0;
  for (const MessageRule* rule : all_rules())
    for (SessionKind kind : kKinds)
      for (uint32_t length : claimed_lengths(*rule)) {
        size_t body = std::min<size_t>(length, 64);
        std::vector<uint8_t> stream(kHeader + body, 0x5a);
        ByteWriter to(stream);
        to.u32(length);
        to.u16(static_cast<uint16_t>(rule->type));
        to.u16(is_bulk(rule->type) ? rule->bytes_min : 0);
        bool allowed = is_allowed(*rule, kind, length);
        for (size_t size = 0; size <= stream.size(); ++size, ++cases) {
          Outcome outcome = feed(kind, Bytes(stream).first(size), size % 3 == 0 ? 1 : 100);
          size_t refused_at = size < kHeader || allowed ? SIZE_MAX : kHeader;
          ASSERT_EQ(outcome.refused_at, refused_at) << rule->name << ' ' << length << ' ' << size;
          bool whole = allowed && size == kHeader + length;
          ASSERT_EQ(outcome.frames, whole ? 1u : 0u) << rule->name << ' ' << length << ' ' << size;
        }
      }
  EXPECT_GE(cases, 40000u);
}

template <class M>
size_t decode_every_length() {
  static M message;
  size_t cases = 0;
  static constexpr uint8_t kFills[] = {0x00, 0x01, 0x7f, 0xff};
  for (uint8_t fill : kFills)
    for (size_t size = 0; size <= M::kBytesMax + 1; size += size < 300 ? 1 : 17, ++cases) {
      std::vector<uint8_t> body(size, fill);
      body.shrink_to_fit();  // so that a sanitizer sees a read past the end
      Status status = M::decode(body, &message);
      if (size < M::kBytesMin) {
        EXPECT_EQ(status, Status::kInvalid);
      }
      if (size > M::kBytesMax) {
        EXPECT_EQ(status, Status::kTooLarge);
      }
      if (!ok(status)) continue;
      std::vector<uint8_t> room(M::kBytesMax);
      ByteWriter to(room);
      message.encode(to);
      EXPECT_TRUE(to.ok() && equal(to.written(), body));
    }
  return cases;
}

template <class... M>
size_t decode_all() {
  return (decode_every_length<M>() + ...);
}

TEST(Malformed, EveryDecoderWithEveryLength) {
  size_t cases = decode_all<HelloMessage, PingMessage, StatementIdsMessage, StatementGetMessage,
                            StatementMessage, PinMessage, PinnedMessage, StoredMessage, GetMessage,
                            MissingMessage, DigestMessage, DigestsMessage, PinnedListMessage,
                            PinnedChunksMessage, LessMessage, AnnounceMessage, AnnouncedMessage,
                            UnpinMessage, UnpinNowMessage, UnpinnedMessage, KeepMessage,
                            KeptMessage, FreedMessage, PairHelloMessage, PairAcceptMessage,
                            PairKeyringMessage, PairDoneMessage, PutHead, DataHead>();
  EXPECT_GE(cases, 5000u);
}

}  // namespace
}  // namespace drey
