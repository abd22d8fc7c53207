// An op that does nothing but call one method of its owner: lets a state machine with several
// outstanding waits (jobs, bulks, commits) keep one op for each, as DESIGN 9 asks.
// Embedded in its owner, loop thread.
#pragma once

#include "drey/op.h"

namespace drey {

template <class Owner>
class DataSignal final : public Op {
 public:
  using Call = void (Owner::*)(Status);
  void set(ReadyQueue* ready, Owner* owner, Call call) {
    bind(ready);
    owner_ = owner;
    call_ = call;
  }
  // For signals that nothing but wake() completes: any number of calls, one step.
  void wake() {
    if (!is_queued()) complete(Status::kOk);
  }
  void step(Status status) override { (owner_->*call_)(status); }
  const char* state_name() const override { return "signal"; }

 private:
  Owner* owner_ = nullptr;
  Call call_ = nullptr;
};

}  // namespace drey
