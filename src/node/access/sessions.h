// Pages that are signed in, and the one-time links that sign one in. Both live in memory only: a
// restart signs everybody out. Part of Access, loop thread; all times are up-time.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "drey/ids.h"
#include "drey/ports.h"
#include "node/access/scope.h"

namespace drey {

class LoginSessions {
 public:
  static constexpr uint64_t kSecondNs = 1'000'000'000;
  static constexpr uint64_t kLinkNs = 600 * kSecondNs;
  static constexpr uint64_t kIdleNs = 12 * 3600 * kSecondNs;  // a page that is open asks often
  static constexpr uint64_t kLongestNs = 7 * 86400 * kSecondNs;
  static constexpr size_t kSessionsMax = 16;   // one more: the one that was silent longest goes
  static constexpr size_t kLinksMax = 4;       // one more: the oldest goes
  static constexpr size_t kSecretDigits = 64;  // 256 random bits, hex
  using Secret = std::array<char, kSecretDigits>;

  // A secret for a link; what it opens is a session of kAdmin. kIo: no randomness.
  Status make_link(Random& random, uint64_t now_ns, Secret* link);
  // Uses a link up. kDenied: unknown, used or expired.
  Status use_link(std::string_view link, uint64_t now_ns);
  // A new session; `owner` names whose it is (0: of a link). kIo.
  Status open(Random& random, Scope scope, uint64_t owner, uint64_t now_ns, Secret* cookie);
  // What the bearer of a cookie may do; kNone: no such session, or it is over.
  Scope find(std::string_view cookie, uint64_t now_ns);
  void close(std::string_view cookie);
  void close_of(uint64_t owner);
  size_t count(uint64_t now_ns) const;

 private:
  struct Session {
    Key32 hash{};  // of the cookie: what is in memory opens nothing
    Scope scope = Scope::kNone;
    uint64_t owner = 0, begin_ns = 0, seen_ns = 0;
    bool live(uint64_t now_ns) const {
      return scope != Scope::kNone && now_ns - seen_ns < kIdleNs && now_ns - begin_ns < kLongestNs;
    }
  };
  struct Link {
    Key32 hash{};
    bool used = true;
    uint64_t begin_ns = 0;
  };
  std::array<Session, kSessionsMax> sessions_{};
  std::array<Link, kLinksMax> links_{};
};

// 256 fresh random bits as hex. kIo.
Status make_secret(Random& random, std::span<char, LoginSessions::kSecretDigits> text);
// What is kept of one.
Key32 hash_of_secret(std::string_view secret);

}  // namespace drey
