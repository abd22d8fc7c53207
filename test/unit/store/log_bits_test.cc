// C1: every single bit of what precedes a body, and 10,000 random bits of bodies, as the scanner of
// segments meets them: a changed header is no entry, a changed body is told, its neighbours stand.
#include "store/segment_reader.h"
#include "store/segment_writer.h"
#include "unit/store/store_fixture.h"

namespace drey {
namespace {

constexpr size_t kEntries = 6;

class LogBits : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(disk_.make_dir("log"), Status::kOk);
    SegmentHeader header;
    header.number = 1;
    header.salt = 0x0123456789abcdef;
    SegmentWriter writer;
    ASSERT_EQ(writer.create(&disk_, header), Status::kOk);
    for (size_t i = 0; i < kEntries; ++i) {
      EntryHeader entry;
      entry.kind = 1;
      entry.slot = static_cast<uint8_t>(i);
      entry.number = i + 1;
      entry.key.fill(static_cast<uint8_t>(i + 1));
      TestRecord record = make_record(i, 200 + 97 * i);
      offsets_.push_back(writer.tail());
      sizes_.push_back(record.bytes.size());
      ASSERT_EQ(writer.append(entry, record.bytes), Status::kOk);
    }
    disk_.close(writer.file());
  }

  struct Found {
    std::vector<uint64_t> good, bad;  // offsets of entries by their bodies
    bool operator==(const Found&) const = default;
  };
  Found scan() {
    Found found;
    SegmentReader reader(window_);
    EXPECT_EQ(reader.open(&disk_, 1, false, 0), Status::kOk);
    SegmentEntry entry;
    std::vector<uint8_t> body;
    while (ok(reader.next(true, &entry))) {
      body.resize(entry.header.length);
      EXPECT_EQ(ok(reader.read_body(entry, body)), entry.body_ok);
      (entry.body_ok ? found.good : found.bad).push_back(entry.offset);
    }
    return found;
  }
  Found expected(size_t damaged, bool header) const {
    Found found;
    for (size_t i = 0; i < kEntries; ++i) {
      if (i != damaged)
        found.good.push_back(offsets_[i]);
      else if (!header)
        found.bad.push_back(offsets_[i]);
    }
    return found;
  }

  const std::string name_ = segment_name(1).data();
  SimDisk disk_;
  std::vector<uint8_t> window_ = std::vector<uint8_t>(64 * 1024);
  std::vector<uint64_t> offsets_;
  std::vector<size_t> sizes_;
};

TEST_F(LogBits, EverySingleBitOfEveryEntryHeaderIsDetected) {
  ASSERT_EQ(scan(), expected(kEntries, true));
  size_t detected = 0;
  for (size_t entry = 0; entry < kEntries; ++entry)
    for (size_t bit = 0; bit < kEntryHeaderBytes * 8; ++bit) {
      auto mask = static_cast<uint8_t>(1u << bit % 8);
      ASSERT_TRUE(disk_.flip(name_, offsets_[entry] + bit / 8, mask));
      detected += scan() == expected(entry, true) ? 1 : 0;
      ASSERT_TRUE(disk_.flip(name_, offsets_[entry] + bit / 8, mask));
    }
  EXPECT_EQ(detected, kEntries * kEntryHeaderBytes * 8);
}

TEST_F(LogBits, TenThousandBodyBitsAreDetected) {
  TestRandom random(5);
  size_t detected = 0;
  for (size_t i = 0; i < 10000; ++i) {
    size_t entry = random.next() % kEntries;
    uint64_t at = offsets_[entry] + kEntryHeaderBytes + random.next() % sizes_[entry];
    auto mask = static_cast<uint8_t>(1u << random.next() % 8);
    ASSERT_TRUE(disk_.flip(name_, at, mask));
    detected += scan() == expected(entry, false) ? 1 : 0;
    ASSERT_TRUE(disk_.flip(name_, at, mask));
  }
  EXPECT_EQ(detected, 10000u);
}

TEST_F(LogBits, EverySingleBitOfASegmentHeaderIsDetected) {
  size_t detected = 0;
  for (size_t bit = 0; bit < kSegmentHeaderBytes * 8; ++bit) {
    auto mask = static_cast<uint8_t>(1u << bit % 8);
    ASSERT_TRUE(disk_.flip(name_, bit / 8, mask));
    SegmentReader reader(window_);
    detected += reader.open(&disk_, 1, false, 0) == Status::kCorrupt ? 1 : 0;
    reader.close();
    // The index remembers the salt: then not one entry is lost with the header.
    EXPECT_EQ(reader.open(&disk_, 1, false, 0x0123456789abcdef), Status::kOk);
    ASSERT_TRUE(disk_.flip(name_, bit / 8, mask));
  }
  EXPECT_EQ(detected, kSegmentHeaderBytes * 8);
}

}  // namespace
}  // namespace drey
