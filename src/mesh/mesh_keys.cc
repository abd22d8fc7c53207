// The keys of beacon and knock, and who may enter with them.
//
// A revocation brings a new key (K_disc) to every member that is left. Who was away has an older
// one and must learn of both: so older keys are answered, to members only, for as long as some
// member has not shown that it knows the newest. A stranger's knock counts with the newest alone:
// whoever was cast out could invent strangers. Nothing but a refusal comes of a revoked device's
// knock.
#include <algorithm>

#include "mesh/mesh.h"

namespace drey {

Status Mesh::add_discovery_key(const DiscoveryKey& key) {
  for (size_t i = 0; i < discovery_key_count_; ++i)
    if (discovery_keys_[i].number == key.number &&
        equal_constant_time(discovery_keys_[i].key.bytes(), key.key.bytes()))
      return Status::kExists;
  if (discovery_key_count_ < kDiscoveryKeysMax) {
    discovery_keys_[discovery_key_count_++] = key;
    return Status::kOk;
  }
  size_t oldest = 0;
  for (size_t i = 1; i < discovery_key_count_; ++i)
    if (discovery_keys_[i].number < discovery_keys_[oldest].number) oldest = i;
  if (key.number < discovery_keys_[oldest].number) return Status::kFull;
  discovery_keys_[oldest] = key;
  return Status::kOk;
}

// The one that came with the epoch in force; else the highest.
const DiscoveryKey* Mesh::newest_key() const {
  uint32_t current = static_cast<uint32_t>(membership_.current_epoch());
  const DiscoveryKey* newest = nullptr;
  for (size_t i = 0; i < discovery_key_count_; ++i) {
    const DiscoveryKey& key = discovery_keys_[i];
    if (key.number == current) return &key;
    if (newest == nullptr || key.number >= newest->number) newest = &key;
  }
  return newest;
}

// 0: the newest; then the others, as they lie in the table.
const DiscoveryKey* Mesh::key_of_rank(size_t rank) const {
  const DiscoveryKey* newest = newest_key();
  if (rank == 0) return newest;
  for (size_t i = 0; i < discovery_key_count_; ++i)
    if (&discovery_keys_[i] != newest && --rank == 0) return &discovery_keys_[i];
  return newest;
}

bool Mesh::older_keys_wanted() const {
  const DiscoveryKey* newest = newest_key();
  if (discovery_key_count_ < 2) return false;
  for (const Peer& peer : peers_.all())
    if (peer.key_number != newest->number) return true;
  return false;
}

void Mesh::shows_key(const NodeId& id, uint32_t number) {
  Peer* peer = peers_.find(id);
  const DiscoveryKey* newest = newest_key();
  if (peer == nullptr || newest == nullptr) return;
  if (number == newest->number || peer->key_number != newest->number) peer->key_number = number;
}

// Which key to knock with where nobody has been heard: the newest first, then the older ones.
uint32_t Mesh::key_to_call(uint8_t* turn) const {
  if (discovery_key_count_ == 0) return 0;
  size_t rank = older_keys_wanted() ? *turn % discovery_key_count_ : 0;
  ++*turn;
  return key_of_rank(rank)->number;
}

bool Mesh::discovery_key(uint32_t number, size_t index, Secret<32>* key) {
  const DiscoveryKey* newest = newest_key();
  if (newest == nullptr || (number != newest->number && !older_keys_wanted())) return false;
  for (size_t i = 0; i < discovery_key_count_; ++i) {
    if (discovery_keys_[i].number != number || index-- != 0) continue;
    *key = discovery_keys_[i].key;
    return true;
  }
  return false;
}

bool Mesh::newest_discovery_key(uint32_t* number, Secret<32>* key) {
  const DiscoveryKey* newest = newest_key();
  if (newest == nullptr) return false;
  *number = newest->number;
  *key = newest->key;
  return true;
}

// ---- Who may enter ----

bool Mesh::is_recovery_key(const Key32& id) {
  return membership_.has_genesis() && membership_.recovery_id() == id;
}

bool Mesh::invitation(Invitation* to) { return inviter_.invitation(to); }

void Mesh::wrong_code() {
  inviter_.wrong_code();
  if (!inviter_.is_open()) discovery_.hurry();
}

bool Mesh::admit(SessionKind kind, bool initiator, uint32_t key_number, const PublicKey& peer,
                 NodeId* id) {
  *id = node_id(peer);
  if (kind == SessionKind::kRecovery) {
    if (initiator) return true;  // who recovers knows no keys yet
    *id = NodeId::from(recovery_key_id(peer));
    return is_recovery_key(recovery_key_id(peer));
  }
  // Somebody we never heard of, but who knows the mesh's beacon key: joined while we were away. Its
  // statements are heard, nothing else, until they say that it is a member.
  const DiscoveryKey* newest = newest_key();
  const Member* member = membership_.find(*id);
  if (member == nullptr) return newest != nullptr && key_number == newest->number;
  // A device that was cast out is told so, once, and nothing else (on_open).
  if (!member->is_active()) return !initiator && is_cast_out(*id);
  shows_key(*id, key_number);
  return true;
}

bool Mesh::is_cast_out(const NodeId& id) const {
  const Member* member = membership_.find(id);
  return member != nullptr && member->state == MemberState::kRevoked;
}

// ---- Beacons ----

bool Mesh::beacon_content(BeaconContent* to) {
  if (!is_node_ || sessions_.listen_port() == 0) return false;
  const DiscoveryKey* key = newest_key();
  if (key == nullptr) return false;
  // Who was away while the key changed knows an older one: every third beacon is for them.
  constexpr uint8_t kForOthers = 3;
  if (older_keys_wanted() && ++beacon_turn_ % kForOthers == 0)
    key = key_of_rank(beacon_turn_ / kForOthers % discovery_key_count_);
  to->key_number = key->number;
  to->key = key->key;
  to->inviting = inviter_.is_open();
  to->room = inviter_.room();
  to->listen_port = sessions_.listen_port();
  to->node = self_;
  to->boot_id = boot_id_;
  to->membership_digest = membership_.digest();
  to->heads_digest = heads_.digest();
  to->recovery_id = membership_.recovery_id();
  return true;
}

bool Mesh::judge_beacon(Bytes datagram, const Beacon& beacon, const Address& from) {
  if (!is_node_) return joiner_.wants(beacon) || recoverer_.wants(beacon);
  bool verified = false;
  Secret<32> key;
  for (size_t i = 0; !verified && discovery_key(beacon.key_number, i, &key); ++i)
    verified = verify_beacon(datagram, beacon, key);
  if (!verified) return false;
  if (beacon.node == self_) {
    heard_self(beacon, from);
    return false;
  }
  Peer* peer = peers_.find(beacon.node);
  if (peer == nullptr || beacon.leaving) return peer != nullptr;
  // An older key is known to who was cast out, too: it tells of members who are not there yet.
  bool newest = beacon.key_number == newest_key()->number;
  if (!newest && peer->session != nullptr) return true;
  shows_key(beacon.node, beacon.key_number);
  uint64_t now_ns = options_.clock->up_ns();
  peers_.seen(beacon.node, from, now_ns);
  constexpr uint64_t kResyncNs = 60ull * 1'000'000'000;
  bool same =
      std::equal(beacon.membership_digest.begin(), beacon.membership_digest.end(),
                 membership_.digest().begin()) &&
      std::equal(beacon.heads_digest.begin(), beacon.heads_digest.end(), heads_.digest().begin());
  // Connected, and still different: something was missed. Not at once: statements may be on their
  // way.
  if (!same && peer->session != nullptr && now_ns - peer->resync_ns > kResyncNs) {
    // Forked heads stay different for ever; once noticed they are not listed again and again.
    bool again = sync_.compare_heads(*peer->session);
    sync_.list(*peer->session, true, again || heads_.forked_count() == 0);
    peer->resync_ns = now_ns;
  }
  return true;
}

}  // namespace drey
