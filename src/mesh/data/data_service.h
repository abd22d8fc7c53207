// The data plane of a node: brings own records to their homes (push), keeps and serves those of
// others (serve), gets records back (fetch), asks holders what they hold (reconcile) and heals what
// has too few holders (replication). DESIGN 4 and 6.
//
// One object per node inside Mesh, in static storage (it contains the receive and serve pools);
// loop thread only, blocking work in jobs on the store lane. After a crash: what was answered
// "durable" is on disk; holder masks are a cache and are asked anew on every session.
//
// Mesh feeds it: set_members() at start and after every change of membership or of a peer's state;
// session_ready() once both HELLOs are through (recovery sessions: once open), session_closed() for
// each of these; messages and bulks whose handles() is true; tick() every 100 ms. A message of a
// session that is not ready is ignored, its bulk is a protocol error.
#pragma once

#include "mesh/data/data_claims.h"
#include "mesh/data/data_context.h"
#include "mesh/heal/audit.h"
#include "mesh/heal/reconcile.h"
#include "mesh/heal/replication.h"
#include "mesh/transfer/fetch.h"
#include "mesh/transfer/push.h"
#include "mesh/transfer/serve.h"

namespace drey {

class DataService {
 public:
  DataService() = default;
  DataService(const DataService&) = delete;
  DataService& operator=(const DataService&) = delete;

  void start(const DataOptions& options);
  void tick(uint64_t now_ns);
  // True when no job and no request of this module is under way. To stop: close the sessions, tick
  // until idle; pushes then end in the own log.
  bool idle() const;
  // Every active member, self included; at most kMembersMax. Takes effect after a job.
  void set_members(std::span<const DataMember> members, size_t copies);

  // The recovery key in force: it alone shortens the minimum age.
  void set_recovery_key(const PublicKey& key) { context_.recovery_key = key; }

  // ---- Requests: each op is completed exactly once ----
  void push(PushRequest* request);
  void fetch(FetchRequest* request);
  void flush(FlushRequest* request);
  ReplicationSummary replication() const { return replication_.summary(); }
  // Asks every peer again and looks at every record again (drey scrub, tests).
  void recheck();
  // A table of members was set that has not taken effect yet.
  bool members_pending() const { return context_.members.is_pending(); }
  // Rot was found in the own store (`damaged` entries so far): tells every peer to ask what is left
  // of its records, and looks at the own ones again.
  void found_damage(uint64_t damaged);
  // The cached bit of a member in holder masks; kNoSlot while unknown.
  static constexpr uint8_t kNoSlot = 0xff;
  uint8_t slot_of(const NodeId& member) const;
  const ReceivePool& receive_pool() const { return serve_.receive_pool(); }
  // ---- Giving up: DATA.md ----
  // HELLO: the highest number a member has stored for us, and the one we have stored for it.
  void number_told(const NodeId& member, uint64_t number) { unpinner_.on_told(member, number); }
  uint64_t number_stored_for(const NodeId& member) const {
    return serve_.unpins().announced(member);
  }
  // A sweep approves that what is not claimed loses its pins up to this number: Unpinner.
  void approve_unpins(uint64_t number);
  // The word of the recovery phrase on what is unpinned: forget --now.
  Cosigning& cosigning() { return cosigning_; }
  // Every device that is connected was told to give up what the last sweep approved.
  bool unpins_told();
  bool wants_sweep() const { return unpinner_.wants_sweep(); }
  UnpinSummary unpins() const;
  const TransferCounts& transfers() const { return context_.counts; }
  // How much of this node a member fills, and may.
  const Quota& quota() const { return serve_.quota(); }
  Auditor& audits() { return auditor_; }

  const ServePool& serve_pool() const { return context_.serve_pool; }

  // ---- Sessions, called by Mesh from its SessionHandler ----
  static bool handles(MessageType type);  // kPin .. kUnpinNow, kLess, kPut, kData
  void session_ready(Session& session);
  void session_closed(Session& session);
  void on_message(Session& session, MessageType type, Bytes body);
  MutBytes on_bulk_begin(Session& session, MessageType type, Bytes head, size_t size);
  void on_bulk_end(Session& session, MessageType type, Bytes head, Bytes bulk, Status status);

  // ---- The same for links that are no sessions (tests). `member`: may hold records ----
  void link_ready(DataLink& link, const NodeId& peer, bool member);
  void link_closed(const DataLink& link);
  void link_message(const DataLink& link, MessageType type, Bytes body);
  MutBytes link_bulk_begin(const DataLink& link, MessageType type, Bytes head, size_t size);
  void link_bulk_end(const DataLink& link, MessageType type, Bytes head, Bytes bulk, Status status);

 private:
  void closed(DataPeer* peer);
  void message(DataPeer& peer, MessageType type, Bytes body);
  MutBytes bulk_begin(DataPeer& peer, MessageType type, Bytes head, size_t size);
  void bulk_end(DataPeer& peer, MessageType type, Bytes bulk, Status status);

  DataContext context_;
  ClaimLedger claims_;
  PushService push_;
  FetchService fetch_;
  ServeService serve_;
  Unpinner unpinner_;
  Cosigning cosigning_;
  Reconciler reconciler_;
  uint64_t allowed_ = 0;  // by the unpinner, when it was last looked at
  Replication replication_;
  Auditor auditor_;
};

}  // namespace drey
