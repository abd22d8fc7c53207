// What changes or asks the table of tokens and users: a password is hashed on the work lane, the
// new table is written on the store lane, then the answer comes. One slot: whoever else comes
// meanwhile is told to ask again, so that passwords can be tried one at a time only.
//
// A slot of the Api, loop thread. An answer that says a token or a user exists is given once it is
// durable.
#pragma once

#include "node/access/access.h"
#include "node/api_sources.h"

namespace drey {

class AccessSource : public NodeSource {
 public:
  static constexpr size_t kPasswordBytesMin = 8;
  static constexpr size_t kPasswordBytesMax = 128;

  void set_access(Access* access) { access_ = access; }

  struct Login {
    std::string_view name, password;
    Address from;
    bool form = false;  // a browser without a script: it is sent on to the page
  };
  void login(const Login& login, Connection* connection);
  // kFull: every row is taken; kIo: no randomness. Others begin.
  Status create_token(Scope scope, std::string_view name, Connection* connection);
  Status revoke_token(uint32_t number, Connection* connection);  // kNotFound
  // The password's bounds and the name were checked. kIo.
  Status add_user(std::string_view name, std::string_view password, Scope scope,
                  Connection* connection);
  Status remove_user(std::string_view name, Connection* connection);  // kNotFound

  int http_status() override { return busy_ ? 0 : code_; }
  void write_headers(TextWriter& out) override;
  Status produce(MutBytes room, size_t* size) override;

 protected:
  bool busy() const override { return busy_; }
  void on_detach() override;

 private:
  enum class Act : uint8_t { kLogin, kCreateToken, kRevokeToken, kAddUser, kRemoveUser };
  struct HashJob : Job {
    uint8_t size = 0;
    std::array<uint8_t, kPasswordBytesMax> password{};
    Credentials::User user;  // salt and iterations; the hash comes here
    Status run() override;
  };
  struct SaveJob : Job {
    Disk* disk = nullptr;
    size_t size = 0;
    std::array<uint8_t, Credentials::kFileBytesMax> bytes;
    Status run() override;
  };
  void begin(Act act, Connection* connection);
  void hash(std::string_view password);
  void save();
  void hashed(Status status);
  void judge_login();
  void saved(Status status);
  void finish(int code);

  Access* access_ = nullptr;
  Act act_ = Act::kLogin;
  bool busy_ = false, form_ = false, known_ = false;
  int code_ = 0;
  uint32_t number_ = 0;
  Address from_;
  Key32 expected_{};
  LoginSessions::Secret secret_{};  // the token or the cookie, until it was sent
  HashJob hash_;
  SaveJob save_;
  DataSignal<AccessSource> hashed_, saved_;
};

}  // namespace drey
