#include "posix/posix_disk.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>  // renameat
#include <cstring>

#include "drey/check.h"
#include "posix/directory_entry.h"
#include "posix/posix_status.h"

namespace drey {
namespace {

// A checked name with its terminating NUL. status() is kOk, kInvalid or kTooLarge.
class DiskName {
 public:
  explicit DiskName(std::string_view name) {
    status_ = check(name);
    if (!ok(status_)) return;
    std::memcpy(text_, name.data(), name.size());
    text_[name.size()] = '\0';
  }
  Status status() const { return status_; }
  const char* c_str() const { return text_; }

 private:
  static Status check(std::string_view name) {
    if (name.empty()) return Status::kInvalid;
    if (name.size() > Disk::kNameBytesMax) return Status::kTooLarge;
    if (name.find('\0') != std::string_view::npos) return Status::kInvalid;
    size_t slash = name.find('/');
    if (slash == std::string_view::npos) return check_part(name);
    DREY_TRY(check_part(name.substr(0, slash)));
    return check_part(name.substr(slash + 1));
  }
  static Status check_part(std::string_view part) {
    if (part.empty() || part == "." || part == "..") return Status::kInvalid;
    return part.find('/') == std::string_view::npos ? Status::kOk : Status::kInvalid;
  }
  Status status_;
  char text_[Disk::kNameBytesMax + 1] = {};
};

off_t to_offset(uint64_t offset) { return static_cast<off_t>(offset); }

}  // namespace

PosixDisk::PosixDisk() {
  for (auto& fd : fds_) fd.store(kFree);
  for (auto& direct : direct_) direct.store(false);
  for (auto& fd : locks_) fd.store(kFree);
}

PosixDisk::~PosixDisk() { close_root(); }

Status PosixDisk::failed(int error) {
  last_errno_.store(error, std::memory_order_relaxed);
  return file_status(error);
}

Status PosixDisk::open_root(std::string_view path, bool create) {
  DREY_CHECK(root_ < 0);
  char text[4096];
  if (path.empty() || path.find('\0') != std::string_view::npos) return Status::kInvalid;
  if (path.size() >= sizeof text) return Status::kTooLarge;
  std::memcpy(text, path.data(), path.size());
  text[path.size()] = '\0';
  if (create && ::mkdir(text, 0700) != 0 && errno != EEXIST) return failed(errno);
  root_ = ::open(text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return root_ < 0 ? failed(errno) : Status::kOk;
}

void PosixDisk::close_root() {
  for (File file = 0; file < static_cast<File>(kFilesMax); ++file)
    if (fds_[static_cast<size_t>(file)].load() >= 0) close(file);
  for (auto& lock : locks_) {
    int fd = lock.exchange(kFree);
    if (fd >= 0) ::close(fd);
  }
  if (root_ >= 0) ::close(root_);
  root_ = -1;
}

int PosixDisk::fd_of(File file) const {
  DREY_CHECK(file >= 0 && static_cast<size_t>(file) < kFilesMax);
  int fd = fds_[static_cast<size_t>(file)].load(std::memory_order_relaxed);
  DREY_CHECK(fd >= 0);
  return fd;
}

Result<Disk::File> PosixDisk::open(std::string_view name, uint32_t flags) {
  DiskName text(name);
  DREY_TRY(text.status());
  bool reads = (flags & kRead) != 0;
  bool writes = (flags & kWrite) != 0;
  if (!reads && !writes) return Status::kInvalid;
  int mode = reads && writes ? O_RDWR : writes ? O_WRONLY : O_RDONLY;
  if ((flags & kCreate) != 0) mode |= O_CREAT;
  if ((flags & kExclusive) != 0) mode |= O_EXCL;
  for (size_t i = 0; i < kFilesMax; ++i) {
    int expected = kFree;
    if (!fds_[i].compare_exchange_strong(expected, kClaimed)) continue;
    int fd = ::openat(root_, text.c_str(), mode | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
    if (fd < 0) {
      int error = errno;
      fds_[i].store(kFree);
      return failed(error);
    }
    direct_[i].store((flags & kDirect) != 0, std::memory_order_relaxed);
    fds_[i].store(fd);
    return static_cast<File>(i);
  }
  return Status::kBusy;
}

void PosixDisk::close(File file) {
  int fd = fd_of(file);
  // Nothing is known to be durable before sync(), so what close() could report is known already.
  ::close(fd);
  fds_[static_cast<size_t>(file)].store(kFree);
}

Result<size_t> PosixDisk::read_at(File file, uint64_t offset, MutBytes to) {
  int fd = fd_of(file);
  bool direct = direct_[static_cast<size_t>(file)].load(std::memory_order_relaxed);
  auto length = static_cast<off_t>(to.size());
  if (direct) ::posix_fadvise(fd, to_offset(offset), length, POSIX_FADV_DONTNEED);
  size_t done = 0;
  while (done < to.size()) {
    ssize_t count = ::pread(fd, to.data() + done, to.size() - done, to_offset(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed(errno);
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  // A scrub reads everything once: it must not push the user's own files out of memory.
  if (direct) ::posix_fadvise(fd, to_offset(offset), length, POSIX_FADV_DONTNEED);
  return done;
}

Status PosixDisk::write_at(File file, uint64_t offset, Bytes from) {
  int fd = fd_of(file);
  size_t done = 0;
  while (done < from.size()) {
    ssize_t count = ::pwrite(fd, from.data() + done, from.size() - done, to_offset(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed(errno);
    if (count == 0) return failed(EIO);  // never seen; it must not loop
    done += static_cast<size_t>(count);
  }
  return Status::kOk;
}

Status PosixDisk::sync(File file) {
  // No retry, EINTR included: what a failed sync left behind is unknown.
  return ::fdatasync(fd_of(file)) == 0 ? Status::kOk : failed(errno);
}

Result<uint64_t> PosixDisk::size(File file) {
  struct stat info {};
  if (::fstat(fd_of(file), &info) != 0) return failed(errno);
  return static_cast<uint64_t>(info.st_size);
}

Status PosixDisk::truncate(File file, uint64_t size) {
  int fd = fd_of(file);
  while (::ftruncate(fd, to_offset(size)) != 0) {
    if (errno != EINTR) return failed(errno);
  }
  return Status::kOk;
}

Status PosixDisk::remove(std::string_view name) {
  DiskName text(name);
  DREY_TRY(text.status());
  if (::unlinkat(root_, text.c_str(), 0) == 0) return Status::kOk;
  if (errno == EISDIR || errno == EPERM) {
    if (::unlinkat(root_, text.c_str(), AT_REMOVEDIR) == 0) return Status::kOk;
  }
  return failed(errno);
}

Status PosixDisk::rename(std::string_view from, std::string_view to) {
  DiskName source(from);
  DiskName target(to);
  DREY_TRY(source.status());
  DREY_TRY(target.status());
  return ::renameat(root_, source.c_str(), root_, target.c_str()) == 0 ? Status::kOk
                                                                       : failed(errno);
}

Status PosixDisk::make_dir(std::string_view name) {
  DiskName text(name);
  DREY_TRY(text.status());
  return ::mkdirat(root_, text.c_str(), 0700) == 0 ? Status::kOk : failed(errno);
}

Result<int> PosixDisk::open_dir_fd(std::string_view name) {
  // A descriptor of its own even for the root: a listing moves the read position.
  DiskName text(name.empty() ? std::string_view("x") : name);
  DREY_TRY(text.status());
  int fd = ::openat(root_, name.empty() ? "." : text.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return failed(errno);
  return fd;
}

Status PosixDisk::sync_dir(std::string_view name) {
  Result<int> dir = open_dir_fd(name);
  DREY_TRY(dir.status());
  int error = ::fsync(dir.value()) == 0 ? 0 : errno;
  ::close(dir.value());
  return error == 0 ? Status::kOk : failed(error);
}

Status PosixDisk::list(std::string_view dir, void (*visit)(void*, std::string_view),
                       void* context) {
  Result<int> opened = open_dir_fd(dir);
  DREY_TRY(opened.status());
  int fd = opened.value();
  alignas(8) char entries[8192];
  Status status = Status::kOk;
  while (true) {
    long size = ::syscall(SYS_getdents64, fd, entries, sizeof entries);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) status = failed(errno);
    if (size <= 0) break;
    for (size_t at = 0; at < static_cast<size_t>(size);) {
      DirectoryEntry entry = read_entry(entries, at);
      at += entry.record_bytes;
      if (!entry.is_dot) visit(context, entry.name);
    }
  }
  ::close(fd);
  return status;
}

Status PosixDisk::lock(std::string_view name) {
  DiskName text(name);
  DREY_TRY(text.status());
  for (auto& lock : locks_) {
    int expected = kFree;
    if (!lock.compare_exchange_strong(expected, kClaimed)) continue;
    int fd = ::openat(root_, text.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || ::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      int error = errno;
      if (fd >= 0) ::close(fd);
      lock.store(kFree);
      return error == EWOULDBLOCK ? Status::kBusy : failed(error);
    }
    lock.store(fd);
    return Status::kOk;
  }
  return Status::kBusy;
}

Result<Disk::Space> PosixDisk::space() {
  struct statvfs info {};
  if (::fstatvfs(root_, &info) != 0) return failed(errno);
  Space space;
  space.capacity_bytes = uint64_t{info.f_blocks} * info.f_frsize;
  space.free_bytes = uint64_t{info.f_bavail} * info.f_frsize;
  return space;
}

}  // namespace drey
