// A device that leaves in peace (DESIGN 5 "Retire drains first"). The LEAVE statement stops its
// copies from counting on every node, so each owner makes them anew elsewhere while the device
// still serves; an owner that has all it needs without it says FREED, once per session. When every
// other full device that is not lost has said so, and its own backups are on the others, nothing is
// left that only it keeps for them.
//
// Nothing of it is durable but the statements: after a restart it is said again.
#include "mesh/mesh.h"

namespace drey {
namespace {

// The table without it took effect that long ago: what replication says now knows of it.
constexpr uint64_t kSureNs = 2ull * 1'000'000'000;

bool all_in_place(const ReplicationSummary& summary) {
  return summary.settled && summary.under_replicated == 0 && summary.missing == 0;
}

}  // namespace

bool Mesh::is_leaving(const NodeId& id) const {
  const Member* member = membership_.find(id);
  return member != nullptr && member->is_active() && member->leaving;
}

void Mesh::tick_leaving(uint64_t now_ns) {
  bool full = role() == Role::kFull;
  for (Peer& peer : peers_.all()) {
    if (!is_leaving(peer.id) || data_stale_ || data_.members_pending()) {
      peer.leaving_ns = 0;
      continue;
    }
    if (peer.leaving_ns == 0) peer.leaving_ns = now_ns;
    if (peer.session == nullptr || peer.freed || now_ns - peer.leaving_ns < kSureNs) continue;
    ReplicationSummary summary = data_.replication();
    if (full && !all_in_place(summary)) continue;
    peer.freed = ok(peer.session->send(FreedMessage{summary.records}));
  }
}

void Mesh::on_freed(Session& session, Bytes body) {
  FreedMessage freed;
  if (!ok(FreedMessage::decode(body, &freed))) return session.close(Status::kInvalid);
  Peer* peer = peers_.find(session.peer());
  // Said before we heard that we are leaving: it is said again in the next session.
  if (peer != nullptr && peer->session == &session && is_leaving(self_)) peer->freed = true;
}

const Peer* Mesh::leaving_waits_for() const {
  for (const Peer& peer : peers_.all()) {
    const Member* member = membership_.find(peer.id);
    bool asked = member != nullptr && member->role == Role::kFull && !member->leaving;
    // Who is lost will not say it. Its own backups keep the other copies they have.
    if (asked && peer.state != PeerState::kLost && !peer.freed) return &peer;
  }
  return nullptr;
}

bool Mesh::may_retire() const {
  if (!is_member() || !is_leaving(self_) || leaving_waits_for() != nullptr) return false;
  bool connected = peers_.count_in(PeerState::kAlive) > 0;
  // The last device keeps what there is.
  return connected && (role() == Role::kVault || all_in_place(data_.replication()));
}

}  // namespace drey
