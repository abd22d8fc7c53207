// The program: one binary, a command line and a daemon. Owns the platform and the node in static
// storage and hands them to the command that needs them.

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "cli/command.h"
#include "cli/local_node.h"
#include "codec/phrase.h"
#include "drey/heap.h"
#include "drey/limits.h"
#include "node/node.h"
#include "posix/posix_platform.h"
#include "store/sqlite_runtime.h"

namespace drey {
namespace {

alignas(64) std::array<uint8_t, board::kSqliteArenaBytes> sqlite_arena;
PosixPlatform platform;
// The one in use and the one that a reload fills. Raw: their defaults would be 75 KB of the
// program.
struct alignas(Config) ConfigMemory {
  std::array<uint8_t, sizeof(Config)> bytes;
};
std::array<ConfigMemory, 2> config_memory;
size_t config_in_use = 0;
Config& config_at(size_t i) { return *reinterpret_cast<Config*>(config_memory[i].bytes.data()); }
alignas(Node) std::array<uint8_t, sizeof(Node)> node_memory;

const char* environment(void*, const char* name) { return std::getenv(name); }

// Where drey.conf may be, the first that is there counts. A reload allocates nothing, so the names
// are made once.
struct ConfigFiles {
  std::array<std::string, 2> names;
  size_t found = 0;
  explicit ConfigFiles(const std::string& dir) : names{dir + "/drey.conf", "/etc/drey/drey.conf"} {}
};

// No file is no error.
bool apply_config_file(Config* config, ConfigFiles* files, ConfigError* error) {
  static char text[64 * 1024];
  for (files->found = 0; files->found < files->names.size(); ++files->found) {
    int fd = open(files->names[files->found].c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0 && files->found == 0 && errno != ENOENT) {
      // What /etc has may be the service's alone; one's own file is meant to count.
      std::snprintf(error->message.data(), error->message.size(), "drey.conf cannot be read: %s",
                    std::strerror(errno));
      return false;
    }
    if (fd < 0) continue;
    ssize_t size = read(fd, text, sizeof text);
    close(fd);
    return size >= 0 && ok(config->apply_file({text, static_cast<size_t>(size)}, error));
  }
  return true;
}

// File, environment and flags into a fresh Config.
bool fill_config(Config* config, const cli::LocalOptions& options, ConfigFiles* files,
                 ConfigError* error) {
  new (config) Config();
  bool well =
      apply_config_file(config, files, error) && ok(config->apply_env(environment, nullptr, error));
  for (const auto& [name, value] : options.flags)
    well = well && ok(config->apply_flag(name, value, error));
  return well;
}

// SIGHUP: the file may have changed, environment and flags are those of the start.
class Reloader final : public ConfigSource {
 public:
  explicit Reloader(const cli::LocalOptions& options) : options_(options), files_(options.dir) {}
  const Config* read_again(ConfigError* error) override {
    size_t other = 1 - config_in_use;
    if (!fill_config(&config_at(other), options_, &files_, error)) return nullptr;
    config_in_use = other;
    return &config_at(other);
  }

 private:
  const cli::LocalOptions& options_;
  ConfigFiles files_;
};

class Local : public cli::LocalNode {
 public:
  int run(const cli::LocalOptions& options) override;
  cli::LocalResult init(const cli::LocalOptions& options) override;
  cli::LocalResult join(const cli::LocalOptions& options) override;
  cli::LocalResult recover(const cli::LocalOptions& options) override;
  std::string fresh_phrase() override;

 private:
  // Opens platform and DIR and fills node_options_. False: *message says why.
  bool open(const cli::LocalOptions& options, bool daemon, std::string* message);
  cli::LocalResult finish(Status status, const Explanation& why);
  Node* node_ = nullptr;
  NodeOptions node_options_;
  std::string control_path_;
};

void add_skip(NodeOptions* options, const std::string& path) {
  struct stat st {};
  if (stat(path.c_str(), &st) != 0 || options->skip_count == options->skip.size()) return;
  options->skip[options->skip_count++] = {st.st_dev, st.st_ino};
}

bool Local::open(const cli::LocalOptions& options, bool daemon, std::string* message) {
  ConfigError error;
  ConfigFiles files(options.dir);
  Config& config = config_at(config_in_use);
  if (!fill_config(&config, options, &files, &error)) {
    *message =
        (error.line > 0 ? files.names[files.found] + ":" + std::to_string(error.line) + ": " : "") +
        error.message.data();
    return false;
  }
  prctl(PR_SET_DUMPABLE, 0);  // keys are in memory: no core dumps, no ptrace by others
  constexpr rlimit kNone{0, 0};
  (void)setrlimit(RLIMIT_CORE, &kNone);  // says so where people look for it
  umask(077);
  tzset();
  if (!ok(platform.open(limits::kWorkThreads))) {
    *message = "the event loop cannot be started";
    return false;
  }
  Status status = platform.disk.open_root(options.dir, true);
  if (!ok(status)) {
    *message = "cannot open " + options.dir + ": " + status_name(status);
    return false;
  }
  add_skip(&node_options_, options.dir);
  if (config.is_set(ConfigKey::kStore)) {
    std::string store(config.text(ConfigKey::kStore));
    status = platform.store.open_root(store, false);
    if (!ok(status)) {
      *message =
          "the disk that keeps the pieces, " + store + ", cannot be opened: " + status_name(status);
      return false;
    }
    add_skip(&node_options_, store);
  }
  node_options_.ports = platform.ports();
  if (!ok(sqlite_runtime_start(sqlite_arena, node_options_.ports.random))) {
    *message = "SQLite cannot be started";
    return false;
  }
  node_ = new (node_memory.data()) Node(node_options_.ports.clock, node_options_.ports.host);
  node_options_.config = &config;
  node_options_.share_the_disk = true;
  control_path_ = daemon ? options.socket : "";
  node_options_.control_path = control_path_;
  node_options_.own_uid = geteuid();
  return true;
}

// Exit codes of CLI.md for the outcomes of starting and making nodes.
int exit_code(Status status) {
  switch (status) {
    case Status::kOk:
      return cli::kExitOk;
    case Status::kBusy:
      return cli::kExitBusy;
    case Status::kDenied:
      return cli::kExitRefused;
    case Status::kNotFound:
    case Status::kTimeout:
      return cli::kExitNotFound;
    case Status::kCancelled:
      return cli::kExitInterrupted;
    default:
      return cli::kExitError;
  }
}

cli::LocalResult Local::finish(Status status, const Explanation& why) {
  cli::LocalResult result;
  result.exit = exit_code(status);
  result.message = std::string(why.view());
  if (ok(status)) {
    const Membership& membership = node_->mesh().membership();
    const Member* member = membership.find(node_->keys().id());
    result.node = member != nullptr ? std::string(member->name()) : "";
    result.mesh = std::string(membership.mesh_name());
    result.role = node_->is_full() ? "full" : "vault";
  }
  return result;
}

int Local::run(const cli::LocalOptions& options) {
  heap_set_limit(HeapUser::kMbedTls, board::kHeapArenaBytes / 4 * 3);
  std::string message;
  if (!open(options, true, &message)) {
    cli::complain("%s", message.c_str());
    return cli::kExitError;
  }
  Reloader reloader(options);
  node_options_.config_source = &reloader;
  Explanation why;
  Status status = node_->start(node_options_, &why);
  if (ok(status)) {
    heap_prefault();
    node_->run();
  } else {
    cli::complain("%s", std::string(why.view()).c_str());
  }
  platform.close();
  return status == Status::kNotFound ? static_cast<int>(cli::kExitNotFound) : exit_code(status);
}

cli::LocalResult Local::init(const cli::LocalOptions& options) {
  cli::LocalResult result;
  if (!open(options, false, &result.message)) return result;
  Node::InitRequest request;
  request.node_name = options.name;
  request.mesh_name = options.mesh;
  const Config& config = config_at(config_in_use);
  request.copies = static_cast<uint8_t>(config.number(ConfigKey::kCopies));
  request.compression = config.text(ConfigKey::kCompression);
  char phrase[96];
  size_t size = 0;
  Explanation why;
  Status status = node_->init(node_options_, request, phrase, &size, &why);
  result.exit = exit_code(status);
  result.message = std::string(why.view());
  result.node = options.name;
  result.mesh = options.mesh;
  result.phrase = std::string(phrase, size);
  platform.close();
  return result;
}

cli::LocalResult Local::join(const cli::LocalOptions& options) {
  cli::LocalResult result;
  if (!open(options, false, &result.message)) return result;
  Explanation why;
  Status status = node_->join(node_options_, {options.name, options.code, options.timeout_s}, &why);
  result = finish(status, why);
  // A code that nobody shows (any more) is as refused as a wrong one.
  if (status == Status::kTimeout) result.exit = cli::kExitRefused;
  platform.close();
  return result;
}

cli::LocalResult Local::recover(const cli::LocalOptions& options) {
  cli::LocalResult result;
  if (!open(options, false, &result.message)) return result;
  Explanation why;
  Status status = node_->recover(
      node_options_, {options.name, options.phrase, options.replace, options.timeout_s}, &why);
  result = finish(status, why);
  result.replaced = options.replace;
  platform.close();
  return result;
}

std::string Local::fresh_phrase() {
  Phrase phrase;
  std::array<uint8_t, kPhraseTextBytes> text;
  if (!ok(phrase_generate(platform.random, &phrase))) return "";
  return std::string(phrase_format(phrase, text));
}

}  // namespace
}  // namespace drey

int main(int argc, char** argv) {
  static drey::Local local;
  return drey::cli::run_command_line(argc, argv, &local);
}
