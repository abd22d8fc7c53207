// The installed service seen from the command line: its user, and doing as that user what root
// asked for, so that DIR belongs to the daemon. Without root, or without the service, everything is
// done as the caller.
#pragma once

#include <functional>
#include <string>

#include "cli/command.h"

namespace drey::cli {

inline constexpr const char* kServiceDir = "/var/lib/drey";
inline constexpr const char* kServiceConfig = "/etc/drey/drey.conf";
inline constexpr const char* kServiceUser = "drey";

struct ServiceUser {
  bool found = false;
  unsigned uid = 0, gid = 0;
};

// A unit of ours lies where systemd looks.
bool service_installed();
// True when the caller is root, DIR is the service's and the service's user exists: then that user
// does the work. *user is it.
bool for_service(const Context& context, ServiceUser* user);
// Runs `work` as the service's user in a child process where for_service(), else here. DIR exists
// afterwards and belongs to who works in it. Returns the work's exit code.
int as_service_user(const Context& context, const std::function<int()>& work);
// Gives a path to the service's user. False: errno tells.
bool give_to(const ServiceUser& user, const std::string& path);
// Enables and starts the service, where systemd runs. False: it does not, or it failed (told).
bool start_service(const Context& context);
// What to do next on the command line to have the daemon run: "systemctl ..." or "drey run".
std::string how_to_run(const Context& context);

}  // namespace drey::cli
