#include "mesh/data/data_claims.h"

#include <algorithm>

namespace drey {

void ClaimLedger::start(DataContext* context) {
  context_ = context;
  committed_.set(context->options.ready, this, &ClaimLedger::on_commit);
}

void ClaimLedger::note(Ticket ticket, uint64_t number) {
  if (number != number_) {
    number_ = number;
    first_of_it_ = ticket;
    failed_ = Status::kOk;
  }
  if (count_ > 0 && tickets_[count_ - 1] >= ticket) return;
  if (count_ == kTicketsMax) {
    // Groups are settled in order, so a few are open at most. Should that ever change, the safe
    // side is to let the backup start over.
    failed_ = Status::kBusy;
    return;
  }
  if (count_ == 0) oldest_ns_ = context_->now();
  tickets_[count_++] = ticket;
  if (count_ > kTicketsMax / 2) run();
}

void ClaimLedger::flush(FlushRequest* request) { wait(request, true); }

void ClaimLedger::settle(FlushRequest* request) { wait(request, false); }

void ClaimLedger::wait(FlushRequest* request, bool reports) {
  request->reports = reports;
  request->ticket = count_ > 0 ? tickets_[count_ - 1] : 0;
  request->next = nullptr;
  (tail_ != nullptr ? tail_->next : head_) = request;
  tail_ = request;
  run();
  release();
}

void ClaimLedger::run() {
  if (running_ || count_ == 0) return;
  running_ = true;
  waiter_.op = &committed_;
  context_->options.committer->wait(tickets_[0], &waiter_);
}

void ClaimLedger::on_commit(Status status) {
  running_ = false;
  if (!ok(status) && tickets_[0] >= first_of_it_) failed_ = status;
  std::copy(tickets_.begin() + 1, tickets_.begin() + static_cast<ptrdiff_t>(count_),
            tickets_.begin());
  --count_;
  oldest_ns_ = context_->now();
  release();
  if (head_ != nullptr || count_ > kTicketsMax / 2) run();
}

void ClaimLedger::release() {
  while (head_ != nullptr && (count_ == 0 || head_->ticket < tickets_[0])) {
    FlushRequest* request = head_;
    head_ = request->next;
    if (head_ == nullptr) tail_ = nullptr;
    Status status = request->reports ? failed_ : Status::kOk;
    if (request->reports) failed_ = Status::kOk;
    request->op->complete(status);
  }
}

void ClaimLedger::tick(uint64_t now_ns) {
  if (count_ > 0 && now_ns - oldest_ns_ >= kDelayNs) run();
}

}  // namespace drey
