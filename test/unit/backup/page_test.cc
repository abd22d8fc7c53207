#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <set>

#include "unit/backup/memory_chunks.h"

namespace drey {
namespace {

using test::finish_loading;
using test::MemoryChunks;
using test::read_all;
using test::TestRow;

std::string body_of(uint64_t seed) {
  Entry entry;
  entry.kind = FileKind::kDir;
  entry.mode = 0755;
  entry.inode = seed;
  std::string body(100, '\0');
  size_t size = 0;
  EXPECT_TRUE(
      ok(encode_entry(entry, {reinterpret_cast<uint8_t*>(body.data()), body.size()}, &size)));
  body.resize(size);
  return body;
}

bool before(const TestRow& a, const TestRow& b) {
  return compare_keys({a.path, a.offset}, {b.path, b.offset}) < 0;
}

std::vector<TestRow> random_rows(size_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  auto less = [](const std::string& a, const std::string& b) { return compare_paths(a, b) < 0; };
  std::set<std::string, decltype(less)> paths(less);
  while (paths.size() < count) {
    std::string path;
    for (size_t levels = 1 + random() % 4; levels > 0; --levels) {
      if (!path.empty()) path += '/';
      for (size_t size = 1 + random() % 20; size > 0; --size)
        path += static_cast<char>("abcXYZ-!\xff.~"[random() % 11] | 0);
      if (path.ends_with(".")) path += 'x';
    }
    paths.insert(path);
  }
  std::vector<TestRow> rows;
  for (const std::string& path : paths) rows.push_back({path, 0, body_of(random() % 1000)});
  return rows;
}

PageRef build(const std::vector<TestRow>& rows, MemoryChunks& chunks) {
  static PageBuilder builder;
  builder.start();
  auto resolve = [&] {
    auto [d, c] = chunks.put(builder.page());
    EXPECT_TRUE(ok(builder.resolve(d, c)));
  };
  for (const TestRow& row : rows) {
    std::string body = row.body + std::string(2, '\0');  // no extents
    while (true) {
      Status status = builder.add({row.path, row.offset}, as_bytes(body));
      if (ok(status)) break;
      EXPECT_EQ(status, Status::kAgain);
      resolve();
    }
  }
  while (builder.finish() == Status::kAgain) resolve();
  EXPECT_EQ(builder.finish(), Status::kOk);
  return builder.root();
}

TEST(PageTree, EmptyTreeHasOneEmptyLeaf) {
  MemoryChunks chunks;
  PageRef root = build({}, chunks);
  EXPECT_EQ(root.level, 0);
  EXPECT_EQ(chunks.added, 1u);
  EXPECT_TRUE(read_all(root, chunks).empty());
}

TEST(PageTree, RowsComeBackInOrderForAnyCount) {
  for (size_t count : {1, 2, 17, 300, 2000, 20000}) {
    MemoryChunks chunks;
    std::vector<TestRow> rows = random_rows(count, count);
    ASSERT_TRUE(std::is_sorted(rows.begin(), rows.end(), before));
    PageRef root = build(rows, chunks);
    EXPECT_EQ(read_all(root, chunks), rows) << count;
  }
}

TEST(PageTree, SameRowsGiveTheSameRoot) {
  MemoryChunks one, two;
  std::vector<TestRow> rows = random_rows(5000, 3);
  EXPECT_EQ(build(rows, one).d, build(rows, two).d);
}

TEST(PageTree, AnEditRewritesOnePathOfPages) {
  MemoryChunks chunks;
  std::vector<TestRow> rows = random_rows(20000, 4);
  PageRef root = build(rows, chunks);
  EXPECT_GE(root.level, 1);
  for (size_t at : {size_t{0}, rows.size() / 3, rows.size() - 1}) {
    std::vector<TestRow> edited = rows;
    edited[at].body = body_of(77777);
    uint64_t before_count = chunks.added;
    PageRef other = build(edited, chunks);
    EXPECT_NE(other.d, root.d);
    EXPECT_LE(chunks.added - before_count, other.level + 1u);
    EXPECT_EQ(read_all(other, chunks), edited);
  }
}

TEST(PageTree, AnInsertTouchesFewPages) {
  MemoryChunks chunks;
  std::vector<TestRow> rows = random_rows(20000, 5);
  (void)build(rows, chunks);
  rows.insert(rows.begin() + 7000, TestRow{rows[6999].path + "0", 0, body_of(1)});
  ASSERT_TRUE(std::is_sorted(rows.begin(), rows.end(), before));
  uint64_t before_count = chunks.added;
  PageRef root = build(rows, chunks);
  EXPECT_LE(chunks.added - before_count, 3u * (root.level + 1u));
}

TEST(PageTree, PagesAreAboutAsLargeAsAsked) {
  MemoryChunks chunks;
  (void)build(random_rows(30000, 6), chunks);
  EXPECT_GE(chunks.added_bytes / chunks.added, limits::kPageBytesAverage / 3);
  for (const auto& [c, plain] : chunks.chunks) EXPECT_LE(plain.size(), limits::kPageBytesMax);
}

TEST(PageTree, LongestKeysStillNarrow) {
  MemoryChunks chunks;
  std::vector<TestRow> rows;
  std::string base;
  while (base.size() + 256 < kEntryPathMax - 8) base += std::string(250, 'd') + "/";
  for (int i = 0; i < 400; ++i) {
    std::string name = std::to_string(1000 + i);
    rows.push_back({name + "/" + base + name, 0, body_of(static_cast<uint64_t>(i))});
  }
  PageRef root = build(rows, chunks);
  EXPECT_LT(root.level, limits::kPageLevelsMax);
  EXPECT_EQ(read_all(root, chunks), rows);
}

TEST(PageCursor, SeeksToEveryRowAndBetweenRows) {
  MemoryChunks chunks;
  std::vector<TestRow> rows = random_rows(6000, 7);
  PageRef root = build(rows, chunks);
  auto cursor = std::make_unique<PageCursor>();
  cursor->start(root);
  std::mt19937_64 random(1);
  for (int i = 0; i < 4000; ++i) {
    size_t at = random() % rows.size();
    if (i % 2 == 0) at = static_cast<size_t>(i) * rows.size() / 4000;  // forward, far and near
    std::string path = rows[at].path + (i % 3 == 0 ? "!" : "");
    auto expected = std::lower_bound(rows.begin(), rows.end(), TestRow{path, 0, ""}, before);
    Status status = finish_loading(*cursor, chunks, cursor->seek({path, 0}));
    if (expected == rows.end()) {
      EXPECT_EQ(status, Status::kEnd);
    } else {
      ASSERT_EQ(status, Status::kOk);
      EXPECT_EQ(std::string(cursor->key().path), expected->path);
    }
  }
}

TEST(PageCursor, AForwardSeekLoadsFewPages) {
  MemoryChunks chunks;
  std::vector<TestRow> rows = random_rows(20000, 8);
  PageRef root = build(rows, chunks);
  auto cursor = std::make_unique<PageCursor>();
  cursor->start(root);
  size_t loads = 0;
  for (const TestRow& row : rows) {
    Status status = cursor->seek({row.path, 0});
    while (status == Status::kAgain) {
      size_t size = 0;
      ASSERT_TRUE(chunks.get(cursor->wants().c, cursor->room(), &size));
      ++loads;
      status = cursor->loaded(size);
    }
    ASSERT_EQ(status, Status::kOk);
  }
  EXPECT_LE(loads, 2 * chunks.added + 10);
}

TEST(PageCursor, ALostPageLosesItsRowsOnly) {
  MemoryChunks chunks;
  std::vector<TestRow> rows = random_rows(20000, 9);
  PageRef root = build(rows, chunks);
  std::vector<ChunkId> ids;
  for (const auto& [c, plain] : chunks.chunks) ids.push_back(c);
  for (const ChunkId& id : ids) {
    MemoryChunks holed = chunks;
    holed.chunks.erase(id);
    int lost = 0;
    std::vector<TestRow> got = read_all(root, holed, &lost);
    EXPECT_EQ(lost, 1);
    EXPECT_EQ(got.empty(), id == root.c);
    EXPECT_LT(got.size(), rows.size());
    EXPECT_TRUE(std::includes(rows.begin(), rows.end(), got.begin(), got.end(), before));
  }
}

TEST(PageReader, EveryDamagedByteIsRefusedOrHarmless) {
  MemoryChunks chunks;
  (void)build(random_rows(12, 10), chunks);
  const std::string good = chunks.chunks.begin()->second;
  auto walk = [](Bytes page) {
    PageReader reader;
    Status status = reader.begin(page, 0);
    size_t count = 0;
    while (ok(status)) {
      status = reader.next();
      if (!ok(status)) break;
      Row row;
      if (!ok(decode_row(reader.key(), reader.body(), &row))) return Status::kInvalid;
      if (++count > 1000) return Status::kIo;
    }
    return status;
  };
  EXPECT_EQ(walk(as_bytes(good)), Status::kEnd);
  for (size_t i = 0; i < good.size(); ++i) {
    for (int flip : {0x01, 0x80, 0xff}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ flip);
      EXPECT_NE(walk(as_bytes(bad)), Status::kIo);
    }
    EXPECT_NE(walk(as_bytes(good.substr(0, i))), Status::kEnd) << i;
  }
  EXPECT_EQ(walk(as_bytes(good + "x")), Status::kInvalid);
}

TEST(PageReader, RowsOutOfOrderAreRefused) {
  struct NextRow {
    uint16_t shared;
    std::string_view suffix;
    uint64_t offset;
  };
  auto read = [](std::initializer_list<NextRow> rows) {
    std::array<uint8_t, 256> page;
    ByteWriter to(page);
    to.u8('P');
    to.u8(kPageVersion);
    to.u16(0);
    to.u32(static_cast<uint32_t>(rows.size()));
    for (const NextRow& row : rows) {
      to.u16(row.shared);
      to.u16(static_cast<uint16_t>(row.suffix.size()));
      to.text(row.suffix);
      to.u64(row.offset);
      to.u32(0);
    }
    PageReader reader;
    Status status = reader.begin(to.written(), 0);
    while (ok(status)) status = reader.next();
    return status;
  };
  EXPECT_EQ(read({{0, "a", 0}, {0, "b", 0}}), Status::kEnd);
  EXPECT_EQ(read({{0, "a", 0}, {1, "", 5}}), Status::kEnd);
  EXPECT_EQ(read({{0, "a/b", 0}, {1, "-", 0}}), Status::kEnd);
  EXPECT_EQ(read({{0, "b", 0}, {0, "a", 0}}), Status::kInvalid);
  EXPECT_EQ(read({{0, "a", 0}, {0, "a", 0}}), Status::kInvalid);
  EXPECT_EQ(read({{0, "a", 5}, {1, "", 5}}), Status::kInvalid);
  EXPECT_EQ(read({{0, "abc", 0}, {1, "a", 0}}), Status::kInvalid);
  EXPECT_EQ(read({{0, "a/b", 0}, {1, "", 0}}), Status::kInvalid);
  EXPECT_EQ(read({{0, "a-", 0}, {1, "/b", 0}}), Status::kInvalid);
}

}  // namespace
}  // namespace drey
