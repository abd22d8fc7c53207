// config check: is drey.conf right? Names the line and what would be right, as the daemon would,
// and what the daemon can only notice later.

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "base/config.h"
#include "cli/client.h"
#include "cli/format.h"
#include "cli/paths.h"

namespace drey::cli {
namespace {

struct Finding {
  std::string file;
  size_t line = 0;
  std::string message;
  bool fatal = true;  // false: it may be right, but probably is not
};

bool is_folder(const std::string& path) {
  struct stat st {};
  return stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
}

// What the file's words cannot tell: is it there?
void look_around(const Config& config, const std::string& file, std::vector<Finding>* to) {
  for (size_t set = 0; set < config.set_count(); ++set) {
    for (size_t i = 0; i < config.count(ConfigKey::kPath, set); ++i) {
      std::string path(config.text(ConfigKey::kPath, i, set));
      if (access(path.c_str(), F_OK) != 0 && errno == ENOENT)
        to->push_back({file, 0,
                       "[backup " + std::string(config.set_name(set)) + "] " + path +
                           " does not exist; its backups would fail",
                       false});
    }
  }
  std::string store(config.text(ConfigKey::kStore));
  if (!store.empty() && !is_folder(store))
    to->push_back({file, 0, "store = " + store + " is no folder now; is the disk mounted?", false});
}

bool check_file(const std::string& file, Config* config, std::vector<Finding>* to) {
  std::string all;
  if (!read_settings(file, &all)) {
    to->push_back({file, 0, std::string("cannot be read: ") + std::strerror(errno), true});
    return false;
  }
  ConfigError error;
  if (all.size() > kSettingsBytesMax) {
    to->push_back({file, 0, "is longer than 64 KiB", true});
    return false;
  }
  if (!ok(config->apply_file(all, &error))) {
    to->push_back({file, error.line, error.message.data(), true});
    return false;
  }
  look_around(*config, file, to);
  return true;
}

void tell(const std::vector<Finding>& findings) {
  for (const Finding& finding : findings) {
    std::string place = finding.file;
    if (finding.line > 0) place += ":" + std::to_string(finding.line);
    std::fprintf(stderr, "%s: %s%s\n", place.c_str(),
                 finding.fatal ? "" : "warning: ", printable(finding.message).c_str());
  }
}

void tell_json(const std::string& file, bool well, size_t sets,
               const std::vector<Finding>& findings) {
  std::printf("{\"file\":%s,\"ok\":%s,\"sets\":%zu,\"findings\":[",
              file.empty() ? "null" : json_string(file).c_str(), well ? "true" : "false", sets);
  for (size_t i = 0; i < findings.size(); ++i)
    std::printf("%s{\"line\":%zu,\"fatal\":%s,\"message\":%s}", i > 0 ? "," : "", findings[i].line,
                findings[i].fatal ? "true" : "false", json_string(findings[i].message).c_str());
  std::printf("]}\n");
}

}  // namespace

std::string config_file_of(const std::string& dir) {
  for (std::string file : {dir + "/drey.conf", std::string("/etc/drey/drey.conf")})
    if (access(file.c_str(), F_OK) == 0) return file;
  return "";
}

int cmd_config(Context& context, const Arguments& arguments) {
  if (arguments.positional[0] != "check") {
    complain("drey config check [FILE] tells whether drey.conf is right");
    return kExitUsage;
  }
  std::string file = arguments.positional.size() > 1 ? absolute_path(arguments.positional[1])
                                                     : config_file_of(context.dir);
  std::vector<Finding> findings;
  auto config = std::make_unique<Config>();
  bool well = file.empty() || check_file(file, config.get(), &findings);
  if (context.json) {
    tell_json(file, well, config->set_count(), findings);
  } else {
    tell(findings);
    if (file.empty()) {
      say(context, "there is no %s/drey.conf and no /etc/drey/drey.conf: the defaults count",
          context.dir.c_str());
    } else if (well) {
      std::printf("%s is right: %zu set%s to back up\n", file.c_str(), config->set_count(),
                  config->set_count() == 1 ? "" : "s");
    }
  }
  return well ? kExitOk : kExitUsage;
}

}  // namespace drey::cli
