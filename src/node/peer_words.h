// What status, doctor and page say of a peer in the same words. Plain functions, loop thread.
#pragma once

#include <string_view>

#include "mesh/discovery/peers.h"
#include "mesh/members/membership.h"

namespace drey {

inline std::string_view member_name(const Membership& membership, const NodeId& id) {
  const Member* member = membership.find(id);
  return member != nullptr ? member->name() : std::string_view("?");
}

// Of a device beside which another one runs with the same identity (mesh_clones.cc).
inline constexpr std::string_view kClonedWords =
    "another device runs with this device's identity (a copied card?): nothing is backed up or "
    "removed here until one of the two is gone; drey doctor says how to go on";

// Seconds of this device's up-time since the peer was last heard; 0 while it is connected.
inline uint64_t last_seen_s(const Peers& peers, const Peer& peer, uint64_t now_ns) {
  return peer.state == PeerState::kAlive ? 0 : peers.unseen_ns(peer, now_ns) / 1'000'000'000;
}

}  // namespace drey
