// forget: takes snapshots out of the mesh, by name or by rules.

#include <cstdio>

#include "base/text.h"
#include "cli/format.h"

namespace drey::cli {
namespace {

// False (told): a rule is no number in range.
bool read_rules(const Arguments& arguments, std::string* body, bool* any) {
  struct Rule {
    const char* option;
    const char* member;
  };
  static constexpr Rule kRules[] = {{"keep-last", "keep_last"},
                                    {"keep-daily", "keep_daily"},
                                    {"keep-weekly", "keep_weekly"},
                                    {"keep-monthly", "keep_monthly"}};
  for (const Rule& rule : kRules) {
    if (!arguments.has(rule.option)) continue;
    Result<uint64_t> count = parse_u64(arguments.value(rule.option));
    if (!count.ok()) {
      complain("--%s takes a number, 0 for none; nothing was removed", rule.option);
      return false;
    }
    *any = *any || count.value() > 0;
    *body += std::string(",\"") + rule.member + "\":" + std::to_string(count.value());
  }
  return true;
}

int report(const Context& context, const Object& summary) {
  std::string status = summary.text("status");
  if (status == "ok") {
    if (context.json || context.quiet) return kExitOk;
    int ids = summary.at("snapshots");
    for (int e = summary.json().first(ids); e >= 0; e = summary.json().next(e))
      std::printf("%s  %s\n", summary.boolean("dry_run") ? "would go" : "removed",
                  summary.text_of(e).substr(0, 12).c_str());
    std::printf("%s\n", summary.text("message").c_str());
    return kExitOk;
  }
  complain("%s", summary.text("message").c_str());
  if (status == "not_found") return kExitNotFound;
  if (status == "busy") return kExitBusy;
  return status == "usage" ? kExitUsage : kExitError;
}

}  // namespace

int cmd_forget(Context& context, const Arguments& arguments) {
  std::string body = "{\"snapshots\":[";
  for (size_t i = 0; i < arguments.positional.size(); ++i)
    body += (i > 0 ? "," : "") + json_string(arguments.positional[i]);
  body += "]";
  bool any = !arguments.positional.empty();
  if (!read_rules(arguments, &body, &any)) return kExitUsage;
  if (!any) {
    complain(
        "which snapshots? Name them, or give a rule such as --keep-daily 7; nothing was removed");
    return kExitUsage;
  }
  body += std::string(",\"dry_run\":") + (arguments.has("dry-run") ? "true" : "false") + "}";
  Client client(context);
  std::string last;
  Client::Answer answer = client.lines("POST", "/api/v1/forget", body, [&](std::string_view line) {
    last = line;
    return true;
  });
  if (int code = explain(context, answer); code != kExitOk) return code;
  Object summary(last);
  if (summary.text("type") != "summary") {
    complain("the daemon stopped meanwhile; drey snapshots shows what is there");
    return kExitError;
  }
  if (context.json) std::printf("%s\n", last.c_str());
  return report(context, summary);
}

}  // namespace drey::cli
