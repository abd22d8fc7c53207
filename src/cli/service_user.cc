#include "cli/service_user.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cli/paths.h"

namespace drey::cli {
namespace {

constexpr const char* kUnits[] = {"/etc/systemd/system/drey.service",
                                  "/lib/systemd/system/drey.service",
                                  "/usr/lib/systemd/system/drey.service"};

// From the file itself: a static program has no name services.
ServiceUser find_user() {
  FILE* in = std::fopen("/etc/passwd", "re");
  if (in == nullptr) return {};
  ServiceUser user;
  while (const passwd* entry = fgetpwent(in))
    if (std::strcmp(entry->pw_name, kServiceUser) == 0) user = {true, entry->pw_uid, entry->pw_gid};
  std::fclose(in);
  return user;
}

bool become(const ServiceUser& user) {
  return setgroups(0, nullptr) == 0 && setresgid(user.gid, user.gid, user.gid) == 0 &&
         setresuid(user.uid, user.uid, user.uid) == 0;
}

int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return kExitError;
  return WIFEXITED(status) ? WEXITSTATUS(status) : static_cast<int>(kExitInterrupted);
}

// Runs a program of the system and waits for it. Its words go where ours go.
int run_program(const std::vector<const char*>& words) {
  std::vector<char*> argv;
  for (const char* word : words) argv.push_back(const_cast<char*>(word));
  argv.push_back(nullptr);
  std::fflush(nullptr);
  pid_t child = fork();
  if (child < 0) return kExitError;
  if (child == 0) {
    execvp(argv[0], argv.data());
    _exit(127);
  }
  return wait_for(child);
}

bool systemd_runs() { return access("/run/systemd/system", F_OK) == 0; }

}  // namespace

bool service_installed() {
  for (const char* unit : kUnits)
    if (access(unit, F_OK) == 0) return true;
  return false;
}

bool for_service(const Context& context, ServiceUser* user) {
  if (geteuid() != 0 || context.dir != kServiceDir) return false;
  *user = find_user();
  return user->found;
}

bool give_to(const ServiceUser& user, const std::string& path) {
  return lchown(path.c_str(), user.uid, user.gid) == 0;
}

int as_service_user(const Context& context, const std::function<int()>& work) {
  ServiceUser user;
  if (!for_service(context, &user)) return work();
  if (!make_dirs(context.dir) || !give_to(user, context.dir)) {
    complain("cannot make %s for the service's user: %s", context.dir.c_str(),
             std::strerror(errno));
    return kExitError;
  }
  std::fflush(nullptr);
  pid_t child = fork();
  if (child < 0) {
    complain("no process can be started: %s", std::strerror(errno));
    return kExitError;
  }
  if (child == 0) {
    int code = kExitError;
    if (become(user))
      code = work();
    else
      complain("cannot become the user %s: %s", kServiceUser, std::strerror(errno));
    std::fflush(nullptr);
    _exit(code);
  }
  return wait_for(child);
}

bool start_service(const Context& context) {
  ServiceUser user;
  if (!for_service(context, &user) || !service_installed() || !systemd_runs()) return false;
  (void)run_program({"systemctl", "daemon-reload"});
  if (run_program({"systemctl", "enable", "--now", "drey.service"}) == 0) return true;
  complain("systemd could not start the service; see: journalctl -u drey");
  return false;
}

std::string how_to_run(const Context& context) {
  ServiceUser user;
  if (for_service(context, &user) && service_installed() && systemd_runs())
    return "systemctl enable --now drey";
  return context.dir == resolve_dir("") ? "drey run" : "drey --dir " + context.dir + " run";
}

}  // namespace drey::cli
