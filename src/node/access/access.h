// Who is asking, and may this page's own script be the one that asks? The rules of API.md: the
// control socket's peer, a bearer token, or the cookie of a signed-in page; and the Origin check.
//
// Part of the node, loop thread. Tokens and users survive (credentials.h), logins do not.
#pragma once

#include "base/log.h"
#include "node/access/credentials.h"
#include "node/access/sessions.h"
#include "node/access/throttle.h"
#include "node/connection.h"

namespace drey {

class Access {
 public:
  struct Options {
    Clock* clock = nullptr;
    Random* random = nullptr;
    Log* log = nullptr;
  };
  // Reads drey.access. Before the loop. What is wrong with it was logged; then nobody is known.
  void start(const Options& options, Disk& disk);
  // The page's port, in the cookie's name: cookies know no ports, and a host may run several nodes.
  void set_port(uint16_t port) { port_ = port; }

  Scope scope_of(const Request& request);
  // May this request change something? On the page's address either its Origin is this very page,
  // or it has none and bears a token, which no foreign page can know.
  bool origin_allowed(const Request& request) const;

  // `Set-Cookie: ...` that signs a page in, or out when `cookie` is empty.
  void write_cookie(TextWriter& out, std::string_view cookie) const;
  // The value of this node's cookie, or "".
  std::string_view cookie_of(const Request& request) const;
  // Identifies a user for LoginSessions; never 0.
  static uint64_t owner_of(std::string_view user);

  Credentials& credentials() { return credentials_; }
  LoginSessions& sessions() { return sessions_; }
  LoginThrottle& throttle() { return throttle_; }
  // False: drey.access is of a newer version, and is not written.
  bool writable() const { return writable_; }

 private:
  Options options_;
  uint16_t port_ = 0;
  bool writable_ = true;
  Credentials credentials_;
  LoginSessions sessions_;
  LoginThrottle throttle_;
};

}  // namespace drey
