#include "posix/posix_tree.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "drey/check.h"
#include "drey/limits.h"
#include "posix/directory_entry.h"
#include "posix/posix_status.h"
#include "posix/tree_name.h"

namespace drey {
namespace {

constexpr int kDirFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

// Reading must not change what it reads. O_NOATIME is for owners only, hence the second try.
int open_quietly(int dir, const char* name, int flags) {
  int fd = ::openat(dir, name, flags | O_NOATIME);
  if (fd < 0 && errno == EPERM) fd = ::openat(dir, name, flags);
  return fd;
}

}  // namespace

PosixTree::PosixTree() {
  for (auto& file : files_) file.store(kFree);
}

PosixTree::~PosixTree() {
  for (size_t i = 0; i < kDirsMax; ++i)
    if (dirs_[i].fd.load() >= 0) close_dir(static_cast<Dir>(i));
  for (size_t i = 0; i < kFilesMax; ++i)
    if (files_[i].load() >= 0) close_file(static_cast<File>(i));
}

Status PosixTree::failed(int error) {
  last_errno_.store(error, std::memory_order_relaxed);
  return file_status(error);
}

int PosixTree::dir_fd(Dir dir) const {
  DREY_CHECK(dir >= 0 && static_cast<size_t>(dir) < kDirsMax);
  int fd = dirs_[static_cast<size_t>(dir)].fd.load(std::memory_order_relaxed);
  DREY_CHECK(fd >= 0);
  return fd;
}

Result<Tree::Dir> PosixTree::open_dir_at(int parent, const char* name, int flags) {
  for (size_t i = 0; i < kDirsMax; ++i) {
    int expected = kFree;
    if (!dirs_[i].fd.compare_exchange_strong(expected, kClaimed)) continue;
    int fd = open_quietly(parent, name, flags);
    if (fd < 0) {
      int error = errno;
      dirs_[i].fd.store(kFree);
      return failed(error);
    }
    dirs_[i].listing = -1;
    dirs_[i].fd.store(fd);
    return static_cast<Dir>(i);
  }
  return Status::kBusy;
}

Result<Tree::Dir> PosixTree::open_root(std::string_view path) {
  char text[limits::kPathBytesMax];
  if (path.empty() || path[0] != '/') return Status::kInvalid;
  if (path.find('\0') != std::string_view::npos) return Status::kInvalid;
  if (path.size() >= sizeof text) return Status::kTooLarge;
  std::memcpy(text, path.data(), path.size());
  text[path.size()] = '\0';
  return open_dir_at(AT_FDCWD, text, kDirFlags);
}

Result<Tree::Dir> PosixTree::open_dir(Dir parent, std::string_view name) {
  TreeName text(name);
  DREY_TRY(text.status());
  return open_dir_at(dir_fd(parent), text.c_str(), kDirFlags | O_NOFOLLOW);
}

Result<Tree::Dir> PosixTree::open_parent(Dir dir) {
  return open_dir_at(dir_fd(dir), "..", kDirFlags | O_NOFOLLOW);
}

void PosixTree::release_listing(DirSlot& slot) {
  if (slot.listing < 0) return;
  listings_[static_cast<size_t>(slot.listing)].used.store(false);
  slot.listing = -1;
}

void PosixTree::close_dir(Dir dir) {
  int fd = dir_fd(dir);
  DirSlot& slot = dirs_[static_cast<size_t>(dir)];
  release_listing(slot);
  ::close(fd);
  slot.fd.store(kFree);
}

Status PosixTree::rewind(Dir dir) {
  int fd = dir_fd(dir);
  DirSlot& slot = dirs_[static_cast<size_t>(dir)];
  release_listing(slot);
  if (::lseek(fd, 0, SEEK_SET) < 0) return failed(errno);
  for (size_t i = 0; i < kListingsMax; ++i) {
    if (listings_[i].used.exchange(true)) continue;
    listings_[i].at = 0;
    listings_[i].size = 0;
    slot.listing = static_cast<int>(i);
    return Status::kOk;
  }
  return Status::kBusy;
}

Status PosixTree::next_name(Dir dir, std::string_view* name) {
  int fd = dir_fd(dir);
  DirSlot& slot = dirs_[static_cast<size_t>(dir)];
  if (slot.listing < 0) return Status::kEnd;  // at the end already, or never rewound
  Listing& listing = listings_[static_cast<size_t>(slot.listing)];
  while (true) {
    if (listing.at < listing.size) {
      DirectoryEntry entry = read_entry(listing.bytes.data(), listing.at);
      listing.at += entry.record_bytes;
      if (entry.is_dot) continue;
      *name = entry.name;
      return Status::kOk;
    }
    long size = ::syscall(SYS_getdents64, fd, listing.bytes.data(), listing.bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) {
      int error = errno;
      release_listing(slot);
      return size == 0 ? Status::kEnd : failed(error);
    }
    listing.at = 0;
    listing.size = static_cast<size_t>(size);
  }
}

Result<Tree::File> PosixTree::open_file(Dir dir, std::string_view name) {
  TreeName text(name);
  DREY_TRY(text.status());
  int parent = dir_fd(dir);
  for (size_t i = 0; i < kFilesMax; ++i) {
    int expected = kFree;
    if (!files_[i].compare_exchange_strong(expected, kClaimed)) continue;
    int fd = open_quietly(parent, text.c_str(),
                          O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
      int error = errno;
      files_[i].store(kFree);
      return failed(error);
    }
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    files_[i].store(fd);
    return static_cast<File>(i);
  }
  return Status::kBusy;
}

int PosixTree::file_fd(File file) const {
  DREY_CHECK(file >= 0 && static_cast<size_t>(file) < kFilesMax);
  int fd = files_[static_cast<size_t>(file)].load(std::memory_order_relaxed);
  DREY_CHECK(fd >= 0);
  return fd;
}

void PosixTree::close_file(File file) {
  int fd = file_fd(file);
  // A backup reads everything once: it must not push the user's own files out of memory.
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  ::close(fd);
  files_[static_cast<size_t>(file)].store(kFree);
}

Result<size_t> PosixTree::read_at(File file, uint64_t offset, MutBytes to) {
  int fd = file_fd(file);
  size_t done = 0;
  while (done < to.size()) {
    ssize_t count =
        ::pread(fd, to.data() + done, to.size() - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed(errno);
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  return done;
}

Status PosixTree::next_data(File file, uint64_t offset, uint64_t* begin, uint64_t* end) {
  int fd = file_fd(file);
  off_t size = ::lseek(fd, 0, SEEK_END);
  if (size < 0) return failed(errno);
  if (offset >= static_cast<uint64_t>(size)) return Status::kEnd;
  off_t data = ::lseek(fd, static_cast<off_t>(offset), SEEK_DATA);
  if (data < 0 && errno == ENXIO) return Status::kEnd;
  *begin = offset;
  *end = static_cast<uint64_t>(size);
  if (data < 0) return errno == EINVAL ? Status::kOk : failed(errno);
  *begin = static_cast<uint64_t>(data);
  off_t hole = ::lseek(fd, data, SEEK_HOLE);
  if (hole < 0) return errno == ENXIO ? Status::kEnd : failed(errno);  // cut off meanwhile
  *end = static_cast<uint64_t>(hole);
  return Status::kOk;
}

Result<uint64_t> PosixTree::file_system(Dir dir) {
  struct statfs info {};
  if (::fstatfs(dir_fd(dir), &info) != 0) return failed(errno);
  return static_cast<uint64_t>(static_cast<uint32_t>(info.f_type));
}

}  // namespace drey
