// J1: more than 60 hostile names and links, as bytes of a stream, through the decoder and the
// writer. What lies outside the target is compared as a whole: names, kinds, modes, owners, times,
// contents, links, attributes.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "cli/restore_writer.h"

namespace drey::cli {
namespace {

using Snapshot = std::map<std::string, std::string>;

std::string describe(const std::string& path) {
  struct stat st {};
  if (lstat(path.c_str(), &st) != 0) return "gone";
  std::ostringstream text;
  text << st.st_mode << ' ' << st.st_uid << ' ' << st.st_gid << ' ' << st.st_nlink << ' '
       << st.st_mtim.tv_sec << '.' << st.st_mtim.tv_nsec << ' ' << st.st_ino << ' ';
  char attributes[4096];
  ssize_t size = llistxattr(path.c_str(), attributes, sizeof attributes);
  if (size > 0) text << std::string(attributes, static_cast<size_t>(size));
  char target[4096];
  ssize_t length = readlink(path.c_str(), target, sizeof target);
  if (length > 0) text << std::string(target, static_cast<size_t>(length));
  if (S_ISREG(st.st_mode)) text << std::ifstream(path).rdbuf();
  return text.str();
}

class HostileRestore : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/drey-hostile-XXXXXX";
    base_ = mkdtemp(name);
    canary_ = base_ + "/canary";
    mkdir(canary_.c_str(), 0700);
    mkdir((canary_ + "/dir").c_str(), 0750);
    std::ofstream(canary_ + "/precious") << "untouched";
    std::ofstream(canary_ + "/dir/file") << "untouched too";
    ASSERT_EQ(symlink("dir/file", (canary_ + "/link").c_str()), 0);
    // A path that is taken relative to the wrong place lands in the canary and is seen.
    cwd_ = std::filesystem::current_path();
    std::filesystem::current_path(canary_);
    context_.quiet = context_.json = true;
    new_target();
    before_ = outside();
  }
  void TearDown() override {
    std::filesystem::current_path(cwd_);
    std::error_code error;
    std::filesystem::remove_all(base_, error);
  }

  // Everything beneath base_ but the target.
  Snapshot outside() const {
    namespace fs = std::filesystem;
    Snapshot all;
    for (auto at = fs::recursive_directory_iterator(base_);
         at != fs::recursive_directory_iterator(); ++at) {
      if (at->path() == target_) {
        at.disable_recursion_pending();
        continue;
      }
      all[at->path()] = describe(at->path());
    }
    return all;
  }

  void new_target() {
    target_ = base_ + "/target";
    std::error_code error;
    std::filesystem::remove_all(target_, error);
    ASSERT_FALSE(error) << error.message();
    mkdir(target_.c_str(), 0700);
  }

  static Entry entry_of(FileKind kind, std::string_view link = {}) {
    Entry entry;
    entry.kind = kind;
    entry.mode = 0777;
    entry.uid = geteuid();
    entry.gid = getegid();
    entry.mtime_ns = 1'000'000'000'000'000'000;
    if (kind == FileKind::kSymlink) entry.link = as_bytes(link);
    if (kind == FileKind::kFile) entry.size = 7;
    if (kind == FileKind::kCharDevice || kind == FileKind::kBlockDevice) entry.rdev_major = 1;
    return entry;
  }

  // As the daemon's bytes would say it. False: the decoder refused it.
  bool send(RestoreWriter& writer, std::string_view path, const Entry& entry) {
    std::vector<uint8_t> body(path.size() + 70000);
    ByteWriter to(body);
    to.u16(static_cast<uint16_t>(path.size()));
    to.text(path);
    size_t size = 0;
    EXPECT_EQ(encode_entry(entry, MutBytes(body).subspan(to.size()), &size), Status::kOk);
    EntryFrame frame;
    if (!ok(decode_entry_frame(Bytes(body).first(to.size() + size), &frame))) return false;
    EXPECT_TRUE(writer.on_entry(frame));
    if (entry.kind == FileKind::kFile) {
      EXPECT_TRUE(writer.on_data({0, as_bytes("hostile")}));
    }
    return true;
  }

  struct Step {
    std::string path;
    Entry entry;
  };
  // One snapshot of these entries, restored in every way there is.
  void attack(const std::string& what, const std::vector<Step>& steps) {
    for (bool walk : {false, true})
      for (bool overwrite : {false, true}) {
        new_target();
        testing::internal::CaptureStderr();
        {
          RestoreWriter writer(context_, {.overwrite = overwrite, .skip_bad = true});
          ASSERT_TRUE(writer.open(target_));
          if (walk) writer.beneath().use_component_walk();
          for (const Step& step : steps) send(writer, step.path, step.entry);
          writer.finish();
        }
        testing::internal::GetCapturedStderr();
        ASSERT_EQ(outside(), before_) << what << (walk ? " (walk)" : "");
      }
    ++cases_;
  }

  std::string base_, canary_, target_;
  std::filesystem::path cwd_;
  Snapshot before_;
  Context context_;
  size_t cases_ = 0;
};

TEST_F(HostileRestore, NamesThatLeaveAreRefusedByTheDecoder) {
  const std::string long_name(256, 'n'), deep = [] {
    std::string path = "d";
    while (path.size() < 4096) path += "/d";
    return path;
  }();
  using std::string_literals::operator""s;
  const std::string names[] = {"..",
                               "../x",
                               "../canary/precious",
                               "a/../../canary/precious",
                               "a/..",
                               "a/../b",
                               "a/b/../../..",
                               ".",
                               "./x",
                               "a/.",
                               "a/./b",
                               "",
                               "/",
                               "//",
                               "/etc/drey-hostile",
                               canary_ + "/precious",
                               "/" + canary_ + "/new",
                               "a//b",
                               "//a",
                               "a/",
                               "a//",
                               "\0"s,
                               "precious\0"s,
                               "a/\0"s,
                               "a\0/../../x"s,
                               "../../../../../../../../tmp/drey-hostile-escape",
                               long_name,
                               "a/" + long_name,
                               deep,
                               deep + "/..",
                               "..//x"};
  size_t cases = 0;
  for (const std::string& name : names)
    for (FileKind kind : {FileKind::kFile, FileKind::kDir, FileKind::kSymlink, FileKind::kFifo,
                          FileKind::kCharDevice}) {
      RestoreWriter writer(context_, {.overwrite = true, .skip_bad = true});
      ASSERT_TRUE(writer.open(target_));
      EXPECT_FALSE(send(writer, name, entry_of(kind, "/etc"))) << name;
      EXPECT_TRUE(writer.finish());
      EXPECT_TRUE(std::filesystem::is_empty(target_)) << name;
      ++cases;
    }
  EXPECT_GE(cases, 60u);
  EXPECT_EQ(outside(), before_);
}

TEST_F(HostileRestore, LinksOutOfTheTargetAreNeverFollowed) {
  const Entry dir = entry_of(FileKind::kDir);
  const std::string goals[] = {canary_,
                               "../canary",
                               "..",
                               "/",
                               ".",
                               "/proc/self/cwd",
                               "/proc/self/fd/3/../canary",
                               "../target/../canary",
                               "../canary/dir/.."};
  for (const std::string& goal : goals) {
    Entry link = entry_of(FileKind::kSymlink, goal);
    std::string inside = goal == ".." ? "out/canary" : goal == "/" ? "out" + canary_ : "out";
    for (FileKind kind : {FileKind::kFile, FileKind::kDir, FileKind::kSymlink, FileKind::kFifo,
                          FileKind::kCharDevice, FileKind::kBlockDevice}) {
      Entry entry = entry_of(kind, "/etc/passwd");
      attack(goal, {{"out", link},
                    {inside + "/precious", entry},
                    {inside + "/new", entry},
                    {inside + "/dir", dir},
                    {inside + "/dir/file", entry}});
    }
  }
  EXPECT_GE(cases_, 50u);
}

TEST_F(HostileRestore, PlacesThatChangeTheirKindAreNotFollowedEither) {
  const Entry file = entry_of(FileKind::kFile), dir = entry_of(FileKind::kDir);
  const Entry link = entry_of(FileKind::kSymlink, "../canary");
  const Entry to_file = entry_of(FileKind::kSymlink, "../canary/precious");
  attack("a directory becomes a link",
         {{"d", dir}, {"d/x", file}, {"d", link}, {"d/precious", file}});
  attack("an empty directory becomes a link", {{"dir", dir}, {"dir", link}, {"dir/file", file}});
  attack("a link becomes a directory", {{"d", link}, {"d", dir}, {"d/precious", file}});
  attack("a link becomes a file", {{"f", to_file}, {"f", file}});
  attack("a chain of links",
         {{"a", entry_of(FileKind::kSymlink, "b")}, {"b", link}, {"a/new", file}});
  attack("a loop of links", {{"a", entry_of(FileKind::kSymlink, "a")}, {"a/new", file}});
  attack("a link as the last part", {{"s/l", entry_of(FileKind::kSymlink, "../../canary/dir")},
                                     {"s/l/file", file},
                                     {"s/l", file}});
  Entry twin = to_file, second = file;
  twin.hardlink = second.hardlink = true;
  twin.link_id[0] = second.link_id[0] = 9;
  attack("a hard link to a link", {{"l", twin}, {"copy", second}, {"copy", file}});
  attack("a hard link beneath a link", {{"one", second}, {"out", link}, {"out/two", second}});
  attack("a hard link whose first name moved out of reach",
         {{"d", dir}, {"d/one", second}, {"d", link}, {"two", second}});
  Entry suid = entry_of(FileKind::kFile);
  suid.mode = 06777;
  suid.uid = suid.gid = 12345;
  attack("set-id bits through a link",
         {{"f", to_file}, {"f", suid}, {"out", link}, {"out/s", suid}});
  std::array<uint8_t, 128> room;
  ByteWriter to(room);
  for (std::string_view name : {"user.x", "security.capability", "trusted.overlay.redirect", "x"}) {
    to.u16(static_cast<uint16_t>(name.size()));
    to.u32(4);
    to.text(name);
    to.text("/etc");
  }
  Entry attributed = to_file;
  attributed.xattrs = to.written();
  attack("attributes of a link", {{"f", attributed}});
  Entry attributed_dir = dir;
  attributed_dir.xattrs = to.written();
  attack("attributes of a directory that is a link later", {{"d", attributed_dir}, {"d", link}});
  EXPECT_EQ(cases_, 13u);
}

TEST_F(HostileRestore, LinksThatStoodInTheTargetBeforeAreNotFollowed) {
  const Entry file = entry_of(FileKind::kFile), dir = entry_of(FileKind::kDir);
  for (const char* goal : {"../canary", "/proc/self/cwd", ".."}) {
    ASSERT_EQ(symlink(goal, (target_ + "/old").c_str()), 0);
    ASSERT_EQ(link((canary_ + "/precious").c_str(), (target_ + "/twin").c_str()), 0);
    Snapshot linked = outside();
    testing::internal::CaptureStderr();
    RestoreWriter writer(context_, {.overwrite = true, .skip_bad = true});
    ASSERT_TRUE(writer.open(target_));
    send(writer, "old/precious", file);
    send(writer, "old/new", dir);
    send(writer, "twin", file);  // replaced, never written in place
    writer.finish();
    testing::internal::GetCapturedStderr();
    Snapshot after = outside();
    after[canary_ + "/precious"] = linked[canary_ + "/precious"] = "";  // its link count fell
    EXPECT_EQ(after, linked);
    std::ifstream precious(canary_ + "/precious");
    std::string word;
    precious >> word;
    EXPECT_EQ(word, "untouched");
    new_target();
  }
}

}  // namespace
}  // namespace drey::cli
