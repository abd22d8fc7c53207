#include "crypto/record.h"

#include <gtest/gtest.h>

#include <vector>

namespace drey {
namespace {

std::vector<uint8_t> header(size_t size) {
  std::vector<uint8_t> record(size);
  ByteWriter writer(record);
  writer.bytes(kRecordMagic);
  writer.u16(kRecordVersion);
  writer.u8(kRecordAlgorithm);
  writer.u8(2);
  writer.u64(9);
  return record;
}

TEST(Padme, SizesGrowMonotonicallyAndByAtMostAnEighth) {
  size_t previous = 0;
  for (size_t size = 1; size < 200000; ++size) {
    size_t padded = padme_size(size);
    ASSERT_GE(padded, size);
    ASSERT_GE(padded, previous);
    ASSERT_LE((padded - size) * 8, size);
    ASSERT_EQ(padme_size(padded), padded);
    previous = padded;
  }
  EXPECT_EQ(padme_size(limits::kRecordBytesMax), limits::kRecordBytesMax);
}

TEST(Padme, KnownSizesMatchThePaper) {
  EXPECT_EQ(padme_size(0), 0u);
  EXPECT_EQ(padme_size(1), 1u);
  EXPECT_EQ(padme_size(9), 10u);  // E = 3, S = 2, one bit cleared
  EXPECT_EQ(padme_size(1000), 1024u);
  EXPECT_EQ(padme_size(1025), 1088u);
  EXPECT_EQ(padme_size((1 << 20) - 1), size_t{1} << 20);
}

TEST(InspectRecord, AcceptsAHeaderAndTellsItsFields) {
  RecordInfo info;
  ASSERT_EQ(inspect_record(header(128), &info), Status::kOk);
  EXPECT_EQ(info.type, ChunkType::kPage);
  EXPECT_EQ(info.epoch, 9u);
}

TEST(InspectRecord, RefusesWrongSizes) {
  RecordInfo info;
  EXPECT_EQ(inspect_record({}, &info), Status::kInvalid);
  EXPECT_EQ(inspect_record(header(kRecordBytesMin - 1), &info), Status::kInvalid);
  EXPECT_EQ(inspect_record(header(129), &info), Status::kInvalid);  // no Padmé size
  EXPECT_EQ(inspect_record(header(limits::kRecordBytesMax), &info), Status::kOk);
  EXPECT_EQ(inspect_record(header(limits::kRecordBytesMax + 1), &info), Status::kTooLarge);
}

TEST(InspectRecord, EveryWrongHeaderByteIsRefused) {
  RecordInfo info;
  for (size_t i = 0; i < 8; ++i) {
    auto record = header(128);
    record[i] ^= 0x40;
    EXPECT_NE(inspect_record(record, &info), Status::kOk) << i;
  }
  auto newer = header(128);
  newer[4] = 2;
  EXPECT_EQ(inspect_record(newer, &info), Status::kUnsupported);
  auto cipher = header(128);
  cipher[6] = 2;
  EXPECT_EQ(inspect_record(cipher, &info), Status::kUnsupported);
  auto no_epoch = header(128);
  no_epoch[8] = 0;
  EXPECT_EQ(inspect_record(no_epoch, &info), Status::kInvalid);
}

}  // namespace
}  // namespace drey
