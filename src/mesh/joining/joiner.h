// The joiner's side of pairing: find the room, enter it, show who we are, take what a member needs
// to know. Part of Mesh, loop thread, in a process of its own (`drey join`).
#pragma once

#include "base/log.h"
#include "mesh/discovery/discovery.h"
#include "mesh/joining/pair_proof.h"
#include "mesh/joining/pairing.h"
#include "mesh/session/sessions.h"
#include "mesh/sync/intake.h"
#include "mesh/sync/sync.h"

namespace drey {

class Joiner {
 public:
  struct Options {
    Clock* clock = nullptr;
    Lanes* lanes = nullptr;
    Log* log = nullptr;
    ReadyQueue* ready = nullptr;
    Sessions* sessions = nullptr;
    Discovery* discovery = nullptr;
    Membership* membership = nullptr;
    StatementSync* sync = nullptr;
    Intake* intake = nullptr;
  };
  static constexpr uint64_t kSecondNs = 1'000'000'000;
  // Beacons are heard, but none of this room: the code is wrong, used or too old.
  static constexpr uint64_t kNoRoomNs = 12 * kSecondNs;

  void start(const Options& options);
  Status join(JoinRequest* request);
  bool is_active() const { return request_ != nullptr; }
  bool idle() const { return !busy_; }
  void cancel() { end(Status::kCancelled); }
  // `fixed`: --peer addresses, tried beside what beacons show.
  void tick(uint64_t now_ns, std::span<const Address> fixed);
  bool wants(const Beacon& beacon);

  void on_open(Session& session);
  void on_closed(Session& session, Status why);
  void on_message(Session& session, MessageType type, Bytes body);
  void on_connect_failed(const ConnectFailure& failure);

 private:
  enum class Step : uint8_t {
    kFree,
    kFinding,
    kConnecting,
    kSigning,
    kReceiving,  // ACCEPT, keyring, statements
    kEnding,     // DONE is on its way
  };
  // Signs HELLO's proof and the card.
  struct SignJob : Job {
    const KeyPair* identity = nullptr;
    Key32 binding{};
    PairHelloMessage hello;
    IdentityCard card;
    Status run() override;
  };
  struct CheckJob : Job {
    Key32 binding{};
    PairAcceptMessage accept;
    Status run() override;
  };
  void end(Status status);
  void progress();
  void find(uint64_t now_ns, std::span<const Address> fixed);
  void connect(const Address& to, uint64_t now_ns);
  void say_hello(Status status);
  void on_accept(Bytes body);
  void accepted(Status status);
  void on_keyring(Bytes body);
  void receive();
  Status judge() const;

  Options options_;
  JoinRequest* request_ = nullptr;
  Step step_ = Step::kFree;
  bool busy_ = false;
  bool accepted_yet_ = false;
  bool proved_ = false;    // the inviter's proof holds
  bool saw_mesh_ = false;  // somebody's beacon, or somebody who closed on our knock
  bool saw_room_ = false;
  Session* session_ = nullptr;
  uint64_t begin_ns_ = 0;
  uint64_t deadline_ns_ = 0;
  SignJob sign_;
  CheckJob check_;
  DataSignal<Joiner> signed_;
  DataSignal<Joiner> accepted_;
};

}  // namespace drey
