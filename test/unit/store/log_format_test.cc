#include "store/log_format.h"

#include <gtest/gtest.h>

#include <vector>

#include "unit/store/store_fixture.h"

namespace drey {
namespace {

SegmentHeader sample_segment() {
  SegmentHeader header;
  header.number = 7;
  for (size_t i = 0; i < header.store.size(); ++i) header.store[i] = static_cast<uint8_t>(i);
  header.salt = 0x1122334455667788;
  return header;
}

EntryHeader sample_entry() {
  EntryHeader header;
  header.type = EntryType::kRecord;
  header.kind = 2;
  header.slot = 3;
  header.length = 0x010203;
  header.body_crc = 0xa1b2c3d4;
  for (size_t i = 0; i < header.key.size(); ++i) header.key[i] = static_cast<uint8_t>(0x80 + i);
  header.number = 0x0102030405060708;
  return header;
}

TEST(LogFormat, SegmentHeaderHasItsGoldenBytes) {
  std::array<uint8_t, kSegmentHeaderBytes> raw;
  encode_segment_header(sample_segment(), SegmentPart::kHeader, raw);
  EXPECT_EQ(hex_of(raw),
            "445245595345474801000000070000000001020304050607"
            "08090a0b0c0d0e0f8877665544332211"
            "0000000000000000000000000000000000000000"
            "000816bc");
}

TEST(LogFormat, EntryHeaderHasItsGoldenBytes) {
  std::array<uint8_t, kEntryHeaderBytes> raw;
  encode_entry_header(sample_entry(), 0x1122334455667788, 0x1000, raw);
  EXPECT_EQ(hex_of(raw),
            "64455259010203000302"
            "0100d4c3b2a1"
            "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
            "0807060504030201"
            "00000000"
            "16023ee5");
}

TEST(LogFormat, AMovedUnpinHasItsGoldenBytes) {
  std::array<uint8_t, kEntryHeaderBytes> raw;
  EntryHeader header;
  header.type = EntryType::kUnpin;
  header.kind = kUnpinPins | kUnpinClaims;
  header.slot = 5;
  header.length = 64;
  header.body_crc = 0xa1b2c3d4;
  header.number = 0x0102030405060708;
  header.origin = 0x00000201;
  encode_entry_header(header, 0x1122334455667788, 0x1000, raw);
  EXPECT_EQ(hex_of(raw), "644552590803050040000000d4c3b2a1" + std::string(64, '0') +
                             "0807060504030201"
                             "01020000"
                             "4357b103");
  EntryHeader back;
  ASSERT_EQ(decode_entry_header(raw, 0x1122334455667788, 0x1000, &back), Status::kOk);
  EXPECT_EQ(back, header);
}

TEST(LogFormat, AnOriginIsRefusedInEntriesThatHaveNone) {
  std::array<uint8_t, kEntryHeaderBytes> raw;
  for (uint8_t type = 1; type <= 9; ++type) {
    EntryHeader header;
    header.type = static_cast<EntryType>(type);
    header.origin = 3;
    encode_entry_header(header, 99, 128, raw);
    EntryHeader back;
    EXPECT_EQ(decode_entry_header(raw, 99, 128, &back), type > 7 ? Status::kOk : Status::kCorrupt);
  }
}

TEST(LogFormat, OwnRowHasItsGoldenBytes) {
  OwnedRecord row;
  row.c.raw.fill(0x11);
  row.d.raw.fill(0x22);
  row.size = 0x00010002;
  row.type = ChunkType::kPage;
  std::array<uint8_t, kOwnRowBytes> raw;
  encode_own_row(row, raw);
  EXPECT_EQ(hex_of(raw), std::string(64, '1') + std::string(64, '2') + "0200010002000000");
  OwnedRecord back;
  ASSERT_EQ(decode_own_row(raw, &back), Status::kOk);
  EXPECT_EQ(back.c, row.c);
  EXPECT_EQ(back.d, row.d);
  EXPECT_EQ(back.size, row.size);
  EXPECT_EQ(back.type, row.type);
  raw[68] = 3;
  EXPECT_EQ(decode_own_row(raw, &back), Status::kInvalid);
}

TEST(LogFormat, SegmentHeaderRoundTripsInBothParts) {
  for (SegmentPart part : {SegmentPart::kHeader, SegmentPart::kTrailer}) {
    std::array<uint8_t, kSegmentHeaderBytes> raw;
    SegmentHeader header = sample_segment();
    header.table_offset = 0x4000;
    encode_segment_header(header, part, raw);
    SegmentHeader back;
    ASSERT_EQ(decode_segment_header(raw, part, &back), Status::kOk);
    EXPECT_EQ(back, header);
    SegmentPart other = part == SegmentPart::kHeader ? SegmentPart::kTrailer : SegmentPart::kHeader;
    EXPECT_EQ(decode_segment_header(raw, other, &back), Status::kInvalid);
  }
}

TEST(LogFormat, EverySingleBitOfASegmentHeaderIsChecked) {
  std::array<uint8_t, kSegmentHeaderBytes> raw;
  encode_segment_header(sample_segment(), SegmentPart::kHeader, raw);
  for (size_t bit = 0; bit < raw.size() * 8; ++bit) {
    raw[bit / 8] = static_cast<uint8_t>(raw[bit / 8] ^ (1u << bit % 8));
    SegmentHeader back;
    EXPECT_NE(decode_segment_header(raw, SegmentPart::kHeader, &back), Status::kOk) << bit;
    raw[bit / 8] = static_cast<uint8_t>(raw[bit / 8] ^ (1u << bit % 8));
  }
}

TEST(LogFormat, EverySingleBitOfAnEntryHeaderIsChecked) {
  std::array<uint8_t, kEntryHeaderBytes> raw;
  encode_entry_header(sample_entry(), 99, 128, raw);
  for (size_t bit = 0; bit < raw.size() * 8; ++bit) {
    raw[bit / 8] = static_cast<uint8_t>(raw[bit / 8] ^ (1u << bit % 8));
    EntryHeader back;
    EXPECT_NE(decode_entry_header(raw, 99, 128, &back), Status::kOk) << bit;
    raw[bit / 8] = static_cast<uint8_t>(raw[bit / 8] ^ (1u << bit % 8));
  }
  EntryHeader back;
  ASSERT_EQ(decode_entry_header(raw, 99, 128, &back), Status::kOk);
  EXPECT_EQ(back, sample_entry());
}

TEST(LogFormat, AnEntryIsValidOnlyAtItsPlaceAndInItsSegment) {
  std::array<uint8_t, kEntryHeaderBytes> raw;
  encode_entry_header(sample_entry(), 99, 128, raw);
  EntryHeader back;
  EXPECT_EQ(decode_entry_header(raw, 98, 128, &back), Status::kCorrupt);
  EXPECT_EQ(decode_entry_header(raw, 99, 192, &back), Status::kCorrupt);
}

TEST(LogFormat, ANewerSegmentVersionIsUnsupportedNotCorrupt) {
  SegmentHeader header = sample_segment();
  header.version = limits::kFormatVersion + 1;
  std::array<uint8_t, kSegmentHeaderBytes> raw;
  encode_segment_header(header, SegmentPart::kHeader, raw);
  EXPECT_EQ(decode_segment_header(raw, SegmentPart::kHeader, &header), Status::kUnsupported);
}

TEST(LogFormat, TableRowsCarryTheOffsetInPlaceOfTheChecksum) {
  std::array<uint8_t, kEntryHeaderBytes> raw;
  encode_entry_header(sample_entry(), 5, 0x12340, raw);
  std::array<uint8_t, kTableRowBytes> row;
  encode_table_row(raw, 0x12340, row);
  EntryHeader back;
  uint64_t offset = 0;
  ASSERT_EQ(decode_table_row(row, &back, &offset), Status::kOk);
  EXPECT_EQ(back, sample_entry());
  EXPECT_EQ(offset, 0x12340u);
}

TEST(LogFormat, StatementKeysRoundTripThroughTheHeader) {
  StatementKey key;
  for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<uint8_t>(i + 1);
  EntryHeader header;
  set_statement_key(key, &header);
  EXPECT_EQ(statement_key(header), key);
}

TEST(LogFormat, SegmentNamesRoundTripAndNothingElseIsOne) {
  EXPECT_STREQ(segment_name(1).data(), "log/00000001.seg");
  EXPECT_STREQ(segment_name(kSegmentNumberMax).data(), "log/99999999.seg");
  EXPECT_EQ(parse_segment_name("00000042.seg").value(), 42u);
  for (const char* name : {"", "00000000.seg", "1.seg", "0000000a.seg", "00000001.sex",
                           "00000001.seg2", "000000001.seg", "00000001.se"})
    EXPECT_FALSE(parse_segment_name(name).ok()) << name;
}

TEST(LogFormat, PlacesPackAndUnpack) {
  Place place = Place::at(kSegmentNumberMax, (uint64_t{1} << 32) - 64);
  Place back = Place::unpack(place.packed());
  EXPECT_EQ(back.segment, kSegmentNumberMax);
  EXPECT_EQ(back.offset(), (uint64_t{1} << 32) - 64);
}

}  // namespace
}  // namespace drey
