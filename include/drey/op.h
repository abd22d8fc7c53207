// Ops and jobs (DESIGN 9).
//
// An Op is a state machine in a static slot, on the loop thread only. Something it waits for calls
// complete(status) exactly once; that puts it on the ready queue; the loop then calls step().
// step() holds the only switch over the op's states. Nothing is called back recursively.
//
// A Job is straight-line blocking work on a lane (a worker thread with a FIFO). The loop submits
// it; run() is called on the lane's thread; back on the loop its op is completed with run()'s
// result. From submit to completion the job and everything it points to belong to the lane.
#pragma once

#include <cstddef>
#include <cstdint>

#include "drey/status.h"

namespace drey {

class ReadyQueue;

class Op {
 public:
  Op() = default;
  Op(const Op&) = delete;
  Op& operator=(const Op&) = delete;
  virtual ~Op() = default;

  // Called from the ready queue, once per complete(). `status` is what complete() was given.
  virtual void step(Status status) = 0;
  // Name of the current state, for page, log and CHECK reports.
  virtual const char* state_name() const { return "?"; }

  // The queue must be set before the first complete(); main's composition does that.
  void bind(ReadyQueue* queue) { queue_ = queue; }
  ReadyQueue* queue() const { return queue_; }
  // Marks the op ready. Loop thread. CHECKs that it is not already queued.
  void complete(Status status);
  bool is_queued() const { return queued_; }

 private:
  friend class ReadyQueue;
  ReadyQueue* queue_ = nullptr;
  Op* next_ = nullptr;
  Status result_ = Status::kOk;
  bool queued_ = false;
};

// FIFO of ready ops; intrusive, so it needs no memory. Loop thread.
class ReadyQueue {
 public:
  void push(Op* op);
  // Steps ready ops until none is left or `steps_max` were stepped; true when some are left.
  bool run(size_t steps_max = 1024);
  bool empty() const { return head_ == nullptr; }

 private:
  Op* head_ = nullptr;
  Op* tail_ = nullptr;
};

class Job {
 public:
  Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  virtual ~Job() = default;
  // On the lane's thread. May block on disk or CPU, never on another job.
  virtual Status run() = 0;

  Op* op = nullptr;             // completed on the loop with run()'s result; set before submit
  Job* next = nullptr;          // used by the lane
  Status result = Status::kOk;  // used by the lane
  bool in_flight = false;       // true from submit until the op's completion was queued
};

}  // namespace drey
