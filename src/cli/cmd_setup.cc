// setup: three questions to a running node. Which mesh, which disk, how much of it; then drey.conf
// is written, the node is made, and the service starts where it is installed.

#include <mntent.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/text.h"
#include "cli/ask.h"
#include "cli/format.h"
#include "cli/paths.h"
#include "cli/service_user.h"
#include "codec/phrase.h"
#include "node/disk_share.h"
#include "node/key_file.h"

namespace drey::cli {
namespace {

constexpr const char* kMarkerName = "drey.format";  // store/marker.h
constexpr uint64_t kLeastBytes = 1ull << 30;

struct Plan {
  std::string code;   // "": a new mesh
  std::string store;  // "": in DIR
  std::string mount;  // where the store's disk is mounted
  uint64_t capacity = 0;
  std::string config_file;
  bool write_config = true;
};

struct Mounted {
  std::string device, path;
  uint64_t free_bytes = 0;
};

uint64_t free_at(const std::string& path) {
  struct statvfs st {};
  if (statvfs(path.c_str(), &st) != 0) return 0;
  return uint64_t{st.f_bavail} * st.f_frsize;
}

bool device_of(const std::string& path, dev_t* device) {
  struct stat st {};
  if (stat(path.c_str(), &st) != 0) return false;
  *device = st.st_dev;
  return true;
}

// The nearest folder above that exists: DIR itself may not be there yet.
std::string existing_parent(std::string path) {
  dev_t device;
  while (path.size() > 1 && !device_of(path, &device)) path = path.substr(0, path.rfind('/'));
  return path.empty() ? "/" : path;
}

bool is_system_path(const std::string& path) {
  for (const char* system : {"/", "/boot", "/boot/firmware", "/boot/efi", "/usr", "/var", "/home"})
    if (path == system) return true;
  return path.rfind("/snap/", 0) == 0 || path.rfind("/etc/", 0) == 0;
}

// Disks that are mounted beside the system's own.
std::vector<Mounted> other_disks() {
  std::vector<Mounted> found;
  dev_t root = 0;
  (void)device_of("/", &root);
  FILE* mounts = setmntent("/proc/mounts", "re");
  if (mounts == nullptr) return found;
  while (const mntent* it = getmntent(mounts)) {
    std::string device = it->mnt_fsname, path = it->mnt_dir;
    dev_t own = 0;
    if (device.rfind("/dev/", 0) != 0 || hasmntopt(it, "rw") == nullptr || is_system_path(path))
      continue;
    if (!device_of(path, &own) || own == root) continue;
    found.push_back({device, path, free_at(path)});
  }
  endmntent(mounts);
  return found;
}

// ---- The questions ----

std::string take_mesh(const std::string& answer, Plan* plan) {
  if (answer == "new") {
    plan->code.clear();
    return "";
  }
  PairCode code;
  size_t bad = 0;
  if (ok(pair_code_parse(answer, &code, &bad))) {
    plan->code = answer;
    return "";
  }
  if (answer.find('-') == std::string::npos && answer.find(' ') == std::string::npos)
    return "please type: new, or the words that drey invite shows on another device";
  return "word " + std::to_string(bad) + " of the code is missing or mistyped; it has " +
         std::to_string(kPairCodeWords) + " words";
}

// `here`, a number of the list, or a path on another disk.
std::string take_disk(const std::string& answer, const std::vector<Mounted>& disks, Plan* plan) {
  plan->store.clear();
  plan->mount.clear();
  if (answer == "here") return "";
  std::string path = answer;
  Result<uint64_t> number = parse_u64(answer);
  if (number.ok() && number.value() >= 1 && number.value() <= disks.size())
    path = disks[static_cast<size_t>(number.value() - 1)].path;
  if (path.empty() || path[0] != '/')
    return "please type: here, a number of the list, or a path that begins with '/'";
  path = absolute_path(path);
  dev_t root = 0, own = 0, above = 0;
  if (!device_of(path, &own)) return path + " does not exist; is the disk mounted?";
  struct stat st {};
  if (stat(path.c_str(), &st) != 0 || !S_ISDIR(st.st_mode)) return path + " is no folder";
  (void)device_of("/", &root);
  if (own == root)
    return path +
           " is on the card this system runs from: the disk is not mounted there. Mount it, "
           "or type: here";
  // The mount point, so that the service waits for it.
  std::string mount = path;
  while (mount != "/") {
    std::string parent = mount.substr(0, mount.rfind('/'));
    if (parent.empty()) parent = "/";
    if (!device_of(parent, &above) || above != own) break;
    mount = parent;
  }
  if (access(path.c_str(), W_OK) != 0) return path + " cannot be written: " + std::strerror(errno);
  std::string store = path == mount ? path + "/drey" : path;
  // A new node takes what is there for the rest of a broken attempt, and removes it.
  if (access((store + "/" + kMarkerName).c_str(), F_OK) == 0)
    return store + " keeps the pieces of a device already; empty it, or choose another place";
  plan->mount = mount;
  plan->store = store;
  return "";
}

std::string take_space(const std::string& answer, uint64_t free_bytes, Plan* plan) {
  Result<uint64_t> size = parse_size(answer);
  if (!size.ok()) return "please type a size such as 20G or 500M";
  if (size.value() < kLeastBytes) return "a device keeps at least 1 GiB, or it is of no use";
  if (size.value() > free_bytes) return "only " + human_bytes(free_bytes) + " are free there";
  plan->capacity = size.value();
  return "";
}

bool ask_all(const Context& context, Plan* plan) {
  if (!ask("1. A new mesh, or join one? Type: new, or the code that drey invite shows", "new",
           [plan](const std::string& answer) { return take_mesh(answer, plan); }))
    return false;
  if (!plan->write_config) return true;
  std::vector<Mounted> disks = other_disks();
  std::string own = existing_parent(context.dir);
  std::fprintf(stderr, "\n2. Which disk keeps the pieces?\n   here  %s, %s free\n",
               context.dir.c_str(), human_bytes(free_at(own)).c_str());
  for (size_t i = 0; i < disks.size(); ++i)
    std::fprintf(stderr, "   %zu     %s (%s), %s free\n", i + 1, printable(disks[i].path).c_str(),
                 printable(disks[i].device).c_str(), human_bytes(disks[i].free_bytes).c_str());
  if (!ask("   here, a number, or a path", "here",
           [&disks, plan](const std::string& answer) { return take_disk(answer, disks, plan); }))
    return false;
  uint64_t free_bytes = free_at(plan->store.empty() ? own : plan->mount);
  uint64_t share = disk_share(free_bytes, 0) >> 30;
  std::fputc('\n', stderr);
  return ask("3. How much of it may the mesh use? " + human_bytes(free_bytes) + " are free",
             std::to_string(std::max<uint64_t>(share, 1)) + "G",
             [free_bytes, plan](const std::string& answer) {
               return take_space(answer, free_bytes, plan);
             });
}

// ---- What follows from the answers ----

bool write_file(const std::string& path, const std::string& text, mode_t mode) {
  std::string draft = path + ".new";
  FILE* out = std::fopen(draft.c_str(), "we");
  if (out == nullptr) return false;
  bool well = std::fwrite(text.data(), 1, text.size(), out) == text.size() &&
              std::fflush(out) == 0 && fsync(fileno(out)) == 0 && fchmod(fileno(out), mode) == 0;
  well = std::fclose(out) == 0 && well;
  return well && std::rename(draft.c_str(), path.c_str()) == 0;
}

std::vector<std::string> what_to_back_up(const Arguments& arguments, bool service) {
  std::vector<std::string> paths;
  for (const std::string& path : arguments.values("path")) paths.push_back(absolute_path(path));
  if (!paths.empty()) return paths;
  const char* home = std::getenv("HOME");
  return {service || home == nullptr || *home != '/' ? "/home" : home};
}

std::string config_text(const Plan& plan, const std::vector<std::string>& paths) {
  std::string text =
      "# Written by drey setup. drey config check says whether it is right.\n"
      "# Comments stand on lines of their own.\n";
  if (!plan.store.empty()) text += "store = " + plan.store + "\n";
  text += "capacity = " + std::to_string(plan.capacity >> 20) + "M\n\n";
  text +=
      "# What this device backs up, once a day. A vault keeps this for nothing.\n[backup home]\n";
  for (const std::string& path : paths) text += "path = " + path + "\n";
  text +=
      "exclude = .cache\nat = 02:00\nkeep-last = 3\nkeep-daily = 14\nkeep-weekly = 8\n"
      "keep-monthly = 12\n";
  return text;
}

// The folder on the other disk, and what lets the service write there and wait for the disk.
bool prepare_store(const Context& context, const Plan& plan) {
  if (plan.store.empty()) return true;
  if (mkdir(plan.store.c_str(), 0700) != 0 && errno != EEXIST) return false;
  ServiceUser user;
  if (!for_service(context, &user)) return true;
  if (!give_to(user, plan.store)) return false;
  if (!service_installed()) return true;
  std::string dir = "/etc/systemd/system/drey.service.d";
  (void)make_dirs("/etc/systemd/system");
  if (mkdir(dir.c_str(), 0755) != 0 && errno != EEXIST) return false;
  return write_file(dir + "/store.conf",
                    "# Written by drey setup: the disk that keeps the pieces.\n[Unit]\n"
                    "RequiresMountsFor=" +
                        plan.mount + "\n[Service]\nReadWritePaths=" + plan.store + "\n",
                    0644);
}

bool write_config(const Context& context, const Plan& plan, const Arguments& arguments) {
  ServiceUser user;
  bool service = for_service(context, &user);
  std::string dir = plan.config_file.substr(0, plan.config_file.rfind('/'));
  if (!make_dirs(dir)) return false;
  if (service && (chmod(dir.c_str(), 0755) != 0)) return false;
  if (!write_file(plan.config_file, config_text(plan, what_to_back_up(arguments, service)),
                  service ? 0640 : 0600))
    return false;
  // The daemon reads it; only root changes it.
  return !service || lchown(plan.config_file.c_str(), 0, user.gid) == 0;
}

void say_what_next(const Context& context, const Plan& plan, bool running) {
  if (!running)
    std::fprintf(stderr, "\nNext: %s\n", how_to_run(context).c_str());
  else
    std::fprintf(stderr, "\nThe service runs.\n");
  if (plan.code.empty())
    std::fprintf(stderr,
                 "Then add devices: drey invite here, drey setup there with the code. A backup is "
                 "protected once two\nother devices keep it.\n");
  std::fprintf(stderr,
               "drey status tells whether your files are safe. What is backed up stands in %s.\n",
               plan.config_file.c_str());
}

int make_node(Context& context, const Arguments& arguments, const Plan& plan) {
  Arguments words = arguments;
  words.options.erase("path");
  words.positional.assign(1, plan.code);
  return as_service_user(context, [&context, &plan, &words] {
    return plan.code.empty() ? make_mesh(context, words) : join_mesh(context, words);
  });
}

}  // namespace

int cmd_setup(Context& context, const Arguments& arguments) {
  Plan plan;
  if (access((context.dir + "/" + kKeyFileName).c_str(), F_OK) == 0) {
    complain("%s holds a node already; nothing was changed. drey status tells how it is",
             context.dir.c_str());
    return kExitError;
  }
  ServiceUser user;
  bool service = for_service(context, &user);
  if (!service && context.dir == kServiceDir && geteuid() != 0) {
    complain("the service is root's to set up; try: sudo drey setup");
    return kExitRefused;
  }
  // What /etc has is the service's; a node elsewhere gets a file of its own.
  std::string own = context.dir + "/drey.conf";
  bool has_own = access(own.c_str(), F_OK) == 0;
  plan.config_file = service && !has_own ? std::string(kServiceConfig) : own;
  plan.write_config = access(plan.config_file.c_str(), F_OK) != 0;
  if (!plan.write_config)
    std::fprintf(stderr, "There is a %s already; it stays as it is.\n", plan.config_file.c_str());
  if (!ask_all(context, &plan)) {
    complain("the answers ended; nothing was changed");
    return kExitUsage;
  }
  if (plan.write_config &&
      (!prepare_store(context, plan) || !write_config(context, plan, arguments))) {
    complain("cannot write %s: %s", plan.config_file.c_str(), std::strerror(errno));
    return kExitError;
  }
  int code = make_node(context, arguments, plan);
  if (code != kExitOk) {
    // The next try asks everything anew.
    if (plan.write_config) (void)unlink(plan.config_file.c_str());
    complain("nothing was set up; drey setup asks again");
    return code;
  }
  bool running = !arguments.has("no-start") && start_service(context);
  if (!context.quiet) say_what_next(context, plan, running);
  return kExitOk;
}

}  // namespace drey::cli
