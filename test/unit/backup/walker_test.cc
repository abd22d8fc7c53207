#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

#include "backup/tree_walker.h"
#include "posix/posix_tree.h"
#include "unit/backup/temp_tree.h"

namespace drey {
namespace {

using test::TempTree;

struct Failures : WalkErrors {
  std::vector<std::pair<std::string, Status>> list;
  void failed(std::string_view path, Status why) override { list.emplace_back(path, why); }
};

struct Walk {
  explicit Walk(std::vector<std::string> sources) : roots(std::move(sources)) {}
  std::vector<std::string> roots;
  std::vector<std::string> excludes;
  std::vector<FileIdentity> skip;
  bool exclude_caches = false;
  bool not_empty = false;
  Failures failures;
  Status end = Status::kOk;

  // Paths relative to `cut`, directories with a trailing '/'.
  std::vector<std::string> run(const std::string& cut = {}) {
    static PosixTree tree;
    static TreeWalker walker;
    std::vector<std::string_view> root_views(roots.begin(), roots.end());
    std::vector<std::string_view> exclude_views(excludes.begin(), excludes.end());
    WalkOptions options{root_views, exclude_views, skip, false, exclude_caches};
    walker.start(&tree, &options, &failures);
    std::vector<std::string> paths;
    WalkItem item;
    while (ok(end = walker.next(&item))) {
      std::string path(item.path);
      if (item.root && not_empty) walker.root_must_not_be_empty();
      if (!cut.empty() && !is_beneath(path, cut)) continue;
      if (!cut.empty()) path = path == cut ? "." : path.substr(cut.size() + 1);
      paths.push_back(path + (item.stat.kind == FileKind::kDir ? "/" : ""));
    }
    walker.stop();
    return paths;
  }
};

using Paths = std::vector<std::string>;

TEST(TreeWalker, VisitsOddNamesInPathOrder) {
  TempTree tree;
  tree.dir("a");
  tree.file("a/x", "1");
  tree.file("a b", "2");
  tree.file("a.txt", "3");
  tree.file("\xff\xfe\n", "4");
  tree.file("-rf *", "5");
  tree.dir("empty");
  std::filesystem::create_symlink("nowhere", tree.path("link"));
  ASSERT_EQ(mkfifo(tree.path("pipe").c_str(), 0600), 0);
  Walk walk({tree.source()});
  EXPECT_EQ(walk.run(tree.source()), (Paths{"./", "-rf *", "a/", "a/x", "a b", "a.txt", "empty/",
                                            "link", "pipe", "\xff\xfe\n"}));
  EXPECT_EQ(walk.end, Status::kEnd);
  EXPECT_TRUE(walk.failures.list.empty());
}

TEST(TreeWalker, AncestorsComeOnceAndSourcesMayBeFiles) {
  TempTree tree;
  tree.dir("d/one");
  tree.dir("d/two");
  tree.file("d/one/f", "1");
  tree.file("d/not", "1");
  tree.file("d/x", "1");
  std::string base = tree.source();
  Walk walk({base + "/d/one", base + "/d/two", base + "/d/x"});
  Paths all = walk.run();
  EXPECT_EQ(walk.end, Status::kEnd);
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size());
  EXPECT_EQ(walk.run(base), (Paths{"./", "d/", "d/one/", "d/one/f", "d/two/", "d/x"}));
}

TEST(TreeWalker, MissingSourceIsAnErrorAndNamed) {
  TempTree tree;
  Walk walk({tree.source() + "/gone"});
  (void)walk.run();
  EXPECT_EQ(walk.end, Status::kNotFound);
}

TEST(TreeWalker, EmptySourceIsAnErrorOnlyWhereItMustNotBe) {
  TempTree tree;
  Walk walk({tree.source()});
  EXPECT_EQ(walk.run(tree.source()), Paths{"./"});
  EXPECT_EQ(walk.end, Status::kEnd);
  walk.not_empty = true;
  (void)walk.run();
  EXPECT_EQ(walk.end, Status::kChanged);
}

TEST(TreeWalker, ExcludesCachesAndOwnDirectoryAreNotEntered) {
  TempTree tree;
  tree.dir("keep");
  tree.file("keep/a.o", "1");
  tree.file("keep/a.c", "1");
  tree.dir("cache");
  tree.file("cache/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n# more");
  tree.file("cache/big", "1");
  tree.dir("notcache");
  tree.file("notcache/CACHEDIR.TAG", "Signature: none");
  tree.dir("own");
  tree.file("own/key", "1");
  struct stat info;
  ASSERT_EQ(stat(tree.path("own").c_str(), &info), 0);
  Walk walk({tree.source()});
  walk.excludes = {"*.o"};
  walk.skip = {{info.st_dev, info.st_ino}};
  walk.exclude_caches = true;
  EXPECT_EQ(walk.run(tree.source()), (Paths{"./", "cache/", "keep/", "keep/a.c", "notcache/",
                                            "notcache/CACHEDIR.TAG", "own/"}));
}

TEST(TreeWalker, WhatIsNeverWalkedIsAnErrorAsASource) {
  Walk walk({"proc"});
  EXPECT_EQ(walk.run(), Paths{"proc/"});
  EXPECT_EQ(walk.end, Status::kUnsupported);
  TempTree tree;
  tree.file("key", "1");
  struct stat info;
  ASSERT_EQ(stat(("/" + tree.source()).c_str(), &info), 0);
  Walk own({tree.source()});
  own.skip = {{info.st_dev, info.st_ino}};
  EXPECT_EQ(own.run(tree.source()), Paths{"./"});
  EXPECT_EQ(own.end, Status::kUnsupported);
}

TEST(TreeWalker, ManyNamesComeSortedInSeveralWindows) {
  TempTree tree;
  std::vector<std::string> names;
  size_t count = NameWindows::kArenaBytes / 20;  // about 28 bytes each: three windows or more
  for (size_t i = 0; i < count; ++i) {
    names.push_back("a-name-of-" + std::to_string(i * 2654435761u % 100000007));
    std::ofstream(tree.path(names.back()));
  }
  std::sort(names.begin(), names.end());
  names.insert(names.begin(), "./");
  Walk walk({tree.source()});
  EXPECT_EQ(walk.run(tree.source()), names);
  EXPECT_TRUE(walk.failures.list.empty());
}

TEST(TreeWalker, WideDirectoriesAtEveryDepthSurviveDroppedWindows) {
  TempTree tree;
  std::string at;
  std::vector<std::string> expected{"./"};
  size_t each = NameWindows::kArenaBytes / 6 / 200;
  for (int depth = 0; depth < 12; ++depth) {
    for (size_t i = 0; i < each; ++i) {
      std::string number = std::to_string(1000 + i);
      expected.push_back(at + number + std::string(200, 'n'));
      std::ofstream(tree.path(expected.back()));
      expected.push_back(at + "z" + number + std::string(200, 'z'));
      std::ofstream(tree.path(expected.back()));
    }
    at += "m/";
    tree.dir(at);
    expected.push_back(at);
  }
  auto plain = [](std::string path) {
    if (path.ends_with("/")) path.pop_back();
    return path;
  };
  std::sort(expected.begin() + 1, expected.end(),
            [&](const auto& a, const auto& b) { return compare_paths(plain(a), plain(b)) < 0; });
  Walk walk({tree.source()});
  EXPECT_EQ(walk.run(tree.source()), expected);
  EXPECT_TRUE(walk.failures.list.empty());
}

TEST(TreeWalker, AThousandLevelsAreWalkedWithFewHandles) {
  TempTree tree;
  int dir = open(tree.root().c_str(), O_RDONLY | O_DIRECTORY);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(mkdirat(dir, "d", 0700), 0);
    int file = openat(dir, "e", O_CREAT | O_WRONLY, 0600);  // sorts behind the directory
    close(file);
    int next = openat(dir, "d", O_RDONLY | O_DIRECTORY);
    close(dir);
    dir = next;
  }
  close(dir);
  Walk walk({tree.source()});
  Paths paths = walk.run(tree.source());
  EXPECT_EQ(walk.end, Status::kEnd);
  EXPECT_TRUE(walk.failures.list.empty());
  EXPECT_EQ(paths.size(), 2001u);
  EXPECT_TRUE(std::is_sorted(paths.begin() + 1, paths.end(), [](const auto& a, const auto& b) {
    return compare_paths(std::string_view(a).substr(0, a.find_last_not_of('/') + 1),
                         std::string_view(b).substr(0, b.find_last_not_of('/') + 1)) < 0;
  }));
}

TEST(TreeWalker, PathsBeyondTheLimitAreNamed) {
  TempTree tree;
  int dir = open(tree.root().c_str(), O_RDONLY | O_DIRECTORY);
  std::string name(255, 'd');
  for (int i = 0; i < 17; ++i) {
    ASSERT_EQ(mkdirat(dir, name.c_str(), 0700), 0);
    int next = openat(dir, name.c_str(), O_RDONLY | O_DIRECTORY);
    close(dir);
    dir = next;
  }
  close(dir);
  Walk walk({tree.source()});
  Paths paths = walk.run(tree.source());
  EXPECT_EQ(walk.end, Status::kEnd);
  ASSERT_EQ(walk.failures.list.size(), 1u);
  EXPECT_EQ(walk.failures.list[0].second, Status::kTooLarge);
  EXPECT_EQ(paths.size(), 1u + (kEntryPathMax - tree.source().size()) / 256);
}

TEST(TreeWalker, UnreadableDirectoryIsNamedAndTheRestIsWalked) {
  TempTree tree;
  tree.dir("a/b");
  tree.dir("secret");
  tree.file("secret/x", "1");
  tree.file("z", "1");
  chmod(tree.path("secret").c_str(), 0000);
  chmod(tree.root().c_str(), 0755);
  pid_t child = fork();
  if (child == 0) {  // as somebody whom permissions bind
    if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) _exit(2);
    Walk walk({tree.source()});
    Paths paths = walk.run(tree.source());
    bool good = paths == Paths{"./", "a/", "a/b/", "secret/", "z"} &&
                walk.failures.list.size() == 1 && walk.failures.list[0].second == Status::kDenied &&
                walk.failures.list[0].first == tree.source() + "/secret";
    _exit(good ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(TreeWalker, SocketsAreLeftOut) {
  TempTree tree;
  int socket_fd = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  snprintf(address.sun_path, sizeof(address.sun_path), "%s", tree.path("s").c_str());
  ASSERT_EQ(bind(socket_fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  close(socket_fd);
  Walk walk({tree.source()});
  EXPECT_EQ(walk.run(tree.source()), Paths{"./"});
  EXPECT_TRUE(walk.failures.list.empty());
}

}  // namespace
}  // namespace drey
