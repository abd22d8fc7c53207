// backup: asks the daemon for one snapshot and follows its progress.

#include <csignal>
#include <cstdio>

#include "cli/format.h"
#include "cli/paths.h"

namespace drey::cli {
namespace {

int report(Context& context, const Object& summary) {
  std::string status = summary.text("status");
  if (status != "ok" && status != "partly") {
    complain("%s", summary.text("message").c_str());
    if (status == "not_found") return kExitNotFound;
    if (status == "busy") return kExitBusy;
    return status == "not_enough" ? kExitNotEnough : kExitError;
  }
  if (!context.json && !context.quiet) {
    std::printf("snapshot %s: %llu files, %s, %s new, %llu unchanged\n",
                summary.text("snapshot").substr(0, 12).c_str(),
                static_cast<unsigned long long>(summary.number("files")),
                human_bytes(summary.number("bytes")).c_str(),
                human_bytes(summary.number("added_bytes")).c_str(),
                static_cast<unsigned long long>(summary.number("unchanged")));
    std::printf("%s\n", summary.text("message").c_str());
  }
  if (status == "partly") {
    complain(
        "%llu entries could not be read or changed meanwhile; everything else is in the snapshot",
        static_cast<unsigned long long>(summary.number("errors")));
    return kExitPartly;
  }
  return kExitOk;
}

}  // namespace

int cmd_backup(Context& context, const Arguments& arguments) {
  std::vector<std::string> paths;
  for (const std::string& path : arguments.positional) paths.push_back(absolute_path(path));
  bool wait = arguments.has("wait");
  std::string body =
      "{\"paths\":" + json_list(paths) + ",\"excludes\":" + json_list(arguments.values("exclude"));
  body += ",\"set\":" + json_string(arguments.value("set", "default"));
  body +=
      std::string(",\"one_file_system\":") + (arguments.has("one-file-system") ? "true" : "false");
  body +=
      std::string(",\"exclude_caches\":") + (arguments.has("exclude-caches") ? "true" : "false");
  body += std::string(",\"wait\":") + (wait ? "true" : "false") + "}";

  Client client(context);
  ProgressLine progress(context);
  std::string last;
  Client::Answer answer = client.lines("POST", "/api/v1/backup", body, [&](std::string_view line) {
    last = line;
    if (context.json) {
      std::printf("%s\n", last.c_str());
      std::fflush(stdout);
    }
    Object event(line);
    std::string type = event.text("type");
    if (type == "progress") {
      progress.update(std::to_string(event.number("files")) + " files", event.number("bytes"), 0);
    } else if (type == "problem") {
      progress.clear();
      complain("%s: %s", printable(event.text("path")).c_str(), event.text("message").c_str());
    }
    return true;
  });
  progress.clear();
  if (int code = explain(context, answer); code != kExitOk) return code;
  Object summary(last);
  if (summary.text("type") != "summary") {
    complain(
        "the daemon stopped before the backup was complete; nothing of the earlier snapshots is "
        "lost");
    return kExitError;
  }
  return report(context, summary);
}

}  // namespace drey::cli
