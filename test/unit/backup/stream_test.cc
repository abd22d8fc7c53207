#include "backup/stream_maker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "unit/backup/memory_backup.h"
#include "unit/backup/temp_tree.h"

namespace drey {
namespace {

using test::MemoryBackup;
using test::TempTree;

// Takes a stream in rooms of odd sizes and decodes its frames.
struct Receiver : StreamSink {
  struct File {
    Entry entry;
    std::string data;
    uint64_t missing = 0;
    uint64_t next = 0;
  };
  std::vector<uint8_t> buffer = std::vector<uint8_t>(4096);
  size_t window = 1;
  std::vector<uint8_t> bytes;
  std::map<std::string, File> files;
  std::vector<std::string> order;
  std::string current;
  EndFrame end;
  size_t ends = 0;
  size_t starts = 0;
  size_t lost = 0;
  bool sparse_offsets = false;  // a byte range was asked for

  MutBytes room() override {
    window = window * 7 % 4093 + 1;
    return MutBytes(buffer).first(window % 5 == 0 ? 0 : window);
  }
  void produced(size_t size) override {
    bytes.insert(bytes.end(), buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(size));
  }
  void range(const RangeFrame& frame, bool missing) {
    File& file = files[current];
    EXPECT_TRUE(sparse_offsets || frame.offset == file.next);
    file.next = frame.offset + frame.length;
    file.data.append(frame.length, missing ? '?' : '\0');
    if (missing) file.missing += frame.length;
  }
  void decode() {
    size_t at = 0;
    while (at < bytes.size()) {
      Bytes rest = Bytes(bytes).subspan(at);
      StreamFrameHeader header;
      ASSERT_EQ(decode_frame_header(rest, &header), Status::kOk);
      ASSERT_GE(rest.size(), kFrameHeaderBytes + header.size);
      Bytes body = rest.subspan(kFrameHeaderBytes, header.size);
      at += kFrameHeaderBytes + header.size;
      EntryFrame entry;
      DataFrame data;
      RangeFrame hole;
      Status status = Status::kOk;
      switch (header.type) {
        case FrameType::kStart:
          ASSERT_EQ(decode_start(body), Status::kOk);
          ++starts;
          break;
        case FrameType::kEntry:
          ASSERT_EQ(decode_entry_frame(body, &entry), Status::kOk);
          current = entry.path;
          order.push_back(current);
          files[current].entry = entry.entry;
          files[current].entry.link = files[current].entry.xattrs = {};
          break;
        case FrameType::kData:
          ASSERT_EQ(decode_data_frame(body, &data), Status::kOk);
          EXPECT_TRUE(sparse_offsets || data.offset == files[current].next);
          files[current].next = data.offset + data.bytes.size();
          files[current].data += as_text(data.bytes);
          break;
        case FrameType::kHole:
        case FrameType::kMissing:
          ASSERT_EQ(decode_range_frame(header.type, body, &hole), Status::kOk);
          range(hole, header.type == FrameType::kMissing);
          break;
        case FrameType::kLost:
          ASSERT_EQ(decode_lost(body, &status), Status::kOk);
          ++lost;
          break;
        case FrameType::kEnd:
          ASSERT_EQ(decode_end_frame(body, &end), Status::kOk);
          ++ends;
          break;
      }
    }
  }
};

class Stream : public ::testing::Test {
 protected:
  void SetUp() override {
    backup = std::make_unique<MemoryBackup>();
    maker = std::make_unique<StreamMaker>();
  }
  void back_up() {
    backup->roots = {tree.source()};
    ASSERT_EQ(backup->run(), Status::kOk);
  }
  StreamResult stream(Receiver& to, const std::string& path, StreamRequest request = {}) {
    request.snapshot.root_d = backup->previous.d;
    request.snapshot.root_c = backup->previous.c;
    request.snapshot.root_level = backup->previous.level;
    request.path = path;
    EXPECT_EQ(maker->start(request), Status::kOk);
    std::vector<uint8_t> plain(limits::kChunkBytesMax);
    fetches = 0;
    ahead = {};
    while (true) {
      StreamMaker::Need need = maker->run(to);
      size_t size = 0;
      if (need == StreamMaker::Need::kDone) break;
      if (need == StreamMaker::Need::kPage) {
        if (backup->chunks.get(maker->cursor().wants().c, maker->cursor().room(), &size)) {
          maker->page_loaded(size);
        } else {
          maker->page_lost(Status::kNotFound);
        }
      }
      if (need == StreamMaker::Need::kChunk) {
        ++fetches;
        if (ahead != ChunkRef{}) {
          EXPECT_EQ(ahead, maker->chunk());
          ++foreseen;
        }
        ahead = {};
        if (backup->chunks.get(maker->chunk().c, plain, &size)) {
          maker->give_chunk(Bytes(plain).first(size));
        } else {
          maker->chunk_missing(Status::kNotFound);
        }
        std::array<ChunkRef, 3> refs;
        if (maker->upcoming(refs) > 0) ahead = refs[0];
      }
    }
    to.decode();
    EXPECT_EQ(to.starts, 1u);
    EXPECT_EQ(to.ends, 1u);
    return maker->result();
  }
  std::string noise(size_t size, uint64_t seed) {
    std::mt19937_64 random(seed);
    std::string text(size, '\0');
    for (char& c : text) c = static_cast<char>(random());
    return text;
  }
  void fill() {
    tree.dir("a/deep/er");
    tree.file("a/one", "1");
    tree.file("a/deep/two", noise(limits::kChunkBytesMin - 1, 2));
    tree.file("a/deep/er/three", noise(3 * limits::kChunkBytesMax, 3));
    tree.file("a/empty", "");
    tree.dir("b");
    tree.file("b/many", noise(100 * limits::kChunkBytesAverage, 4));
    for (int i = 0; i < 200; ++i)
      tree.file("b/small" + std::to_string(i),
                noise(limits::kChunkBytesMin / 20, static_cast<uint64_t>(i)));
  }
  TempTree tree;
  std::unique_ptr<MemoryBackup> backup;
  std::unique_ptr<StreamMaker> maker;
  size_t fetches = 0;
  size_t foreseen = 0;
  ChunkRef ahead;
};

TEST_F(Stream, DeliversEveryByteInOrder) {
  fill();
  back_up();
  Receiver got;
  StreamResult result = stream(got, "");
  EXPECT_EQ(result.status, Status::kOk);
  EXPECT_EQ(result.missing, 0u);
  EXPECT_EQ(result.files, backup->maker.progress().files);
  EXPECT_EQ(result.bytes, backup->maker.progress().bytes);
  EXPECT_EQ(got.end.bytes, result.bytes);
  EXPECT_TRUE(std::is_sorted(got.order.begin(), got.order.end(),
                             [](const auto& a, const auto& b) { return compare_paths(a, b) < 0; }));
  size_t files = 0;
  for (const auto& item : std::filesystem::recursive_directory_iterator(tree.root())) {
    std::string path = item.path().string();
    ASSERT_TRUE(got.files.contains(path.substr(1))) << path;
    if (!item.is_regular_file()) continue;
    ++files;
    EXPECT_TRUE(got.files[path.substr(1)].data == TempTree::read(path)) << path;
  }
  EXPECT_EQ(files, result.files);
  EXPECT_GT(foreseen, fetches / 2);
}

TEST_F(Stream, OfAPathHoldsWhatLiesBeneathIt) {
  fill();
  tree.dir("a!");
  tree.file("a!/not", "1");
  tree.file("a.txt", "1");
  back_up();
  Receiver got;
  EXPECT_EQ(stream(got, "/" + tree.source() + "/a/").status, Status::kOk);
  std::string a = tree.source() + "/a";
  EXPECT_EQ(got.order,
            (std::vector<std::string>{a, a + "/deep", a + "/deep/er", a + "/deep/er/three",
                                      a + "/deep/two", a + "/empty", a + "/one"}));
  Receiver one;
  EXPECT_EQ(stream(one, a + "/one").files, 1u);
  EXPECT_EQ(one.files[a + "/one"].data, "1");
  Receiver none;
  EXPECT_EQ(stream(none, a + "/on").status, Status::kNotFound);
  EXPECT_EQ(none.end.status, Status::kNotFound);
}

TEST_F(Stream, OfOneLevelSkipsWhatLiesDeeper) {
  fill();
  for (int i = 0; i < 3000; ++i) tree.file("a/deep/n" + std::to_string(i), "x");
  back_up();
  Receiver got;
  StreamRequest request;
  request.one_level = true;
  EXPECT_EQ(stream(got, tree.source() + "/a", request).status, Status::kOk);
  std::string a = tree.source() + "/a";
  EXPECT_EQ(got.order, (std::vector<std::string>{a, a + "/deep", a + "/empty", a + "/one"}));
  EXPECT_EQ(fetches, 0u);
}

TEST_F(Stream, EntriesOnlyFetchesNoChunk) {
  fill();
  back_up();
  Receiver got;
  StreamRequest request;
  request.with_data = false;
  StreamResult result = stream(got, "", request);
  EXPECT_EQ(result.files, backup->maker.progress().files);
  EXPECT_EQ(result.bytes, 0u);
  EXPECT_EQ(result.missing, 0u);
  EXPECT_EQ(fetches, 0u);
}

TEST_F(Stream, ByteRangesAreExact) {
  fill();
  back_up();
  std::string whole = TempTree::read(tree.path("b/many"));
  uint64_t size = whole.size();
  for (auto [offset, length] : std::initializer_list<std::pair<uint64_t, uint64_t>>{
           {0, 1}, {0, UINT64_MAX}, {5, size}, {size / 2, size / 3}, {size - 1, 1}, {size, 5}}) {
    Receiver got;
    got.sparse_offsets = true;
    StreamRequest request;
    request.data_offset = offset;
    request.data_length = length;
    EXPECT_EQ(stream(got, tree.source() + "/b/many", request).status, Status::kOk);
    EXPECT_TRUE(got.files[tree.source() + "/b/many"].data ==
                whole.substr(offset, std::min(length, size)))
        << offset;
  }
}

TEST_F(Stream, EachMissingChunkCostsItsRangesOnly) {
  fill();
  back_up();
  test::MemoryChunks kept = backup->chunks;
  size_t tried = 0;
  for (const auto& [c, plain] : kept.chunks) {
    if (plain.starts_with(std::string("P\x01", 2)) || ++tried % 7 != 0) continue;
    backup->chunks.chunks.erase(c);
    ahead = {};
    Receiver got;
    StreamResult result = stream(got, "");
    EXPECT_EQ(result.status, Status::kOk);
    EXPECT_GE(result.missing, 1u);
    uint64_t missing = 0;
    for (auto& [path, file] : got.files) {
      missing += file.missing;
      if (file.entry.kind != FileKind::kFile) continue;
      std::string whole = TempTree::read("/" + path);
      ASSERT_EQ(file.data.size(), whole.size());
      EXPECT_TRUE(file.missing != 0 || file.data == whole) << path;
    }
    EXPECT_EQ(missing, plain.size());
    backup->chunks = kept;
  }
  EXPECT_GT(tried, 20u);
}

TEST_F(Stream, LostPagesAreToldAndFilesStillCoverTheirSize) {
  for (int i = 0; i < 3000; ++i) tree.file("n" + std::to_string(i), "x");
  tree.file("m", noise(100 * limits::kChunkBytesAverage, 4));
  back_up();
  test::MemoryChunks kept = backup->chunks;
  for (const auto& [c, plain] : kept.chunks) {
    if (!plain.starts_with(std::string("P\x01", 2))) continue;
    backup->chunks.chunks.erase(c);
    ahead = {};
    Receiver got;
    StreamResult result = stream(got, tree.source());
    EXPECT_EQ(got.lost, 1u);
    EXPECT_GE(result.missing, 1u);
    for (auto& [path, file] : got.files) EXPECT_EQ(file.data.size(), file.entry.size) << path;
    backup->chunks = kept;
  }
}

TEST_F(Stream, RowsOfAFileWhoseEntryIsLostAreNotThoseOfTheFileBeforeIt) {
  for (uint64_t i = 0; i < 6; ++i) {
    tree.file("f" + std::to_string(i) + "a", "small");
    tree.file("f" + std::to_string(i) + "b", noise(60 * limits::kChunkBytesAverage, i));
  }
  back_up();
  test::MemoryChunks kept = backup->chunks;
  for (const auto& [c, plain] : kept.chunks) {
    if (!plain.starts_with(std::string("P\x01", 2))) continue;
    backup->chunks.chunks.erase(c);
    ahead = {};
    Receiver got;
    (void)stream(got, tree.source());
    EXPECT_EQ(got.lost, 1u);
    for (auto& [path, file] : got.files) EXPECT_EQ(file.data.size(), file.entry.size) << path;
    backup->chunks = kept;
  }
}

TEST_F(Stream, RefusesPathsThatAreNone) {
  StreamRequest request;
  request.path = "a/../b";
  EXPECT_EQ(maker->start(request), Status::kInvalid);
  std::string longest(5000, 'x');
  request.path = longest;
  EXPECT_EQ(maker->start(request), Status::kTooLarge);
}

}  // namespace
}  // namespace drey
