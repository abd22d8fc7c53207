#include "cli/beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "cli/paths.h"

namespace drey::cli {

std::string_view parent_of(std::string_view path) {
  size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view name_of(std::string_view path) {
  size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

Beneath::~Beneath() {
  forget();
  if (root_ >= 0) close(root_);
}

bool Beneath::open_root(const std::string& path) {
  std::string full = absolute_path(path);
  if (!make_dirs(full)) return false;
  root_ = open(full.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  return root_ >= 0;
}

void Beneath::forget() {
  if (current_ >= 0) close(current_);
  current_ = -1;
  current_path_.clear();
}

int Beneath::open_whole(std::string_view path) {
  open_how how{};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  std::string name(path);
  long fd = -1;
  do {
    fd = syscall(SYS_openat2, root_, name.c_str(), &how, sizeof how);
  } while (fd < 0 && (errno == EAGAIN || errno == EINTR));  // EAGAIN: somebody renamed meanwhile
  return static_cast<int>(fd);
}

int Beneath::walk(std::string_view path, bool make) const {
  int at = fcntl(root_, F_DUPFD_CLOEXEC, 0);
  while (at >= 0 && !path.empty()) {
    size_t slash = path.find('/');
    std::string name(path.substr(0, slash));
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    if (name.empty() || name == "." || name == "..") {
      close(at);
      errno = EINVAL;
      return -1;
    }
    int next = openat(at, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (next < 0 && errno == ENOENT && make &&
        (mkdirat(at, name.c_str(), 0700) == 0 || errno == EEXIST))
      next = openat(at, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int error = errno;
    close(at);
    errno = error;
    at = next;
  }
  return at;
}

int Beneath::directory(std::string_view path, bool make) {
  if (path.empty()) return root_;
  if (current_ >= 0 && current_path_ == path) return current_;
  int fd = -1;
  if (has_openat2_) {
    fd = open_whole(path);
    if (fd < 0 && errno == ENOSYS) has_openat2_ = false;
  }
  if (fd < 0 && (!has_openat2_ || (errno == ENOENT && make))) fd = walk(path, make);
  if (fd < 0) return -1;
  forget();
  current_ = fd;
  current_path_ = path;
  return current_;
}

}  // namespace drey::cli
