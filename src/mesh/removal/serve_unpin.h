// Answers ANNOUNCE and UNPIN, and lets UNPINs take effect once they are old enough: what this node
// does when others give up their pins here. DATA.md, "Giving up".
//
// Part of ServeService, loop thread; blocking work in jobs (UnpinBook). One question at a time,
// whoever comes meanwhile is told "busy". After a crash: what was answered durable is in the log.
#pragma once

#include "mesh/data/data_context.h"
#include "mesh/removal/unpin_book.h"

namespace drey {

class UnpinServer {
 public:
  static constexpr uint64_t kRunNs = 60 * kDataSecondNs;  // between two looks at what is due
  static constexpr uint64_t kUptimeNs = 600 * kDataSecondNs;

  // Reads what was announced and what waits: blocking, before the loop runs.
  void start(DataContext* context);
  void on_announce(DataPeer& peer, const AnnounceMessage& message);
  void on_unpin(DataPeer& peer, const UnpinMessage& message);
  // The same without the minimum age, when the recovery key in force says so as well.
  void on_unpin_now(DataPeer& peer, const UnpinNowMessage& message);
  void tick(uint64_t now_ns);
  // The highest number stored for an owner (HELLO); 0: none.
  uint64_t announced(const NodeId& owner) const;
  // An UNPIN of this owner is being taken: what it pins here is not told before that is over.
  bool is_taking(const NodeId& owner) const { return state_ != State::kIdle && owner_ == owner; }
  bool idle() const { return state_ == State::kIdle && !running_ && !saving_; }
  // Unpins that wait for their minimum age, and that took effect since the start.
  uint64_t waiting_count() const { return waiting_; }
  uint64_t done_count() const { return done_; }
  // So that job may refresh marks in front of a digest.
  UnpinBook& book() { return book_; }

 private:
  enum class State : uint8_t {
    kIdle,
    kAnnouncing,  // waits for the job that writes a number
    kKeeping,     // waits for its commit
    kVerifying,   // waits for the signature of an UNPIN
    kAppending,   // waits for the job that writes it
    kCommitting,  // waits for its commit
    kMarking,     // waits for the index to know
  };
  struct AnnounceJob final : Job {
    UnpinBook* book = nullptr;
    NodeId owner;
    uint64_t number = 0;
    Ticket ticket = 0;
    Status run() override { return book->announce(owner, number, &ticket); }
  };
  struct VerifyJob final : Job {
    MeshId mesh;
    Bytes statement;
    bool now = false;
    PublicKey recovery{};
    Signature cosignature{};
    Status run() override {
      if (now) return verify_cosigned_unpin(statement, mesh, recovery, cosignature);
      return verify_unpin(statement, mesh);
    }
  };
  struct AcceptJob final : Job {
    UnpinBook* book = nullptr;
    Bytes statement;
    NodeId from;
    uint64_t announced = 0;
    bool now = false;
    bool marks = false;  // the second time
    Ticket ticket = 0;
    Status run() override {
      if (now) return book->take(statement, from, announced, &ticket);
      return marks ? book->mark(statement) : book->accept(statement, from, announced, &ticket);
    }
  };
  struct DueJob final : Job {
    UnpinBook* book = nullptr;
    std::array<NodeId, limits::kMembersMax> owners;
    size_t count = 0;
    UnpinBook::Due due;
    Ticket ticket = 0;
    Status run() override {
      return book->run_due(std::span<const NodeId>(owners).first(count), &due, &ticket);
    }
  };
  struct SaveJob final : Job {
    UnpinBook* book = nullptr;
    Status run() override { return book->save_uptime(); }
  };
  bool may_remove(const NodeId& owner) const;
  void take_up(DataPeer& peer, uint32_t request, Bytes statement, const Signature* cosignature);
  void answer(Answer answer);
  void refuse(Status status);
  void commit(State state, Ticket ticket);
  void step(Status status);
  void note(const NodeId& owner, uint64_t number);
  void run_due();
  void on_due(Status status);
  void on_due_done(Status status);
  void on_saved(Status) { saving_ = false; }

  DataContext* context_ = nullptr;
  UnpinBook book_;
  State state_ = State::kIdle;
  PeerRef peer_;
  uint32_t request_ = 0;
  NodeId owner_;
  size_t announced_count_ = 0;
  std::array<UnpinBook::Announced, kNodeSlotsMax> announced_;
  DataSignal<UnpinServer> wake_;
  CommitWaiter waiter_;
  AnnounceJob announce_job_;
  VerifyJob verify_job_;
  AcceptJob accept_job_;
  std::array<uint8_t, kUnpinBytesMax> statement_;
  bool running_ = false;
  uint64_t run_ns_ = 0;  // not before
  uint64_t waiting_ = 0;
  uint64_t done_ = 0;
  DueJob due_job_;
  DataSignal<UnpinServer> due_;
  DataSignal<UnpinServer> due_done_;
  CommitWaiter due_waiter_;
  bool saving_ = false;
  uint64_t save_ns_ = 0;
  SaveJob save_job_;
  DataSignal<UnpinServer> saved_;
};

}  // namespace drey
