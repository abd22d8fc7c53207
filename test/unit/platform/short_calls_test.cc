// B6 at the POSIX layer: reads and writes that do a part, that are interrupted, or that have
// nothing now, once in a hundred calls. The calls below stand in front of libc's for this whole
// program and are the kernel's own until a test asks for whims.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

#include "posix/posix_disk.h"
#include "posix/posix_tree.h"
#include "sim/sim_rng.h"

namespace drey {
namespace {

struct Whims {
  std::atomic<bool> on{false};
  SimRng rng{1};
  uint64_t count = 0;
  // 0: interrupted; else how much of it is done.
  size_t of(size_t size) {
    if (!on || size == 0 || !rng.chance_ppm(ppm)) return size;
    ++count;
    return rng.below(2) == 0 ? 0 : rng.between(1, size);
  }
  uint32_t ppm = 10'000;
};

Whims whims;

}  // namespace
}  // namespace drey

extern "C" {

ssize_t pread64(int fd, void* to, size_t size, off64_t offset) {
  size_t part = drey::whims.of(size);
  if (part == 0 && size != 0) {
    errno = EINTR;
    return -1;
  }
  return syscall(SYS_pread64, fd, to, part, offset);
}

ssize_t pwrite64(int fd, const void* from, size_t size, off64_t offset) {
  size_t part = drey::whims.of(size);
  if (part == 0 && size != 0) {
    errno = EINTR;
    return -1;
  }
  return syscall(SYS_pwrite64, fd, from, part, offset);
}

}  // extern "C"

namespace drey {
namespace {

class ShortCalls : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(nullptr, ::mkdtemp(root.data()));
    ASSERT_EQ(Status::kOk, disk.open_root(root, false));
  }
  void TearDown() override {
    whims.on = false;
    disk.close_root();
    EXPECT_EQ(0, std::system(("rm -rf '" + root + "'").c_str()));
  }
  std::string root = "/tmp/drey-short-XXXXXX";
  PosixDisk disk;
};

TEST_F(ShortCalls, ReadsAndWritesAreWholeWithAThousandSeeds) {
  for (uint64_t seed = 1; seed <= 1000; ++seed) {
    whims.rng = SimRng(seed);
    whims.ppm = seed % 4 == 0 ? 500'000 : 10'000;
    SimRng rng(seed);
    std::vector<uint8_t> bytes(rng.between(1, 20'000));
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(rng.next());
    uint64_t offset = rng.below(5000);
    whims.on = true;
    Disk::File file = disk.open("a", Disk::kWrite | Disk::kRead | Disk::kCreate).value();
    for (int part = 0; part < 8; ++part) ASSERT_EQ(disk.write_at(file, offset, bytes), Status::kOk);
    std::vector<uint8_t> back(bytes.size() + 100);
    for (int part = 0; part < 8; ++part) {
      Result<size_t> got = disk.read_at(file, offset, MutBytes(back).first(bytes.size()));
      ASSERT_EQ(got.status(), Status::kOk);
      ASSERT_EQ(got.value(), bytes.size());
      ASSERT_TRUE(std::equal(bytes.begin(), bytes.end(), back.begin())) << "seed " << seed;
    }
    whims.on = false;
    disk.close(file);
  }
  EXPECT_GT(whims.count, 3000u) << "libc's own calls were used: nothing was tested";
}

TEST_F(ShortCalls, AUsersFileIsReadWhole) {
  std::vector<uint8_t> bytes(300'000);
  SimRng rng(5);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(rng.next());
  Disk::File file = disk.open("photo", Disk::kWrite | Disk::kCreate).value();
  ASSERT_EQ(disk.write_at(file, 0, bytes), Status::kOk);
  disk.close(file);
  PosixTree tree;
  Tree::Dir dir = tree.open_root(root).value();
  Tree::File photo = tree.open_file(dir, "photo").value();
  whims.ppm = 300'000;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    whims.rng = SimRng(seed);
    whims.on = true;
    std::vector<uint8_t> back(bytes.size());
    Result<size_t> got = tree.read_at(photo, 0, back);
    whims.on = false;
    ASSERT_EQ(got.status(), Status::kOk);
    ASSERT_EQ(got.value(), bytes.size());
    ASSERT_EQ(back, bytes);
  }
  tree.close_file(photo);
  tree.close_dir(dir);
}

}  // namespace
}  // namespace drey
