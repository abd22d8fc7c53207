#include "mesh/session/sessions.h"

#include <algorithm>

#include "drey/check.h"
#include "wire/identity.h"

namespace drey {

Status Sessions::start(const SessionsOptions& options) {
  options_ = options;
  for (size_t i = 0; i < slots_.size(); ++i) slots_[i].prepare(this, i);
  for (Listener& listener : listeners_) {
    listener.pool = this;
    listener.bind(options.ready);
  }
  if (options.identity == nullptr) return Status::kOk;
  self_ = node_id(options.identity->pub);
  return make_certificate(*options.identity, *options.random, certificate_, &certificate_size_);
}

// ---- listening ----

Status Sessions::listen(const Address& at) {
  if (listener_count_ == kListenersMax) return Status::kBusy;
  Result<Net::Socket> socket = options_.net->listen_tcp(at);
  if (!socket.ok()) return socket.status();
  Listener& listener = listeners_[listener_count_++];
  listener.socket = socket.value();
  if (listen_port_ == 0) {
    Result<Address> local = options_.net->local_address(socket.value());
    if (local.ok()) listen_port_ = local.value().port;
  }
  listener.complete(Status::kOk);
  return Status::kOk;
}

void Sessions::Listener::step(Status status) {
  waiting = false;
  if (pool->stopping_) {
    pool->options_.net->close(socket);
    socket = Net::kNone;
    return;
  }
  // Whatever ended the wait, the next tick looks again.
  if (ok(status)) pool->accept_all(*this);
}

// While slots are missing the listener does not wait: callers stay in the backlog until a tick.
void Sessions::accept_all(Listener& listener) {
  while (pending(false, nullptr) < kPendingMax && free_slot(kSpareSlots) != nullptr) {
    Address from;
    Result<Net::Socket> socket = options_.net->accept(listener.socket, &from);
    if (socket.status() == Status::kAgain) {
      listener.waiting = ok(options_.net->wait(listener.socket, Net::kReadable, &listener));
      return;
    }
    if (!socket.ok()) return;
    adopt(socket.value(), from);
  }
}

void Sessions::adopt(Net::Socket socket, const Address& from) {
  ++counters_.accepted;
  Session* session = free_slot(kSpareSlots);
  if (pending(false, &from) >= kPendingPerAddress || session == nullptr) {
    ++counters_.refused_knocks;
    options_.net->close(socket);
    return;
  }
  session->begin(SessionKind::kMember, socket, from, false);
  session->driver_.complete(Status::kOk);
}

Session* Sessions::free_slot(size_t spare) {
  size_t free = 0;
  for (Session& session : slots_) {
    if (session.state_ != Session::State::kFree) continue;
    if (++free > spare) return &session;
  }
  return nullptr;
}

size_t Sessions::pending(bool initiator, const Address* from) const {
  return static_cast<size_t>(std::count_if(slots_.begin(), slots_.end(), [&](const Session& s) {
    if (!s.is_pending() || s.initiator_ != initiator) return false;
    return from == nullptr || s.remote_.ip == from->ip;
  }));
}

size_t Sessions::pairing_pending() const {
  return static_cast<size_t>(std::count_if(slots_.begin(), slots_.end(), [](const Session& s) {
    return s.is_pending() && !s.initiator_ && s.kind_ == SessionKind::kPairing;
  }));
}

// ---- connecting ----

Status Sessions::begin_outbound(SessionKind kind, const Address& to, Session** session) {
  if (stopping_ || pending(true, nullptr) >= kConnectsMax) return Status::kBusy;
  Session* slot = free_slot(0);
  if (slot == nullptr) return Status::kBusy;
  Result<Net::Socket> socket = options_.net->connect_tcp(to);
  if (!socket.ok()) return socket.status();
  slot->begin(kind, socket.value(), to, true);
  Status waiting = slot->wait_for(Net::kWritable);
  if (waiting != Status::kAgain) slot->close(waiting);
  *session = slot;
  return Status::kOk;
}

Status Sessions::connect_member(const Address& to, const NodeId& expected, uint32_t key_number) {
  if (options_.identity == nullptr) return Status::kInvalid;
  for (const Session& other : slots_) {
    if (expected.is_zero() || other.kind_ != SessionKind::kMember) continue;
    if (other.is_open() && other.peer_ == expected) return Status::kExists;
    if (other.is_pending() && other.initiator_ && other.expected_ == expected)
      return Status::kExists;
  }
  Session* session = nullptr;
  DREY_TRY(begin_outbound(SessionKind::kMember, to, &session));
  session->expected_ = expected;
  session->key_number_ = key_number;
  return Status::kOk;
}

Status Sessions::connect_pairing(const Address& to, uint16_t room,
                                 const Secret<limits::kPairingCodeBytes>& code) {
  Session* session = nullptr;
  DREY_TRY(begin_outbound(SessionKind::kPairing, to, &session));
  session->room_ = room;
  session->code_ = code;
  return Status::kOk;
}

Status Sessions::connect_recovery(const Address& to, const KeyPair& recovery) {
  Session* session = nullptr;
  DREY_TRY(begin_outbound(SessionKind::kRecovery, to, &session));
  session->recovery_ = recovery;
  return Status::kOk;
}

bool Sessions::take_turn() {
  if (handshakes_ == kHandshakesMax) return false;
  ++handshakes_;
  return true;
}

void Sessions::end_turn() {
  DREY_CHECK(handshakes_ > 0);
  --handshakes_;
  offer_turn();
}

// Wakes the session that has waited longest for a turn.
void Sessions::offer_turn() {
  if (handshakes_ == kHandshakesMax) return;
  Session* next = nullptr;
  for (Session& session : slots_) {
    if (session.state_ != Session::State::kHandshakeQueued) continue;
    if (session.driver_.is_queued()) continue;  // has been told already
    if (next == nullptr || session.number_ < next->number_) next = &session;
  }
  if (next != nullptr) next->driver_.complete(Status::kOk);
}

// ---- time, end ----

void Sessions::tick(uint64_t now_ns) {
  for (Session& session : slots_) session.tick(now_ns);
  for (size_t i = 0; i < listener_count_; ++i) {
    Listener& listener = listeners_[i];
    if (listener.socket == Net::kNone || listener.waiting || listener.is_queued()) continue;
    listener.complete(Status::kOk);
  }
}

void Sessions::stop() {
  if (stopping_) return;
  stopping_ = true;
  for (size_t i = 0; i < listener_count_; ++i) {
    Listener& listener = listeners_[i];
    if (listener.waiting) {
      options_.net->cancel_wait(listener.socket, Net::kReadable);
    } else if (!listener.is_queued()) {
      listener.complete(Status::kOk);
    }
  }
  for (Session& session : slots_) session.close(Status::kCancelled);
}

bool Sessions::stopped() const {
  if (!stopping_) return false;
  for (size_t i = 0; i < listener_count_; ++i)
    if (listeners_[i].socket != Net::kNone) return false;
  return std::all_of(slots_.begin(), slots_.end(),
                     [](const Session& s) { return s.state_ == Session::State::kFree; });
}

Session* Sessions::find(const NodeId& id) {
  Session* newest = nullptr;
  for (Session& session : slots_) {
    if (!session.is_open() || !session.greeted_ || session.kind_ != SessionKind::kMember) continue;
    if (session.peer_ != id) continue;
    if (newest == nullptr || session.number_ > newest->number_) newest = &session;
  }
  return newest;
}

Session* Sessions::at(size_t slot) { return slots_[slot].is_open() ? &slots_[slot] : nullptr; }

size_t Sessions::open_count() const {
  return static_cast<size_t>(
      std::count_if(slots_.begin(), slots_.end(), [](const Session& s) { return s.is_open(); }));
}

}  // namespace drey
