// Who may use the page and the API: bearer tokens and users. Only hashes are kept: SHA-256 of a
// token, which is 256 random bits, and PBKDF2-HMAC-SHA256 of a password.
//
// A plain table, part of Access, loop thread. It lives in `drey.access` in DIR, replaced whole and
// atomically: after a crash the old table is there or the new one.
//
// drey.access, little endian: "DREYACCS", u16 version 1, u32 next token number, u8 tokens, u8
// users; token: u32 number, u8 scope, u8 name bytes, name, 32 bytes hash; user: u8 scope, u8 name
// bytes, name, u32 iterations, 16 bytes salt, 32 bytes hash; SHA-256 of all before it.
#pragma once

#include <array>
#include <span>

#include "drey/ids.h"
#include "drey/limits.h"
#include "drey/ports.h"
#include "node/access/scope.h"

namespace drey {

class Credentials {
 public:
  static constexpr size_t kTokensMax = 24;
  static constexpr size_t kUsersMax = 8;
  // About three seconds on the smallest board, whose only work thread they take. Who reads the
  // hashes has this device's disk, and its keys beside them; from outside, LoginThrottle is the
  // limit. The number is kept with each user, so it may change.
  static constexpr uint32_t kIterations = 200'000;
  static constexpr uint32_t kIterationsMax = 10'000'000;  // of a file: a check may not take minutes
  static constexpr size_t kFileBytesMax = 4096;
  static constexpr const char* kFileName = "drey.access";

  struct Name {
    std::array<char, limits::kNameBytesMax> text{};
    uint8_t size = 0;
    std::string_view view() const { return {text.data(), size}; }
    void set(std::string_view from);  // at most kNameBytesMax: is_name() was asked
  };
  struct Token {
    uint32_t number = 0;  // 0: a free row
    Scope scope = Scope::kNone;
    Name name;
    Key32 hash{};
  };
  struct User {
    Scope scope = Scope::kNone;  // kNone: a free row
    Name name;
    uint32_t iterations = 0;
    std::array<uint8_t, 16> salt{};
    Key32 hash{};
  };

  // kFull: every row is taken.
  Result<uint32_t> add_token(Scope scope, std::string_view name, const Key32& hash);
  Status remove_token(uint32_t number);  // kNotFound
  const Token* find_token(const Key32& hash) const;
  // A user of that name is replaced. kFull.
  Status add_user(const User& user);
  Status remove_user(std::string_view name);  // kNotFound
  const User* find_user(std::string_view name) const;
  std::span<const Token> tokens() const { return tokens_; }
  std::span<const User> users() const { return users_; }

  size_t encode(MutBytes to) const;  // kFileBytesMax are enough
  // kCorrupt, kUnsupported (a newer version): the table is then empty.
  Status decode(Bytes from);
  // kNotFound: there is no file, so there is nobody.
  Status load(Disk& disk);

 private:
  void clear();
  Status decode_rows(Bytes from);
  uint32_t next_number_ = 1;
  std::array<Token, kTokensMax> tokens_{};
  std::array<User, kUsersMax> users_{};
};

}  // namespace drey
