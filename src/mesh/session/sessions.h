// All sessions of a node: the pool, who listens, who connects, and which of two sessions stays.
//
// One object in the node's static storage; loop thread only. Handshakes run as jobs, two at once.
// Nothing survives a crash.
//
// Who cannot knock gets no byte and costs no handshake (DESIGN 6). A replayed knock costs one: at
// most kPendingMax inbound connections may stand before their handshake's end, kPendingPerAddress
// from one address; the rest waits in the backlog or is closed.
//
// Two sessions of one member. Both sides decide alike, after HELLO on both sessions (greet):
// - same boot id, different initiators: the one begun by the lower NodeId stays;
// - same boot id, same initiator: the newer stays (the caller has given the other up);
// - different boot ids: the older one is probed with a PING. No PONG within kProbeNs: the peer
//   has restarted, the older one is closed. A PONG: both live, on_clone, both are closed.
#pragma once

#include "base/log.h"
#include "drey/pool.h"
#include "mesh/session/session.h"

namespace drey {

struct SessionsOptions {
  Net* net = nullptr;
  Clock* clock = nullptr;
  Random* random = nullptr;
  Lanes* lanes = nullptr;
  Log* log = nullptr;  // may be null
  ReadyQueue* ready = nullptr;
  SessionGate* gate = nullptr;
  SessionHandler* handler = nullptr;
  // Null on a device that is not a member yet (join, recover): then no listening, and no members.
  const KeyPair* identity = nullptr;
  bool small_fragments = false;
  // The simulator only: no TLS beneath the frames. `drey` never sets it.
  bool plain = false;
};

class Sessions {
 public:
  static constexpr size_t kListenersMax = 4;
  static constexpr size_t kPendingMax = limits::kSessionsMax / 2;
  static constexpr size_t kPendingPerAddress = kPendingMax / 2;
  static constexpr size_t kConnectsMax = limits::kSessionsMax / 2;
  static constexpr size_t kSpareSlots = 2;  // kept free of inbound sessions: we can always call
  static constexpr size_t kHandshakesMax = 2;
  static constexpr uint64_t kSecondNs = 1'000'000'000;
  static constexpr uint64_t kConnectNs = 5 * kSecondNs;
  static constexpr uint64_t kKnockNs = 5 * kSecondNs;
  static constexpr uint64_t kKnockCrowdedNs = kSecondNs / 2;  // while kPendingMax are pending
  static constexpr uint64_t kHandshakeNs = 20 * kSecondNs;
  static constexpr uint64_t kGreetingNs = 20 * kSecondNs;  // members: from on_open to greet()
  static constexpr uint64_t kPingNs = 10 * kSecondNs;      // nothing heard or nothing said: PING
  static constexpr uint64_t kSilenceNs = 30 * kSecondNs;   // not a byte: closed
  static constexpr uint64_t kStallNs = 60 * kSecondNs;     // not a byte taken: closed
  static constexpr uint64_t kProbeNs = 5 * kSecondNs;
  static constexpr uint64_t kLingerNs = 5 * kSecondNs;
  static constexpr size_t kTurnBytes = 32 * 1024;  // per direction, session and turn

  // Prepares the pool and makes the certificate (milliseconds of ECDSA). Before anything else.
  // kBusy, kIo, kInvalid.
  Status start(const SessionsOptions& options);
  // Accepts connections at `at`. Status of Net::listen_tcp. Port 0: see listen_port().
  Status listen(const Address& at);
  uint16_t listen_port() const { return listen_port_; }  // of the first listener

  // Each begins one connection; its end is on_open or on_connect_failed, exactly once.
  // kBusy: no free slot or too many connects under way. kExists: a session to `expected` stands or
  // is being made by us. kInvalid: no identity. `expected` zero = whatever member answers there;
  // our own id = another device that may have it.
  // `key_number`: of the K_disc to knock with, 0 = the newest.
  Status connect_member(const Address& to, const NodeId& expected, uint32_t key_number = 0);
  Status connect_pairing(const Address& to, uint16_t room,
                         const Secret<limits::kPairingCodeBytes>& code);
  Status connect_recovery(const Address& to, const KeyPair& recovery);

  // Deadlines, PINGs, accepting again. Every 100 ms or so.
  void tick(uint64_t now_ns);
  // Stops listening and closes all; stopped() turns true once the last slot is free.
  void stop();
  bool stopped() const;

  // The greeted session with a member; null when there is none.
  Session* find(const NodeId& id);
  // Open sessions by pool index, below kSessionsMax; null where none is open.
  Session* at(size_t slot);
  size_t open_count() const;

  struct Counters {
    uint64_t accepted = 0;
    uint64_t refused_knocks = 0;  // closed without a byte
    uint64_t refused_handshakes = 0;
    uint64_t opened = 0;
    uint64_t duplicates = 0;
    uint64_t clones = 0;
    uint64_t timeouts = 0;
    uint64_t received_bytes = 0;  // of messages, as they are inside TLS
    uint64_t sent_bytes = 0;
  };
  const Counters& counters() const { return counters_; }

 private:
  friend class Session;
  struct Listener : Op {
    Sessions* pool = nullptr;
    Net::Socket socket = Net::kNone;
    bool waiting = false;
    void step(Status status) override;
  };

  void accept_all(Listener& listener);
  void adopt(Net::Socket socket, const Address& from);
  Session* free_slot(size_t spare);  // null unless more than `spare` are free
  size_t pending(bool initiator, const Address* from) const;
  size_t pairing_pending() const;  // theirs, the code not proved yet
  // The session stands in kConnecting on kOk.
  Status begin_outbound(SessionKind kind, const Address& to, Session** session);
  // At most kHandshakesMax jobs at once: false = the session waits for end_turn().
  bool take_turn();
  void end_turn();
  void offer_turn();
  // Duplicates.
  Status greet(Session& session);
  bool stays(const Session& newer, const Session& older) const;
  Status probe(Session& older, const Session& newer);
  void probe_answered(Session& older);
  void probe_failed(Session& older);

  SessionsOptions options_;
  NodeId self_;
  std::array<uint8_t, limits::kCertificateBytesMax> certificate_;
  size_t certificate_size_ = 0;
  std::array<Session, limits::kSessionsMax> slots_;
  std::array<Listener, kListenersMax> listeners_;
  size_t listener_count_ = 0;
  uint16_t listen_port_ = 0;
  size_t handshakes_ = 0;  // jobs on the lane
  uint64_t next_number_ = 1;
  bool stopping_ = false;
  Counters counters_;
};

}  // namespace drey
