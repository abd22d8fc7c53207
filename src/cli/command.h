// The command table: one row per command; help, parsing and dispatch all come from it.
// The command line is a short-lived process of its own; std containers are allowed here.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace drey {
class Node;
struct Ports;
}  // namespace drey

namespace drey::cli {

// What scripts rely on.
enum Exit : int {
  kExitOk = 0,
  kExitError = 1,
  kExitUsage = 2,
  kExitPartly = 3,
  kExitNotFound = 10,
  kExitBusy = 11,
  kExitRefused = 12,
  kExitNotEnough = 13,
  kExitInterrupted = 130,
};

struct OptionRow {
  const char* name;   // without dashes
  const char* value;  // placeholder such as "GLOB", or null for a flag
  const char* help;
};

struct Arguments {
  std::map<std::string, std::vector<std::string>> options;
  std::vector<std::string> positional;

  bool has(const char* name) const { return options.count(name) != 0; }
  // The last value given, or `otherwise`.
  std::string value(const char* name, const std::string& otherwise = "") const;
  const std::vector<std::string>& values(const char* name) const;
};

// The daemon's side of the process, provided by main: runs a node in this very process.
class LocalNode;

struct Context {
  std::string dir;     // resolved DIR
  std::string socket;  // resolved path of the control socket
  bool json = false;
  bool quiet = false;
  bool color = false;
  int verbose = 0;
  LocalNode* local = nullptr;
};

struct CommandRow {
  const char* name;
  const char* arguments;
  const char* help;
  std::span<const OptionRow> options;
  size_t positional_min, positional_max;
  int (*run)(Context&, const Arguments&);
};

std::span<const CommandRow> commands();
std::span<const OptionRow> global_options();

// The whole command line: returns the exit code.
int run_command_line(int argc, char** argv, LocalNode* local);

// Words for people, on stderr: what happened, what it means, what to do next.
void say(const Context& context, const char* format, ...) __attribute__((format(printf, 2, 3)));
void complain(const char* format, ...) __attribute__((format(printf, 1, 2)));

// The name nearest to `word` by edit distance, or "" when none is near.
std::string nearest_command(std::string_view word);

// The parts of init and join that setup shares: they make the node and print what came of it.
int make_mesh(Context&, const Arguments&);
int join_mesh(Context&, const Arguments&);

// One function per command.
int cmd_init(Context&, const Arguments&);
int cmd_run(Context&, const Arguments&);
int cmd_invite(Context&, const Arguments&);
int cmd_join(Context&, const Arguments&);
int cmd_recover(Context&, const Arguments&);
int cmd_backup(Context&, const Arguments&);
int cmd_forget(Context&, const Arguments&);
int cmd_snapshots(Context&, const Arguments&);
int cmd_ls(Context&, const Arguments&);
int cmd_find(Context&, const Arguments&);
int cmd_cat(Context&, const Arguments&);
int cmd_diff(Context&, const Arguments&);
int cmd_restore(Context&, const Arguments&);
int cmd_put(Context&, const Arguments&);
int cmd_get(Context&, const Arguments&);
int cmd_files(Context&, const Arguments&);
int cmd_rm(Context&, const Arguments&);
int cmd_status(Context&, const Arguments&);
int cmd_peers(Context&, const Arguments&);
int cmd_wait(Context&, const Arguments&);
int cmd_scrub(Context&, const Arguments&);
int cmd_whatif(Context&, const Arguments&);
int cmd_doctor(Context&, const Arguments&);
int cmd_phrase(Context&, const Arguments&);
int cmd_config(Context&, const Arguments&);
int cmd_setup(Context&, const Arguments&);
int cmd_notify(Context&, const Arguments&);
int cmd_completion(Context&, const Arguments&);
int cmd_revoke(Context&, const Arguments&);
int cmd_retire(Context&, const Arguments&);
int cmd_page(Context&, const Arguments&);
int cmd_token(Context&, const Arguments&);
int cmd_user(Context&, const Arguments&);

}  // namespace drey::cli
