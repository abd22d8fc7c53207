// Signing in and out, tokens and users.

#include "node/access/form.h"
#include "node/node.h"

namespace drey {
namespace {

// Fields of a request that is a JSON object or a form of the page.
class Fields {
 public:
  Fields(const Request& request, http::Json& json) : request_(request), json_(json) {
    form_ = request.header("content-type").starts_with("application/x-www-form-urlencoded");
    valid_ = form_ || ok(json_.parse(request.body));
  }
  bool valid() const { return valid_; }
  bool form() const { return form_; }
  // "" when it is missing; failed() when it does not fit or is malformed.
  std::string_view take(const char* name, std::span<char> to) {
    int value = form_ || !valid_ ? http::Json::kNone : json_.member(json_.root(), name);
    if (!form_ && !json_.is_string(value)) return {};
    Result<size_t> size =
        form_ ? form_value(request_.body, name, to)
              : json_.text(value, {reinterpret_cast<uint8_t*>(to.data()), to.size()});
    if (size.ok()) return {to.data(), size.value()};
    failed_ = failed_ || size.status() != Status::kNotFound;
    return {};
  }
  bool failed() const { return failed_; }

 private:
  const Request& request_;
  http::Json& json_;
  bool form_ = false, valid_ = false, failed_ = false;
};

// A password, wiped when its request is done with.
struct Password {
  std::array<char, AccessSource::kPasswordBytesMax> text;
  ~Password() { wipe({reinterpret_cast<uint8_t*>(text.data()), text.size()}); }
};

constexpr std::string_view kBusyWords = "another login or change is under way; ask again";

}  // namespace

// The answer that signs this browser in or out; a form is sent on to the page.
void Api::answer_with_cookie(std::string_view cookie, bool form, Responder& responder) {
  char text[320];
  TextWriter headers{std::span<char>(text)};
  access_.write_cookie(headers, cookie);
  if (form) headers.text("Location: /\r\n");
  responder.body().text("{\"status\":\"ok\"}\n");
  responder.done(form ? 303 : 200, "application/json", headers.view());
}

void Api::post_sign_in(const Request& request, Responder& responder) {
  Fields fields(request, json_);
  LoginSessions::Secret code, cookie;
  uint64_t now = node_->ports().clock->up_ns();
  Status status = access_.sessions().use_link(fields.take("code", code), now);
  if (!ok(status))
    return responder.error(401, "denied",
                           "this link was used or is older than ten minutes; drey page prints "
                           "another one");
  if (!ok(access_.sessions().open(*node_->ports().random, Scope::kAdmin, 0, now, &cookie)))
    return responder.error(503, "busy", "no randomness");
  answer_with_cookie({cookie.data(), cookie.size()}, fields.form(), responder);
  wipe({reinterpret_cast<uint8_t*>(cookie.data()), cookie.size()});
}

void Api::post_login(const Request& request, Responder& responder) {
  Fields fields(request, json_);
  std::array<char, limits::kNameBytesMax> name;
  Password password;
  AccessSource::Login login;
  login.name = fields.take("name", name);
  login.password = fields.take("password", password.text);
  login.from = request.from;
  login.form = fields.form();
  if (!fields.valid() || fields.failed() || login.name.empty())
    return responder.error(400, "usage", "a login is {\"name\",\"password\"}");
  if (uint64_t wait = access_.throttle().wait_s(request.from, node_->ports().clock->up_ns())) {
    char text[48];
    TextWriter headers{std::span<char>(text)};
    headers.text("Retry-After: ").decimal(wait).text("\r\n");
    responder.body().text(
        "{\"error\":\"busy\",\"message\":\"too many wrong passwords; wait a little\"}\n");
    return responder.done(429, "application/json", headers.view());
  }
  if (!access_source_.free()) return responder.error(503, "busy", kBusyWords);
  access_source_.login(login, responder.connection());
  responder.stream("application/json", &access_source_);
}

void Api::post_sign_out(const Request& request, Responder& responder) {
  Fields fields(request, json_);
  access_.sessions().close(access_.cookie_of(request));
  answer_with_cookie("", fields.form(), responder);
}

// The address under which the page is opened best.
void Api::write_page_address(TextWriter& out) {
  const Address& at = node_->http().page_address();
  static constexpr std::array<uint8_t, 16> kAny{};
  bool any = at.ip == kAny || (is_ipv4(at) && load_le<uint32_t>(at.ip.data() + 12) == 0);
  std::string_view host = node_->ports().host->host_name();
  out.text("http://");
  if (any && !host.empty()) {
    out.text(host).text(host.find('.') == std::string_view::npos ? ".local:" : ":");
    out.decimal(at.port);
  } else {
    out.address(at);
  }
}

void Api::post_link(const Request&, Responder& responder) {
  if (node_->http().page_address().port == 0)
    return responder.error(409, "off", "the page is off; see page = in drey.conf");
  LoginSessions::Secret link;
  if (!ok(access_.sessions().make_link(*node_->ports().random, node_->ports().clock->up_ns(),
                                       &link)))
    return responder.error(503, "busy", "no randomness");
  TextWriter& out = responder.body();
  out.text("{\"url\":\"");
  write_page_address(out);
  out.text("/signin?code=").text({link.data(), link.size()}).text("\",\"expires_s\":");
  out.decimal(LoginSessions::kLinkNs / LoginSessions::kSecondNs).text("}\n");
  responder.done(200, "application/json");
}

void Api::get_tokens(const Request&, Responder& responder) {
  TextWriter& out = responder.body().text("[");
  bool first = true;
  for (const Credentials::Token& token : access_.credentials().tokens()) {
    if (token.number == 0) continue;
    out.text(first ? "{\"number\":" : ",{\"number\":").decimal(token.number);
    out.text(",\"scope\":").json_string(scope_name(token.scope));
    out.text(",\"name\":").json_string(token.name.view()).text("}");
    first = false;
  }
  out.text("]\n");
  responder.done(200, "application/json");
}

void Api::get_users(const Request&, Responder& responder) {
  TextWriter& out = responder.body().text("[");
  bool first = true;
  for (const Credentials::User& user : access_.credentials().users()) {
    if (user.scope == Scope::kNone) continue;
    out.text(first ? "{\"name\":" : ",{\"name\":").json_string(user.name.view());
    out.text(",\"scope\":").json_string(scope_name(user.scope)).text("}");
    first = false;
  }
  out.text("]\n");
  responder.done(200, "application/json");
}

// May the table change now? Else it was answered.
bool Api::access_free(Responder& responder) {
  if (!access_.writable()) {
    responder.error(409, "unsupported",
                    "drey.access was written by a newer version of drey; nothing was touched");
    return false;
  }
  if (access_source_.free()) return true;
  responder.error(503, "busy", kBusyWords);
  return false;
}

void Api::access_begun(Status status, Responder& responder) {
  if (ok(status)) return responder.stream("application/json", &access_source_);
  if (status == Status::kNotFound)
    return responder.error(404, "not_found", "no token or user is called that");
  if (status == Status::kFull)
    return responder.error(409, "full", "there are as many as this device takes; revoke some");
  responder.error(503, "busy", status_name(status));
}

void Api::post_token(const Request& request, Responder& responder) {
  Fields fields(request, json_);
  std::array<char, limits::kNameBytesMax> name;
  std::array<char, 8> scope;
  Scope wanted = parse_scope(fields.take("scope", scope));
  std::string_view called = fields.take("name", name);
  if (wanted == Scope::kNone || fields.failed() || !is_name(called.empty() ? "-" : called))
    return responder.error(400, "usage", "scope is read, write or admin; a name has 1 to 63 bytes");
  if (!access_free(responder)) return;
  access_begun(
      access_source_.create_token(wanted, called.empty() ? "-" : called, responder.connection()),
      responder);
}

void Api::delete_token(const Request& request, Responder& responder) {
  Result<uint64_t> number = parse_u64(request.parts.part[0]);
  bool valid = number.ok() && number.value() <= UINT32_MAX;
  if (!access_free(responder)) return;
  access_begun(valid ? access_source_.revoke_token(static_cast<uint32_t>(number.value()),
                                                   responder.connection())
                     : Status::kNotFound,
               responder);
}

void Api::post_user(const Request& request, Responder& responder) {
  Fields fields(request, json_);
  std::array<char, limits::kNameBytesMax> name;
  std::array<char, 8> scope;
  Password password;
  Scope wanted = parse_scope(fields.take("scope", scope));
  std::string_view called = fields.take("name", name);
  std::string_view secret = fields.take("password", password.text);
  if (wanted == Scope::kNone || fields.failed() || !is_name(called) ||
      secret.size() < AccessSource::kPasswordBytesMin)
    return responder.error(400, "usage",
                           "scope is read, write or admin; a name has 1 to 63 bytes, a password 8 "
                           "to 128");
  if (!access_free(responder)) return;
  access_begun(access_source_.add_user(called, secret, wanted, responder.connection()), responder);
}

void Api::delete_user(const Request& request, Responder& responder) {
  if (!access_free(responder)) return;
  access_begun(access_source_.remove_user(request.parts.part[0], responder.connection()),
               responder);
}

}  // namespace drey
