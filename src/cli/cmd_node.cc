// init, run, join, recover, invite: the life of a node.

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/text.h"
#include "cli/format.h"
#include "cli/local_node.h"
#include "cli/paths.h"
#include "cli/service_user.h"
#include "cli/words.h"
#include "codec/phrase.h"

namespace drey::cli {
namespace {

LocalOptions local_options(const Context& context, const Arguments& arguments,
                           std::initializer_list<const char*> flags) {
  LocalOptions options;
  options.dir = context.dir;
  options.socket = context.socket;
  options.name = arguments.value("name", host_name());
  for (const char* flag : flags)
    for (const std::string& value : arguments.values(flag)) options.flags.emplace_back(flag, value);
  return options;
}

// Starts the service that a new node is for, or says how the daemon is started.
int started(Context& context, const Arguments& arguments, int code, const char* then) {
  if (code != kExitOk || context.json) {
    if (code == kExitOk && !arguments.has("no-start")) (void)start_service(context);
    return code;
  }
  bool running = !arguments.has("no-start") && start_service(context);
  std::printf("%s%s%s\n", running ? "The service runs. Next: " : "Next: ",
              running ? "" : (how_to_run(context) + ", then ").c_str(), then);
  return code;
}

}  // namespace

int make_mesh(Context& context, const Arguments& arguments) {
  LocalOptions options = local_options(context, arguments, {"copies", "compression"});
  options.mesh = arguments.value("mesh", "home");
  if (!make_dirs(context.dir))
    return fail(context, kExitError, "cannot make " + context.dir + ": " + std::strerror(errno));
  LocalResult result = context.local->init(options);
  if (result.exit != kExitOk) return fail(context, result.exit, result.message);
  if (context.json) {
    std::printf("{\"phrase\":%s,\"node\":%s,\"mesh\":%s}\n", json_string(result.phrase).c_str(),
                json_string(result.node).c_str(), json_string(result.mesh).c_str());
    return kExitOk;
  }
  std::printf(
      "The mesh %s has its first device, %s.\n\nIts recovery phrase, shown only now:\n\n    %s\n\n"
      "Write it on paper. With these ten words and any device that survives, all backups can be "
      "read;\n"
      "without them, and without a full device, nobody can read them.\n\n",
      printable(result.mesh).c_str(), printable(result.node).c_str(), result.phrase.c_str());
  return kExitOk;
}

int cmd_init(Context& context, const Arguments& arguments) {
  int code = as_service_user(context, [&] { return make_mesh(context, arguments); });
  return started(context, arguments, code, "drey invite, and on another device drey join CODE");
}

int cmd_run(Context& context, const Arguments& arguments) {
  return context.local->run(
      local_options(context, arguments, {"listen", "page", "group", "group6", "peer"}));
}

int join_mesh(Context& context, const Arguments& arguments) {
  LocalOptions options = local_options(context, arguments, {"peer", "group", "group6"});
  for (const std::string& word : arguments.positional)
    options.code += (options.code.empty() ? "" : " ") + word;
  PairCode code;
  size_t bad = 0;
  if (!ok(pair_code_parse(options.code, &code, &bad))) {
    return fail(context, kExitRefused,
                "word " + std::to_string(bad) + " of the code is missing or mistyped; it has " +
                    std::to_string(kPairCodeWords) + " words, as drey invite showed them");
  }
  if (!make_dirs(context.dir))
    return fail(context, kExitError, "cannot make " + context.dir + ": " + std::strerror(errno));
  LocalResult result = context.local->join(options);
  if (result.exit != kExitOk) return fail(context, result.exit, result.message);
  if (context.json) {
    std::printf("{\"node\":%s,\"mesh\":%s,\"role\":%s}\n", json_string(result.node).c_str(),
                json_string(result.mesh).c_str(), json_string(result.role).c_str());
  } else {
    std::printf("%s is now a %s device of the mesh %s.\n", printable(result.node).c_str(),
                result.role.c_str(), printable(result.mesh).c_str());
  }
  return kExitOk;
}

int cmd_join(Context& context, const Arguments& arguments) {
  int code = as_service_user(context, [&] { return join_mesh(context, arguments); });
  return started(context, arguments, code, "drey status");
}

namespace {

int recover_mesh(Context& context, const Arguments& arguments) {
  LocalOptions options = local_options(context, arguments, {"peer", "group", "group6"});
  options.replace = arguments.value("replace");
  options.phrase = read_phrase();
  if (std::string fault = phrase_fault(options.phrase); !fault.empty())
    return fail(context, kExitRefused, fault);
  if (!make_dirs(context.dir))
    return fail(context, kExitError, "cannot make " + context.dir + ": " + std::strerror(errno));
  LocalResult result = context.local->recover(options);
  wipe({reinterpret_cast<uint8_t*>(options.phrase.data()), options.phrase.size()});
  if (result.exit != kExitOk) return fail(context, result.exit, result.message);
  if (context.json) {
    std::printf("{\"node\":%s,\"mesh\":%s,\"replaced\":%s}\n", json_string(result.node).c_str(),
                json_string(result.mesh).c_str(),
                result.replaced.empty() ? "null" : json_string(result.replaced).c_str());
  } else {
    std::printf("%s is now a full device of the mesh %s%s%s.\n", printable(result.node).c_str(),
                printable(result.mesh).c_str(),
                result.replaced.empty() ? "" : " and takes the place of ",
                printable(result.replaced).c_str());
  }
  return kExitOk;
}

}  // namespace

int cmd_recover(Context& context, const Arguments& arguments) {
  int code = as_service_user(context, [&] { return recover_mesh(context, arguments); });
  return started(context, arguments, code, "drey restore latest --target DIR");
}

int cmd_invite(Context& context, const Arguments& arguments) {
  std::string role = arguments.value("role", "full");
  Result<uint64_t> uses = parse_u64(arguments.value("uses", "1"));
  if ((role != "full" && role != "vault") || !uses.ok() || uses.value() < 1 || uses.value() > 64) {
    complain("--role is full or vault, --uses a number from 1 to 64");
    return kExitUsage;
  }
  bool wait = !arguments.has("no-wait");
  std::string body = "{\"role\":\"" + role + "\",\"uses\":" + std::to_string(uses.value()) +
                     ",\"wait\":" + (wait ? "true" : "false") + "}";
  Client client(context);
  std::string outcome;
  Client::Answer answer = client.lines("POST", "/api/v1/invite", body, [&](std::string_view line) {
    if (context.json) {
      std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
      std::fflush(stdout);
    }
    Object event(line);
    std::string type = event.text("type");
    if (type == "code" && !context.json) {
      std::printf("%s\n", event.text("code").c_str());
      std::fflush(stdout);
      say(context, "on the new device: drey join %s   (within %s)", event.text("code").c_str(),
          human_seconds(event.number("expires_s")).c_str());
    } else if (type == "joined" && !context.json) {
      std::printf("%s joined\n", printable(event.text("node")).c_str());
    } else if (type == "summary") {
      outcome = event.text("status");
    }
    return true;
  });
  if (int code = explain(context, answer); code != kExitOk) return code;
  if (!wait || outcome == "ok") return kExitOk;
  complain("%s", outcome == "refused"
                     ? "the invitation ended after five wrong codes; make a new one"
                     : "the code has expired; make a new one with drey invite");
  return kExitRefused;
}

}  // namespace drey::cli
