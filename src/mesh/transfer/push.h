// Push: bring one record to its homes (DESIGN 4). Homes are asked in rendezvous order; one that is
// away, full, slow or refuses is skipped for the next. What cannot be placed now, pages, and
// everything in a mesh that is too small goes to the own log as well. The same op heals: then the
// record is in a serve slot and the holders it has already are known.
//
// Ops in static slots of PushService, loop thread. The record's bytes stay the asker's and are not
// touched any more once the request's op was completed. After a crash nothing remains but what
// became durable here and there; the next backup or pass asks again.
#pragma once

#include "mesh/data/data_claims.h"
#include "mesh/transfer/push_home.h"

namespace drey {

// A record of which some holders are known. Completed like a push; makes no claim.
struct HealRequest : PushRequest {
  uint64_t known_holders = 0;  // mask
  bool held = false;           // in the own log
};

class PushService;

class PushOp {
 public:
  enum class State : uint8_t {
    kIdle,
    kPlacing,   // waits for homes and the own log
    kClaiming,  // waits for the claim in the store
  };
  void start(PushService* service, DataContext* context, ClaimLedger* claims);
  void begin(PushRequest* request, const HealRequest* heal);
  const PushRequest& request() const { return *request_; }
  bool is_heal() const { return heal_; }
  State state() const { return state_; }
  const char* state_name() const;
  uint64_t begun_ns() const { return begun_ns_; }
  std::span<PushHome> homes() { return homes_; }
  void home_ended(uint64_t bit, bool durable);
  void tick(uint64_t now_ns);

 private:
  enum class OwnLog : uint8_t { kNone, kAppending, kCommitting, kPausing, kDone, kFailed };
  struct AppendJob final : Job {
    Store* store = nullptr;
    const PushRequest* request = nullptr;
    NodeId self;
    Ticket ticket = 0;
    Status run() override;
  };
  struct ClaimJob final : Job {
    Store* store = nullptr;
    OwnedRecord record;
    uint64_t number = 0;
    uint64_t holders = 0;
    bool claims = false;
    Ticket ticket = 0;
    Status run() override;
  };
  void step(Status);
  void place();
  void fill();
  bool may_ask(const DataPeer& peer, size_t member) const;
  size_t live_count() const;
  void append();
  void on_appended(Status status);
  void on_committed(Status status);
  void claim();
  void on_claimed(Status status);
  void finish(Status status);

  PushService* service_ = nullptr;
  DataContext* context_ = nullptr;
  ClaimLedger* claims_ = nullptr;
  State state_ = State::kIdle;
  PushRequest* request_ = nullptr;
  bool heal_ = false;
  bool held_ = false;  // heal: the own log has it already
  HolderNeed need_;
  uint64_t begun_ns_ = 0;
  uint64_t tried_ = 0;    // mask of members that were asked, or hold it
  uint64_t holders_ = 0;  // mask of those that have it now
  size_t holder_count_ = 0;
  OwnLog own_log_ = OwnLog::kNone;
  Status own_log_status_ = Status::kOk;
  uint8_t retries_ = 0;
  bool claim_pauses_ = false;
  std::array<PushHome, limits::kCopiesMax> homes_;
  DataSignal<PushOp> wake_;
  DataSignal<PushOp> appended_;
  DataSignal<PushOp> committed_;
  DataSignal<PushOp> claimed_;
  CommitWaiter waiter_;
  AppendJob append_job_;
  ClaimJob claim_job_;
};

class PushService {
 public:
  static constexpr size_t kPushesMax = limits::kOriginSlots + 2;
  static constexpr size_t kHealsMax = 8;
  // One peer holds at most a quarter of the origin slots for longer than kSlowNs.
  static constexpr size_t kSlowPushesMax = limits::kOriginSlots < 8 ? 1 : limits::kOriginSlots / 4;
  static constexpr uint64_t kSlowNs = 2 * kDataSecondNs;
  static constexpr uint64_t kSlowMemoryNs = 30 * kDataSecondNs;

  void start(DataContext* context, ClaimLedger* claims);
  // Beyond kPushesMax requests wait their turn.
  void push(PushRequest* request);
  // kBusy: kHealsMax are running.
  Status heal(HealRequest* request);
  void on_pinned(DataPeer& peer, const PinnedMessage& message);
  void on_stored(DataPeer& peer, const StoredMessage& message);
  void on_closed(const DataPeer& peer);
  void tick(uint64_t now_ns);
  // Pushes (not heals) that have a live home there.
  size_t pushes_at(const DataPeer& peer);
  bool idle() const;

 private:
  friend class PushOp;
  void ended(PushOp* op);
  void limit_slow_peers(uint64_t now_ns);
  template <class F>
  void each_op(F&& call) {
    for (size_t i = 0; i < kPushesMax; ++i)
      if (pushes_.used(i)) call(pushes_.at(i));
    for (size_t i = 0; i < kHealsMax; ++i)
      if (heals_.used(i)) call(heals_.at(i));
  }

  DataContext* context_ = nullptr;
  Pool<PushOp, kPushesMax> pushes_;
  Pool<PushOp, kHealsMax> heals_;
  PushRequest* head_ = nullptr;
  PushRequest* tail_ = nullptr;
};

}  // namespace drey
