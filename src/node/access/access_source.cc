#include "node/access/access_source.h"

#include <algorithm>

#include "crypto/hash.h"
#include "node/node.h"
#include "node/replace_file.h"

namespace drey {

Status AccessSource::HashJob::run() {
  pbkdf2_sha256(Bytes(password).first(size), user.salt, user.iterations, user.hash);
  wipe(password);
  return Status::kOk;
}

Status AccessSource::SaveJob::run() {
  return replace_file(*disk, Credentials::kFileName, "drey.access.new", Bytes(bytes).first(size));
}

void AccessSource::begin(Act act, Connection* connection) {
  act_ = act;
  busy_ = true;
  form_ = known_ = false;
  code_ = 0;
  hashed_.set(&node_->ready(), this, &AccessSource::hashed);
  saved_.set(&node_->ready(), this, &AccessSource::saved);
  attach(connection);
}

void AccessSource::hash(std::string_view password) {
  hash_.size = static_cast<uint8_t>(std::min(password.size(), kPasswordBytesMax));
  std::copy_n(password.begin(), hash_.size, hash_.password.begin());
  hash_.op = &hashed_;
  node_->ports().lanes->submit(Lane::kWork, &hash_);
}

void AccessSource::save() {
  save_.disk = node_->ports().disk;
  save_.size = access_->credentials().encode(save_.bytes);
  save_.op = &saved_;
  node_->ports().lanes->submit(Lane::kStore, &save_);
}

// A name that nobody has costs as much time as a wrong password.
void AccessSource::login(const Login& login, Connection* connection) {
  begin(Act::kLogin, connection);
  form_ = login.form;
  from_ = login.from;
  const Credentials::User* user = access_->credentials().find_user(login.name);
  known_ = user != nullptr;
  hash_.user = known_ ? *user : Credentials::User{};
  if (!known_) hash_.user.iterations = Credentials::kIterations;
  expected_ = hash_.user.hash;
  hash(login.password);
}

void AccessSource::judge_login() {
  uint64_t now = node_->ports().clock->up_ns();
  // The user may have been removed while the lane worked.
  const Credentials::User* user = access_->credentials().find_user(hash_.user.name.view());
  bool right = equal_constant_time(hash_.user.hash, expected_) && known_ && user != nullptr &&
               user->hash == expected_;
  if (!right) {
    access_->throttle().wrong(from_, now);
    node_->log().warning("a login to the page was refused: wrong name or password");
    return finish(401);
  }
  access_->throttle().right(from_);
  Status status = access_->sessions().open(*node_->ports().random, user->scope,
                                           Access::owner_of(user->name.view()), now, &secret_);
  finish(!ok(status) ? 503 : form_ ? 303 : 200);
}

Status AccessSource::create_token(Scope scope, std::string_view name, Connection* connection) {
  DREY_TRY(make_secret(*node_->ports().random, secret_));
  Result<uint32_t> number = access_->credentials().add_token(
      scope, name, hash_of_secret({secret_.data(), secret_.size()}));
  DREY_TRY(number.status());
  begin(Act::kCreateToken, connection);
  number_ = number.value();
  hash_.user.scope = scope;
  hash_.user.name.set(name);
  save();
  return Status::kOk;
}

Status AccessSource::revoke_token(uint32_t number, Connection* connection) {
  DREY_TRY(access_->credentials().remove_token(number));
  begin(Act::kRevokeToken, connection);
  number_ = number;
  save();
  return Status::kOk;
}

Status AccessSource::add_user(std::string_view name, std::string_view password, Scope scope,
                              Connection* connection) {
  Credentials::User user;
  DREY_TRY(node_->ports().random->fill(user.salt));
  user.name.set(name);
  user.scope = scope;
  user.iterations = Credentials::kIterations;
  begin(Act::kAddUser, connection);
  hash_.user = user;
  hash(password);
  return Status::kOk;
}

Status AccessSource::remove_user(std::string_view name, Connection* connection) {
  DREY_TRY(access_->credentials().remove_user(name));
  access_->sessions().close_of(Access::owner_of(name));
  begin(Act::kRemoveUser, connection);
  hash_.user = Credentials::User{};
  hash_.user.name.set(name);
  save();
  return Status::kOk;
}

void AccessSource::hashed(Status) {
  if (act_ == Act::kLogin) return judge_login();
  if (!ok(access_->credentials().add_user(hash_.user))) return finish(409);
  access_->sessions().close_of(Access::owner_of(hash_.user.name.view()));
  save();
}

void AccessSource::saved(Status status) {
  if (ok(status)) {
    node_->log().info("tokens or users of the page were changed by this device's owner");
    return finish(200);
  }
  // What is not durable is not there. What was taken away stays away, until the next start.
  if (act_ == Act::kCreateToken) (void)access_->credentials().remove_token(number_);
  if (act_ == Act::kAddUser) (void)access_->credentials().remove_user(hash_.user.name.view());
  finish(503);
}

void AccessSource::finish(int code) {
  busy_ = false;
  code_ = code;
  if (!attached()) return on_detach();
  wake();
}

void AccessSource::on_detach() {
  if (busy_) return;
  wipe({reinterpret_cast<uint8_t*>(secret_.data()), secret_.size()});
}

void AccessSource::write_headers(TextWriter& out) {
  if (act_ != Act::kLogin || (code_ != 200 && code_ != 303)) return;
  access_->write_cookie(out, {secret_.data(), secret_.size()});
  if (form_) out.text("Location: /\r\n");
}

Status AccessSource::produce(MutBytes room, size_t* size) {
  TextWriter out{std::span<char>(reinterpret_cast<char*>(room.data()), room.size())};
  if (code_ == 401) {
    out.text("{\"error\":\"denied\",\"message\":\"wrong name or password\"}\n");
  } else if (code_ == 409) {
    out.text("{\"error\":\"full\",\"message\":\"there are as many users as this device takes\"}\n");
  } else if (code_ == 503) {
    out.text("{\"error\":\"full\",\"message\":\"this device's disk did not take the change; ");
    out.text(act_ == Act::kRevokeToken || act_ == Act::kRemoveUser
                 ? "it holds until the next start: free some space, then do it again\"}\n"
                 : "nothing was changed\"}\n");
  } else if (act_ == Act::kCreateToken) {
    out.text("{\"token\":\"").text({secret_.data(), secret_.size()}).text("\",\"number\":");
    out.decimal(number_).text(",\"scope\":").json_string(scope_name(hash_.user.scope)).text("}\n");
  } else {
    out.text("{\"status\":\"ok\"}\n");
  }
  *size = out.size();
  return Status::kEnd;
}

}  // namespace drey
