// Errors of real disks, as far as a process can bring them about for itself.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

#include "posix/posix_disk.h"
#include "posix/posix_status.h"

namespace drey {
namespace {

class PosixDiskErrors : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(nullptr, ::mkdtemp(root.data()));
    ASSERT_EQ(Status::kOk, disk.open_root(root, false));
  }
  void TearDown() override {
    disk.close_root();
    EXPECT_EQ(0, std::system(("rm -rf '" + root + "'").c_str()));
  }
  std::string root = "/tmp/drey-disk-XXXXXX";
  PosixDisk disk;
};

TEST_F(PosixDiskErrors, AFullDiskIsFullAndTellsErrno) {
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(0, ::getrlimit(RLIMIT_FSIZE, &before));
  Disk::File file = disk.open("a", Disk::kWrite | Disk::kCreate).value();
  rlimit small = before;
  small.rlim_cur = 4096;
  ASSERT_EQ(0, ::setrlimit(RLIMIT_FSIZE, &small));
  std::vector<uint8_t> block(8192, 1);
  Status status = disk.write_at(file, 0, block);
  ASSERT_EQ(0, ::setrlimit(RLIMIT_FSIZE, &before));
  EXPECT_EQ(Status::kFull, status);
  EXPECT_EQ(EFBIG, disk.last_errno());
  EXPECT_EQ(4096u, disk.size(file).value());  // the short write before it
  EXPECT_EQ(Status::kOk, disk.write_at(file, 0, block));
  disk.close(file);
}

TEST_F(PosixDiskErrors, LinksAreNotFollowed) {
  ASSERT_EQ(0, ::symlink("/etc/passwd", (root + "/link").c_str()));
  EXPECT_EQ(Status::kChanged, disk.open("link", Disk::kRead).status());
  EXPECT_EQ(ELOOP, disk.last_errno());
  EXPECT_EQ(Status::kChanged, disk.lock("link"));
}

TEST_F(PosixDiskErrors, FilesAndDirectoriesAreTheOwnersOnly) {
  ::umask(0);
  disk.close(disk.open("a", Disk::kWrite | Disk::kCreate).value());
  ASSERT_EQ(Status::kOk, disk.make_dir("d"));
  struct stat info {};
  ASSERT_EQ(0, ::stat((root + "/a").c_str(), &info));
  EXPECT_EQ(0600u, info.st_mode & 07777);
  ASSERT_EQ(0, ::stat((root + "/d").c_str(), &info));
  EXPECT_EQ(0700u, info.st_mode & 07777);
}

TEST_F(PosixDiskErrors, ARootIsMadeWhenAskedAndHasToBeADirectory) {
  PosixDisk other;
  EXPECT_EQ(Status::kNotFound, other.open_root(root + "/new", false));
  EXPECT_EQ(Status::kOk, other.open_root(root + "/new", true));
  other.close_root();
  EXPECT_FALSE(other.is_open());
  EXPECT_EQ(Status::kOk, other.open_root(root + "/new", true));
  other.close_root();
  disk.close(disk.open("file", Disk::kWrite | Disk::kCreate).value());
  EXPECT_EQ(Status::kChanged, other.open_root(root + "/file", true));
  EXPECT_EQ(Status::kNotFound, other.open_root(root + "/no/such", true));
  EXPECT_EQ(Status::kTooLarge, other.open_root(std::string(5000, 'x'), true));
  EXPECT_EQ(Status::kInvalid, other.open_root("", true));
}

TEST_F(PosixDiskErrors, FourLocksAreHeldAtOnceAndEndWithTheRoot) {
  for (const char* name : {"1", "2", "3", "4"}) EXPECT_EQ(Status::kOk, disk.lock(name));
  EXPECT_EQ(Status::kBusy, disk.lock("5"));
  PosixDisk other;
  ASSERT_EQ(Status::kOk, other.open_root(root, false));
  EXPECT_EQ(Status::kBusy, other.lock("1"));
  disk.close_root();
  EXPECT_EQ(Status::kOk, other.lock("1"));
}

TEST(PosixStatus, ErrnoMeansTheSameEverywhere) {
  EXPECT_EQ(Status::kFull, file_status(ENOSPC));
  EXPECT_EQ(Status::kFull, file_status(EDQUOT));
  EXPECT_EQ(Status::kReadOnly, file_status(EROFS));
  EXPECT_EQ(Status::kNotFound, file_status(ENOENT));
  EXPECT_EQ(Status::kDenied, file_status(EACCES));
  EXPECT_EQ(Status::kBusy, file_status(EMFILE));
  EXPECT_EQ(Status::kIo, file_status(EIO));
  EXPECT_EQ(Status::kIo, file_status(ENODEV));
  EXPECT_EQ(Status::kAgain, socket_status(EAGAIN));
  EXPECT_EQ(Status::kClosed, socket_status(ECONNRESET));
  EXPECT_EQ(Status::kClosed, socket_status(EPIPE));
  EXPECT_EQ(Status::kTimeout, socket_status(ETIMEDOUT));
  EXPECT_EQ(Status::kBusy, socket_status(ENFILE));
  EXPECT_EQ(Status::kIo, socket_status(EBADF));
}

}  // namespace
}  // namespace drey
