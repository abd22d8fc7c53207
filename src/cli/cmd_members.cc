// revoke, retire: orders about other devices of the mesh.

#include <cstdio>

#include "cli/format.h"

namespace drey::cli {
namespace {

int exit_of(const std::string& status) {
  if (status == "ok") return kExitOk;
  if (status == "not_found") return kExitNotFound;
  if (status == "denied") return kExitRefused;
  return status == "usage" ? kExitUsage : kExitError;
}

// Sends the order and tells what came of it.
int order(const Context& context, const char* path, const std::string& body) {
  Client client(context);
  std::string last;
  Client::Answer answer = client.lines("POST", path, body, [&](std::string_view line) {
    last = line;
    return true;
  });
  if (int code = explain(context, answer); code != kExitOk) return code;
  Object summary(last);
  if (summary.text("type") != "summary") {
    complain("the daemon stopped meanwhile; drey peers shows who is in the mesh");
    return kExitError;
  }
  if (context.json) std::printf("%s\n", last.c_str());
  int code = exit_of(summary.text("status"));
  if (code != kExitOk) {
    complain("%s", summary.text("message").c_str());
  } else if (!context.json && !context.quiet) {
    std::printf("%s\n", summary.text("message").c_str());
  }
  return code;
}

}  // namespace

int cmd_revoke(Context& context, const Arguments& arguments) {
  return order(context, "/api/v1/revoke",
               "{\"node\":" + json_string(arguments.positional[0]) + "}");
}

int cmd_retire(Context& context, const Arguments& arguments) {
  return order(context, "/api/v1/retire",
               "{\"node\":" + json_string(arguments.positional[0]) +
                   ",\"wait\":" + (arguments.has("wait") ? "true" : "false") + "}");
}

}  // namespace drey::cli
