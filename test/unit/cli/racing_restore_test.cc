// J2: somebody swaps a directory of the target for a symlink out of it, as fast as a thread can,
// while a restore writes there. DREY_RACES=100000 runs it at its full figure.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include "cli/restore_writer.h"

namespace drey::cli {
namespace {

size_t race_count() {
  const char* text = std::getenv("DREY_RACES");
  return text != nullptr ? std::strtoul(text, nullptr, 10) : 2000;
}

size_t entries_in(const std::string& path) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    static_cast<void>(entry);
    ++count;
  }
  return count;
}

TEST(RacingRestore, NothingEscapesWhileADirectoryIsSwappedForALink) {
  char name[] = "/tmp/drey-race-XXXXXX";
  const std::string base = mkdtemp(name), target = base + "/target", canary = base + "/canary";
  mkdir(canary.c_str(), 0700);
  mkdir(target.c_str(), 0700);
  mkdir((target + "/d").c_str(), 0700);
  ASSERT_EQ(symlink(canary.c_str(), (target + "/link").c_str()), 0);
  std::atomic<bool> over{false};
  std::atomic<uint64_t> swaps{0};
  std::thread attacker([&] {
    while (!over.load(std::memory_order_relaxed))
      if (renameat2(AT_FDCWD, (target + "/d").c_str(), AT_FDCWD, (target + "/link").c_str(),
                    RENAME_EXCHANGE) == 0)
        swaps.fetch_add(1, std::memory_order_relaxed);
  });
  Context context;
  context.quiet = context.json = true;
  Entry file;
  file.kind = FileKind::kFile;
  file.mode = 0600;
  file.uid = geteuid();
  file.gid = getegid();
  file.size = 1;
  Entry link = file;
  link.kind = FileKind::kSymlink;
  link.size = 0;
  link.link = as_bytes("/etc");
  uint64_t written = 0, refused = 0;
  testing::internal::CaptureStderr();
  for (size_t i = 0; i < race_count(); i += 2) {
    RestoreWriter writer(context, {.overwrite = true, .skip_bad = true});
    ASSERT_TRUE(writer.open(target));
    if (i % 4 != 0) writer.beneath().use_component_walk();
    EXPECT_TRUE(writer.on_entry({"d/file", file}));
    EXPECT_TRUE(writer.on_data({0, as_bytes("x")}));
    EXPECT_TRUE(writer.on_entry({"d/special", link}));
    written += writer.counts().files;
    refused += writer.counts().errors;
    if (entries_in(canary) != 0) break;
  }
  over = true;
  attacker.join();
  testing::internal::GetCapturedStderr();
  EXPECT_EQ(entries_in(canary), 0u);
  EXPECT_GT(swaps.load(), 0u);
  EXPECT_GT(written, 0u);  // the race was one: both outcomes happened
  EXPECT_GT(refused, 0u);
  std::error_code error;
  std::filesystem::remove_all(base, error);
}

}  // namespace
}  // namespace drey::cli
