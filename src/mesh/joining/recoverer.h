// `drey recover`: with the phrase's signing key, find a node that knows it, take every statement,
// let src/node unwrap the keys and name the new device, add it to the mesh (and as an heir), and
// wait until the other side has stored that. Part of Mesh, loop thread, in a process of its own.
#pragma once

#include "base/log.h"
#include "mesh/discovery/discovery.h"
#include "mesh/joining/pairing.h"
#include "mesh/session/sessions.h"
#include "mesh/sync/intake.h"
#include "mesh/sync/sync.h"

namespace drey {

class Recoverer {
 public:
  struct Options {
    Clock* clock = nullptr;
    Lanes* lanes = nullptr;
    Log* log = nullptr;
    ReadyQueue* ready = nullptr;
    Store* store = nullptr;
    Sessions* sessions = nullptr;
    Discovery* discovery = nullptr;
    Membership* membership = nullptr;
    StatementSync* sync = nullptr;
    Intake* intake = nullptr;
  };
  void start(const Options& options);
  Status recover(RecoverRequest* request);
  bool is_active() const { return request_ != nullptr; }
  bool idle() const { return !busy_; }
  // A job reads the membership: nothing may be taken in now.
  bool is_planning() const { return step_ == Step::kPlanning; }
  void cancel() { end(Status::kCancelled); }
  void tick(uint64_t now_ns, std::span<const Address> fixed);
  bool wants(const Beacon& beacon) const;

  void on_open(Session& session);
  void on_closed(Session& session, Status why);
  void on_connect_failed(const ConnectFailure& failure);
  void on_hello(Session& session, const HelloMessage& hello);
  void on_progress(const Session& session) {
    if (session_ == &session) progress();
  }

 private:
  enum class Step : uint8_t {
    kFree,
    kFinding,
    kConnecting,
    kGreeting,    // waits for HELLO
    kReceiving,   // statements and heads
    kPlanning,    // the guide's job
    kSigning,     // ADD, HEIR
    kPublishing,  // in the own log, and offered to the other side
    kConfirming,  // waits until the other side can show the last of them
    kEnding,      // the session ends
  };
  // Store lane: reads keyrings and epochs, lets the guide work.
  struct PlanJob : Job {
    Store* store = nullptr;
    const Membership* membership = nullptr;
    RecoveryGuide* guide = nullptr;
    RecoverPlan* plan = nullptr;
    std::array<uint8_t, limits::kStatementBytesMax> bytes;
    Status run() override;
    Status read(const StatementId& id, Statement* to);
  };
  struct SignJob : Job {
    const KeyPair* recovery = nullptr;
    const RecoverPlan* plan = nullptr;
    MeshId mesh;
    size_t parent_count = 0;
    std::array<StatementId, limits::kStatementParentsMax> parents;
    std::array<uint8_t, limits::kStatementBytesMax> add;
    size_t add_size = 0;
    std::array<uint8_t, 1024> heir;
    size_t heir_size = 0;  // 0 = none
    Status run() override;
  };
  void end(Status status);
  void progress();
  void find(uint64_t now_ns, std::span<const Address> fixed);
  void connect(const Address& to, uint64_t now_ns);
  void receive();
  void planned(Status status);
  void made(Status status);
  void published(Status status);
  void confirm(uint64_t now_ns);

  Options options_;
  RecoverRequest* request_ = nullptr;
  Step step_ = Step::kFree;
  bool busy_ = false;
  bool heir_published_ = false;
  Session* session_ = nullptr;
  uint64_t deadline_ns_ = 0;
  uint64_t ask_ns_ = 0;
  Key32 recovery_id_{};
  StatementKey last_key_{};
  PlanJob plan_;
  SignJob sign_;
  StatementRequest publish_;
  DataSignal<Recoverer> planned_;
  DataSignal<Recoverer> made_;
  DataSignal<Recoverer> published_;
};

}  // namespace drey
