// What a tree tells about an entry without opening it: stat, link target, extended attributes.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "posix/posix_status.h"
#include "posix/posix_tree.h"
#include "posix/tree_name.h"

namespace drey {
namespace {

FileKind kind_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return FileKind::kFile;
    case S_IFDIR:
      return FileKind::kDir;
    case S_IFLNK:
      return FileKind::kSymlink;
    case S_IFIFO:
      return FileKind::kFifo;
    case S_IFCHR:
      return FileKind::kCharDevice;
    case S_IFBLK:
      return FileKind::kBlockDevice;
    case S_IFSOCK:
      return FileKind::kSocket;
    default:
      return FileKind::kOther;
  }
}

int64_t nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

void convert(const struct stat& from, FileStat* to) {
  to->kind = kind_of(from.st_mode);
  to->mode = from.st_mode & 07777;
  to->uid = from.st_uid;
  to->gid = from.st_gid;
  to->size = static_cast<uint64_t>(from.st_size);
  to->inode = from.st_ino;
  to->device = from.st_dev;
  to->link_count = from.st_nlink;
  to->rdev_major = major(from.st_rdev);
  to->rdev_minor = minor(from.st_rdev);
  to->mtime_ns = nanoseconds(from.st_mtim);
  to->ctime_ns = nanoseconds(from.st_ctim);
  to->blocks = static_cast<uint64_t>(from.st_blocks);
}

// The *xattr calls know no directory descriptor. Through /proc the last component can still be
// named without following it.
class ProcPath {
 public:
  ProcPath(int fd, const char* name) {
    std::snprintf(text_, sizeof text_, "/proc/self/fd/%d/%s", fd, name);
  }
  const char* c_str() const { return text_; }

 private:
  char text_[limits::kFileNameBytesMax + 32];
};

bool means_unsupported(int error) { return error == EOPNOTSUPP || error == ENOSYS; }

}  // namespace

Status PosixTree::stat(Dir dir, std::string_view name, FileStat* to) {
  struct stat info {};
  if (name.empty()) {
    if (::fstat(dir_fd(dir), &info) != 0) return failed(errno);
  } else {
    TreeName text(name);
    DREY_TRY(text.status());
    if (::fstatat(dir_fd(dir), text.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return failed(errno);
  }
  convert(info, to);
  return Status::kOk;
}

Status PosixTree::stat_file(File file, FileStat* to) {
  struct stat info {};
  if (::fstat(file_fd(file), &info) != 0) return failed(errno);
  convert(info, to);
  return Status::kOk;
}

Result<size_t> PosixTree::read_link(Dir dir, std::string_view name, MutBytes to) {
  TreeName text(name);
  DREY_TRY(text.status());
  ssize_t size =
      ::readlinkat(dir_fd(dir), text.c_str(), reinterpret_cast<char*>(to.data()), to.size());
  if (size < 0) return failed(errno);
  // A target that fills the buffer may have been cut.
  if (static_cast<size_t>(size) == to.size()) return Status::kTooLarge;
  return static_cast<size_t>(size);
}

Result<size_t> PosixTree::list_xattrs(Dir dir, std::string_view name, MutBytes to) {
  ssize_t size;
  auto* list = reinterpret_cast<char*>(to.data());
  if (name.empty()) {
    size = ::flistxattr(dir_fd(dir), list, to.size());
  } else {
    TreeName text(name);
    DREY_TRY(text.status());
    size = ::llistxattr(ProcPath(dir_fd(dir), text.c_str()).c_str(), list, to.size());
  }
  if (size < 0 && means_unsupported(errno)) return size_t{0};
  if (size < 0 && (errno == ERANGE || errno == E2BIG)) return Status::kTooLarge;
  if (size < 0) return failed(errno);
  // An empty buffer asks the kernel for the size only.
  if (static_cast<size_t>(size) > to.size()) return Status::kTooLarge;
  return static_cast<size_t>(size);
}

Result<size_t> PosixTree::get_xattr(Dir dir, std::string_view name, const char* key, MutBytes to) {
  ssize_t size;
  if (name.empty()) {
    size = ::fgetxattr(dir_fd(dir), key, to.data(), to.size());
  } else {
    TreeName text(name);
    DREY_TRY(text.status());
    size = ::lgetxattr(ProcPath(dir_fd(dir), text.c_str()).c_str(), key, to.data(), to.size());
  }
  if (size < 0 && (errno == ENODATA || means_unsupported(errno))) return Status::kNotFound;
  if (size < 0 && (errno == ERANGE || errno == E2BIG)) return Status::kTooLarge;
  if (size < 0) return failed(errno);
  if (static_cast<size_t>(size) > to.size()) return Status::kTooLarge;
  return static_cast<size_t>(size);
}

}  // namespace drey
