// The tickets of own claims (store.own) that are not durable yet. Claims are synced in groups: when
// somebody flushes, when a second has passed, or when many groups are open. Part of DataService,
// loop thread. A claim lost in a crash costs a missed dedup: its backup had no head yet.
#pragma once

#include "mesh/data/data_context.h"

namespace drey {

class ClaimLedger {
 public:
  static constexpr uint64_t kDelayNs = kDataSecondNs;

  void start(DataContext* context);
  void tick(uint64_t now_ns);
  // A claim of the backup that pins with `number` went into this commit group.
  void note(Ticket ticket, uint64_t number);
  // Completes when every claim noted so far is settled: kOk, or what a claim of this backup failed
  // with since the last flush.
  void flush(FlushRequest* request);
  // The same wait for the replication pass: reports nothing, hides nothing from flush().
  void settle(FlushRequest* request);
  // Somebody was refused because too many appends are open.
  void hurry() { run(); }
  bool idle() const { return !running_; }

 private:
  static constexpr size_t kTicketsMax = 16;
  void wait(FlushRequest* request, bool reports);
  void run();
  void on_commit(Status status);
  void release();

  DataContext* context_ = nullptr;
  DataSignal<ClaimLedger> committed_;
  CommitWaiter waiter_;
  bool running_ = false;
  std::array<Ticket, kTicketsMax> tickets_{};  // distinct, rising; [0] is waited for
  size_t count_ = 0;
  uint64_t oldest_ns_ = 0;
  Status failed_ = Status::kOk;
  uint64_t number_ = 0;           // of the backup that claims
  Ticket first_of_it_ = 0;        // an earlier backup's failure is none of it
  FlushRequest* head_ = nullptr;  // requests waiting, in order of their tickets
  FlushRequest* tail_ = nullptr;
};

}  // namespace drey
