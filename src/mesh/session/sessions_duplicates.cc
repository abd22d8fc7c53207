// Which of two sessions with one member stays. The rule is in sessions.h.
#include "drey/check.h"
#include "mesh/session/sessions.h"

namespace drey {

bool Sessions::stays(const Session& newer, const Session& older) const {
  if (newer.initiator_ == older.initiator_) return true;
  const NodeId& caller = newer.initiator_ ? self_ : newer.peer_;
  const NodeId& other_caller = newer.initiator_ ? newer.peer_ : self_;
  return caller < other_caller;
}

Status Sessions::greet(Session& session) {
  for (Session& other : slots_) {
    if (&other == &session || !other.is_open() || !other.greeted_) continue;
    if (other.kind_ != SessionKind::kMember || other.peer_ != session.peer_) continue;
    if (other.boot_id_ != session.boot_id_) {
      Status status = probe(other, session);
      if (!ok(status)) {
        session.close(status);
        return Status::kExists;
      }
      continue;
    }
    ++counters_.duplicates;
    if (!stays(session, other)) {
      session.close(Status::kExists);
      return Status::kExists;
    }
    other.close(Status::kExists);
  }
  session.greeted_ = true;
  return Status::kOk;
}

// Asks the older session for a sign of life that only a process that runs now can give.
Status Sessions::probe(Session& older, const Session& newer) {
  if (older.probing_) return Status::kExists;  // one question at a time
  std::array<uint8_t, 8> nonce;
  DREY_TRY(options_.random->fill(nonce));
  older.probe_nonce_ = load_le<uint64_t>(nonce.data());
  // A full ring: no answer will come, and silence is what closes the older session.
  Status sent = older.send(PingMessage{older.probe_nonce_});
  DREY_CHECK(sent != Status::kInvalid);
  older.probing_ = true;
  older.rival_number_ = newer.number_;
  older.probe_deadline_ns_ = options_.clock->up_ns() + kProbeNs;
  return Status::kOk;
}

void Sessions::probe_answered(Session& older) {
  older.probing_ = false;
  for (Session& newer : slots_) {
    if (!newer.is_open() || newer.number_ != older.rival_number_) continue;
    ++counters_.clones;
    options_.handler->on_clone(older, newer);
    older.close(Status::kDenied);
    newer.close(Status::kDenied);
    return;
  }
}

void Sessions::probe_failed(Session& older) {
  older.probing_ = false;
  older.close(Status::kTimeout);
}

}  // namespace drey
