#include "store/commit.h"

#include "drey/check.h"

namespace drey {

void Committer::start(Store* store, Lanes* lanes) {
  store_ = store;
  lanes_ = lanes;
  close_job_.owner = sync_job_.owner = finish_job_.owner = this;
}

void Committer::wait(Ticket ticket, CommitWaiter* waiter) {
  DREY_CHECK(waiter->op != nullptr && !waiter->waiting);
  // The group may have been settled between the append and this call.
  if (ticket <= settled_) {
    waiter->op->complete(failed_.outcome(ticket));
    return;
  }
  waiter->ticket = ticket;
  waiter->waiting = true;
  waiter->next = first_;
  first_ = waiter;
  if (state_ == State::kIdle) submit(State::kClosing, Lane::kStore, &close_job_);
}

void Committer::submit(State state, Lane lane, Job* job) {
  state_ = state;
  job->op = this;
  lanes_->submit(lane, job);
}

void Committer::step(Status status) {
  switch (state_) {
    case State::kIdle:
      return;
    case State::kClosing:
      if (ok(status)) return submit(State::kSyncing, Lane::kSync, &sync_job_);
      return settle();  // kEnd: nothing to sync
    case State::kSyncing:
      finish_job_.synced = status;
      return submit(State::kFinishing, Lane::kStore, &finish_job_);
    case State::kFinishing:
      return settle();
  }
}

void Committer::settle() {
  state_ = State::kIdle;
  settled_ = group_.through;
  failed_ = group_.failed;
  CommitWaiter* left = nullptr;
  for (CommitWaiter *waiter = first_, *next = nullptr; waiter != nullptr; waiter = next) {
    next = waiter->next;
    waiter->next = nullptr;
    if (waiter->ticket > settled_) {
      waiter->next = left;
      left = waiter;
      continue;
    }
    waiter->waiting = false;
    waiter->op->complete(failed_.outcome(waiter->ticket));
  }
  first_ = left;
  if (first_ != nullptr) submit(State::kClosing, Lane::kStore, &close_job_);
}

const char* Committer::state_name() const {
  switch (state_) {
    case State::kIdle:
      return "idle";
    case State::kClosing:
      return "closing";
    case State::kSyncing:
      return "syncing";
    case State::kFinishing:
      return "finishing";
  }
  return "?";
}

}  // namespace drey
