#include "sim/sim_tree.h"

#include <gtest/gtest.h>

#include <string>

namespace drey {
namespace {

class SimTreeTest : public testing::Test {
 protected:
  FileStat stat(const std::string& dir, std::string_view name) {
    FileStat info;
    Result<Tree::Dir> opened = tree.open_root(dir);
    EXPECT_EQ(Status::kOk, opened.status());
    EXPECT_EQ(Status::kOk, tree.stat(opened.value(), name, &info)) << name;
    tree.close_dir(opened.value());
    return info;
  }
  SimTree tree;
};

TEST_F(SimTreeTest, EveryChangeShowsInTheTimes) {
  ASSERT_TRUE(tree.write_file("/home/a", "one"));
  FileStat before = stat("/home", "a");
  ASSERT_TRUE(tree.write_file("/home/a", "two"));
  FileStat after = stat("/home", "a");
  EXPECT_GT(after.mtime_ns, before.mtime_ns);
  EXPECT_GT(after.ctime_ns, before.ctime_ns);
  EXPECT_EQ(after.inode, before.inode);
  ASSERT_TRUE(tree.set_xattr("/home/a", "user.k", "v"));
  EXPECT_EQ(after.mtime_ns, stat("/home", "a").mtime_ns);
  EXPECT_GT(stat("/home", "a").ctime_ns, after.ctime_ns);
}

TEST_F(SimTreeTest, StatsCanBeSetToAnything) {
  ASSERT_TRUE(tree.write_file("/a", "x"));
  ASSERT_TRUE(tree.edit_stat("/a", [](FileStat* info) {
    info->mode = 04755;
    info->uid = 0;
    info->mtime_ns = -1;
  }));
  EXPECT_EQ(04755u, stat("/", "a").mode);
  EXPECT_EQ(-1, stat("/", "a").mtime_ns);
  EXPECT_FALSE(tree.edit_stat("/b", [](FileStat*) {}));
}

TEST_F(SimTreeTest, AFileMayChangeWhileItIsRead) {
  ASSERT_TRUE(tree.write_file("/a", "before"));
  tree.before_read(2, [this] { EXPECT_TRUE(tree.write_file("/a", "after!")); });
  Tree::Dir dir = tree.open_root("/").value();
  Tree::File file = tree.open_file(dir, "a").value();
  std::array<uint8_t, 3> to;
  EXPECT_EQ(3u, tree.read_at(file, 0, to).value());
  EXPECT_EQ("bef", as_text(to));
  EXPECT_EQ(3u, tree.read_at(file, 3, to).value());
  EXPECT_EQ("er!", as_text(to));
  tree.close_file(file);
  tree.close_dir(dir);
  EXPECT_EQ(0u, tree.open_count());
}

TEST_F(SimTreeTest, PathsFailWhenToldTo) {
  ASSERT_TRUE(tree.write_file("/d/a", "x"));
  tree.fail_path("/d/a", Status::kDenied);
  Tree::Dir dir = tree.open_root("/d").value();
  EXPECT_EQ(Status::kDenied, tree.open_file(dir, "a").status());
  tree.fail_path("/d/a", Status::kOk);
  EXPECT_EQ(Status::kOk, tree.open_file(dir, "a").status());
  tree.fail_path("/d", Status::kIo);
  EXPECT_EQ(Status::kIo, tree.open_root("/d").status());
  EXPECT_EQ(2u, tree.open_count());
  tree.drop_handles();
  EXPECT_EQ(0u, tree.open_count());
}

TEST_F(SimTreeTest, NamesMoveAndGo) {
  ASSERT_TRUE(tree.write_file("/d/a", "x"));
  ASSERT_TRUE(tree.make_dir("/e"));
  EXPECT_TRUE(tree.rename("/d/a", "/e/b"));
  EXPECT_EQ(nullptr, tree.peek("/d/a"));
  EXPECT_NE(nullptr, tree.peek("/e/b"));
  EXPECT_TRUE(tree.remove("/e"));
  EXPECT_EQ(nullptr, tree.peek("/e/b"));
  EXPECT_FALSE(tree.remove("/e"));
  EXPECT_FALSE(tree.rename("/e/b", "/x"));
  ASSERT_TRUE(tree.write_file("/file", "x"));
  EXPECT_FALSE(tree.make_dir("/file/beneath"));
}

TEST_F(SimTreeTest, ADirectoryMayBeAnotherFileSystem) {
  ASSERT_TRUE(tree.make_dir("/proc"));
  ASSERT_TRUE(tree.set_file_system("/proc", 0x9fa0, 7));
  Tree::Dir dir = tree.open_root("/proc").value();
  EXPECT_EQ(0x9fa0u, tree.file_system(dir).value());
  EXPECT_EQ(7u, stat("/", "proc").device);
  tree.close_dir(dir);
}

}  // namespace
}  // namespace drey
