// Ranges, forms and tar heads: what single files are asked for in and sent as.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "node/files/byte_range.h"
#include "node/files/multipart.h"
#include "node/files/tar_head.h"

namespace drey {
namespace {

TEST(ByteRange, SaysWhatOneRangeMeans) {
  struct Row {
    const char* header;
    uint64_t size;
    Status status;
    uint64_t first, length;
  };
  constexpr uint64_t kMost = UINT64_MAX;
  const Row rows[] = {
      {"", 10, Status::kNotFound, 0, 10},
      {"bytes=0-0", 10, Status::kOk, 0, 1},
      {"bytes=3-5", 10, Status::kOk, 3, 3},
      {"bytes=9-", 10, Status::kOk, 9, 1},
      {"bytes=0-99", 10, Status::kOk, 0, 10},
      {"bytes=-4", 10, Status::kOk, 6, 4},
      {"bytes=-99", 10, Status::kOk, 0, 10},
      {"bytes=10-", 10, Status::kInvalid, 0, 10},
      {"bytes=-0", 10, Status::kInvalid, 0, 10},
      {"bytes=0-", 0, Status::kInvalid, 0, 0},
      {"bytes=5-3", 10, Status::kNotFound, 0, 10},
      {"bytes=1-2,4-5", 10, Status::kNotFound, 0, 10},
      {"bytes=-", 10, Status::kNotFound, 0, 10},
      {"bytes=a-b", 10, Status::kNotFound, 0, 10},
      {"items=0-1", 10, Status::kNotFound, 0, 10},
      {"bytes=0-18446744073709551615", 10, Status::kOk, 0, 10},
      {"bytes=0-18446744073709551616", 10, Status::kNotFound, 0, 10},
      {"bytes=1-18446744073709551615", kMost, Status::kOk, 1, kMost - 1},
  };
  for (const Row& row : rows) {
    ByteRange range;
    EXPECT_EQ(parse_byte_range(row.header, row.size, &range), row.status) << row.header;
    EXPECT_EQ(range.first, row.first) << row.header;
    EXPECT_EQ(range.length, row.length) << row.header;
  }
}

constexpr std::string_view kType = "multipart/form-data; boundary=----abc";
constexpr std::string_view kHead =
    "------abc\r\nContent-Disposition: form-data; name=\"f\"; filename=\"C:\\dir\\my %22file\"\r\n"
    "Content-Type: text/html\r\n\r\n";
constexpr std::string_view kTail = "\r\n------abc--\r\n";

// Feeds a body in pieces of `piece` bytes; the contents, or "!" and where it was refused.
std::string read_form(std::string body, size_t piece, std::string* name) {
  Multipart form;
  if (!ok(form.begin(kType, body.size()))) return "!begin";
  std::string contents;
  size_t at = 0;
  while (at < body.size()) {
    Bytes bytes = as_bytes(std::string_view(body).substr(at, piece));
    if (!form.head_done()) {
      Result<size_t> taken = form.take_head(bytes);
      if (!taken.ok()) return "!head";
      at += taken.value();
      continue;
    }
    size_t left = static_cast<size_t>(form.content_bytes()) - contents.size();
    if (left > 0) {
      bytes = bytes.first(std::min(left, bytes.size()));
      contents += as_text(bytes);
    } else if (!ok(form.take_tail(bytes))) {
      return "!tail";
    }
    at += bytes.size();
  }
  *name = form.file_name();
  return form.done() ? contents : "!end";
}

TEST(Multipart, GivesTheFileOfAFormCutAnywhere) {
  for (std::string contents : {std::string(), std::string("x"), std::string("\r\n------abc"),
                               std::string("\r\n------abc--\r\n"), std::string(3000, '\0')}) {
    std::string body = std::string(kHead) + contents + std::string(kTail);
    for (size_t piece : {1, 2, 3, 7, 64, 5000}) {
      std::string name;
      EXPECT_EQ(read_form(body, piece, &name), contents);
      EXPECT_EQ(name, "my \"file");
    }
  }
}

TEST(Multipart, RefusesWhatIsNoFormWithOneFile) {
  std::string name, head(kHead), tail(kTail);
  EXPECT_EQ(read_form(head + "x" + "\r\n------abc\r\nmore: y\r\n\r\ny" + tail, 9, &name)[0], 'x');
  EXPECT_EQ(read_form("junk" + head + "x" + tail, 9, &name), "!head");
  EXPECT_EQ(read_form(head + "x", 9, &name), "!head");
  EXPECT_EQ(read_form(head + "x" + "\r\n------abd--\r\n", 9, &name), "!tail");
  EXPECT_EQ(read_form("------abc\r\n" + std::string(2000, 'h') + "\r\n\r\nx" + tail, 9, &name),
            "!head");
  EXPECT_EQ(read_form("", 9, &name), "!end");
  Multipart form;
  EXPECT_EQ(form.begin("multipart/form-data", 100), Status::kInvalid);
  EXPECT_EQ(form.begin("multipart/form-data; boundary=", 100), Status::kInvalid);
  EXPECT_EQ(form.begin("multipart/form-data; boundary=" + std::string(71, 'b'), 100),
            Status::kInvalid);
  EXPECT_EQ(form.begin("multipart/form-data; boundary=\"a b\"; x=y", 100), Status::kOk);
}

TEST(TarHead, LongNamesAndLargeSizesStandInPaxRecords) {
  std::vector<uint8_t> room(kTarHeadMax);
  Entry entry;
  entry.kind = FileKind::kFile;
  entry.mode = 0640;
  entry.size = 5;
  EXPECT_EQ(write_tar_head("short", entry, room), kTarBlock);
  EXPECT_EQ(as_text(Bytes(room).first(6)), std::string_view("short\0", 6));
  EXPECT_EQ(as_text(Bytes(room).subspan(100, 8)), std::string_view("0000640\0", 8));
  EXPECT_EQ(as_text(Bytes(room).subspan(124, 12)), std::string_view("00000000005\0", 12));
  EXPECT_EQ(as_text(Bytes(room).subspan(257, 8)), std::string_view("ustar\0"
                                                                   "00",
                                                                   8));
  uint64_t sum = 0;
  for (size_t i = 0; i < kTarBlock; ++i) sum += i >= 148 && i < 156 ? ' ' : room[i];
  EXPECT_EQ(std::stoull(std::string(as_text(Bytes(room).subspan(148, 6))), nullptr, 8), sum);
  entry.size = 1ull << 33;
  size_t size = write_tar_head(std::string(4095, 'p'), entry, room);
  EXPECT_EQ(size % kTarBlock, 0u);
  EXPECT_EQ(room[156], 'x');
  std::string text(as_text(Bytes(room).first(size)));
  EXPECT_NE(text.find("4106 path=" + std::string(4095, 'p') + "\n"), std::string::npos);
  EXPECT_NE(text.find("19 size=8589934592\n"), std::string::npos);
  entry.kind = FileKind::kSymlink;
  entry.size = 0;
  std::string target(4095, 't');
  entry.link = as_bytes(target);
  EXPECT_LE(write_tar_head(std::string(4095, 'p'), entry, room), kTarHeadMax);
}

}  // namespace
}  // namespace drey
