// put, get, files, rm: single files and their versions.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/text.h"
#include "cli/format.h"

namespace drey::cli {
namespace {

std::string percent_encoded(std::string_view bytes) {
  std::string out;
  char text[4];
  for (char c : bytes) {
    bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                 c == '.' || c == '-' || c == '_';
    std::snprintf(text, sizeof text, "%%%02X", static_cast<unsigned char>(c));
    out += plain ? std::string(1, c) : std::string(text);
  }
  return out;
}

bool is_file_id(std::string_view id) {
  return id.size() == 32 && id.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
}

int refuse_id(const std::string& id) {
  complain("%s is no file's id; drey files lists them", printable(id).c_str());
  return kExitNotFound;
}

// Reads exactly as much as was asked for.
bool read_exactly(int fd, char* to, size_t count) {
  while (count > 0) {
    ssize_t n = ::read(fd, to, count);
    if (n < 0 && errno == EINTR && !interrupted()) continue;
    if (n <= 0) return false;
    to += n;
    count -= static_cast<size_t>(n);
  }
  return true;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR && !interrupted()) continue;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ > STDERR_FILENO) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

int cmd_put(Context& context, const Arguments& arguments) {
  const std::string& path = arguments.positional[0];
  File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (file.fd() < 0 || ::fstat(file.fd(), &info) != 0) {
    complain("%s: %s", printable(path).c_str(), std::strerror(errno));
    return errno == ENOENT ? kExitNotFound : kExitError;
  }
  if (!S_ISREG(info.st_mode)) {
    complain("%s is no regular file; drey backup keeps folders", printable(path).c_str());
    return kExitUsage;
  }
  size_t slash = path.rfind('/');
  std::string name =
      arguments.value("name", slash == std::string::npos ? path : path.substr(slash + 1));
  auto size = static_cast<uint64_t>(info.st_size);
  catch_interruption();
  Client client(context);
  ProgressLine progress(context);
  uint64_t sent = 0;
  bool changed = false;
  Client::Answer answer = client.upload("/files/upload?name=" + percent_encoded(name), size,
                                        [&](char* to, size_t count) {
                                          changed = !read_exactly(file.fd(), to, count);
                                          sent += count;
                                          progress.update("sent", sent, size);
                                          return !changed;
                                        });
  progress.clear();
  if (interrupted()) return kExitInterrupted;
  if (changed) {
    complain("%s became shorter while it was read; nothing was stored", printable(path).c_str());
    return kExitError;
  }
  if (int code = explain(context, answer); code != kExitOk) return code;
  if (context.json) {
    std::printf("%s", answer.body.c_str());
    return kExitOk;
  }
  Object object(answer.body);
  std::printf("%s\n", object.text("file_id").c_str());
  if (object.boolean("existed"))
    say(context, "%s: its newest version has these very bytes already", printable(name).c_str());
  return kExitOk;
}

int cmd_get(Context& context, const Arguments& arguments) {
  const std::string& id = arguments.positional[0];
  if (!is_file_id(id)) return refuse_id(id);
  std::string output = arguments.value("output");
  catch_interruption();
  int fd = STDOUT_FILENO;
  if (!output.empty()) fd = ::open(output.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  File file(fd);
  if (fd < 0) {
    complain("%s: %s", printable(output).c_str(), std::strerror(errno));
    return kExitError;
  }
  Client client(context);
  bool written = true;
  Client::Answer answer = client.stream("GET", "/files/" + id, "", [&](std::string_view part) {
    return written = write_all(fd, part);
  });
  if (interrupted() || !written || answer.status != 200) {
    if (!output.empty()) ::unlink(output.c_str());
    if (interrupted()) return kExitInterrupted;
  }
  if (!written) {
    complain("it could not be written: %s", std::strerror(errno));
    return kExitError;
  }
  return explain(context, answer);
}

int cmd_files(Context& context, const Arguments&) {
  Client client(context);
  Table table;
  table.row({"ID", "TIME", "SIZE", "DEVICE", "NAME"});
  Client::Answer answer = client.lines("GET", "/files", "", [&](std::string_view line) {
    if (context.json) std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
    if (!line.empty() && (line[0] == ',' || line[0] == '[')) line.remove_prefix(1);
    if (context.json || line.empty() || line[0] != '{') return true;
    Object row(line);
    table.row({row.text("file_id"), human_time(row.number("time")), human_bytes(row.number("size")),
               printable(row.text("node")), printable(row.text("name"))});
    return true;
  });
  if (int code = explain(context, answer); code != kExitOk) return code;
  if (!context.json) table.print();
  return kExitOk;
}

int cmd_rm(Context& context, const Arguments& arguments) {
  int worst = kExitOk;
  for (const std::string& id : arguments.positional) {
    if (!is_file_id(id)) return refuse_id(id);
    Client client(context);
    Client::Answer answer = client.call("DELETE", "/files/" + id);
    int code = explain(context, answer);
    if (code == kExitOk && context.json) std::printf("%s", answer.body.c_str());
    if (code != kExitOk) worst = code;
  }
  return worst;
}

}  // namespace drey::cli
