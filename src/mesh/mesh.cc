#include "mesh/mesh.h"

#include "store/store.h"

namespace drey {

Status Mesh::start(const MeshOptions& options) {
  options_ = options;
  is_node_ = options.identity != nullptr;
  self_ = is_node_ ? node_id(options.identity->pub) : NodeId{};
  store_id_ = options.store->store_id();
  std::array<uint8_t, 8> boot{};
  DREY_TRY(options.random->fill(boot));
  boot_id_ = load_le<uint64_t>(boot.data());
  for (const DiscoveryKey& key : options.discovery_keys) (void)add_discovery_key(key);
  for (const Address& address : options.peers) add_peer_address(address);

  uint64_t now_ns = options.clock->up_ns();
  peers_.start(self_, now_ns);
  peers_.follow(membership_);
  load_peers();
  load_clones();
  saved_.set(options.ready, this, &Mesh::peers_saved);
  save_.op = &saved_;

  SessionsOptions sessions;
  sessions.net = options.net;
  sessions.clock = options.clock;
  sessions.random = options.random;
  sessions.lanes = options.lanes;
  sessions.log = options.log;
  sessions.ready = options.ready;
  sessions.gate = this;
  sessions.handler = this;
  sessions.identity = options.identity;
  sessions.small_fragments = options.small_fragments;
  sessions.plain = options.plain;
  DREY_TRY(sessions_.start(sessions));
  if (is_node_)
    for (const Address& address : options.listen) DREY_TRY(sessions_.listen(address));
  start_parts();
  return Status::kOk;
}

void Mesh::start_parts() {
  const MeshOptions& o = options_;
  intake_.start(
      {o.store, o.committer, o.lanes, o.log, o.ready, &membership_, &heads_, &missing_, this});
  sync_.start({o.store, o.lanes, o.clock, o.log, o.ready, &membership_, &heads_, &intake_});
  forgets_.start({o.store, o.committer, o.lanes, o.clock, o.log, o.ready, &heads_, &missing_});
  if (is_node_) {
    DataOptions data;
    data.store = o.store;
    data.committer = o.committer;
    data.lanes = o.lanes;
    data.clock = o.clock;
    data.random = o.random;
    data.log = o.log;
    data.ready = o.ready;
    data.self = self_;
    data.identity = o.identity;
    data.mesh = o.mesh;
    data.state = o.state;
    data.minimum_age_s = o.minimum_age_s;
    data.quota_bytes = o.quota_bytes;
    data_.start(data);
    inviter_.start(
        {o.clock, o.lanes, o.log, o.ready, o.identity, o.courier, &membership_, &intake_, &sync_});
    tell_data();
  } else {
    joiner_.start({o.clock, o.lanes, o.log, o.ready, &sessions_, &discovery_, &membership_, &sync_,
                   &intake_});
    recoverer_.start({o.clock, o.lanes, o.log, o.ready, o.store, &sessions_, &discovery_,
                      &membership_, &sync_, &intake_});
  }
  discovery_.start({o.net, o.clock, o.random, o.log, o.ready, this}, o.groups);
}

void Mesh::stop() {
  if (stopping_) return;
  stopping_ = true;
  inviter_.cancel();
  joiner_.cancel();
  recoverer_.cancel();
  intake_.stop();
  forgets_.stop();
  discovery_.stop();
  sessions_.stop();
}

bool Mesh::stopped() const {
  return stopping_ && sessions_.stopped() && discovery_.stopped() && intake_.idle() &&
         forgets_.idle() && sync_.idle() && inviter_.idle() && joiner_.idle() &&
         recoverer_.idle() && !saving_;
}

void Mesh::tick(uint64_t now_ns) {
  sessions_.tick(now_ns);
  if (stopping_) return;
  discovery_.tick(now_ns);
  sync_.tick(now_ns);
  ask_missing(now_ns);
  forgets_.tick(now_ns);
  std::span<const Address> fixed = std::span<const Address>(fixed_addresses_).first(fixed_count_);
  if (!is_node_) {
    joiner_.tick(now_ns, fixed);
    recoverer_.tick(now_ns, fixed);
    return;
  }
  if (peers_.tick(now_ns)) data_stale_ = true;
  for (Peer& peer : peers_.all()) {
    if (peer.full_until_ns == 0 || now_ns < peer.full_until_ns) continue;
    peer.full_until_ns = 0;
    data_stale_ = true;
  }
  if (data_stale_) tell_data();
  DiscoveryKey newest;
  bool has_key = newest_discovery_key(&newest.number, &newest.key);
  inviter_.tick(now_ns, has_key ? &newest : nullptr);
  dial(now_ns);
  save_peers(now_ns);
  tick_leaving(now_ns);
  data_.tick(now_ns);
}

void Mesh::statements_lost(std::span<const LostStatement> lost) {
  for (const LostStatement& row : lost) {
    // Of a number or an UNPIN nobody else has a copy. Without it less is removed, never more.
    bool own_only = row.kind == StatementKind::kNumber || row.kind == StatementKind::kUnpin;
    if (!own_only) missing_.note(row, true);
  }
}

// All of them of one device at a time.
void Mesh::ask_missing(uint64_t now_ns) {
  if (sessions_.open_count() == 0 || !missing_.is_due(now_ns)) return;
  for (size_t i = 0; i < limits::kSessionsMax; ++i) {
    missing_turn_ = (missing_turn_ + 1) % limits::kSessionsMax;
    Session* session = sessions_.at(missing_turn_);
    if (session == nullptr || session->kind() != SessionKind::kMember || !session->greeted())
      continue;
    for (size_t row = 0; row < missing_.count(); ++row) sync_.want_lost(*session, missing_.at(row));
    return;
  }
}

Role Mesh::role() const {
  const Member* member = membership_.find(self_);
  return member == nullptr ? Role::kVault : member->role;
}

// ---- Ways in ----

Status Mesh::invite(InviteRequest* request) {
  if (!is_node_ || stopping_) return Status::kInvalid;
  if (!is_member() || role() != Role::kFull) return Status::kDenied;
  DREY_TRY(inviter_.open(request));
  discovery_.hurry();
  return Status::kOk;
}

Status Mesh::join(JoinRequest* request) {
  if (is_node_ || stopping_ || recoverer_.is_active()) return Status::kInvalid;
  return joiner_.join(request);
}

Status Mesh::recover(RecoverRequest* request) {
  if (is_node_ || stopping_ || joiner_.is_active()) return Status::kInvalid;
  return recoverer_.recover(request);
}

}  // namespace drey
