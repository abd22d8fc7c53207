#include "wire/frame.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace drey {
namespace {

std::vector<uint8_t> header_bytes(uint32_t size, uint16_t type, uint16_t third) {
  std::vector<uint8_t> bytes(limits::kFrameHeaderBytes);
  ByteWriter to(bytes);
  to.u32(size);
  to.u16(type);
  to.u16(third);
  return bytes;
}

Status judge(uint32_t size, MessageType type, uint16_t third = 0,
             SessionKind kind = SessionKind::kMember) {
  FrameHeader header;
  return decode_frame_header(header_bytes(size, static_cast<uint16_t>(type), third), kind, &header);
}

TEST(FrameHeader, ControlLengthsAreBoundedByTheirRule) {
  EXPECT_EQ(judge(8, MessageType::kPing), Status::kOk);
  EXPECT_EQ(judge(0, MessageType::kPing), Status::kInvalid);
  EXPECT_EQ(judge(1, MessageType::kPing), Status::kInvalid);
  EXPECT_EQ(judge(9, MessageType::kPing), Status::kTooLarge);
  EXPECT_EQ(judge(1u << 31, MessageType::kPing), Status::kTooLarge);
  EXPECT_EQ(judge(0xffffffff, MessageType::kPing), Status::kTooLarge);
  constexpr auto kMax = static_cast<uint32_t>(StatementMessage::kBytesMax);
  EXPECT_EQ(judge(kMax, MessageType::kStatement), Status::kOk);
  EXPECT_EQ(judge(kMax + 1, MessageType::kStatement), Status::kTooLarge);
}

TEST(FrameHeader, BulkLengthsAreBoundedByHeadAndRecord) {
  constexpr uint32_t kHead = PutHead::kBytesMin;
  constexpr auto kMax = static_cast<uint32_t>(limits::kBulkBytesMax);
  EXPECT_EQ(judge(kHead + 1, MessageType::kPut, kHead), Status::kOk);
  EXPECT_EQ(judge(kHead + kMax, MessageType::kPut, kHead), Status::kOk);
  EXPECT_EQ(judge(kHead + kMax + 1, MessageType::kPut, kHead), Status::kTooLarge);
  EXPECT_EQ(judge(kHead, MessageType::kPut, kHead), Status::kInvalid);
  EXPECT_EQ(judge(0, MessageType::kPut, kHead), Status::kInvalid);
  EXPECT_EQ(judge(500, MessageType::kPut, kHead - 1), Status::kInvalid);
  EXPECT_EQ(judge(500, MessageType::kPut, kHead + 1), Status::kTooLarge);
  EXPECT_EQ(judge(0xffffffff, MessageType::kPut, kHead), Status::kTooLarge);
  EXPECT_EQ(judge(1u << 31, MessageType::kPut, 0xffff), Status::kTooLarge);
}

TEST(FrameHeader, FlagsOfControlFramesAreZero) {
  EXPECT_EQ(judge(8, MessageType::kPing, 1), Status::kInvalid);
}

TEST(FrameHeader, UnknownTypesAreUnsupported) {
  EXPECT_EQ(judge(8, static_cast<MessageType>(0)), Status::kUnsupported);
  EXPECT_EQ(judge(8, static_cast<MessageType>(0x8003)), Status::kUnsupported);
}

TEST(FrameHeader, ASessionSaysOnlyWhatItsKindMay) {
  EXPECT_EQ(judge(36, MessageType::kGet, 0, SessionKind::kPairing), Status::kDenied);
  EXPECT_EQ(judge(36, MessageType::kGet, 0, SessionKind::kRecovery), Status::kOk);
  EXPECT_EQ(judge(1, MessageType::kPairDone, 0, SessionKind::kMember), Status::kDenied);
}

// Feeds `stream` in pieces of `step` bytes; tells what came out.
struct Outcome {
  std::string events;
  std::vector<uint8_t> bulk;
  Status status = Status::kOk;
};

Outcome feed(Bytes stream, size_t step, bool drop = false) {
  Outcome run;
  auto parser = std::make_unique<FrameParser>();
  parser->reset(SessionKind::kMember);
  std::vector<uint8_t> room(limits::kBulkBytesMax);
  while (!stream.empty()) {
    MutBytes want = parser->want();
    EXPECT_FALSE(want.empty());
    size_t count = std::min({want.size(), stream.size(), step});
    std::copy(stream.begin(), stream.begin() + static_cast<long>(count), want.begin());
    stream = stream.subspan(count);
    auto event = parser->advance(count);
    if (!event.ok()) {
      run.status = event.status();
      return run;
    }
    if (event.value() == FrameParser::Event::kControl) run.events += "c";
    if (event.value() == FrameParser::Event::kBulkHead) {
      run.events += "h";
      parser->place_bulk(drop ? MutBytes{} : MutBytes(room));
    }
    if (event.value() == FrameParser::Event::kBulk) {
      run.events += parser->bulk_dropped() ? "d" : "b";
      run.bulk.assign(parser->bulk().begin(), parser->bulk().end());
    }
  }
  run.events += parser->at_boundary() ? "." : "?";
  return run;
}

std::vector<uint8_t> sample(size_t bulk_size) {
  std::vector<uint8_t> stream = header_bytes(8, static_cast<uint16_t>(MessageType::kPing), 0);
  stream.resize(stream.size() + 8, 1);
  auto put = header_bytes(static_cast<uint32_t>(PutHead::kBytesMin + bulk_size),
                          static_cast<uint16_t>(MessageType::kPut), PutHead::kBytesMin);
  stream.insert(stream.end(), put.begin(), put.end());
  stream.resize(stream.size() + PutHead::kBytesMin, 2);
  stream.resize(stream.size() + bulk_size, 3);
  auto pong = header_bytes(8, static_cast<uint16_t>(MessageType::kPong), 0);
  stream.insert(stream.end(), pong.begin(), pong.end());
  stream.resize(stream.size() + 8, 4);
  return stream;
}

TEST(FrameParser, PiecesOfAnySizeGiveTheSameFrames) {
  std::vector<uint8_t> stream = sample(1000);
  for (size_t step : {1, 2, 3, 7, 8, 9, 100, 100000}) {
    Outcome run = feed(stream, step);
    EXPECT_EQ(run.events, "chbc.") << step;
    EXPECT_EQ(run.bulk, std::vector<uint8_t>(1000, 3));
  }
}

TEST(FrameParser, TheLargestBulkFits) {
  Outcome run = feed(sample(limits::kBulkBytesMax), 16384);
  EXPECT_EQ(run.events, "chbc.");
  EXPECT_EQ(run.bulk.size(), limits::kBulkBytesMax);
}

TEST(FrameParser, ADroppedBulkIsSkippedToItsEnd) {
  EXPECT_EQ(feed(sample(1), 100000, true).events, "chdc.");
  EXPECT_EQ(feed(sample(limits::kBulkBytesMax), 100000, true).events, "chdc.");
}

TEST(FrameParser, AStreamCutAnywhereIsNeverACompleteFrameTooMany) {
  std::vector<uint8_t> stream = sample(50);
  for (size_t size = 0; size < stream.size(); ++size) {
    Outcome run = feed(Bytes(stream).first(size), 13);
    EXPECT_EQ(run.status, Status::kOk);
    EXPECT_NE(run.events, "chbc.");
  }
}

TEST(FrameParser, ABadHeaderEndsTheStream) {
  std::vector<uint8_t> stream = sample(50);
  stream[3] = 0x80;
  EXPECT_EQ(feed(stream, 5).status, Status::kTooLarge);
}

}  // namespace
}  // namespace drey
