// J1: a snapshot may say what it likes, nothing is written outside the target.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "cli/restore_writer.h"

namespace drey::cli {
namespace {

class Restore : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/drey-restore-XXXXXX";
    base_ = mkdtemp(name);
    mkdir((base_ + "/canary").c_str(), 0700);
    write(base_ + "/canary/precious", "untouched");
    context_.quiet = context_.json = true;
  }
  void TearDown() override {
    std::system(("chmod -R u+rwx " + base_ + "; rm -rf " + base_).c_str());
  }

  static void write(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
  }
  static std::string read(const std::string& path) {
    std::ifstream in(path);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  std::string target() const { return base_ + "/target"; }
  static Entry file_entry(uint64_t size) {
    Entry entry;
    entry.kind = FileKind::kFile;
    entry.mode = 0640;
    entry.uid = geteuid();
    entry.gid = getegid();
    entry.size = size;
    entry.mtime_ns = 1'234'567'890'123'456'789;
    return entry;
  }
  static Entry dir_entry() {
    Entry entry = file_entry(0);
    entry.kind = FileKind::kDir;
    entry.mode = 0755;
    return entry;
  }
  static Entry link_entry(std::string_view to) {
    Entry entry = file_entry(to.size());
    entry.kind = FileKind::kSymlink;
    entry.link = as_bytes(to);
    return entry;
  }
  void put(RestoreWriter& writer, std::string_view path, std::string_view text) {
    ASSERT_TRUE(writer.on_entry({path, file_entry(text.size())}));
    if (!text.empty()) {
      ASSERT_TRUE(writer.on_data({0, as_bytes(text)}));
    }
  }

  std::string base_;
  Context context_;
};

TEST_F(Restore, WritesContentsModeAndNanosecondTime) {
  RestoreWriter writer(context_, {});
  ASSERT_TRUE(writer.open(target()));
  put(writer, "deep/er/name", "contents");
  ASSERT_TRUE(writer.finish());
  EXPECT_EQ(read(target() + "/deep/er/name"), "contents");
  struct stat st {};
  ASSERT_EQ(stat((target() + "/deep/er/name").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0640u);
  EXPECT_EQ(st.st_mtim.tv_sec, 1'234'567'890);
  EXPECT_EQ(st.st_mtim.tv_nsec, 123'456'789);
  EXPECT_EQ(writer.counts().files, 1u);
}

TEST_F(Restore, OfAStreamThatBrokeOffNoHalfFileGetsItsName) {
  RestoreWriter writer(context_, {});
  ASSERT_TRUE(writer.open(target()));
  put(writer, "dir/whole", "contents");
  ASSERT_TRUE(writer.on_entry({"dir/half", file_entry(100)}));
  ASSERT_TRUE(writer.on_data({0, as_bytes("the first bytes")}));
  EXPECT_TRUE(writer.finish(false));
  EXPECT_EQ(read(target() + "/dir/whole"), "contents");
  EXPECT_EQ(rmdir((target() + "/dir").c_str()), -1);  // "whole" is in it
  ASSERT_EQ(unlink((target() + "/dir/whole").c_str()), 0);
  EXPECT_EQ(rmdir((target() + "/dir").c_str()), 0) << "something else was left behind";
  EXPECT_EQ(writer.counts().files, 1u);
}

TEST_F(Restore, SymlinkParentIsNeverFollowed) {
  for (bool walk : {false, true}) {
    RestoreWriter writer(context_, {});
    std::string where = target() + (walk ? "-walk" : "");
    ASSERT_TRUE(writer.open(where));
    if (walk) writer.beneath().use_component_walk();
    // The snapshot makes a link out of the target and then writes "through" it.
    ASSERT_TRUE(writer.on_entry({"out", link_entry(base_ + "/canary")}));
    put(writer, "out/precious", "overwritten");
    put(writer, "out/new", "escaped");
    ASSERT_TRUE(writer.on_entry({"out/dir", dir_entry()}));
    ASSERT_TRUE(writer.on_entry({"up", link_entry("..")}));
    put(writer, "up/canary/precious", "overwritten");
    EXPECT_TRUE(writer.finish());
    EXPECT_EQ(read(base_ + "/canary/precious"), "untouched");
    EXPECT_NE(access((base_ + "/canary/new").c_str(), F_OK), 0);
    EXPECT_NE(access((base_ + "/canary/dir").c_str(), F_OK), 0);
    EXPECT_GE(writer.counts().errors, 4u);
  }
}

TEST_F(Restore, ExistingLinksInTheTargetAreNotFollowedEither) {
  mkdir(target().c_str(), 0700);
  ASSERT_EQ(symlink((base_ + "/canary").c_str(), (target() + "/dir").c_str()), 0);
  ASSERT_EQ(symlink((base_ + "/canary/precious").c_str(), (target() + "/file").c_str()), 0);
  RestoreWriter writer(context_, {.overwrite = true, .skip_bad = false});
  ASSERT_TRUE(writer.open(target()));
  put(writer, "dir/precious", "overwritten");
  put(writer, "file", "replaced");
  ASSERT_TRUE(writer.finish());
  EXPECT_EQ(read(base_ + "/canary/precious"), "untouched");
  EXPECT_EQ(read(target() + "/file"), "replaced");
  struct stat st {};
  ASSERT_EQ(lstat((target() + "/file").c_str(), &st), 0);
  EXPECT_TRUE(S_ISREG(st.st_mode));
}

TEST_F(Restore, ExistingFilesNeedOverwrite) {
  mkdir(target().c_str(), 0700);
  write(target() + "/file", "mine");
  RestoreWriter keep(context_, {});
  ASSERT_TRUE(keep.open(target()));
  put(keep, "file", "theirs");
  ASSERT_TRUE(keep.finish());
  EXPECT_EQ(read(target() + "/file"), "mine");
  EXPECT_EQ(keep.counts().errors, 1u);
  RestoreWriter replace(context_, {.overwrite = true, .skip_bad = false});
  ASSERT_TRUE(replace.open(target()));
  put(replace, "file", "theirs");
  ASSERT_TRUE(replace.finish());
  EXPECT_EQ(read(target() + "/file"), "theirs");
}

TEST_F(Restore, NoHalfFileUnderAFinalName) {
  {
    RestoreWriter writer(context_, {});
    ASSERT_TRUE(writer.open(target()));
    ASSERT_TRUE(writer.on_entry({"file", file_entry(100)}));
    ASSERT_TRUE(writer.on_data({0, as_bytes("only a part")}));
  }  // the stream was cut
  EXPECT_NE(access((target() + "/file").c_str(), F_OK), 0);
  RestoreWriter writer(context_, {.overwrite = false, .skip_bad = true});
  ASSERT_TRUE(writer.open(target()));
  ASSERT_TRUE(writer.on_entry({"bad", file_entry(100)}));
  ASSERT_TRUE(writer.on_range(FrameType::kMissing, {0, 100, Status::kNotFound}));
  put(writer, "good", "whole");
  ASSERT_TRUE(writer.finish());
  EXPECT_NE(access((target() + "/bad").c_str(), F_OK), 0);
  EXPECT_EQ(read(target() + "/good"), "whole");
  EXPECT_EQ(writer.counts().missing, 1u);
}

TEST_F(Restore, HardlinksBecomeOneFile) {
  RestoreWriter writer(context_, {});
  ASSERT_TRUE(writer.open(target()));
  for (const char* name : {"a/one", "b/two"}) {
    Entry entry = file_entry(4);
    entry.hardlink = true;
    entry.link_id[0] = 7;
    ASSERT_TRUE(writer.on_entry({name, entry}));
    ASSERT_TRUE(writer.on_data({0, as_bytes("same")}));
  }
  ASSERT_TRUE(writer.finish());
  struct stat one {
  }, two{};
  ASSERT_EQ(stat((target() + "/a/one").c_str(), &one), 0);
  ASSERT_EQ(stat((target() + "/b/two").c_str(), &two), 0);
  EXPECT_EQ(one.st_ino, two.st_ino);
  EXPECT_EQ(one.st_size, 4);
}

TEST_F(Restore, SetIdBitsOnlyWithTheirOwner) {
  RestoreWriter writer(context_, {});
  ASSERT_TRUE(writer.open(target()));
  Entry entry = file_entry(0);
  entry.mode = 04755;
  entry.uid = geteuid() + 1;  // as an ordinary user the owner cannot be set
  ASSERT_TRUE(writer.on_entry({"suid", entry}));
  ASSERT_TRUE(writer.finish());
  struct stat st {};
  ASSERT_EQ(stat((target() + "/suid").c_str(), &st), 0);
  EXPECT_EQ((st.st_mode & S_ISUID) != 0, st.st_uid == entry.uid);
}

// chown() takes the highest id for "leave the owner as it is", and succeeds.
TEST_F(Restore, TheHighestIdIsNobodysAndBringsNoSetIdBit) {
  RestoreWriter writer(context_, {});
  ASSERT_TRUE(writer.open(target()));
  Entry entry = file_entry(0);
  entry.mode = 06755;
  entry.uid = UINT32_MAX;
  ASSERT_TRUE(writer.on_entry({"user", entry}));
  entry.uid = geteuid();
  entry.gid = UINT32_MAX;
  ASSERT_TRUE(writer.on_entry({"group", entry}));
  ASSERT_TRUE(writer.finish());
  for (const char* name : {"/user", "/group"}) {
    struct stat st {};
    ASSERT_EQ(stat((target() + name).c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 07777, 0755u) << name;
  }
}

TEST_F(Restore, AnOrdinaryUserSetsNoSetIdBitOfAnotherOwner) {
  constexpr uid_t kNobody = 65534;
  bool was_root = geteuid() == 0;
  if (was_root) {
    ASSERT_EQ(chown(base_.c_str(), kNobody, kNobody), 0);
    ASSERT_EQ(seteuid(kNobody), 0);
  }
  {
    RestoreWriter writer(context_, {});
    EXPECT_TRUE(writer.open(target()));
    Entry entry = file_entry(0);
    entry.mode = 04755;
    entry.uid = geteuid() + 1;
    EXPECT_TRUE(writer.on_entry({"suid", entry}));
    EXPECT_TRUE(writer.finish());
  }
  if (was_root) {
    ASSERT_EQ(seteuid(0), 0);
  }
  struct stat st {};
  ASSERT_EQ(stat((target() + "/suid").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0755u);
}

TEST_F(Restore, SparseFilesStaySparse) {
  RestoreWriter writer(context_, {});
  ASSERT_TRUE(writer.open(target()));
  ASSERT_TRUE(writer.on_entry({"sparse", file_entry(64 << 20)}));
  ASSERT_TRUE(writer.on_range(FrameType::kHole, {0, (64 << 20) - 3, Status::kOk}));
  ASSERT_TRUE(writer.on_data({(64 << 20) - 3, as_bytes("end")}));
  ASSERT_TRUE(writer.finish());
  struct stat st {};
  ASSERT_EQ(stat((target() + "/sparse").c_str(), &st), 0);
  EXPECT_EQ(st.st_size, 64 << 20);
  EXPECT_LT(st.st_blocks * 512, 1 << 20);
}

TEST(Beneath, BothWaysRefuseToLeave) {
  char name[] = "/tmp/drey-beneath-XXXXXX";
  std::string base = mkdtemp(name);
  ASSERT_EQ(symlink("/etc", (base + "/abs").c_str()), 0);
  ASSERT_EQ(symlink("..", (base + "/up").c_str()), 0);
  for (bool walk : {false, true}) {
    Beneath beneath;
    ASSERT_TRUE(beneath.open_root(base));
    if (walk) beneath.use_component_walk();
    for (const char* path : {"..", "abs", "up", "abs/x", "../x", "a/../..", "./..", "/etc"})
      EXPECT_LT(beneath.directory(path, false), 0) << path << (walk ? " (walk)" : "");
    EXPECT_GE(beneath.directory("new/er", true), 0);
    EXPECT_GE(beneath.directory("new", false), 0);
  }
  std::system(("rm -rf " + base).c_str());
}

TEST(Snapshots, ArgumentForms) {
  struct Case {
    const char *text, *snapshot, *path;
  };
  const Case cases[] = {{"latest", "latest", ""},
                        {"ab12:/etc/x/", "ab12", "etc/x"},
                        {"pi:latest", "pi:latest", ""},
                        {"pi:latest:/home", "pi:latest", "home"},
                        {"latest:a:b", "latest", "a:b"}};
  for (const Case& c : cases) {
    StreamQuery query = parse_snapshot_argument(c.text);
    EXPECT_EQ(query.snapshot, c.snapshot) << c.text;
    EXPECT_EQ(query.path, c.path) << c.text;
  }
}

}  // namespace
}  // namespace drey::cli
