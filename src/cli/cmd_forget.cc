// forget: takes snapshots out of the mesh, by name or by rules.

#include <cstdio>

#include "base/text.h"
#include "cli/format.h"
#include "cli/words.h"
#include "drey/limits.h"

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

// The phrase, before anything is removed.
int ask_phrase(const Context& context, PhraseKeys* keys) {
  int code = read_phrase_keys(context, "recovery phrase (ten words): ", keys);
  if (code != kExitOk) return code;
  bool match = false;
  code = compare_phrase(context, keys, &match);
  if (code != kExitOk || match) return code;
  return fail(context, kExitRefused, "these are not the words of this mesh; nothing was removed");
}

// {"number", "signature"} for the UNPIN that the daemon asks about; "" when it is none.
std::string word_on(const Object& asked, const PhraseKeys& keys) {
  std::string text = asked.text("statement");
  std::vector<uint8_t> unpin(text.size() / 2);
  Signature word{};
  if (unpin.size() > limits::kStatementBytesMax || !ok(hex_decode(text, unpin))) return "";
  if (!ok(sign_unpin_now(keys.signing, keys.mesh, unpin, &word))) return "";
  return "{\"number\":" + std::to_string(asked.number("number")) + ",\"signature\":\"" + hex(word) +
         "\"}";
}

// Signs what each of the other devices is to give up, until all that can be told are.
int sign_unpins(const Context& context, const PhraseKeys& keys) {
  ProgressLine progress(context);
  uint64_t signed_count = 0;
  for (std::string body = "{}"; !body.empty();) {
    Client client(context);
    std::string line;
    Client::Answer answer =
        client.stream("POST", "/api/v1/forget/now", body, [&](std::string_view part) {
          line += part;
          return true;
        });
    if (int code = explain(context, answer); code != kExitOk) return code;
    Object told(line);
    if (told.text("type") == "summary") {
      progress.clear();
      bool complete = told.text("status") == "ok";
      if (context.json) {
        std::printf("{\"type\":\"now\",\"signed\":%llu,\"complete\":%s,\"message\":%s}\n",
                    static_cast<unsigned long long>(signed_count), complete ? "true" : "false",
                    json_string(told.text("message")).c_str());
      } else if (complete && !context.quiet) {
        std::printf("%s\n", told.text("message").c_str());
      }
      if (!complete) complain("%s", told.text("message").c_str());
      return complete ? kExitOk : kExitPartly;
    }
    body = word_on(told, keys);
    ++signed_count;
    progress.update("orders signed", signed_count, 0);
  }
  complain("the daemon asked for a signature on something else; nothing of it was signed");
  return kExitError;
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
  bool now = arguments.has("now") && !arguments.has("dry-run");
  PhraseKeys keys;
  if (now)
    if (int code = ask_phrase(context, &keys); code != kExitOk) return code;
  body += std::string(",\"dry_run\":") + (arguments.has("dry-run") ? "true" : "false") +
          ",\"now\":" + (now ? "true" : "false") + "}";
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
  int code = kExitOk;
  int outcome = report(context, summary);
  if (now && outcome == kExitOk && summary.number("removed") > 0) code = sign_unpins(context, keys);
  if (context.json) std::printf("%s\n", last.c_str());
  return outcome != kExitOk ? outcome : code;
}

}  // namespace drey::cli
