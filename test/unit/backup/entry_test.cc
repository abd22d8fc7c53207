#include "backup/entry.h"

#include <gtest/gtest.h>

#include <string>

#include "backup/stream_format.h"

namespace drey {
namespace {

Entry sample() {
  static const std::string xattrs("\x04\x00\x02\x00\x00\x00user\x01\x02", 12);
  Entry entry;
  entry.kind = FileKind::kFile;
  entry.flags = Entry::kRecent;
  entry.mode = 04755;
  entry.uid = 1000;
  entry.gid = 70000;
  entry.size = 3000000000;
  entry.mtime_ns = -5;
  entry.ctime_ns = 1700000000123456789;
  entry.inode = 42;
  entry.hardlink = true;
  entry.link_id[3] = 9;
  entry.xattrs = as_bytes(xattrs);
  return entry;
}

Extent data_extent(uint32_t offset, uint32_t length) {
  Extent extent;
  extent.d.raw[0] = 1;
  extent.c.raw[0] = 2;
  extent.chunk_bytes = limits::kChunkBytesMax;
  extent.offset = offset;
  extent.length = length;
  return extent;
}

Extent hole_extent(uint64_t length) {
  Extent extent;
  extent.hole = true;
  extent.length = length;
  return extent;
}

std::string row_bytes(const Entry& entry, std::initializer_list<Extent> extents) {
  std::string bytes(kRowBodyBytesMax, '\0');
  MutBytes room(reinterpret_cast<uint8_t*>(bytes.data()), bytes.size());
  size_t size = 0;
  EXPECT_TRUE(ok(encode_entry(entry, room, &size)));
  ByteWriter writer(room.subspan(size));
  writer.u16(static_cast<uint16_t>(extents.size()));
  for (const Extent& extent : extents) encode_extent(extent, writer);
  bytes.resize(size + writer.size());
  return bytes;
}

TEST(Paths, OrderIsThatOfADepthFirstWalk) {
  const char* sorted[] = {"a", "a/b", "a/b/c", "a/b c", "a/\xff", "a b", "a.txt", "a0", "b"};
  for (size_t i = 0; i < std::size(sorted); ++i)
    for (size_t j = 0; j < std::size(sorted); ++j)
      EXPECT_EQ(compare_paths(sorted[i], sorted[j]), i <=> j) << sorted[i] << " " << sorted[j];
}

TEST(Paths, BeneathMeansWholeComponents) {
  EXPECT_TRUE(is_beneath("a/b", ""));
  EXPECT_TRUE(is_beneath("a/b", "a"));
  EXPECT_TRUE(is_beneath("a", "a"));
  EXPECT_FALSE(is_beneath("ab", "a"));
  EXPECT_FALSE(is_beneath("a", "a/b"));
}

TEST(Paths, HostileOnesAreRefused) {
  for (std::string_view bad :
       {std::string_view(""), std::string_view("/a"), std::string_view("a/"),
        std::string_view("a//b"), std::string_view("."), std::string_view("a/.."),
        std::string_view("../a"), std::string_view("a/./b"), std::string_view("a\0b", 3)})
    EXPECT_FALSE(is_entry_path(bad)) << bad;
  EXPECT_FALSE(is_entry_path(std::string(256, 'x')));
  EXPECT_TRUE(is_entry_path(std::string(255, 'x')));
  EXPECT_TRUE(is_entry_path("...") && is_entry_path("a/..b/\xff\n"));
  std::string longest;
  while (longest.size() < 4094) longest += "x/";
  EXPECT_TRUE(is_entry_path(longest + "y"));
  EXPECT_FALSE(is_entry_path(longest + "yy"));
}

TEST(Row, RoundTripKeepsEveryField) {
  Entry entry = sample();
  std::string bytes = row_bytes(entry, {data_extent(5, 100), hole_extent(7)});
  Row row;
  ASSERT_EQ(decode_row({"home/x", 0}, as_bytes(bytes), &row), Status::kOk);
  EXPECT_EQ(row.entry.kind, entry.kind);
  EXPECT_EQ(row.entry.flags, entry.flags);
  EXPECT_EQ(row.entry.mode, entry.mode);
  EXPECT_EQ(row.entry.uid, entry.uid);
  EXPECT_EQ(row.entry.gid, entry.gid);
  EXPECT_EQ(row.entry.size, entry.size);
  EXPECT_EQ(row.entry.mtime_ns, entry.mtime_ns);
  EXPECT_EQ(row.entry.ctime_ns, entry.ctime_ns);
  EXPECT_EQ(row.entry.inode, entry.inode);
  EXPECT_EQ(row.entry.link_id, entry.link_id);
  EXPECT_TRUE(equal(row.entry.xattrs, entry.xattrs));
  ASSERT_EQ(row.extent_count, 2);
  ByteReader reader(row.extents);
  Extent first = decode_extent(reader);
  EXPECT_EQ(first.offset, 5u);
  EXPECT_EQ(first.length, 100u);
  EXPECT_EQ(first.d, data_extent(0, 1).d);
  Extent second = decode_extent(reader);
  EXPECT_TRUE(second.hole);
  EXPECT_EQ(second.length, 7u);
  EXPECT_TRUE(reader.at_end());
}

TEST(Row, EveryCutAndDamagedByteIsRefusedOrHarmless) {
  std::string good = row_bytes(sample(), {data_extent(5, 100), hole_extent(7)});
  Row row;
  for (size_t i = 0; i < good.size(); ++i) {
    EXPECT_EQ(decode_row({"x", 0}, as_bytes(good.substr(0, i)), &row), Status::kInvalid) << i;
    for (int flip : {1, 0x40, 0xff}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ flip);
      if (!ok(decode_row({"x", 0}, as_bytes(bad), &row))) continue;
      EXPECT_LE(row.extent_count, kExtentsPerRow);
    }
  }
  EXPECT_EQ(decode_row({"x", 0}, as_bytes(good + "y"), &row), Status::kInvalid);
  EXPECT_EQ(decode_row({"x", 5}, as_bytes(good), &row), Status::kInvalid);
}

TEST(Row, ExtentsBeyondTheChunkOrTheFileAreRefused) {
  Row row;
  Entry entry = sample();
  auto decode = [&](Extent extent) {
    return decode_row({"x", 0}, as_bytes(row_bytes(entry, {extent})), &row);
  };
  constexpr uint32_t kMax = limits::kChunkBytesMax;
  EXPECT_EQ(decode(data_extent(0, kMax)), Status::kOk);
  EXPECT_EQ(decode(data_extent(1, kMax)), Status::kInvalid);
  EXPECT_EQ(decode(data_extent(kMax + 1, 0)), Status::kInvalid);
  EXPECT_EQ(decode(data_extent(0, 0)), Status::kInvalid);
  Extent large = data_extent(0, 10);
  large.chunk_bytes = kMax + 1;
  EXPECT_EQ(decode(large), Status::kInvalid);
  EXPECT_EQ(decode(hole_extent(entry.size + 1)), Status::kInvalid);
  EXPECT_EQ(decode(hole_extent(UINT64_MAX)), Status::kInvalid);
}

TEST(Row, LinksWithNulAndDirectoriesWithExtentsAreRefused) {
  Row row;
  Entry link;
  link.kind = FileKind::kSymlink;
  link.link = as_bytes(std::string_view("a\0b", 3));
  EXPECT_EQ(decode_row({"x", 0}, as_bytes(row_bytes(link, {})), &row), Status::kInvalid);
  link.link = as_bytes("../../etc");  // a link may point anywhere; nobody follows it
  EXPECT_EQ(decode_row({"x", 0}, as_bytes(row_bytes(link, {})), &row), Status::kOk);
  Entry dir;
  dir.kind = FileKind::kDir;
  EXPECT_EQ(decode_row({"x", 0}, as_bytes(row_bytes(dir, {data_extent(0, 1)})), &row),
            Status::kInvalid);
}

TEST(StreamFrames, RoundTripAndRefuseDamage) {
  std::array<uint8_t, 256> buffer;
  ByteWriter writer(buffer);
  encode_range_frame(FrameType::kMissing, {100, 50, Status::kNotFound}, writer);
  StreamFrameHeader header;
  ASSERT_EQ(decode_frame_header(writer.written(), &header), Status::kOk);
  EXPECT_EQ(header.type, FrameType::kMissing);
  Bytes body = writer.written().subspan(kFrameHeaderBytes);
  ASSERT_EQ(body.size(), header.size);
  RangeFrame range;
  ASSERT_EQ(decode_range_frame(header.type, body, &range), Status::kOk);
  EXPECT_EQ(range.offset, 100u);
  EXPECT_EQ(range.length, 50u);
  EXPECT_EQ(range.status, Status::kNotFound);
  for (size_t i = 0; i < body.size(); ++i)
    EXPECT_EQ(decode_range_frame(header.type, body.first(i), &range), Status::kInvalid);
  buffer[0] = 0;
  EXPECT_EQ(decode_frame_header(buffer, &header), Status::kInvalid);
  buffer[0] = 8;
  EXPECT_EQ(decode_frame_header(buffer, &header), Status::kInvalid);
  EXPECT_EQ(decode_frame_header(Bytes(buffer).first(4), &header), Status::kInvalid);
}

}  // namespace
}  // namespace drey
