#include "cli/paths.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "cli/service_user.h"

namespace drey::cli {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace

std::string absolute_path(const std::string& path) {
  std::string full = path;
  if (full.empty() || full[0] != '/') {
    char cwd[PATH_MAX];
    full = std::string(getcwd(cwd, sizeof cwd) != nullptr ? cwd : "/") + "/" + path;
  }
  std::vector<std::string> parts;
  for (size_t i = 0; i < full.size();) {
    size_t slash = full.find('/', i);
    if (slash == std::string::npos) slash = full.size();
    std::string part = full.substr(i, slash - i);
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
    i = slash + 1;
  }
  std::string out;
  for (const std::string& part : parts) out += "/" + part;
  return out.empty() ? "/" : out;
}

std::string resolve_dir(const std::string& flag) {
  if (!flag.empty()) return absolute_path(flag);
  if (std::string dir = environment("DREY_DIR"); !dir.empty()) return absolute_path(dir);
  if (service_installed()) return kServiceDir;
  if (std::string state = environment("XDG_STATE_HOME"); !state.empty())
    return absolute_path(state + "/drey");
  std::string home = environment("HOME");
  return absolute_path((home.empty() ? "/root" : home) + "/.local/state/drey");
}

std::string resolve_socket(const std::string& dir) {
  if (std::string path = environment("DREY_SOCKET"); !path.empty()) return path;
  if (dir == kServiceDir) return "/run/drey/control.sock";
  std::string path = dir + "/control.sock";
  if (path.size() <= kSocketPathBytesMax) return path;
  uint64_t hash = 1469598103934665603ull;  // FNV-1a: only a file name
  for (char c : dir) hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211ull;
  std::string runtime = environment("XDG_RUNTIME_DIR");
  if (runtime.empty()) runtime = "/tmp";
  char name[40];
  std::snprintf(name, sizeof name, "/drey-%u-%016llx.sock", static_cast<unsigned>(getuid()),
                static_cast<unsigned long long>(hash));
  return runtime + name;
}

bool make_dirs(const std::string& path) {
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    std::string part = path.substr(0, slash);
    if (mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) return false;
    if (slash == std::string::npos) return true;
  }
}

bool read_settings(const std::string& file, std::string* to) {
  to->assign(kSettingsBytesMax + 1, 0);
  int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  size_t size = 0;
  ssize_t got = 1;
  while (got > 0 && size < to->size()) {
    got = read(fd, to->data() + size, to->size() - size);
    if (got > 0) size += static_cast<size_t>(got);
    if (got < 0 && errno == EINTR) got = 1;
  }
  int error = errno;
  close(fd);
  errno = error;
  to->resize(size);
  return got >= 0;
}

std::string host_name() {
  char name[HOST_NAME_MAX + 1] = {};
  if (gethostname(name, HOST_NAME_MAX) != 0 || name[0] == 0) return "node";
  return std::string(name).substr(0, 63);
}

}  // namespace drey::cli
