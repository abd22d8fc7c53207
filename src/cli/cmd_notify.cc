// notify: follows the verdict of the daemon and runs `notify = COMMAND` of drey.conf whenever it
// has changed for a while. A process of its own: the daemon starts no programs.

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>

#include "base/config.h"
#include "cli/client.h"
#include "cli/paths.h"

namespace drey::cli {
namespace {

constexpr unsigned kPollSeconds = 5;
// A verdict that holds for so long is news; with a poll in between it is told within a minute.
constexpr time_t kHoldSeconds = 20;
constexpr int kCommandMs = 60'000;

// `notify =` as it stands there now; "" when there is none or the file is wrong.
std::string command_of(const Context& context) {
  std::string file = config_file_of(context.dir);
  std::string text;
  if (file.empty() || !read_settings(file, &text)) return "";
  auto config = std::make_unique<Config>();
  ConfigError error;
  if (!ok(config->apply_file(text, &error))) return "";
  return std::string(config->text(ConfigKey::kNotify));
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    ssize_t n = write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

// Runs the command with `text` on its stdin and gives it a minute. Its exit code.
int run_command(const std::string& command, const std::string& text) {
  int ends[2];
  if (pipe(ends) != 0) return kExitError;
  std::fflush(nullptr);
  pid_t child = fork();
  if (child < 0) return kExitError;
  if (child == 0) {
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    close(ends[1]);
    setpgid(0, 0);
    execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    _exit(127);
  }
  close(ends[0]);
  // Shorter than a pipe's buffer: a command that reads nothing does not hold us up.
  (void)write_all(ends[1], text);
  close(ends[1]);
  for (int waited = 0;; waited += 100) {
    int status = 0;
    pid_t got = waitpid(child, &status, WNOHANG);
    if (got == child) return WIFEXITED(status) ? WEXITSTATUS(status) : kExitError;
    if (waited >= kCommandMs) kill(-child, SIGKILL);
    poll(nullptr, 0, 100);
  }
}

std::string event_text(const Object& status, const std::string& was) {
  int node = status.at("node"), mesh = status.at("mesh");
  return "{\"type\":\"verdict\",\"verdict\":" + json_string(status.text("verdict")) +
         ",\"was\":" + (was.empty() ? "null" : json_string(was)) +
         ",\"sentence\":" + json_string(status.text("sentence")) +
         ",\"node\":" + json_string(status.text("name", node)) +
         ",\"mesh\":" + json_string(status.text("name", mesh)) + "}\n";
}

// One change; false when the command failed. Without a command there is nothing to do.
bool tell(Context& context, const Object& status, const std::string& was) {
  std::string text = event_text(status, was);
  if (context.json) {
    std::printf("%s", text.c_str());
    std::fflush(stdout);
  }
  std::string command = command_of(context);
  if (command.empty()) return true;
  int code = run_command(command, text);
  if (code == 0) return true;
  complain("the command of `notify =` ended with %d; the verdict is: %s", code,
           status.text("verdict").c_str());
  return false;
}

time_t now_s() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return now.tv_sec;
}

int test_command(Context& context) {
  std::string command = command_of(context);
  if (command.empty()) {
    complain(
        "there is no `notify = COMMAND` in drey.conf, or the file is wrong: drey config check");
    return kExitUsage;
  }
  Client client(context);
  Client::Answer answer = client.call("GET", "/api/v1/status");
  if (int code = explain(context, answer); code != kExitOk) return code;
  Object status(answer.body);
  return tell(context, status, status.text("verdict")) ? kExitOk : kExitError;
}

}  // namespace

int cmd_notify(Context& context, const Arguments& arguments) {
  signal(SIGPIPE, SIG_IGN);
  if (arguments.has("test")) return test_command(context);
  std::string told, seen;
  time_t since = now_s();
  for (;; sleep(kPollSeconds)) {
    Client client(context, true);
    Client::Answer answer = client.call("GET", "/api/v1/status");
    if (answer.status != 200) continue;  // it starts, or it is being stopped
    Object status(answer.body);
    std::string verdict = status.text("verdict");
    if (verdict != seen) {
      seen = verdict;
      since = now_s();
    }
    if (seen == told || now_s() - since < kHoldSeconds) continue;
    // What was found at the start is news only when somebody has to act.
    bool news = !told.empty() || seen == "at_risk" || seen == "lost";
    // A command that fails (no network yet) is tried again at the next poll.
    if (!news || tell(context, status, told)) told = seen;
  }
}

}  // namespace drey::cli
