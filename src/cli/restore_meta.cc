// Owners, modes, times and extended attributes of what RestoreWriter made.

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/restore_writer.h"

namespace drey::cli {
namespace {

void fill_times(int64_t mtime_ns, timespec (&times)[2]) {
  int64_t seconds = mtime_ns / 1'000'000'000, rest = mtime_ns % 1'000'000'000;
  if (rest < 0) {
    rest += 1'000'000'000;
    --seconds;
  }
  times[0] = {0, UTIME_NOW};
  times[1] = {static_cast<time_t>(seconds), static_cast<long>(rest)};
}

// chown() takes the highest id for "leave it as it is", and says that it succeeded.
bool is_owner(uint32_t uid, uint32_t gid) {
  if (uid != UINT32_MAX && gid != UINT32_MAX) return true;
  errno = EINVAL;
  return false;
}

}  // namespace

// Set-id bits only together with the owner they were meant for.
uint16_t RestoreWriter::safe_mode(const Meta& meta, bool owner_set) const {
  return static_cast<uint16_t>(owner_set ? meta.mode & 07777 : meta.mode & 01777);
}

void RestoreWriter::set_xattrs(int fd, const std::string& proc_path, const Meta& meta,
                               const std::string& path) {
  XattrReader reader{Bytes(meta.xattrs)};
  std::string_view key;
  Bytes value;
  while (reader.next(&key, &value)) {
    std::string name(key);
    int result = fd >= 0
                     ? fsetxattr(fd, name.c_str(), value.data(), value.size(), 0)
                     : lsetxattr(proc_path.c_str(), name.c_str(), value.data(), value.size(), 0);
    if (result == 0 || xattr_warned_) continue;
    xattr_warned_ = true;
    progress_.clear();
    complain("/%s: attribute %s cannot be set (%s); others may follow untold",
             printable(path).c_str(), name.c_str(), std::strerror(errno));
  }
}

void RestoreWriter::apply_fd(int fd, const Meta& meta, const std::string& path) {
  bool owner_set = meta.uid == geteuid() && meta.gid == getegid();
  if (is_root_) {
    owner_set = is_owner(meta.uid, meta.gid) && fchown(fd, meta.uid, meta.gid) == 0;
    if (!owner_set && !owner_warned_) {
      owner_warned_ = true;
      progress_.clear();
      complain("/%s: its owner cannot be set (%s); others may follow untold",
               printable(path).c_str(), std::strerror(errno));
    }
  }
  set_xattrs(fd, "", meta, path);
  timespec times[2];
  fill_times(meta.mtime_ns, times);
  if (fchmod(fd, safe_mode(meta, owner_set)) != 0) problem(path, "cannot set its mode", errno);
  if (futimens(fd, times) != 0) problem(path, "cannot set its times", errno);
}

void RestoreWriter::apply_at(int parent, const std::string& name, const Meta& meta,
                             const std::string& path) {
  bool owner_set = meta.uid == geteuid() && meta.gid == getegid();
  if (is_root_)
    owner_set = is_owner(meta.uid, meta.gid) &&
                fchownat(parent, name.c_str(), meta.uid, meta.gid, AT_SYMLINK_NOFOLLOW) == 0;
  set_xattrs(-1, "/proc/self/fd/" + std::to_string(parent) + "/" + name, meta, path);
  // Symlinks have no mode of their own; what was just made is no symlink otherwise, and a name
  // swapped for one meanwhile must not be followed: fchmodat cannot refuse that, a descriptor can.
  if (meta.kind != FileKind::kSymlink) {
    int fd = openat(parent, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
    std::string proc = "/proc/self/fd/" + std::to_string(fd);
    struct stat st {};
    if (fd < 0 || fstat(fd, &st) != 0 || S_ISLNK(st.st_mode) ||
        chmod(proc.c_str(), safe_mode(meta, owner_set)) != 0)
      problem(path, "cannot set its mode", errno);
    if (fd >= 0) close(fd);
  }
  timespec times[2];
  fill_times(meta.mtime_ns, times);
  if (utimensat(parent, name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
    problem(path, "cannot set its times", errno);
}

}  // namespace drey::cli
