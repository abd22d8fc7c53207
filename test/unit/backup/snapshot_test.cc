#include <gtest/gtest.h>
#include <sys/xattr.h>

#include <algorithm>
#include <map>

#include "unit/backup/memory_backup.h"
#include "unit/backup/temp_tree.h"

namespace drey {
namespace {

using test::MemoryBackup;
using test::TempTree;

std::string noise(size_t size, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

struct Read {
  Entry entry;
  std::string link;
  std::string contents;
  std::vector<ChunkId> chunks;
  size_t holes = 0;
};

// Every entry of a snapshot with its contents, checked for gaps.
std::map<std::string, Read> read_snapshot(const PageRef& root, const test::MemoryChunks& chunks) {
  static PageCursor cursor;
  std::map<std::string, Read> all;
  cursor.start(root);
  Status status = test::finish_loading(cursor, chunks, cursor.seek({}));
  while (ok(status)) {
    const Row& row = cursor.row();
    std::string path(cursor.key().path);
    Read& read = all[path];
    if (!row.continuation) read.entry = row.entry;
    read.link = as_text(read.entry.link);
    read.entry.link = read.entry.xattrs = {};
    EXPECT_EQ(cursor.key().offset, read.contents.size()) << path;
    ByteReader extents(row.extents);
    for (size_t i = 0; i < row.extent_count; ++i) {
      Extent extent = decode_extent(extents);
      if (extent.hole) {
        read.contents.append(extent.length, '\0');
        ++read.holes;
        continue;
      }
      read.chunks.push_back(extent.c);
      auto found = chunks.chunks.find(extent.c);
      if (found == chunks.chunks.end()) {
        ADD_FAILURE() << "chunk of " << path;
        continue;
      }
      EXPECT_EQ(found->second.size(), extent.chunk_bytes);
      read.contents += found->second.substr(extent.offset, extent.length);
    }
    status = test::finish_loading(cursor, chunks, cursor.next());
  }
  EXPECT_EQ(status, Status::kEnd);
  for (const auto& [path, read] : all) EXPECT_EQ(read.contents.size(), read.entry.size) << path;
  return all;
}

void expect_equal_tree(const TempTree& tree, MemoryBackup& backup) {
  auto all = read_snapshot(backup.previous, backup.chunks);
  size_t files = 0;
  for (const auto& item : std::filesystem::recursive_directory_iterator(tree.root())) {
    std::string path = item.path().string();
    auto found = all.find(path.substr(1));
    ASSERT_NE(found, all.end()) << path;
    if (!item.is_regular_file() || item.is_symlink()) continue;
    ++files;
    EXPECT_TRUE(found->second.contents == TempTree::read(path)) << path;
  }
  EXPECT_EQ(files, backup.maker.progress().files);
}

class Snapshot : public ::testing::Test {
 protected:
  void SetUp() override { backup = std::make_unique<MemoryBackup>(); }
  void run() {
    backup->roots = {tree.source()};
    ASSERT_EQ(backup->run(), Status::kOk);
  }
  const BackupProgress& progress() { return backup->maker.progress(); }
  TempTree tree;
  std::unique_ptr<MemoryBackup> backup;
};

TEST_F(Snapshot, OfAnEmptyDirectoryHasItsAncestorsOnly) {
  run();
  auto all = read_snapshot(backup->previous, backup->chunks);
  std::string source = tree.source();
  EXPECT_EQ(all.size(), 1u + static_cast<size_t>(std::count(source.begin(), source.end(), '/')));
  EXPECT_EQ(all[tree.source()].entry.flags & Entry::kRoot, Entry::kRoot);
}

TEST_F(Snapshot, HoldsFilesOfEverySize) {
  size_t number = 0;
  for (size_t base : {size_t{0}, limits::kChunkBytesMin, limits::kChunkBytesAverage,
                      limits::kChunkBytesMax, 5 * limits::kChunkBytesMax})
    for (size_t add : {size_t{0}, size_t{1}, limits::kChunkBytesMin - 1}) {
      tree.file("f" + std::to_string(number), noise(base + add, number));
      ++number;
    }
  run();
  expect_equal_tree(tree, *backup);
  EXPECT_EQ(progress().errors, 0u);
}

TEST_F(Snapshot, SmallFilesShareBundlesAcrossLargeOnes) {
  for (int i = 0; i < 300; ++i) {
    tree.file("f" + std::to_string(i), noise(limits::kChunkBytesMin / 8, static_cast<uint64_t>(i)));
    if (i % 50 == 7)
      tree.file("f" + std::to_string(i) + "big", noise(3 * limits::kChunkBytesMax, 99));
  }
  run();
  expect_equal_tree(tree, *backup);
  std::set<ChunkId> bundles;
  for (const auto& [path, read] : read_snapshot(backup->previous, backup->chunks))
    if (read.entry.size == limits::kChunkBytesMin / 8) bundles.insert(read.chunks.at(0));
  EXPECT_LE(bundles.size(), 300 * (limits::kChunkBytesMin / 8) / limits::kChunkBytesMin + 8);
}

TEST_F(Snapshot, ThirtyThousandTinyFilesMakeFewRecordsAndAnEditFewer) {
  size_t size = limits::kChunkBytesMin / 64;
  size_t count = limits::kChunkBytesMin >= 65536 ? 30000 : 6000;
  for (size_t i = 0; i < count; ++i) {
    if (i % 1000 == 0) tree.dir("d" + std::to_string(i / 1000));
    tree.file("d" + std::to_string(i / 1000) + "/file" + std::to_string(i), noise(size, i));
  }
  run();
  EXPECT_LE(backup->chunks.added, 400u);

  run();  // nothing changed
  EXPECT_EQ(progress().unchanged, count);
  EXPECT_EQ(progress().read_bytes, 0u);
  EXPECT_LE(backup->chunks.added, 3u);  // directories above the source change beside us

  tree.file("d3/file3456", noise(size, 1));
  run();
  EXPECT_EQ(progress().unchanged, count - 1);
  EXPECT_LE(backup->chunks.added, 5u);
  EXPECT_LE(backup->chunks.added_bytes, 300u * 1024);
  expect_equal_tree(tree, *backup);
}

TEST_F(Snapshot, AnEditOfALargeFileAddsFewChunks) {
  std::string text = noise(40 * limits::kChunkBytesMax, 3);
  tree.file("large", text);
  run();
  text.insert(text.size() / 2, "inserted");
  tree.file("large", text);
  run();
  EXPECT_LE(backup->chunks.added_bytes, 4 * limits::kChunkBytesMax + 2 * limits::kPageBytesMax);
  expect_equal_tree(tree, *backup);
}

TEST_F(Snapshot, ExtentListsGoOnInFurtherRows) {
  tree.file("a", "small");
  tree.file("large", noise(kExtentsPerRow * limits::kChunkBytesAverage * 2, 4));
  tree.file("z", "small");
  run();
  auto all = read_snapshot(backup->previous, backup->chunks);
  EXPECT_GT(all[tree.source() + "/large"].chunks.size(), kExtentsPerRow);
  expect_equal_tree(tree, *backup);
  run();
  EXPECT_EQ(progress().unchanged, 3u);
  expect_equal_tree(tree, *backup);
}

TEST_F(Snapshot, FilesThatWereJustWrittenAreReadAgain) {
  backup->clock.offset_ns = 0;
  tree.file("f", "one");
  run();
  run();
  EXPECT_EQ(progress().unchanged, 0u);
  backup->clock.offset_ns = 10'000'000'000;
  run();
  run();
  EXPECT_EQ(progress().unchanged, 1u);
}

TEST_F(Snapshot, AFileWhoseTimeWasSetBackIsReadAgain) {
  timespec times[2] = {{1, 2}, {1234567, 89}};
  struct stat before {
  }, after{};
  tree.file("f", "one");
  utimensat(AT_FDCWD, tree.path("f").c_str(), times, 0);
  ASSERT_EQ(stat(tree.path("f").c_str(), &before), 0);
  run();
  do {  // until the kernel's tick has moved
    tree.file("f", "two");
    utimensat(AT_FDCWD, tree.path("f").c_str(), times, 0);
    ASSERT_EQ(stat(tree.path("f").c_str(), &after), 0);
  } while (before.st_ctim.tv_sec == after.st_ctim.tv_sec &&
           before.st_ctim.tv_nsec == after.st_ctim.tv_nsec);
  ASSERT_EQ(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
  run();
  EXPECT_EQ(progress().unchanged, 0u);
  expect_equal_tree(tree, *backup);
}

TEST_F(Snapshot, SparseFilesKeepTheirHoles) {
  std::string path = tree.path("sparse");
  int file = ::open(path.c_str(), O_CREAT | O_RDWR, 0600);
  ASSERT_EQ(pwrite(file, "begin", 5, 0), 5);
  ASSERT_EQ(pwrite(file, "middle", 6, 8 * 1024 * 1024), 6);
  ASSERT_EQ(ftruncate(file, 16 * 1024 * 1024), 0);
  close(file);
  run();
  auto all = read_snapshot(backup->previous, backup->chunks);
  expect_equal_tree(tree, *backup);
  EXPECT_LE(progress().read_bytes, 4u * 1024 * 1024);
  EXPECT_EQ(all[tree.source() + "/sparse"].holes, 2u);
}

TEST_F(Snapshot, KeepsLinksFifosModesTimesAndAttributes) {
  tree.file("f", "contents");
  std::filesystem::create_symlink("../where/ever", tree.path("s"));
  ASSERT_EQ(link(tree.path("f").c_str(), tree.path("h").c_str()), 0);
  ASSERT_EQ(mkfifo(tree.path("p").c_str(), 0640), 0);
  chmod(tree.path("f").c_str(), 04711);
  bool attributes = setxattr(tree.path("f").c_str(), "user.drey", "v\0w", 3, 0) == 0;
  timespec times[2] = {{1, 2}, {1234567, 89}};
  utimensat(AT_FDCWD, tree.path("f").c_str(), times, 0);
  run();
  auto all = read_snapshot(backup->previous, backup->chunks);
  const Read& f = all[tree.source() + "/f"];
  EXPECT_EQ(f.entry.mode, 04711);
  EXPECT_EQ(f.entry.mtime_ns, 1234567000000089);
  EXPECT_TRUE(f.entry.hardlink);
  EXPECT_EQ(f.entry.link_id, all[tree.source() + "/h"].entry.link_id);
  EXPECT_EQ(all[tree.source() + "/h"].contents, "contents");
  EXPECT_EQ(all[tree.source() + "/s"].link, "../where/ever");
  EXPECT_EQ(all[tree.source() + "/p"].entry.kind, FileKind::kFifo);
  EXPECT_EQ(all[tree.source() + "/p"].entry.mode, 0640);
  if (!attributes) GTEST_SKIP() << "no user attributes on this file system";
  test::MemoryChunks& chunks = backup->chunks;
  auto cursor = std::make_unique<PageCursor>();
  cursor->start(backup->previous);
  std::string path = tree.source() + "/f";
  ASSERT_EQ(test::finish_loading(*cursor, chunks, cursor->seek({path, 0})), Status::kOk);
  XattrReader reader(cursor->row().entry.xattrs);
  std::string_view name;
  Bytes value;
  bool found = false;
  while (reader.next(&name, &value))
    found = found || (name == "user.drey" && as_text(value) == std::string_view("v\0w", 3));
  EXPECT_TRUE(found);
}

TEST_F(Snapshot, AFileThatKeepsChangingIsStoredAndNamed) {
  std::string path = tree.path("log");
  tree.file("log", noise(3 * limits::kChunkBytesMax, 5));
  tree.file("other", "x");
  backup->on_need = [&](SnapshotMaker::Need need) {
    if (need == SnapshotMaker::Need::kChunk) std::ofstream(path, std::ios::app) << "more";
  };
  run();
  EXPECT_EQ(progress().changed, 1u);
  EXPECT_EQ(progress().errors, 1u);
  ASSERT_EQ(backup->maker.errors().size(), 1u);
  EXPECT_EQ(backup->maker.errors()[0].path(), tree.source() + "/log");
  EXPECT_EQ(backup->maker.errors()[0].status, Status::kChanged);
  EXPECT_EQ(read_snapshot(backup->previous, backup->chunks).count(tree.source() + "/log"), 1u);
  backup->on_need = nullptr;
  run();
  EXPECT_EQ(progress().unchanged, 1u);  // `other`
  expect_equal_tree(tree, *backup);
}

TEST_F(Snapshot, AFileThatChangesOnceIsReadTwiceAndWhole) {
  std::string path = tree.path("doc");
  std::string after = noise(2 * limits::kChunkBytesMax + 77, 7);
  tree.file("doc", noise(3 * limits::kChunkBytesMax, 6));
  bool done = false;
  backup->on_need = [&](SnapshotMaker::Need need) {
    if (need == SnapshotMaker::Need::kChunk && !done) std::ofstream(path) << after;
    done = done || need == SnapshotMaker::Need::kChunk;
  };
  run();
  EXPECT_EQ(progress().changed, 0u);
  EXPECT_EQ(progress().errors, 0u);
  expect_equal_tree(tree, *backup);
}

TEST_F(Snapshot, ATruncatedFileEndsInAHoleAndIsNamed) {
  std::string path = tree.path("large");
  tree.file("large", noise(kExtentsPerRow * limits::kChunkBytesAverage * 2, 8));
  size_t chunks = 0;
  backup->on_need = [&](SnapshotMaker::Need need) {
    if (need != SnapshotMaker::Need::kChunk || ++chunks != kExtentsPerRow + 10) return;
    ASSERT_EQ(truncate(path.c_str(), 100), 0);
  };
  run();
  EXPECT_EQ(progress().changed, 1u);
  auto all = read_snapshot(backup->previous, backup->chunks);
  EXPECT_EQ(all[tree.source() + "/large"].holes, 1u);
}

TEST_F(Snapshot, AnEmptiedSourceMakesNoSnapshot) {
  tree.dir("src");
  tree.file("src/f", "1");
  backup->roots = {tree.source() + "/src"};
  ASSERT_EQ(backup->run(), Status::kOk);
  PageRef kept = backup->previous;
  std::filesystem::remove(tree.path("src/f"));
  EXPECT_EQ(backup->run(), Status::kChanged);
  EXPECT_EQ(backup->maker.root_error().path(), tree.source() + "/src");
  EXPECT_EQ(backup->previous.d, kept.d);
  std::filesystem::remove(tree.path("src"));
  EXPECT_EQ(backup->run(), Status::kNotFound);
}

TEST_F(Snapshot, LostPagesOfThePreviousOneOnlyCostReading) {
  for (int i = 0; i < 3000; ++i) tree.file("name-number-" + std::to_string(i), std::to_string(i));
  tree.file("large", noise(kExtentsPerRow * limits::kChunkBytesAverage * 2, 9));
  run();
  test::MemoryChunks kept = backup->chunks;
  std::vector<ChunkId> pages;
  for (const auto& [c, plain] : kept.chunks)
    if (plain.starts_with(std::string("P\x01", 2)) && plain[3] == 0) pages.push_back(c);
  ASSERT_GE(pages.size(), 3u);
  PageRef root = backup->previous;
  for (size_t i = 0; i < pages.size(); i += 1 + pages.size() / 8) {
    backup->chunks = kept;
    backup->chunks.chunks.erase(pages[i]);
    backup->previous = root;
    run();
    EXPECT_LT(progress().unchanged, 3001u);
    expect_equal_tree(tree, *backup);
  }
}

TEST_F(Snapshot, FilesWhoseRecordsAreMissingAreReadAgain) {
  tree.file("a", noise(2 * limits::kChunkBytesMax, 10));
  tree.file("b", noise(2 * limits::kChunkBytesMax, 11));
  run();
  auto all = read_snapshot(backup->previous, backup->chunks);
  backup->check_held = true;
  run();
  EXPECT_EQ(progress().unchanged, 2u);
  backup->not_held.insert(all[tree.source() + "/b"].chunks.back());
  run();
  EXPECT_EQ(progress().unchanged, 1u);
  expect_equal_tree(tree, *backup);
}

TEST_F(Snapshot, ABundleThatIsMostlyDeadIsGivenUp) {
  backup->sparse.clear();
  size_t size = limits::kChunkBytesMin / 20;
  for (size_t i = 0; i < 60; ++i) tree.file("f" + std::to_string(100 + i), noise(size, i));
  run();
  for (size_t i = 2; i < 60; ++i) std::filesystem::remove(tree.path("f" + std::to_string(100 + i)));
  run();
  EXPECT_EQ(progress().unchanged, 2u);
  EXPECT_GE(backup->sparse.count(), 1u);
  run();
  EXPECT_EQ(progress().unchanged, 0u);
  expect_equal_tree(tree, *backup);
  run();
  EXPECT_EQ(progress().unchanged, 2u);
  EXPECT_EQ(backup->sparse.count(), 0u);
}

TEST_F(Snapshot, ManySlotsOrFewGiveTheSameTree) {
  for (int i = 0; i < 400; ++i)
    tree.file("f" + std::to_string(i),
              noise(limits::kChunkBytesMin / 5 * static_cast<size_t>(1 + i % 40),
                    static_cast<uint64_t>(i)));
  auto placed = [&] {
    std::map<std::string, std::vector<ChunkId>> chunks;
    run();
    for (const auto& [path, read] : read_snapshot(backup->previous, backup->chunks))
      if (read.entry.kind == FileKind::kFile) chunks[path] = read.chunks;
    return chunks;
  };
  auto expected = placed();
  for (size_t slots : {2, 3, 9}) {
    backup = std::make_unique<MemoryBackup>();
    backup->slots = slots;
    backup->in_flight_max = slots - 1;
    backup->random.seed(slots);
    EXPECT_EQ(placed(), expected) << slots;
  }
}

}  // namespace
}  // namespace drey
