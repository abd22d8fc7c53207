// Group commit on the loop: many appends, one fdatasync.
//
// One Committer per store, in static storage of the composition; loop thread. The store lane closes
// the group, the sync lane syncs it while the store lane already fills the next one, the store lane
// finishes it (index, or retirement of a segment), then every waiter's op is completed.
#pragma once

#include "drey/op.h"
#include "drey/ports.h"
#include "store/store.h"

namespace drey {

// Embedded in the waiting op; belongs to the Committer from wait() to the op's completion.
struct CommitWaiter {
  Op* op = nullptr;
  // Used by the Committer.
  Ticket ticket = 0;
  CommitWaiter* next = nullptr;
  bool waiting = false;
};

class Committer : public Op {
 public:
  // Once, before the loop runs. bind() the op to the ready queue as well.
  void start(Store* store, Lanes* lanes);
  // Completes waiter->op: kOk = everything `ticket` covers is on disk; kIo (or the status of the
  // failed write) = refused for good: append again. Every call completes exactly once.
  void wait(Ticket ticket, CommitWaiter* waiter);
  bool idle() const { return state_ == State::kIdle; }

  void step(Status status) override;
  const char* state_name() const override;

 private:
  enum class State : uint8_t { kIdle, kClosing, kSyncing, kFinishing };
  struct CloseJob final : Job {
    Committer* owner = nullptr;
    Status run() override { return owner->store_->close_group(&owner->group_); }
  };
  struct SyncJob final : Job {
    Committer* owner = nullptr;
    Status run() override { return Store::sync_group(&owner->group_); }
  };
  struct FinishJob final : Job {
    Committer* owner = nullptr;
    Status synced = Status::kOk;
    Status run() override {
      owner->store_->finish_group(&owner->group_, synced);
      return Status::kOk;
    }
  };
  void submit(State state, Lane lane, Job* job);
  void settle();

  Store* store_ = nullptr;
  Lanes* lanes_ = nullptr;
  State state_ = State::kIdle;
  CommitGroup group_;     // belongs to a lane unless idle
  FailedTickets failed_;  // as of the last finished group
  Ticket settled_ = 0;
  CommitWaiter* first_ = nullptr;
  CloseJob close_job_;
  SyncJob sync_job_;
  FinishJob finish_job_;
};

}  // namespace drey
