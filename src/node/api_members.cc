// Orders about devices, and what the phrase signs: revoke, retire, forget --now, phrase new.

#include "node/node.h"

namespace drey {

void Api::post_revoke(const Request& request, Responder& responder) {
  if (!parse(request, responder)) return;
  if (!node_->is_full())
    return responder.error(400, "vault", "a vault cannot cast others out; use a full device");
  order(MemberSource::Order::kRevoke, responder);
}

void Api::post_retire(const Request& request, Responder& responder) {
  if (parse(request, responder)) order(MemberSource::Order::kRetire, responder);
}

// The device that the request names; empty: refused.
std::string_view Api::name_in(std::span<char> room, Responder& responder) {
  MutBytes bytes(reinterpret_cast<uint8_t*>(room.data()), room.size());
  int node = json_.member(json_.root(), "node");
  Result<size_t> size = json_.is_string(node) ? json_.text(node, bytes) : Result<size_t>(0);
  if (size.ok() && size.value() > 0) return {room.data(), size.value()};
  responder.error(400, "usage", "which device?");
  return {};
}

void Api::order(MemberSource::Order order, Responder& responder) {
  std::array<char, 2 * NodeId::kSize> text;
  std::string_view name = name_in(text, responder);
  if (name.empty()) return;
  if (!member_.free())
    return responder.error(409, "busy", "another such order is under way; ask again");
  bool wait = json_.boolean(json_.member(json_.root(), "wait"));
  member_.start(order, name, wait, responder.connection());
  responder.stream("application/jsonl", &member_);
}

std::string_view Api::hex_of(const char* name) {
  int value = json_.member(json_.root(), name);
  return json_.is_string(value) ? json_.raw(value) : std::string_view();
}

void Api::post_unpin_now(const Request& request, Responder& responder) {
  if (!parse(request, responder)) return;
  if (!unpin_now_.free()) return responder.error(409, "busy", "somebody else is at it");
  uint64_t number = json_.number(json_.member(json_.root(), "number"));
  if (!ok(unpin_now_.start(number, hex_of("signature"), responder.connection())))
    return responder.error(400, "usage", "no signature of a phrase");
  responder.stream("application/jsonl", &unpin_now_);
}

void Api::post_phrase_draft(const Request& request, Responder& responder) {
  if (!parse(request, responder)) return;
  if (!node_->is_full() || !node_->mesh().is_member())
    return responder.error(400, "vault", "this device has no keys to wrap; use a full device");
  if (!phrase_.free()) return responder.error(409, "busy", "another change is under way");
  if (!ok(phrase_.draft(hex_of("unwrap_key"), responder.connection())))
    return responder.error(400, "usage", "no public key of a phrase");
  responder.stream("application/jsonl", &phrase_);
}

void Api::post_phrase(const Request& request, Responder& responder) {
  if (!parse(request, responder)) return;
  if (!phrase_.free()) return responder.error(409, "busy", "another change is under way");
  if (!ok(phrase_.publish(hex_of("statement"), responder.connection())))
    return responder.error(400, "usage", "no statement that replaces a phrase");
  responder.stream("application/jsonl", &phrase_);
}

}  // namespace drey
