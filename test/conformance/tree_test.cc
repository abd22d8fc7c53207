#include <algorithm>

#include "conformance/subject.h"

namespace drey::conformance {
namespace {

class TreeConformance : public Suite {
 protected:
  void SetUp() override {
    Suite::SetUp();
    tree = ports.tree;
  }
  Tree::Dir root() {
    Result<Tree::Dir> dir = tree->open_root(subject->path(""));
    EXPECT_EQ(Status::kOk, dir.status());
    return dir.value();
  }
  std::vector<std::string> list(Tree::Dir dir) {
    std::vector<std::string> names;
    EXPECT_EQ(Status::kOk, tree->rewind(dir));
    std::string_view name;
    Status status = tree->next_name(dir, &name);
    for (; ok(status); status = tree->next_name(dir, &name)) names.emplace_back(name);
    EXPECT_EQ(Status::kEnd, status);
    std::sort(names.begin(), names.end());
    return names;
  }
  FileStat stat(Tree::Dir dir, std::string_view name) {
    FileStat info;
    EXPECT_EQ(Status::kOk, tree->stat(dir, name, &info)) << name;
    return info;
  }
  std::array<uint8_t, 4096> buffer{};
  Tree* tree = nullptr;
};

TEST_P(TreeConformance, ARootMustBeAnAbsoluteDirectory) {
  ASSERT_TRUE(subject->write_file("file", "x"));
  EXPECT_EQ(Status::kInvalid, tree->open_root("relative").status());
  EXPECT_EQ(Status::kInvalid, tree->open_root("").status());
  EXPECT_EQ(Status::kTooLarge, tree->open_root("/" + std::string(4096, 'x')).status());
  EXPECT_EQ(Status::kNotFound, tree->open_root(subject->path("missing")).status());
  EXPECT_EQ(Status::kChanged, tree->open_root(subject->path("file")).status());
}

TEST_P(TreeConformance, ALinkIsFollowedForTheRootOnly) {
  ASSERT_TRUE(subject->make_dir("dir"));
  ASSERT_TRUE(subject->write_file("dir/a", "x"));
  ASSERT_TRUE(subject->make_symlink("link", subject->path("dir")));
  Result<Tree::Dir> linked = tree->open_root(subject->path("link"));
  ASSERT_EQ(Status::kOk, linked.status());
  EXPECT_EQ((std::vector<std::string>{"a"}), list(linked.value()));
  tree->close_dir(linked.value());
  Tree::Dir dir = root();
  EXPECT_EQ(Status::kChanged, tree->open_dir(dir, "link").status());
  EXPECT_EQ(Status::kChanged, tree->open_file(dir, "link").status());
  EXPECT_EQ(FileKind::kSymlink, stat(dir, "link").kind);
  Result<size_t> size = tree->read_link(dir, "link", buffer);
  ASSERT_EQ(Status::kOk, size.status());
  EXPECT_EQ(subject->path("dir"), as_text(Bytes(buffer).first(size.value())));
  EXPECT_EQ(Status::kTooLarge, tree->read_link(dir, "link", MutBytes(buffer).first(3)).status());
  EXPECT_EQ(Status::kInvalid, tree->read_link(dir, "dir", buffer).status());
  tree->close_dir(dir);
}

TEST_P(TreeConformance, NamesMayBeAnyBytes) {
  std::string all;
  for (int byte = 1; byte < 256; ++byte)
    if (byte != '/') all.push_back(static_cast<char>(byte));
  std::vector<std::string> names = {
      all, std::string(255, 'n'), "\xff\xfe", "new\nline", " ", "-rf", "*", "...", "\xc3\xa9"};
  for (const std::string& name : names) ASSERT_TRUE(subject->write_file(name, name));
  std::sort(names.begin(), names.end());
  Tree::Dir dir = root();
  EXPECT_EQ(names, list(dir));
  for (const std::string& name : names) {
    EXPECT_EQ(name.size(), stat(dir, name).size);
    Result<Tree::File> file = tree->open_file(dir, name);
    ASSERT_EQ(Status::kOk, file.status());
    Result<size_t> size = tree->read_at(file.value(), 0, buffer);
    EXPECT_EQ(name, as_text(Bytes(buffer).first(size.value())));
    tree->close_file(file.value());
  }
  tree->close_dir(dir);
}

TEST_P(TreeConformance, NamesThatLeaveTheDirectoryAreInvalid) {
  using namespace std::string_view_literals;
  ASSERT_TRUE(subject->make_dir("d"));
  ASSERT_TRUE(subject->write_file("d/a", "x"));
  Tree::Dir dir = root();
  FileStat info;
  for (std::string_view name : {"."sv, ".."sv, "d/a"sv, "/"sv, "a\0b"sv}) {
    EXPECT_EQ(Status::kInvalid, tree->open_dir(dir, name).status());
    EXPECT_EQ(Status::kInvalid, tree->open_file(dir, name).status());
    EXPECT_EQ(Status::kInvalid, tree->stat(dir, name, &info));
    EXPECT_EQ(Status::kInvalid, tree->read_link(dir, name, buffer).status());
    EXPECT_EQ(Status::kInvalid, tree->list_xattrs(dir, name, buffer).status());
  }
  EXPECT_EQ(Status::kInvalid, tree->open_file(dir, "").status());
  EXPECT_EQ(Status::kTooLarge, tree->stat(dir, std::string(256, 'n'), &info));
  EXPECT_EQ(Status::kNotFound, tree->stat(dir, "missing", &info));
  EXPECT_EQ(Status::kNotFound, tree->open_file(dir, "missing").status());
  EXPECT_EQ(Status::kNotFound, tree->open_dir(dir, "missing").status());
  tree->close_dir(dir);
}

TEST_P(TreeConformance, AThousandLevelsOpenOneByOne) {
  constexpr int kLevels = 1000;
  ASSERT_TRUE(subject->make_deep(kLevels));
  std::vector<Tree::Dir> dirs = {root()};
  for (int i = 0; i < kLevels; ++i) {
    Result<Tree::Dir> next = tree->open_dir(dirs.back(), "d");
    ASSERT_EQ(Status::kOk, next.status()) << i;
    dirs.push_back(next.value());
  }
  EXPECT_EQ((std::vector<std::string>{"leaf"}), list(dirs.back()));
  for (Tree::Dir dir : dirs) tree->close_dir(dir);
}

TEST_P(TreeConformance, AThousandLevelsNeedTwoHandlesWithParents) {
  constexpr int kLevels = 1000;
  ASSERT_TRUE(subject->make_deep(kLevels));
  Tree::Dir dir = root();
  uint64_t top = stat(dir, "").inode;
  auto go = [&](Result<Tree::Dir> next) {
    ASSERT_EQ(Status::kOk, next.status());
    tree->close_dir(dir);
    dir = next.value();
  };
  for (int i = 0; i < kLevels; ++i) go(tree->open_dir(dir, "d"));
  for (int i = 0; i < kLevels; ++i) go(tree->open_parent(dir));
  EXPECT_EQ(top, stat(dir, "").inode);
  tree->close_dir(dir);
}

TEST_P(TreeConformance, DirectoryHandlesAreLimitedAndReturned) {
  std::vector<Tree::Dir> dirs;
  Result<Tree::Dir> next = tree->open_root(subject->path(""));
  for (; next.ok(); next = tree->open_root(subject->path(""))) dirs.push_back(next.value());
  EXPECT_EQ(Status::kBusy, next.status());
  EXPECT_EQ(1024u, dirs.size());
  for (Tree::Dir dir : dirs) tree->close_dir(dir);
  tree->close_dir(root());
}

TEST_P(TreeConformance, ListsAgainFromTheStartAfterRewind) {
  for (int i = 0; i < 3000; ++i) ASSERT_TRUE(subject->write_file("n" + std::to_string(i), ""));
  Tree::Dir dir = root();
  EXPECT_EQ(3000u, list(dir).size());
  EXPECT_EQ(Status::kOk, tree->rewind(dir));
  std::string_view name;
  EXPECT_EQ(Status::kOk, tree->next_name(dir, &name));
  EXPECT_EQ(3000u, list(dir).size());
  EXPECT_EQ(Status::kEnd, tree->next_name(dir, &name));
  tree->close_dir(dir);
}

TEST_P(TreeConformance, AnEmptyDirectoryHasNoNames) {
  Tree::Dir dir = root();
  EXPECT_TRUE(list(dir).empty());
  EXPECT_EQ(FileKind::kDir, stat(dir, "").kind);
  EXPECT_TRUE(tree->file_system(dir).ok());
  EXPECT_NE(0u, tree->file_system(dir).value());
  tree->close_dir(dir);
}

TEST_P(TreeConformance, ReadsStopAtTheEnd) {
  ASSERT_TRUE(subject->write_file("a", "0123456789"));
  ASSERT_TRUE(subject->write_file("empty", ""));
  Tree::Dir dir = root();
  Tree::File file = tree->open_file(dir, "a").value();
  EXPECT_EQ(4u, tree->read_at(file, 3, MutBytes(buffer).first(4)).value());
  EXPECT_EQ("3456", as_text(Bytes(buffer).first(4)));
  EXPECT_EQ(3u, tree->read_at(file, 7, buffer).value());
  EXPECT_EQ(0u, tree->read_at(file, 10, buffer).value());
  FileStat info;
  ASSERT_EQ(Status::kOk, tree->stat_file(file, &info));
  EXPECT_EQ(10u, info.size);
  EXPECT_EQ(stat(dir, "a").inode, info.inode);
  tree->close_file(file);
  file = tree->open_file(dir, "empty").value();
  uint64_t begin = 0;
  uint64_t end = 0;
  EXPECT_EQ(0u, tree->read_at(file, 0, buffer).value());
  EXPECT_EQ(Status::kEnd, tree->next_data(file, 0, &begin, &end));
  tree->close_file(file);
  tree->close_dir(dir);
}

TEST_P(TreeConformance, DataRegionsCoverEveryByteThatIsNotZero) {
  constexpr uint64_t kHoleEnd = 1 << 20;
  ASSERT_TRUE(subject->write_sparse("a", "head", kHoleEnd, "tail"));
  Tree::Dir dir = root();
  Tree::File file = tree->open_file(dir, "a").value();
  uint64_t begin = 0;
  uint64_t end = 0;
  ASSERT_EQ(Status::kOk, tree->next_data(file, 0, &begin, &end));
  EXPECT_EQ(0u, begin);
  EXPECT_GE(end, 4u);
  if (end < kHoleEnd) {  // the file system knows holes
    ASSERT_EQ(Status::kOk, tree->next_data(file, end, &begin, &end));
    EXPECT_LE(begin, kHoleEnd);
    EXPECT_GT(begin, 4u);
  }
  EXPECT_EQ(kHoleEnd + 4, end);
  EXPECT_EQ(Status::kEnd, tree->next_data(file, end, &begin, &end));
  EXPECT_EQ(4u, tree->read_at(file, kHoleEnd, buffer).value());
  EXPECT_EQ("tail", as_text(Bytes(buffer).first(4)));
  tree->close_file(file);
  tree->close_dir(dir);
}

TEST_P(TreeConformance, HardLinksShareAnInode) {
  ASSERT_TRUE(subject->write_file("a", "x"));
  ASSERT_TRUE(subject->make_hardlink("b", "a"));
  Tree::Dir dir = root();
  EXPECT_EQ(stat(dir, "a").inode, stat(dir, "b").inode);
  EXPECT_EQ(2u, stat(dir, "a").link_count);
  EXPECT_NE(0, stat(dir, "a").ctime_ns);
  tree->close_dir(dir);
}

TEST_P(TreeConformance, AFifoOpensWithoutWaitingAndGivesNoBytes) {
  ASSERT_TRUE(subject->make_fifo("fifo"));
  Tree::Dir dir = root();
  EXPECT_EQ(FileKind::kFifo, stat(dir, "fifo").kind);
  Result<Tree::File> file = tree->open_file(dir, "fifo");
  ASSERT_EQ(Status::kOk, file.status());
  FileStat info;
  ASSERT_EQ(Status::kOk, tree->stat_file(file.value(), &info));
  EXPECT_EQ(FileKind::kFifo, info.kind);
  EXPECT_EQ(Status::kUnsupported, tree->read_at(file.value(), 0, buffer).status());
  tree->close_file(file.value());
  tree->close_dir(dir);
}

TEST_P(TreeConformance, AttributesAreListedAndRead) {
  if (!subject->can("xattr")) GTEST_SKIP() << "this file system has no user attributes";
  ASSERT_TRUE(subject->write_file("a", "x"));
  ASSERT_TRUE(subject->make_dir("d"));
  ASSERT_TRUE(subject->set_xattr("a", "user.one", "first"));
  ASSERT_TRUE(subject->set_xattr("a", "user.two", ""));
  ASSERT_TRUE(subject->set_xattr("d", "user.dir", "yes"));
  Tree::Dir dir = root();
  Result<size_t> size = tree->list_xattrs(dir, "a", buffer);
  ASSERT_EQ(Status::kOk, size.status());
  std::string keys(as_text(Bytes(buffer).first(size.value())));
  EXPECT_NE(std::string::npos, keys.find(std::string("user.one\0", 9)));
  EXPECT_NE(std::string::npos, keys.find(std::string("user.two\0", 9)));
  size = tree->get_xattr(dir, "a", "user.one", buffer);
  ASSERT_EQ(Status::kOk, size.status());
  EXPECT_EQ("first", as_text(Bytes(buffer).first(size.value())));
  EXPECT_EQ(0u, tree->get_xattr(dir, "a", "user.two", buffer).value());
  EXPECT_EQ(Status::kNotFound, tree->get_xattr(dir, "a", "user.three", buffer).status());
  EXPECT_EQ(Status::kTooLarge,
            tree->get_xattr(dir, "a", "user.one", MutBytes(buffer).first(2)).status());
  EXPECT_EQ(Status::kTooLarge, tree->list_xattrs(dir, "a", MutBytes(buffer).first(2)).status());
  Tree::Dir sub = tree->open_dir(dir, "d").value();
  size = tree->get_xattr(sub, "", "user.dir", buffer);
  ASSERT_EQ(Status::kOk, size.status());
  EXPECT_EQ("yes", as_text(Bytes(buffer).first(size.value())));
  tree->close_dir(sub);
  tree->close_dir(dir);
}

TEST_P(TreeConformance, AttributesOfALinkAreNotThoseOfItsTarget) {
  if (!subject->can("xattr")) GTEST_SKIP() << "this file system has no user attributes";
  ASSERT_TRUE(subject->write_file("a", "x"));
  ASSERT_TRUE(subject->set_xattr("a", "user.one", "first"));
  ASSERT_TRUE(subject->make_symlink("link", "a"));
  Tree::Dir dir = root();
  EXPECT_EQ(Status::kNotFound, tree->get_xattr(dir, "link", "user.one", buffer).status());
  tree->close_dir(dir);
}

DREY_CONFORMANCE(TreeConformance);

}  // namespace
}  // namespace drey::conformance
