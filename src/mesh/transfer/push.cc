#include "mesh/transfer/push.h"

#include <algorithm>
#include <bit>

namespace drey {

void PushOp::start(PushService* service, DataContext* context, ClaimLedger* claims) {
  service_ = service;
  context_ = context;
  claims_ = claims;
  ReadyQueue* ready = context->options.ready;
  wake_.set(ready, this, &PushOp::step);
  appended_.set(ready, this, &PushOp::on_appended);
  committed_.set(ready, this, &PushOp::on_committed);
  claimed_.set(ready, this, &PushOp::on_claimed);
  for (PushHome& home : homes_) home.set(this, context);
}

void PushOp::begin(PushRequest* request, const HealRequest* heal) {
  DREY_CHECK(state_ == State::kIdle);
  DREY_CHECK(request->record.size() > 0);
  DREY_CHECK(request->record.size() <= limits::kRecordBytesMax);
  state_ = State::kPlacing;
  request_ = request;
  heal_ = heal != nullptr;
  held_ = heal_ && heal->held;
  need_ = context_->members.need();
  begun_ns_ = context_->now();
  holders_ = heal_ ? heal->known_holders : 0;
  tried_ = holders_;
  holder_count_ = static_cast<size_t>(std::popcount(holders_ & context_->members.counting_mask()));
  own_log_ = OwnLog::kNone;
  own_log_status_ = Status::kOk;
  retries_ = 0;
  claim_pauses_ = false;
  wake_.wake();
}

const char* PushOp::state_name() const {
  static constexpr const char* kNames[] = {"idle", "placing", "claiming"};
  return kNames[static_cast<size_t>(state_)];
}

void PushOp::step(Status) {
  switch (state_) {
    case State::kPlacing:
      place();
      break;
    case State::kIdle:
    case State::kClaiming:
      break;  // a late wake-up of the state before
  }
}

size_t PushOp::live_count() const {
  size_t count = 0;
  for (const PushHome& home : homes_) count += home.is_live() ? 1 : 0;
  return count;
}

bool PushOp::may_ask(const DataPeer& peer, size_t member) const {
  uint64_t now_ns = context_->now();
  if (context_->members.at(member).full || peer.full_until_ns > now_ns) return false;
  if (heal_ || peer.slow_until_ns <= now_ns) return true;
  return service_->pushes_at(peer) < PushService::kSlowPushesMax;
}

// Asks further members until enough hold it or are being asked.
void PushOp::fill() {
  size_t live = live_count();
  if (holder_count_ + live >= need_.others) return;
  std::array<uint8_t, limits::kMembersMax> order;
  size_t count = context_->members.homes_of(request_->c, order);
  for (size_t i = 0; i < count && holder_count_ + live < need_.others; ++i) {
    uint64_t bit = context_->members.bit(order[i]);
    if (bit == 0 || (tried_ & bit) != 0) continue;
    DataPeer* peer = context_->peers.find_member(context_->members.at(order[i]).id);
    if (peer == nullptr) continue;
    if (!may_ask(*peer, order[i])) continue;
    for (PushHome& home : homes_) {
      if (home.is_live()) continue;
      tried_ |= bit;
      home.start(*peer, bit);
      break;
    }
    live = live_count();
  }
}

void PushOp::place() {
  fill();
  size_t live = live_count();
  // Too few homes, or none at all (before the members are known, or with copies = 0).
  bool is_short = holder_count_ + live < std::max<size_t>(need_.others, 1);
  bool wanted = need_.own_log || request_->type == ChunkType::kPage || (is_short && !heal_);
  if (wanted && !held_ && own_log_ == OwnLog::kNone) append();
  bool busy = own_log_ == OwnLog::kAppending || own_log_ == OwnLog::kCommitting ||
              own_log_ == OwnLog::kPausing;
  if (live > 0 || busy) return;
  if (!heal_ && holder_count_ == 0 && own_log_ != OwnLog::kDone) {
    DREY_CHECK(!ok(own_log_status_));  // "done" is never said of a record that lies nowhere
    return finish(own_log_status_);
  }
  claim();
}

void PushOp::home_ended(uint64_t bit, bool durable) {
  if (durable) {
    holders_ |= bit;
    ++holder_count_;
  }
  wake_.wake();
}

Status PushOp::AppendJob::run() {
  Status status = store->append_record(request->c, request->type, request->record, self,
                                       request->number, &ticket);
  return status == Status::kExists ? Status::kOk : status;  // held already: now pinned by me, too
}

void PushOp::append() {
  own_log_ = OwnLog::kAppending;
  append_job_.store = context_->options.store;
  append_job_.request = request_;
  append_job_.self = context_->options.self;
  context_->submit(Lane::kStore, &append_job_, &appended_);
}

void PushOp::on_appended(Status status) {
  if (ok(status)) {
    own_log_ = OwnLog::kCommitting;
    waiter_.op = &committed_;
    context_->options.committer->wait(append_job_.ticket, &waiter_);
    return;
  }
  // Too many appends are open: their commits are under way, asked again from the tick.
  own_log_status_ = status;
  bool again = status == Status::kBusy && retries_ < 50;
  own_log_ = again ? OwnLog::kPausing : OwnLog::kFailed;
  if (again) {
    ++retries_;
    claims_->hurry();
  }
  wake_.wake();
}

void PushOp::on_committed(Status status) {
  own_log_status_ = status;
  own_log_ = ok(status) ? OwnLog::kDone : OwnLog::kFailed;
  if (!ok(status) && retries_ < 2) {  // the group was refused for good; another segment may do
    ++retries_;
    own_log_ = OwnLog::kPausing;
  }
  wake_.wake();
}

Status PushOp::ClaimJob::run() {
  if (claims) {
    Status status = store->own({&record, 1}, number, &ticket);
    if (!ok(status) && status != Status::kExists) return status;
  }
  return holders == 0 ? Status::kOk : store->update_holders({&record.c, 1}, holders, 0);
}

void PushOp::claim() {
  state_ = State::kClaiming;
  claim_pauses_ = false;
  claim_job_.store = context_->options.store;
  claim_job_.record = {request_->c, request_->d, static_cast<uint32_t>(request_->record.size()),
                       request_->type};
  claim_job_.number = request_->number;
  claim_job_.holders = holders_;
  claim_job_.claims = !heal_;
  claim_job_.ticket = 0;
  context_->submit(Lane::kStore, &claim_job_, &claimed_);
}

void PushOp::on_claimed(Status status) {
  if (status == Status::kBusy && retries_ < 50) {
    ++retries_;
    claim_pauses_ = true;
    claims_->hurry();
    return;
  }
  if (ok(status) && claim_job_.ticket != 0) claims_->note(claim_job_.ticket, claim_job_.number);
  finish(status);
}

void PushOp::finish(Status status) {
  request_->holders = holders_;
  request_->in_own_log = held_ || own_log_ == OwnLog::kDone;
  bool complete = holder_count_ >= need_.others && (!need_.own_log || request_->in_own_log);
  if (!heal_ && !complete) context_->changed.wake();
  PushRequest* request = request_;
  request_ = nullptr;
  state_ = State::kIdle;
  service_->ended(this);
  request->op->complete(status);
}

void PushOp::tick(uint64_t now_ns) {
  for (PushHome& home : homes_) home.tick(now_ns);
  if (state_ == State::kPlacing && own_log_ == OwnLog::kPausing) append();
  if (state_ == State::kClaiming && claim_pauses_) claim();
}

// ---- the service ----

void PushService::start(DataContext* context, ClaimLedger* claims) {
  context_ = context;
  for (size_t i = 0; i < kPushesMax; ++i) pushes_.at(i).start(this, context, claims);
  for (size_t i = 0; i < kHealsMax; ++i) heals_.at(i).start(this, context, claims);
}

void PushService::push(PushRequest* request) {
  PushOp* op = pushes_.take();
  if (op != nullptr) return op->begin(request, nullptr);
  request->next = nullptr;
  (tail_ != nullptr ? tail_->next : head_) = request;
  tail_ = request;
}

Status PushService::heal(HealRequest* request) {
  PushOp* op = heals_.take();
  if (op == nullptr) return Status::kBusy;
  op->begin(request, request);
  return Status::kOk;
}

void PushService::ended(PushOp* op) {
  if (op->is_heal()) return heals_.give(op);
  pushes_.give(op);
  if (head_ == nullptr) return;
  PushRequest* request = head_;
  head_ = request->next;
  if (head_ == nullptr) tail_ = nullptr;
  push(request);
}

void PushService::on_pinned(DataPeer& peer, const PinnedMessage& message) {
  bool taken = false;
  each_op([&](PushOp& op) {
    for (PushHome& home : op.homes()) taken = taken || home.on_pinned(peer, message);
  });
}

void PushService::on_stored(DataPeer& peer, const StoredMessage& message) {
  bool taken = false;
  each_op([&](PushOp& op) {
    for (PushHome& home : op.homes()) taken = taken || home.on_stored(peer, message);
  });
}

void PushService::on_closed(const DataPeer& peer) {
  each_op([&](PushOp& op) {
    for (PushHome& home : op.homes()) home.on_closed(peer);
  });
}

size_t PushService::pushes_at(const DataPeer& peer) {
  size_t count = 0;
  for (size_t i = 0; i < kPushesMax; ++i) {
    if (!pushes_.used(i)) continue;
    for (PushHome& home : pushes_.at(i).homes())
      count += home.is_live() && home.peer() == &peer ? 1 : 0;
  }
  return count;
}

// Where more than a quarter of the origin slots wait for long at one peer, the youngest of them
// stop waiting: their records are spooled, so that a backup runs at the pace of its fast homes.
void PushService::limit_slow_peers(uint64_t now_ns) {
  for (DataPeer& peer : context_->peers.all()) {
    if (!peer.is_open() || !peer.member) continue;
    while (true) {
      size_t waiting = 0;
      PushHome* youngest = nullptr;
      for (size_t i = 0; i < kPushesMax; ++i) {
        if (!pushes_.used(i)) continue;
        for (PushHome& home : pushes_.at(i).homes()) {
          if (!home.is_live() || home.peer() != &peer) continue;
          if (now_ns - home.started_ns() < kSlowNs) continue;
          ++waiting;
          if (home.holds_record()) continue;
          if (youngest == nullptr || home.started_ns() > youngest->started_ns()) youngest = &home;
        }
      }
      if (waiting <= kSlowPushesMax) break;
      peer.slow_until_ns = now_ns + kSlowMemoryNs;
      if (youngest == nullptr || !youngest->abandon()) break;
    }
  }
}

void PushService::tick(uint64_t now_ns) {
  each_op([&](PushOp& op) { op.tick(now_ns); });
  limit_slow_peers(now_ns);
}

bool PushService::idle() const {
  return pushes_.free_count() == kPushesMax && heals_.free_count() == kHealsMax;
}

}  // namespace drey
