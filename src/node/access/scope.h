// What a caller may do, and what a route asks for. Plain values, any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace drey {

// What a caller may do; each one includes those before it. kOwner: root or the daemon's own user,
// on the control socket. Nobody else makes tokens and users, or touches the phrase.
enum class Scope : uint8_t { kNone, kRead, kWrite, kAdmin, kOwner };

// What a route asks for. kAlways: nothing, anywhere. kOpen: nothing on loopback, kRead on the LAN.
enum class Need : uint8_t { kAlways, kOpen, kRead, kWrite, kAdmin, kOwner };

inline bool allows(Scope scope, Need need, bool lan) {
  switch (need) {
    case Need::kAlways:
      return true;
    case Need::kOpen:
      return !lan || scope >= Scope::kRead;
    case Need::kRead:
      return scope >= Scope::kRead;
    case Need::kWrite:
      return scope >= Scope::kWrite;
    case Need::kAdmin:
      return scope >= Scope::kAdmin;
    case Need::kOwner:
      return scope == Scope::kOwner;
  }
  return false;
}

inline const char* need_name(Need need) {
  static constexpr const char* kNames[] = {"always", "open", "read", "write", "admin", "owner"};
  return kNames[static_cast<uint8_t>(need)];
}

inline const char* scope_name(Scope scope) {
  static constexpr const char* kNames[] = {"none", "read", "write", "admin", "owner"};
  return kNames[static_cast<uint8_t>(scope)];
}

// "read", "write", "admin": what a person may hand out; else kNone.
inline Scope parse_scope(std::string_view text) {
  for (Scope scope : {Scope::kRead, Scope::kWrite, Scope::kAdmin})
    if (text == scope_name(scope)) return scope;
  return Scope::kNone;
}

}  // namespace drey
