// What follows when the membership, or how members are doing, changes.
#include "mesh/mesh.h"

namespace drey {

void Mesh::on_statement(StatementKind kind, const StatementKey& key, Bytes bytes,
                        SessionNumber from) {
  sync_.flood(kind, key, bytes, from);
  if (kind == StatementKind::kForget) forgets_.on_forget(NodeId::from(Bytes(key).first(32)));
  if (kind != StatementKind::kMembership) return;
  members_changed();
}

void Mesh::on_offer_done(StatementKind kind, const StatementKey& key, Status status,
                         std::span<const StatementId> missing, SessionNumber from) {
  sync_.on_offer_done(kind, key, status, missing, from);
}

void Mesh::on_forked(const NodeId& owner) {
  const Member* member = membership_.find(owner);
  if (options_.log != nullptr && member != nullptr)
    options_.log->error("mesh: a node signed two different snapshots with one number (clone?)");
}

// A store that failed once is not one of these: it gives the segment up and goes on with the next
// append, which must not be kept from it.
bool Mesh::takes_nothing(uint8_t store_state) {
  return store_state == static_cast<uint8_t>(StoreState::kFull) ||
         store_state == static_cast<uint8_t>(StoreState::kReadOnly);
}

void Mesh::tell_free_space(uint64_t free_bytes, uint8_t store_state) {
  data_stale_ = data_stale_ || takes_nothing(store_state_) != takes_nothing(store_state);
  free_bytes_ = free_bytes;
  store_state_ = store_state;
}

void Mesh::members_changed() {
  if (!is_node_) return;
  peers_.follow(membership_);
  bool out = !membership_.is_active(self_);
  for (size_t slot = 0; slot < limits::kSessionsMax; ++slot) {
    Session* session = sessions_.at(slot);
    if (session == nullptr) continue;
    if (session->kind() == SessionKind::kRecovery) {
      if (!is_recovery_key(session->peer().raw)) session->close(Status::kDenied);
      continue;
    }
    if (session->kind() != SessionKind::kMember) continue;
    const Member* member = membership_.find(session->peer());
    if (member == nullptr) continue;  // still a stranger
    // Who is out is served nothing more, from this moment on; and who is out serves nobody.
    if (!member->is_active() || out) {
      // It may still hear the statement that says so, which is on its way.
      if (session->bulk_busy()) {
        session->close(Status::kDenied);
      } else {
        session->close_after_sending();
      }
      continue;
    }
    // A stranger who turned out to be a member begins anew, as one.
    const Peer* peer = peers_.find(session->peer());
    if (session->greeted() && peer != nullptr && peer->session == nullptr)
      session->close(Status::kChanged);
  }
  data_stale_ = true;
  if (options_.courier != nullptr) options_.courier->on_members_changed();
}

bool Mesh::heard_everybody() const {
  for (const Peer& peer : peers_.all())
    if (peer.state != PeerState::kLost && peer.boot_id == 0) return false;
  return true;
}

// The table of the data service: placement needs the same numbers on every node, so a capacity is
// what its owner last told, in whole GiB.
void Mesh::tell_data() {
  data_stale_ = false;
  data_.set_recovery_key(membership_.recovery().sign_key);
  std::array<DataMember, limits::kMembersMax> rows;
  size_t count = 0;
  auto weight = [](uint64_t bytes) { return static_cast<uint32_t>(bytes >> 30); };
  rows[count].id = self_;
  rows[count].capacity_gib = weight(options_.capacity_bytes);
  rows[count].full = takes_nothing(store_state_);
  rows[count].frozen = cloned();
  ++count;
  for (const Peer& peer : peers_.all()) {
    if (count == rows.size()) break;
    rows[count].id = peer.id;
    rows[count].capacity_gib = weight(peer.capacity_bytes);
    const Member* member = membership_.find(peer.id);
    rows[count].lost = peer.state == PeerState::kLost || (member != nullptr && member->leaving);
    rows[count].full = peer.full_until_ns != 0;
    rows[count].frozen = peer.cloned;
    ++count;
  }
  data_.set_members(std::span<const DataMember>(rows).first(count), membership_.settings().copies);
}

}  // namespace drey
