// The mesh as the layers above see it: who belongs to it, who is there, statements, records, and
// the ways in. Composition of sessions, discovery, membership, sync, pairing and the data service.
//
// One object per process, in static storage (several MiB); loop thread only, except load(). What
// it publishes is durable before the request completes; everything else is found again after a
// crash: membership and heads in the store's log, addresses in the state log.
//
// Three uses: a member (identity and mesh given); a device that joins and one that recovers (no
// identity: nothing listens, no member session is opened).
#pragma once

#include "base/log.h"
#include "mesh/data/data_service.h"
#include "mesh/discovery/discovery.h"
#include "mesh/discovery/peers.h"
#include "mesh/heads/forget_applier.h"
#include "mesh/joining/inviter.h"
#include "mesh/joining/joiner.h"
#include "mesh/joining/pairing.h"
#include "mesh/joining/recoverer.h"
#include "mesh/members/membership.h"
#include "mesh/requests.h"
#include "mesh/session/sessions.h"
#include "mesh/sync/missing.h"
#include "mesh/sync/sync.h"
#include "store/state_log.h"

namespace drey {

struct MeshOptions {
  Clock* clock = nullptr;
  Random* random = nullptr;
  Net* net = nullptr;
  Lanes* lanes = nullptr;
  ReadyQueue* ready = nullptr;
  Log* log = nullptr;
  Store* store = nullptr;
  Committer* committer = nullptr;
  StateLog* state = nullptr;  // may be null: no address is remembered
  // A member:
  const KeyPair* identity = nullptr;  // lives as long as Mesh; null: joins or recovers
  MeshId mesh;                        // zero with a null identity
  KeyringCourier* courier = nullptr;  // null on a vault
  std::span<const DiscoveryKey> discovery_keys;
  std::span<const Address> listen;  // at most Sessions::kListenersMax
  uint64_t capacity_bytes = 0;      // told, and the own weight in placement
  std::string_view board;           // told, for people
  // Everybody:
  std::span<const Address> groups;  // of the beacons
  std::span<const Address> peers;   // --peer: always tried
  bool small_fragments = false;
  bool plain = false;        // simulator only
  uint64_t quota_bytes = 0;  // what one other member may fill here; 0: Quota::limit()
  uint64_t minimum_age_s = board::kMinimumAgeSeconds;  // tests only set another one
  uint16_t feature = limits::kFeatureLevel;            // told; tests speak a later version's
};

class Mesh final : private SessionGate,
                   private SessionHandler,
                   private DiscoverySide,
                   private IntakeSide {
 public:
  static constexpr size_t kDiscoveryKeysMax = 8;
  static constexpr size_t kPeerAddressesMax = 16;

  // Reads all statements of the store's log into the tables. Blocking: before the loop runs, or in
  // a job on the store lane, and before start(). kOk also for an empty store. kCorrupt: the genesis
  // of `mesh` is not there although other statements are; kIo.
  Status load(Store* store, const MeshId& mesh);
  // Once. Status of Sessions::start and listen: the node must not run without them.
  Status start(const MeshOptions& options);
  // Closes sessions, cancels requests; tick() until stopped().
  void stop();
  bool stopped() const;
  // Every 100 ms.
  void tick(uint64_t now_ns);

  // ---- Looking ----
  const NodeId& self() const { return self_; }
  uint64_t boot_id() const { return boot_id_; }
  uint16_t feature() const { return options_.feature; }
  const Membership& membership() const { return membership_; }
  const HeadTable& heads() const { return heads_; }
  const Peers& peers() const { return peers_; }
  const Discovery& discovery() const { return discovery_; }
  uint16_t listen_port() const { return sessions_.listen_port(); }
  size_t session_count() const { return sessions_.open_count(); }
  const Sessions::Counters& traffic() const { return sessions_.counters(); }
  ReplicationSummary replication() const { return data_.replication(); }
  DataService& data() { return data_; }
  // ---- Clones: mesh_clones.cc ----
  // Somebody runs with our identity beside us: removals freeze, a person must act.
  bool cloned() const { return cloned_ || clone_heard_; }
  // ... and proved it by a session: remembered over restarts, nothing new is signed meanwhile.
  bool clone_proved() const { return cloned_; }
  // A person says that only one device runs as `id` any more. kNotFound: there is no such alarm.
  Status end_clone_alarm(const NodeId& id);
  // Every forgotten head that is known of is out of the log.
  bool forgotten_settled() const { return forgets_.settled(); }
  // Every member that is not lost has greeted us since our start, and told what heads it has.
  bool heard_everybody() const;
  // False once we learnt that we are out (retired or revoked): serve the recovery key, nothing
  // else.
  bool is_member() const { return membership_.is_active(self_); }
  // ... by somebody's word, not in peace.
  bool is_cast_out() const { return is_cast_out(self_); }
  Role role() const;

  // ---- Statements and records: requests.h ----
  void publish(StatementRequest* request) { intake_.publish(request); }
  void push(PushRequest* request) { data_.push(request); }
  void fetch(FetchRequest* request) { data_.fetch(request); }
  void flush(FlushRequest* request) { data_.flush(request); }

  // ---- Ways in: pairing.h ----
  // kBusy: one is open. kDenied: not a full member. kInvalid: uses, op.
  Status invite(InviteRequest* request);
  void cancel_invite() { inviter_.cancel(); }
  bool inviting() const { return inviter_.is_open(); }
  // kBusy: already at it; kInvalid. `op` completes when it is over.
  Status join(JoinRequest* request);
  Status recover(RecoverRequest* request);

  // ---- Leaving: mesh_leave.cc ----
  bool is_leaving() const { return is_leaving(self_); }
  // Asked to leave, and nothing is kept here that is not kept elsewhere: RETIRE may be said.
  bool may_retire() const;
  // While leaving: one of those who have not said yet that they do not need us; null: nobody.
  const Peer* leaving_waits_for() const;

  // What goes into HELLO and the beacon next.
  void tell_free_space(uint64_t free_bytes, uint8_t store_state);
  // The oldest is dropped for it. kExists; kFull: it is older than all that are kept.
  Status add_discovery_key(const DiscoveryKey& key);
  // What the store has lost (Store::take_lost_statements): asked of the others until it is back.
  void statements_lost(std::span<const LostStatement> lost);
  size_t missing_statements() const { return missing_.count(); }
  // Tried from now on, like --peer.
  void add_peer_address(const Address& address);

 private:
  // SessionGate
  bool discovery_key(uint32_t number, size_t index, Secret<32>* key) override;
  bool newest_discovery_key(uint32_t* number, Secret<32>* key) override;
  bool is_recovery_key(const Key32& id) override;
  bool invitation(Invitation* to) override;
  void wrong_code() override;
  bool admit(SessionKind kind, bool initiator, uint32_t key_number, const PublicKey& peer,
             NodeId* id) override;
  // SessionHandler
  void on_open(Session& session) override;
  void on_closed(Session& session, Status why) override;
  void on_message(Session& session, MessageType type, Bytes body) override;
  MutBytes on_bulk_begin(Session& session, MessageType type, Bytes head, size_t size) override;
  void on_bulk_end(Session& session, MessageType type, Bytes head, Bytes bulk,
                   Status status) override;
  void on_clone(Session& one, Session& other) override;
  void on_connect_failed(const ConnectFailure& failure) override;
  // DiscoverySide
  bool beacon_content(BeaconContent* to) override;
  bool judge_beacon(Bytes datagram, const Beacon& beacon, const Address& from) override;
  // IntakeSide
  void on_statement(StatementKind kind, const StatementKey& key, Bytes statement,
                    SessionNumber from) override;
  void on_offer_done(StatementKind kind, const StatementKey& key, Status status,
                     std::span<const StatementId> missing, SessionNumber from) override;
  void on_forked(const NodeId& owner) override;

  void start_parts();
  // mesh_keys.cc
  const DiscoveryKey* newest_key() const;
  const DiscoveryKey* key_of_rank(size_t rank) const;
  bool older_keys_wanted() const;
  void shows_key(const NodeId& id, uint32_t number);
  uint32_t key_to_call(uint8_t* turn) const;
  bool is_cast_out(const NodeId& id) const;
  void ask_missing(uint64_t now_ns);
  // mesh_hello.cc
  void send_hello(Session& session);
  void on_hello(Session& session, Bytes body);
  void tell_cast_out(Session& session);
  void on_last_word(Session& session, Bytes body);
  void settle(Session& session, const HelloMessage& hello);
  bool may_use_data(const Session& session) const;
  // mesh_clones.cc
  void load_clones();
  void heard_self(const Beacon& beacon, const Address& from);
  void met_self(Session& session, const HelloMessage& hello);
  bool save_clones();
  // mesh_leave.cc
  bool is_leaving(const NodeId& id) const;
  void tick_leaving(uint64_t now_ns);
  void on_freed(Session& session, Bytes body);
  // mesh_members.cc
  void members_changed();
  void tell_data();
  static bool takes_nothing(uint8_t store_state);
  // mesh_dial.cc
  void dial(uint64_t now_ns);
  void dial_member(Peer& peer, uint64_t now_ns);
  void dial_fixed(uint64_t now_ns);
  void note_fixed(const Address& address, const NodeId& id);
  void load_peers();
  void save_peers(uint64_t now_ns);
  void peers_saved(Status status);

  struct SavePeerJob : Job {
    StateLog* state = nullptr;
    std::array<char, 56> key;
    size_t key_size = 0;
    size_t size = 0;
    std::array<uint8_t, 64> value;
    Status run() override;
  };
  // A --peer address, and who was found there.
  struct FixedAddress {
    Address address;
    NodeId id;  // zero: not known yet
    uint8_t dial_turn = 0;
  };

  MeshOptions options_;
  NodeId self_;
  uint64_t boot_id_ = 0;
  std::array<uint8_t, 16> store_id_{};
  bool is_node_ = false;  // has an identity: neither joins nor recovers
  bool stopping_ = false;
  bool cloned_ = false;       // proved, and remembered
  bool clone_heard_ = false;  // by its beacons only
  bool clone_unsaved_ = false;
  bool data_stale_ = false;
  uint64_t free_bytes_ = 0;
  uint8_t store_state_ = 0;
  uint64_t clone_boot_ = 0;  // of somebody with our id
  uint64_t clone_nonce_ = 0;
  uint64_t clone_call_ns_ = 0;  // when it was last called
  size_t discovery_key_count_ = 0;
  uint8_t beacon_turn_ = 0;
  std::array<DiscoveryKey, kDiscoveryKeysMax> discovery_keys_;
  size_t fixed_count_ = 0;
  std::array<FixedAddress, kPeerAddressesMax> fixed_;
  std::array<Address, kPeerAddressesMax> fixed_addresses_;

  Membership membership_;
  HeadTable heads_;
  Peers peers_;
  Discovery discovery_;
  Sessions sessions_;
  Intake intake_;
  MissingStatements missing_;
  size_t missing_turn_ = 0;  // whom to ask next: a session slot
  StatementSync sync_;
  ForgetApplier forgets_;
  DataService data_;
  Inviter inviter_;
  Joiner joiner_;
  Recoverer recoverer_;
  bool saving_ = false;
  SavePeerJob save_;
  DataSignal<Mesh> saved_;
};

// Reads every membership statement, head and FORGET of the store's log. See Mesh::load.
Status load_membership(Store* store, Membership* membership);
Status load_heads(Store* store, HeadTable* heads);
Status load_forgets(Store* store, HeadTable* heads);

}  // namespace drey
