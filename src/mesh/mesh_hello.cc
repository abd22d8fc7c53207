// Sessions as they come and go: HELLO, who gets which message.
#include <algorithm>

#include "mesh/mesh.h"

namespace drey {
namespace {

constexpr uint64_t kGiB = 1ull << 30;
constexpr uint64_t kFullHintNs = 60ull * 1'000'000'000;

bool is_statement(MessageType type) {
  return type == MessageType::kStatementIds || type == MessageType::kStatementGet ||
         type == MessageType::kStatement;
}

}  // namespace

void Mesh::on_open(Session& session) {
  if (session.initiator() && session.kind() == SessionKind::kMember)
    note_fixed(session.remote(), session.peer());
  switch (session.kind()) {
    case SessionKind::kMember:
      // Who was cast out hears why, and nothing else.
      if (is_cast_out(session.peer())) return tell_cast_out(session);
      return send_hello(session);
    case SessionKind::kPairing:
      return session.initiator() ? joiner_.on_open(session) : inviter_.on_open(session);
    case SessionKind::kRecovery:
      if (session.initiator()) return recoverer_.on_open(session);
      send_hello(session);
      sync_.open(session);
      sync_.list(session, true, true);
      data_.session_ready(session);
      return;
  }
}

void Mesh::send_hello(Session& session) {
  HelloMessage hello;
  hello.node = self_;
  hello.feature = options_.feature;
  hello.boot_id = boot_id_;
  hello.store_id = store_id_;
  hello.listen_port = sessions_.listen_port();
  hello.capacity_gib = static_cast<uint32_t>(options_.capacity_bytes / kGiB);
  hello.free_gib = static_cast<uint32_t>(free_bytes_ / kGiB);
  hello.membership_digest = membership_.digest();
  hello.heads_digest = heads_.digest();
  hello.state = store_state_;
  if (session.kind() == SessionKind::kMember)
    hello.number_known = data_.number_stored_for(session.peer());
  hello.mesh = membership_.mesh();
  const Member* self = membership_.find(self_);
  if (self != nullptr) hello.name = self->name();
  hello.board = options_.board;
  if (!ok(session.send(hello))) session.close(Status::kBusy);
}

void Mesh::on_hello(Session& session, Bytes body) {
  HelloMessage hello;
  if (!ok(HelloMessage::decode(body, &hello))) return session.close(Status::kInvalid);
  if (session.kind() == SessionKind::kRecovery) {
    if (session.initiator()) recoverer_.on_hello(session, hello);
    return;
  }
  if (session.greeted() || hello.node != session.peer()) return session.close(Status::kInvalid);
  if (hello.mesh != membership_.mesh()) return session.close(Status::kDenied);
  if (session.peer() == self_) return met_self(session, hello);
  if (!ok(session.greet(hello.boot_id))) return;  // another session to this node stays
  sync_.open(session);
  sync_.list(session, hello.membership_digest != membership_.digest(),
             hello.heads_digest != heads_.digest());
  if (membership_.is_active(session.peer())) settle(session, hello);
}

void Mesh::tell_cast_out(Session& session) {
  const StatementId* revocation = membership_.revocation_of(session.peer());
  if (revocation == nullptr) return session.close(Status::kDenied);
  StatementKey key{};
  std::copy(revocation->raw.begin(), revocation->raw.end(), key.begin());
  sync_.last_word(session, StatementKind::kMembership, key);
}

// Instead of a greeting: the statement by which we were cast out. It is judged like any other.
void Mesh::on_last_word(Session& session, Bytes body) {
  StatementMessage message;
  Statement statement;
  SubjectBody revoked;
  bool ours = ok(StatementMessage::decode(body, &message)) &&
              ok(decode_statement(message.bytes, &statement)) && statement.act == Act::kRevoke &&
              ok(decode_revoke(statement.body, &revoked)) && revoked.subject == self_;
  if (!ours) return session.close(Status::kInvalid);
  (void)intake_.offer(StatementKind::kMembership, message.bytes, session.number());
}

// Both HELLOs are through and the peer is a member: from now on it is served.
void Mesh::settle(Session& session, const HelloMessage& hello) {
  Peer* peer = peers_.find(session.peer());
  if (peer == nullptr) return;
  uint64_t now_ns = options_.clock->up_ns();
  peer->boot_id = hello.boot_id;
  peer->feature = hello.feature;
  peer->store_id = hello.store_id;
  peer->store_state = hello.state;
  peer->full_until_ns = takes_nothing(hello.state) ? now_ns + kFullHintNs : 0;
  peer->free_bytes = hello.free_gib * kGiB;
  peer->resync_ns = now_ns;
  if (peer->capacity_bytes != hello.capacity_gib * kGiB) {
    peer->capacity_bytes = hello.capacity_gib * kGiB;
    peer->address_unsaved = true;
  }
  Address address = session.remote();
  address.port = hello.listen_port;
  peers_.seen(session.peer(), address, now_ns);
  peer->session = &session;
  peer->freed = false;
  (void)peers_.tick(now_ns);
  tell_data();
  data_.number_told(session.peer(), hello.number_known);
  data_.session_ready(session);
  missing_.hurry();
}

bool Mesh::may_use_data(const Session& session) const {
  if (session.kind() == SessionKind::kRecovery) return !session.initiator();
  const Peer* peer = peers_.find(session.peer());
  return session.kind() == SessionKind::kMember && session.greeted() && peer != nullptr &&
         peer->session == &session;
}

void Mesh::on_message(Session& session, MessageType type, Bytes body) {
  if (session.kind() == SessionKind::kPairing)
    return session.initiator() ? joiner_.on_message(session, type, body)
                               : inviter_.on_message(session, type, body);
  if (session.kind() == SessionKind::kMember && is_cast_out(session.peer())) return;
  if (type == MessageType::kHello) return on_hello(session, body);
  if (type == MessageType::kStatement && session.kind() == SessionKind::kMember &&
      !session.greeted())
    return on_last_word(session, body);
  if (is_statement(type)) {
    if (recoverer_.is_planning()) return;  // told again by the next sync, as a member
    recoverer_.on_progress(session);
    return sync_.on_message(session, type, body);
  }
  if (type == MessageType::kFreed) return on_freed(session, body);
  if (!DataService::handles(type)) return session.close(Status::kInvalid);
  // Not settled: a member we do not know yet, who knows us. It asks again on its next session.
  if (may_use_data(session)) data_.on_message(session, type, body);
}

MutBytes Mesh::on_bulk_begin(Session& session, MessageType type, Bytes head, size_t size) {
  if (!may_use_data(session)) return {};
  return data_.on_bulk_begin(session, type, head, size);
}

void Mesh::on_bulk_end(Session& session, MessageType type, Bytes head, Bytes bulk, Status status) {
  data_.on_bulk_end(session, type, head, bulk, status);
}

void Mesh::on_closed(Session& session, Status why) {
  sync_.closed(session);
  if (session.kind() == SessionKind::kPairing) {
    session.initiator() ? joiner_.on_closed(session, why) : inviter_.on_closed(session);
    return;
  }
  if (session.kind() == SessionKind::kRecovery && session.initiator())
    return recoverer_.on_closed(session, why);
  data_.session_closed(session);
  if (session.kind() != SessionKind::kMember) return;
  Peer* peer = peers_.find(session.peer());
  if (peer == nullptr || peer->session != &session) return;
  peer->session = nullptr;
  peer->last_seen_ns = options_.clock->up_ns();
  (void)peers_.tick(peer->last_seen_ns);
  data_stale_ = true;
}

void Mesh::on_connect_failed(const ConnectFailure& failure) {
  if (failure.kind == SessionKind::kPairing) return joiner_.on_connect_failed(failure);
  if (failure.kind == SessionKind::kRecovery) return recoverer_.on_connect_failed(failure);
  // At a --peer address we met ourselves: once is enough.
  if (failure.why == Status::kExists && failure.expected.is_zero())
    note_fixed(failure.remote, self_);
}

}  // namespace drey
