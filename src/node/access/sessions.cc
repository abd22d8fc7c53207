#include "node/access/sessions.h"

#include "base/text.h"
#include "crypto/hash.h"
#include "drey/check.h"

namespace drey {

Status make_secret(Random& random, std::span<char, LoginSessions::kSecretDigits> text) {
  std::array<uint8_t, LoginSessions::kSecretDigits / 2> bytes;
  DREY_TRY(random.fill(bytes));
  bool written = hex_encode(bytes, text);
  DREY_CHECK(written);
  wipe(bytes);
  return Status::kOk;
}

Key32 hash_of_secret(std::string_view secret) { return sha256(as_bytes(secret)); }

Status LoginSessions::make_link(Random& random, uint64_t now_ns, Secret* secret) {
  DREY_TRY(make_secret(random, *secret));
  Link* place = &links_[0];
  for (Link& link : links_)
    if (link.used || (!place->used && link.begin_ns < place->begin_ns)) place = &link;
  *place = {hash_of_secret({secret->data(), secret->size()}), false, now_ns};
  return Status::kOk;
}

Status LoginSessions::use_link(std::string_view secret, uint64_t now_ns) {
  Key32 hash = hash_of_secret(secret);
  for (Link& link : links_) {
    if (link.used || !equal_constant_time(link.hash, hash)) continue;
    link.used = true;
    return now_ns - link.begin_ns < kLinkNs ? Status::kOk : Status::kDenied;
  }
  return Status::kDenied;
}

Status LoginSessions::open(Random& random, Scope scope, uint64_t owner, uint64_t now_ns,
                           Secret* cookie) {
  DREY_TRY(make_secret(random, *cookie));
  Session* place = &sessions_[0];
  for (Session& session : sessions_) {
    if (!session.live(now_ns)) {
      place = &session;
      break;
    }
    if (session.seen_ns < place->seen_ns) place = &session;
  }
  *place = {hash_of_secret({cookie->data(), cookie->size()}), scope, owner, now_ns, now_ns};
  return Status::kOk;
}

Scope LoginSessions::find(std::string_view cookie, uint64_t now_ns) {
  if (cookie.size() != kSecretDigits) return Scope::kNone;
  Key32 hash = hash_of_secret(cookie);
  for (Session& session : sessions_) {
    if (!session.live(now_ns) || !equal_constant_time(session.hash, hash)) continue;
    session.seen_ns = now_ns;
    return session.scope;
  }
  return Scope::kNone;
}

void LoginSessions::close(std::string_view cookie) {
  Key32 hash = hash_of_secret(cookie);
  for (Session& session : sessions_)
    if (equal_constant_time(session.hash, hash)) session = Session{};
}

void LoginSessions::close_of(uint64_t owner) {
  for (Session& session : sessions_)
    if (session.owner == owner) session = Session{};
}

size_t LoginSessions::count(uint64_t now_ns) const {
  size_t count = 0;
  for (const Session& session : sessions_) count += session.live(now_ns) ? 1 : 0;
  return count;
}

}  // namespace drey
