// The inviter's side of pairing (DISCOVERY.md "Pairing"): one open invitation, its tries and uses,
// and the pairing session that is being served. Part of Mesh, loop thread. Lost at a crash: the
// person asks for a new code.
#pragma once

#include "base/log.h"
#include "mesh/joining/pair_proof.h"
#include "mesh/joining/pairing.h"
#include "mesh/session/session.h"
#include "mesh/sync/intake.h"
#include "mesh/sync/sync.h"

namespace drey {

class Inviter {
 public:
  static constexpr uint64_t kOpenNs = 600ull * 1'000'000'000;  // ten minutes of up-time
  static constexpr uint8_t kTries = 5;
  static constexpr uint64_t kServeNs = 60ull * 1'000'000'000;  // one device, from HELLO to DONE

  struct Options {
    Clock* clock = nullptr;
    Lanes* lanes = nullptr;
    Log* log = nullptr;
    ReadyQueue* ready = nullptr;
    const KeyPair* identity = nullptr;
    KeyringCourier* courier = nullptr;
    const Membership* membership = nullptr;
    Intake* intake = nullptr;
    StatementSync* sync = nullptr;
  };
  void start(const Options& options);
  Status open(InviteRequest* request);
  void cancel() { end(Status::kCancelled); }
  bool is_open() const { return request_ != nullptr; }
  bool idle() const { return !busy_; }
  uint16_t room() const { return is_open() ? request_->room : 0; }
  // For the gate. Closed while one device is being served by this invitation's last use.
  bool invitation(Invitation* to) const;
  void wrong_code();
  void tick(uint64_t now_ns, const DiscoveryKey* newest);

  void on_open(Session& session);
  void on_closed(Session& session);
  void on_message(Session& session, MessageType type, Bytes body);

 private:
  enum class Step : uint8_t { kFree, kHello, kCard, kChecking, kPublishing, kWrapping, kTaking };
  // Verifies proof and card, then writes the ADD statement: ECDSA, so a job.
  struct CheckJob : Job {
    const KeyPair* identity = nullptr;
    Key32 binding{};
    MeshId mesh;
    PairHelloMessage hello;
    std::array<char, limits::kNameBytesMax> name;  // hello.name points here
    Signature card{};
    Role role = Role::kFull;
    size_t parent_count = 0;
    std::array<StatementId, limits::kStatementParentsMax> parents;
    std::array<uint8_t, limits::kStatementBytesMax> statement;
    size_t size = 0;
    Status run() override;
  };
  // Signs ACCEPT and, for a full node, has the keyring wrapped.
  struct WrapJob : Job {
    const KeyPair* identity = nullptr;
    KeyringCourier* courier = nullptr;
    Key32 binding{};
    PublicKey wrap_key{};
    PairAcceptMessage accept;
    KeyringBlob blob;
    Status run() override;
  };
  void end(Status status);
  void free_session();
  void refuse(Status status);
  bool is_ours(const Session& session) const { return session_ == &session; }
  void on_hello(Bytes body);
  void on_card(Bytes body);
  void on_done(Bytes body);
  void accept();
  void checked(Status status);
  void published(Status status);
  void wrapped(Status status);

  Options options_;
  InviteRequest* request_ = nullptr;
  uint64_t deadline_ns_ = 0;
  uint8_t tries_left_ = 0;
  DiscoveryKey newest_;
  Session* session_ = nullptr;
  SessionNumber number_ = 0;
  uint64_t session_deadline_ns_ = 0;
  Step step_ = Step::kFree;
  bool busy_ = false;  // a job or a publish is in flight
  // The invitation is bound to the first right key; it may resume.
  bool bound_ = false;
  PublicKey bound_key_{};
  CheckJob check_;
  WrapJob wrap_;
  StatementRequest publish_;
  DataSignal<Inviter> checked_;
  DataSignal<Inviter> published_;
  DataSignal<Inviter> wrapped_;
};

}  // namespace drey
