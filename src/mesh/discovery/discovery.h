// Finding each other on the LAN: sends and hears beacons, remembers who was heard where, and says
// which address may be tried when. Owned by Mesh, loop thread. After a crash nothing of it is
// needed; addresses that must survive are the state log's.
//
// Nothing is ever sent in answer to a beacon, and an address is tried at most once per 10 s (the
// first time at once), so that replayed or forged beacons cost one connect each at most.
#pragma once

#include <array>
#include <span>

#include "base/log.h"
#include "drey/ports.h"
#include "mesh/data/data_signal.h"
#include "mesh/discovery/beacon.h"

namespace drey {

struct BeaconContent {
  bool inviting = false;
  uint16_t room = 0;
  uint16_t listen_port = 0;
  NodeId node;
  uint64_t boot_id = 0;
  Key32 membership_digest{};
  Key32 heads_digest{};
  Key32 recovery_id{};
  uint32_t key_number = 0;
  Secret<32> key;
};

// What Discovery asks of its owner.
class DiscoverySide {
 public:
  virtual ~DiscoverySide() = default;
  // What to say now; false: say nothing (a device that is not a member).
  virtual bool beacon_content(BeaconContent* to) = 0;
  // Judges a well-formed beacon that is not our own. True: somebody we want to know about; it is
  // then kept as a candidate.
  virtual bool judge_beacon(Bytes datagram, const Beacon& beacon, const Address& from) = 0;
};

struct Candidate {
  NodeId node;
  Address address;  // where it listens
  uint64_t boot_id = 0;
  uint32_t key_number = 0;  // the newest K_disc it has shown
  uint16_t room = 0;
  bool inviting = false;
  bool used = false;
  uint64_t heard_ns = 0;
};

class Discovery {
 public:
  static constexpr size_t kGroupsMax = 4;
  static constexpr size_t kCandidatesMax = 96;  // 64 members, and room for invitations
  static constexpr size_t kTriesMax = 192;
  static constexpr uint64_t kSecondNs = 1'000'000'000;
  static constexpr uint64_t kIntervalNs = 3 * kSecondNs;
  static constexpr uint64_t kFastIntervalNs = 1 * kSecondNs;
  static constexpr uint64_t kFastNs = 15 * kSecondNs;        // after the start
  static constexpr uint64_t kJoinGroupsNs = 30 * kSecondNs;  // interfaces come and go
  static constexpr uint64_t kForgetNs = 60 * kSecondNs;      // a candidate not heard any more
  static constexpr uint64_t kTryNs = 10 * kSecondNs;         // per address
  static constexpr size_t kReceiveMax = 32;                  // datagrams per turn

  struct Options {
    Net* net = nullptr;
    Clock* clock = nullptr;
    Random* random = nullptr;
    Log* log = nullptr;
    ReadyQueue* ready = nullptr;
    DiscoverySide* side = nullptr;
  };
  // Opens the groups it can; a group that fails is logged and left out (no IPv6, no network yet:
  // tried again). Never fails as a whole: --peer and remembered addresses remain.
  void start(const Options& options, std::span<const Address> groups);
  void tick(uint64_t now_ns);
  // Says it soon: something in the beacon changed.
  void hurry() { next_send_ns_ = 0; }
  void stop();
  bool stopped() const;

  std::span<const Candidate> candidates() const { return candidates_; }
  const Candidate* find(const NodeId& node) const;
  void forget(const NodeId& node);
  // True at most once per address and kTryNs: the caller connects now.
  bool may_try(const Address& address, uint64_t now_ns);

  struct Counters {
    uint64_t sent = 0;
    uint64_t heard = 0;    // of others
    uint64_t refused = 0;  // malformed or forged
    uint64_t flooded = 0;  // beyond kReceiveMax per turn or the table
  };
  const Counters& counters() const { return counters_; }

 private:
  struct Group {
    Discovery* discovery = nullptr;
    Address address;
    Net::Socket socket = Net::kNone;
    bool waiting = false;
    DataSignal<Group> readable;
    void on_readable(Status status);
  };
  struct Try {
    Address address;
    uint64_t at_ns = 0;
  };
  void open(Group& group);
  void wait(Group& group);
  void hear(Bytes datagram, const Address& from);
  void keep(const Beacon& beacon, const Address& from);
  void send(uint64_t now_ns);
  uint64_t jitter(uint64_t interval_ns);

  Options options_;
  bool stopping_ = false;
  uint64_t start_ns_ = 0;
  uint64_t next_send_ns_ = 0;
  uint64_t next_join_ns_ = 0;
  size_t group_count_ = 0;
  std::array<Group, kGroupsMax> groups_;
  std::array<Candidate, kCandidatesMax> candidates_;
  std::array<Try, kTriesMax> tries_;
  NodeId sent_as_;  // who the last own beacon said we are
  Counters counters_;
};

}  // namespace drey
