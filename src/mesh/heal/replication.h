// Replication: a pass over all own records counts how well each is kept and pushes those that lack
// a holder (DESIGN 2.4: a new chunk and a lost copy are the same thing). Passes run when something
// changed, and slowly for ever.
//
// Part of DataService, loop thread. Healing takes one serve slot and cuts it into records, so that
// many small ones travel together; one serve slot always stays free for GETs. Nothing of a pass
// survives a crash, and nothing need to.
#pragma once

#include "mesh/heal/reconcile.h"
#include "mesh/transfer/fetch.h"
#include "mesh/transfer/push.h"

namespace drey {

static_assert(limits::kServeSlots >= 2, "healing must leave a serve slot for others");

class Replication {
 public:
  static constexpr size_t kRowsPerJob = 256;
  static constexpr uint64_t kSlowPassNs = 600 * kDataSecondNs;
  static constexpr uint64_t kRetryNs = 20 * kDataSecondNs;    // after a heal that failed
  static constexpr uint64_t kPauseNsMin = kDataSecondNs / 5;  // between passes; 4 times a pass
  static constexpr uint64_t kPauseNsMax = 60 * kDataSecondNs;

  void start(DataContext* context, ClaimLedger* claims, PushService* push, FetchService* fetch,
             Reconciler* reconciler);
  // context.changed: counts and needs must be looked at again.
  void on_changed(Status) { ++changes_; }
  void tick(uint64_t now_ns);
  ReplicationSummary summary() const;
  bool idle() const { return state_ == State::kIdle && live_ == 0; }
  uint64_t healed_count() const { return healed_; }

 private:
  enum class State : uint8_t {
    kIdle,
    kSettling,  // waits for claims to be visible
    kScanning,  // waits for a job with rows
    kHealing,   // waits for room for the next record to heal
    kDraining,  // waits for the last heals of the pass
  };
  struct ScanJob final : Job {
    Store* store = nullptr;
    ChunkId after;
    uint64_t number = 0;  // the highest one of the own pins
    size_t count = 0;
    std::array<RecordRow, kRowsPerJob> rows;
    Status run() override;
  };
  // One record on its way: fetched (own log first), then pushed.
  struct Heal {
    Replication* replication = nullptr;
    bool busy = false;
    RecordRow row;
    FetchRequest fetch;
    HealRequest push;
    DataSignal<Heal> fetched;
    DataSignal<Heal> pushed;
    void on_fetched(Status status) { replication->on_fetched(*this, status); }
    void on_pushed(Status status) { replication->on_pushed(*this, status); }
  };
  void begin(uint64_t now_ns);
  void on_settled(Status status);
  void scan();
  void on_scanned(Status status);
  void walk();
  bool can_heal(const RecordRow& row) const;
  bool lacks(const RecordState& state, bool* others, bool* own_log) const;
  // False: no room now.
  bool heal(const RecordRow& row);
  void count(const RecordState& state);
  void on_fetched(Heal& heal, Status status);
  void on_pushed(Heal& heal, Status status);
  void end_heal(Heal& heal, bool failed);
  void look_around();
  void end();

  DataContext* context_ = nullptr;
  ClaimLedger* claims_ = nullptr;
  PushService* push_ = nullptr;
  FetchService* fetch_ = nullptr;
  Reconciler* reconciler_ = nullptr;
  State state_ = State::kIdle;
  uint64_t changes_ = 1;          // rises with every change
  uint64_t pass_changes_ = 0;     // as it was when the running pass began
  uint64_t counted_changes_ = 0;  // as it was when the summary's pass began
  uint64_t begun_ns_ = 0;
  uint64_t next_ns_ = 0;   // not before
  uint64_t slow_ns_ = 0;   // even without a change
  uint64_t retry_ns_ = 0;  // 0: nothing failed
  uint64_t healed_ = 0;
  uint64_t number_ = 0;     // of the pins a heal makes
  bool failed_ = false;     // a heal of this pass
  bool aborted_ = false;    // the index could not be read
  size_t at_ = 0;           // the next row of the job's
  uint64_t open_mask_ = 0;  // members that are connected
  uint64_t room_mask_ = 0;  // and take new records
  bool all_asked_ = false;  // every open peer told what it holds
  ReplicationSummary running_;
  ReplicationSummary summary_;
  RecordBuffer* arena_ = nullptr;  // the serve slot records are healed through
  size_t arena_used_ = 0;
  size_t live_ = 0;
  std::array<Heal, PushService::kHealsMax> heals_;
  FlushRequest flush_;
  DataSignal<Replication> settled_;
  DataSignal<Replication> scanned_;
  ScanJob scan_job_;
};

}  // namespace drey
