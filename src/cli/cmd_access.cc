// page, token, user: who may use the status page and the API.

#include <cstdio>

#include "cli/format.h"
#include "cli/words.h"

namespace drey::cli {
namespace {

// Sends a request; prints the raw JSON where --json was given. kExitOk to go on.
int send(Context& context, const char* method, const std::string& path, const std::string& body,
         Client::Answer* answer) {
  Client client(context);
  *answer = client.call(method, path, body);
  if (int code = explain(context, *answer); code != kExitOk) return code;
  if (context.json) std::printf("%s", answer->body.c_str());
  return kExitOk;
}

int wrong(const Context& context, const char* words) { return fail(context, kExitUsage, words); }

std::string scope_and_name(const Arguments& arguments, const std::string& name) {
  return "\"scope\":" + json_string(arguments.value("scope")) + ",\"name\":" + json_string(name);
}

int list(Context& context, const char* path, const char* nobody) {
  Client::Answer answer;
  if (int code = send(context, "GET", path, "", &answer); code != kExitOk || context.json)
    return code;
  Object rows(answer.body);
  Table table;
  table.row({"NUMBER", "NAME", "SCOPE"});
  bool any = false;
  for (int e = rows.json().first(rows.json().root()); e >= 0; e = rows.json().next(e)) {
    std::string number = rows.text("number", e);
    table.row(
        {number.empty() ? "-" : number, printable(rows.text("name", e)), rows.text("scope", e)});
    any = true;
  }
  any ? table.print() : say(context, "%s", nobody);
  return kExitOk;
}

int create_token(Context& context, const Arguments& arguments) {
  Client::Answer answer;
  std::string body = "{" + scope_and_name(arguments, arguments.value("name", "-")) + "}";
  if (int code = send(context, "POST", "/api/v1/tokens", body, &answer);
      code != kExitOk || context.json)
    return code;
  Object token(answer.body);
  std::printf("%s\n", token.text("token").c_str());
  say(context,
      "Shown only now. Use it as: curl -H \"Authorization: Bearer TOKEN\" ...; revoke it with: "
      "drey token revoke %s",
      token.text("number").c_str());
  return kExitOk;
}

int add_user(Context& context, const Arguments& arguments, const std::string& name) {
  std::string password = read_phrase(("password of " + printable(name) + ": ").c_str());
  while (!password.empty() && (password.back() == '\n' || password.back() == '\r'))
    password.pop_back();
  if (password.size() < 8 || password.size() > 128)
    return fail(context, kExitRefused, "a password has 8 to 128 bytes; nothing was changed");
  Client::Answer answer;
  std::string body =
      "{" + scope_and_name(arguments, name) + ",\"password\":" + json_string(password) + "}";
  int code = send(context, "POST", "/api/v1/users", body, &answer);
  if (code == kExitOk && !context.json)
    say(context, "%s may log in to the page now.", printable(name).c_str());
  return code;
}

int remove(Context& context, const std::string& path, const char* words) {
  Client::Answer answer;
  int code = send(context, "DELETE", path, "", &answer);
  if (code == kExitOk && !context.json) say(context, "%s", words);
  return code;
}

// A name as one component of a path.
std::string escaped(const std::string& name) {
  std::string out;
  char digits[4];
  for (char c : name) {
    std::snprintf(digits, sizeof digits, "%%%02x",
                  static_cast<unsigned>(static_cast<unsigned char>(c)));
    out += digits;
  }
  return out;
}

}  // namespace

int cmd_page(Context& context, const Arguments&) {
  Client::Answer answer;
  if (int code = send(context, "POST", "/api/v1/link", "{}", &answer);
      code != kExitOk || context.json)
    return code;
  Object link(answer.body);
  std::printf("%s\n", link.text("url").c_str());
  say(context, "Signs one browser in, once, within %llu minutes.",
      static_cast<unsigned long long>(link.number("expires_s") / 60));
  return kExitOk;
}

int cmd_token(Context& context, const Arguments& arguments) {
  const std::string& what = arguments.positional[0];
  size_t words = arguments.positional.size();
  if (what == "create" && words == 1) {
    if (!arguments.has("scope"))
      return wrong(context, "token create wants --scope read, write or admin");
    return create_token(context, arguments);
  }
  if (what == "list" && words == 1) return list(context, "/api/v1/tokens", "there are no tokens");
  if (what == "revoke" && words == 2)
    return remove(context, "/api/v1/tokens/" + escaped(arguments.positional[1]),
                  "It opens nothing any more.");
  return wrong(context,
               "drey token create --scope read|write|admin [--name N], list, or revoke NUMBER");
}

int cmd_user(Context& context, const Arguments& arguments) {
  const std::string& what = arguments.positional[0];
  size_t words = arguments.positional.size();
  if (what == "add" && words == 2) {
    if (!arguments.has("scope"))
      return wrong(context, "user add wants --scope read, write or admin");
    return add_user(context, arguments, arguments.positional[1]);
  }
  if (what == "list" && words == 1)
    return list(context, "/api/v1/users", "there are no users; drey page signs you in without one");
  if (what == "remove" && words == 2)
    return remove(context, "/api/v1/users/" + escaped(arguments.positional[1]),
                  "Logged out, and not let in any more.");
  return wrong(context, "drey user add NAME --scope read|write|admin, list, or remove NAME");
}

}  // namespace drey::cli
