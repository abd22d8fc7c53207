#include "node/access/access.h"

#include "crypto/hash.h"

namespace drey {
namespace {

constexpr std::string_view kBearer = "Bearer ";

std::string_view bearer_of(const Request& request) {
  if (request.head->header_count("authorization") != 1) return {};
  std::string_view value = request.header("authorization");
  return value.starts_with(kBearer) ? value.substr(kBearer.size()) : std::string_view();
}

}  // namespace

void Access::start(const Options& options, Disk& disk) {
  options_ = options;
  Status status = credentials_.load(disk);
  writable_ = status != Status::kUnsupported;
  if (status == Status::kUnsupported)
    options_.log->error(
        "drey.access was written by a newer version: tokens and users of the page count for "
        "nothing "
        "until that one runs again");
  else if (!ok(status) && status != Status::kNotFound)
    options_.log->error(
        "drey.access cannot be read (%s): tokens and users of the page are gone; make new ones "
        "with "
        "drey token create, drey user add",
        status_name(status));
}

Scope Access::scope_of(const Request& request) {
  if (request.control) return request.trusted ? Scope::kOwner : Scope::kNone;
  if (std::string_view token = bearer_of(request); !token.empty()) {
    const Credentials::Token* known = credentials_.find_token(hash_of_secret(token));
    return known != nullptr ? known->scope : Scope::kNone;
  }
  std::string_view cookie = cookie_of(request);
  return cookie.empty() ? Scope::kNone : sessions_.find(cookie, options_.clock->up_ns());
}

bool Access::origin_allowed(const Request& request) const {
  if (request.control) return true;
  size_t count = request.head->header_count("origin");
  if (count == 0) return request.scope != Scope::kNone && !bearer_of(request).empty();
  std::string_view origin = request.header("origin");
  constexpr std::string_view kScheme = "http://";
  return count == 1 && origin.starts_with(kScheme) &&
         origin.substr(kScheme.size()) == request.header("host");
}

std::string_view Access::cookie_of(const Request& request) const {
  char text[16];
  TextWriter name{std::span<char>(text)};
  name.text("drey").decimal(port_).text("=");
  std::string_view rest = request.header("cookie");
  while (!rest.empty()) {
    std::string_view pair = rest.substr(0, rest.find(';'));
    rest.remove_prefix(pair.size() < rest.size() ? pair.size() + 1 : rest.size());
    while (pair.starts_with(' ')) pair.remove_prefix(1);
    if (pair.starts_with(name.view())) return pair.substr(name.size());
  }
  return {};
}

void Access::write_cookie(TextWriter& out, std::string_view cookie) const {
  out.text("Set-Cookie: drey").decimal(port_).text("=").text(cookie);
  out.text("; Path=/; HttpOnly; SameSite=Strict; Max-Age=");
  out.decimal(cookie.empty() ? 0 : LoginSessions::kLongestNs / LoginSessions::kSecondNs);
  out.text("\r\n");
}

uint64_t Access::owner_of(std::string_view user) {
  Key32 hash = sha256(as_bytes(user));
  return load_le<uint64_t>(hash.data()) | 1;
}

}  // namespace drey
