// How each other member is doing (DESIGN 6 "Liveness"): alive (a session is open) -> quiet (none,
// seen within 2 minutes) -> away -> lost (not seen for longer than its grace, in the observer's own
// up-time). The grace follows each device's habit: a laptop that sleeps at night may stay away for
// days, a device that never does is lost after half a day. Owned by Mesh, loop thread. Addresses,
// habits and the up-time at which a peer was last seen live in the state log; without them everyone
// starts as away, never as lost.
#pragma once

#include <array>
#include <span>

#include "drey/ports.h"
#include "mesh/members/membership.h"

namespace drey {

class Session;

enum class PeerState : uint8_t { kAlive, kQuiet, kAway, kLost };
const char* peer_state_name(PeerState state);  // "alive", "quiet", "away", "lost"

struct Peer {
  NodeId id;
  PeerState state = PeerState::kAway;
  Session* session = nullptr;   // both HELLOs are through; null otherwise
  Address address;              // where it listens, as last seen; port 0: unknown
  uint64_t capacity_bytes = 0;  // as last told: whole GiB; 0: never heard of
  uint64_t free_bytes = 0;
  uint8_t store_state = 0;  // as told in HELLO: 0 ok, 1 full, 2 read only, 3 failed
  // Not asked to store until then: HELLO said full or read only, and says nothing when that ends.
  uint64_t full_until_ns = 0;
  std::array<uint8_t, 16> store_id{};
  uint64_t boot_id = 0;
  uint64_t last_seen_ns = 0;  // own up-clock of this run; 0: not seen in this run
  // Own up-time without it: of this run and of the runs before (from the state log).
  uint64_t unseen_before_ns = 0;
  uint64_t saved_unseen_ns = 0;  // as last written to the state log
  // Its habit: the longest absence that ended, fading, and for how long it was watched being there.
  uint64_t longest_away_ns = 0;
  uint64_t watched_ns = 0;
  uint64_t ticked_ns = 0;        // when watched_ns was last brought up to date
  bool address_unsaved = false;  // address, capacity, habit or alarm
  // Two of its starts were connected at once: an alarm, until a person ends it.
  bool cloned = false;
  uint32_t key_number = 0;  // the newest K_disc it has shown to know
  uint8_t dial_turn = 0;    // which K_disc its remembered address is called with next
  uint16_t feature = 0;     // as told in HELLO; 0: not heard in this run
  uint64_t leaving_ns = 0;  // since when its copies do not count, because it is leaving
  bool freed = false;       // it was told, or told us, that all is well without the one leaving
  uint64_t resync_ns = 0;   // when its beacon's digests last made us list ours
};

class Peers {
 public:
  static constexpr uint64_t kQuietNs = 120ull * 1'000'000'000;
  static constexpr uint64_t kHourNs = 3600ull * 1'000'000'000;
  // Of a device whose habit is not known yet, and the longest grace of any.
  static constexpr uint64_t kLostNsDefault = 7 * 24 * kHourNs;
  // An evening's repair of a router is no death.
  static constexpr uint64_t kGraceNsMin = 12 * kHourNs;
  static constexpr uint64_t kGraceTimes = 3;  // of the longest absence
  // A habit is believed after three days of having the device in sight.
  static constexpr uint64_t kHabitNs = 72 * kHourNs;

  void start(const NodeId& self, uint64_t now_ns) {
    self_ = self;
    start_ns_ = now_ns;
    count_ = 0;
  }
  // Own up-time without it after which it counts as lost.
  static uint64_t grace_ns(const Peer& peer);
  // Makes the table hold exactly the active members besides self; others are dropped.
  void follow(const Membership& membership);
  // Moves the states; true when any changed.
  bool tick(uint64_t now_ns);

  Peer* find(const NodeId& id);
  const Peer* find(const NodeId& id) const;
  std::span<Peer> all() { return {peers_.data(), count_}; }
  std::span<const Peer> all() const { return {peers_.data(), count_}; }
  size_t count_in(PeerState state) const;
  // Seen by a beacon or a session. `address` may have port 0 (unknown).
  void seen(const NodeId& id, const Address& address, uint64_t now_ns);
  // Own up-time since it was last seen.
  uint64_t unseen_ns(const Peer& peer, uint64_t now_ns) const;

 private:
  void came_back(Peer& peer, uint64_t now_ns);

  NodeId self_;
  uint64_t start_ns_ = 0;
  size_t count_ = 0;
  std::array<Peer, limits::kMembersMax> peers_;
};

}  // namespace drey
