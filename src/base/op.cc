#include "drey/op.h"

#include "drey/check.h"

namespace drey {

void Op::complete(Status status) {
  DREY_CHECK(queue_ != nullptr);
  DREY_CHECK(!queued_);
  result_ = status;
  queued_ = true;
  queue_->push(this);
}

void ReadyQueue::push(Op* op) {
  op->next_ = nullptr;
  if (tail_ != nullptr) {
    tail_->next_ = op;
  } else {
    head_ = op;
  }
  tail_ = op;
}

bool ReadyQueue::run(size_t steps_max) {
  for (size_t i = 0; i < steps_max && head_ != nullptr; ++i) {
    Op* op = head_;
    head_ = op->next_;
    if (head_ == nullptr) tail_ = nullptr;
    op->next_ = nullptr;
    op->queued_ = false;
    op->step(op->result_);
  }
  return head_ != nullptr;
}

}  // namespace drey
