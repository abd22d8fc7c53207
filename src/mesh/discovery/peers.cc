#include "mesh/discovery/peers.h"

#include <algorithm>

namespace drey {

const char* peer_state_name(PeerState state) {
  switch (state) {
    case PeerState::kAlive:
      return "alive";
    case PeerState::kQuiet:
      return "quiet";
    case PeerState::kAway:
      return "away";
    case PeerState::kLost:
      return "lost";
  }
  return "?";
}

void Peers::follow(const Membership& membership) {
  for (size_t i = 0; i < count_;) {
    if (membership.is_active(peers_[i].id)) {
      ++i;
      continue;
    }
    peers_[i] = peers_[--count_];
  }
  for (const Member& member : membership.members()) {
    if (!member.is_active() || member.id == self_ || find(member.id) != nullptr) continue;
    if (count_ == peers_.size()) break;  // not before a 65th member, whom evaluate() keeps out
    peers_[count_] = {};
    peers_[count_++].id = member.id;
  }
}

uint64_t Peers::unseen_ns(const Peer& peer, uint64_t now_ns) const {
  if (peer.session != nullptr) return 0;
  if (peer.last_seen_ns != 0) return now_ns - peer.last_seen_ns;
  return peer.unseen_before_ns + (now_ns - start_ns_);
}

uint64_t Peers::grace_ns(const Peer& peer) {
  if (peer.watched_ns < kHabitNs) return kLostNsDefault;
  return std::clamp(peer.longest_away_ns * kGraceTimes, kGraceNsMin, kLostNsDefault);
}

// The end of an absence that was more than a lost packet teaches something.
void Peers::came_back(Peer& peer, uint64_t now_ns) {
  uint64_t away_ns = unseen_ns(peer, now_ns);
  if (away_ns < kQuietNs) return;
  peer.longest_away_ns = std::max(away_ns, peer.longest_away_ns - peer.longest_away_ns / 16);
  peer.address_unsaved = true;
}

bool Peers::tick(uint64_t now_ns) {
  bool changed = false;
  for (Peer& peer : all()) {
    PeerState state = PeerState::kAway;
    uint64_t unseen = unseen_ns(peer, now_ns);
    if (peer.session != nullptr) {
      if (peer.state != PeerState::kAlive) peer.ticked_ns = now_ns;
      uint64_t hours = peer.watched_ns / (6 * kHourNs);
      peer.watched_ns += now_ns - peer.ticked_ns;
      if (peer.watched_ns / (6 * kHourNs) != hours && peer.watched_ns < 2 * kHabitNs)
        peer.address_unsaved = true;
      peer.ticked_ns = now_ns;
      state = PeerState::kAlive;
      peer.last_seen_ns = now_ns;
    } else if (unseen > grace_ns(peer)) {
      state = PeerState::kLost;
    } else if (peer.last_seen_ns != 0 && unseen < kQuietNs) {
      state = PeerState::kQuiet;
    }
    changed = changed || state != peer.state;
    peer.state = state;
  }
  return changed;
}

Peer* Peers::find(const NodeId& id) {
  for (Peer& peer : all())
    if (peer.id == id) return &peer;
  return nullptr;
}

const Peer* Peers::find(const NodeId& id) const {
  for (const Peer& peer : all())
    if (peer.id == id) return &peer;
  return nullptr;
}

size_t Peers::count_in(PeerState state) const {
  size_t count = 0;
  for (const Peer& peer : all()) count += peer.state == state ? 1 : 0;
  return count;
}

void Peers::seen(const NodeId& id, const Address& address, uint64_t now_ns) {
  Peer* peer = find(id);
  if (peer == nullptr) return;
  came_back(*peer, now_ns);
  peer->last_seen_ns = now_ns;
  if (address.port == 0 || peer->address == address) return;
  peer->address = address;
  peer->address_unsaved = true;
}

}  // namespace drey
