// The one way in for statements: check, verify (work lane), take into the table, append (store
// lane), pass on. Own statements are durable before anybody else hears of them; others' are obeyed
// as soon as they are verified (a revocation must not wait for a full disk) and appended then.
// One at a time: they arrive parents first and must be judged in that order. Owned by Mesh, loop
// thread.
#pragma once

#include "base/log.h"
#include "drey/ports.h"
#include "mesh/data/data_signal.h"
#include "mesh/heads/forget.h"
#include "mesh/members/membership.h"
#include "mesh/requests.h"
#include "mesh/sync/missing.h"
#include "store/commit.h"

namespace drey {

// Where a statement came from: the number of its session, 0 = an own one.
using SessionNumber = uint64_t;

class IntakeSide {
 public:
  virtual ~IntakeSide() = default;
  // A new statement is in force (and, an own one, durable): pass it on to all but `from`.
  virtual void on_statement(StatementKind kind, const StatementKey& key, Bytes statement,
                            SessionNumber from) = 0;
  // Everything that was offered by a session has been dealt with: `status` as from check();
  // kNotFound: parents are missing, `missing` names them.
  virtual void on_offer_done(StatementKind kind, const StatementKey& key, Status status,
                             std::span<const StatementId> missing, SessionNumber from) = 0;
  // Two different heads with one sequence.
  virtual void on_forked(const NodeId& owner) = 0;
};

class Intake {
 public:
  static constexpr size_t kOffersMax = 8;

  struct Options {
    Store* store = nullptr;
    Committer* committer = nullptr;
    Lanes* lanes = nullptr;
    Log* log = nullptr;
    ReadyQueue* ready = nullptr;
    Membership* membership = nullptr;
    HeadTable* heads = nullptr;
    MissingStatements* missing = nullptr;
    IntakeSide* side = nullptr;
  };
  void start(const Options& options);

  // Own statements: requests.h.
  void publish(StatementRequest* request);
  // A statement from a session, copied. kBusy: no room, offer it again later; kTooLarge, kInvalid.
  Status offer(StatementKind kind, Bytes statement, SessionNumber from);
  size_t offers_free() const { return kOffersMax - offer_count_; }
  bool idle() const { return state_ == State::kIdle && !committing_; }
  // Something of others was taken but could not be made durable.
  bool has_lost() const { return lost_; }
  // Own statements not finished: completed with kCancelled; offers are dropped. Then wait for
  // idle().
  void stop();

 private:
  enum class State : uint8_t { kIdle, kVerifying, kAppending, kCommitting };
  struct Offer {
    StatementKind kind = StatementKind::kMembership;
    SessionNumber from = 0;
    size_t size = 0;
    std::array<uint8_t, limits::kStatementBytesMax> bytes;
  };
  struct VerifyJob : Job {
    StatementKind kind = StatementKind::kMembership;
    Membership::Candidate candidate;
    Bytes statement;
    MeshId mesh;
    PublicKey owner_key{};
    Status run() override;
  };
  struct AppendJob : Job {
    Store* store = nullptr;
    StatementKind kind = StatementKind::kMembership;
    StatementKey key{};
    Bytes statement;
    Ticket ticket = 0;
    uint64_t forget_number = 0;  // the newest FORGET known of the owner; 0: none
    bool held = false;           // the log has it, and it can be read
    bool differs = false;        // one with this key is there and is another one
    std::array<uint8_t, limits::kStatementBytesMax> existing;
    Status run() override;
    Status check_forgets();
  };
  bool is_own() const { return current_ != nullptr; }
  Bytes bytes() const;
  StatementKind kind() const;
  void wake();
  void next(Status);
  Status check();
  bool is_in_force() const { return !is_own() && options_.missing->is_in_force(kind(), key_); }
  Status check_forget();
  void verified(Status status);
  void append();
  void appended(Status status);
  void committed(Status status);
  void take();
  void take_forget();
  void finish(Status status);
  void keep_durable(Ticket ticket);
  void wait_durable();
  void commit_done(Status status);

  Options options_;
  State state_ = State::kIdle;
  bool stopping_ = false;
  StatementRequest* first_ = nullptr;  // own ones that wait
  StatementRequest* last_ = nullptr;
  StatementRequest* current_ = nullptr;  // null while an offer is being worked on
  std::array<Offer, kOffersMax> offers_;
  size_t offer_at_ = 0;
  size_t offer_count_ = 0;
  uint32_t append_tries_ = 0;
  bool again_ = false;  // in force already, only its bytes are lost
  StatementKey key_{};
  Key32 head_hash_{};
  VerifyJob verify_;
  AppendJob append_;
  CommitWaiter own_waiter_;
  CommitWaiter waiter_;
  bool committing_ = false;  // of statements of others
  bool lost_ = false;
  // Statements of others that are in force and not known to be durable: should that fail, they are
  // asked for again. What finds no room here is found absent by the next start.
  struct InDoubt {
    Ticket ticket = 0;
    LostStatement what;
  };
  static constexpr size_t kInDoubtMax = 64;
  size_t in_doubt_count_ = 0;
  std::array<InDoubt, kInDoubtMax> in_doubt_;
  Ticket wanted_ = 0;
  Ticket waited_ = 0;
  DataSignal<Intake> next_;
  DataSignal<Intake> verified_;
  DataSignal<Intake> appended_;
  DataSignal<Intake> committed_;
  DataSignal<Intake> kept_;
};

}  // namespace drey
