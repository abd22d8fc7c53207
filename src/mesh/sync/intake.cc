#include "mesh/sync/intake.h"

#include <algorithm>

#include "drey/check.h"
#include "store/store.h"

namespace drey {

void Intake::start(const Options& options) {
  options_ = options;
  next_.set(options_.ready, this, &Intake::next);
  verified_.set(options_.ready, this, &Intake::verified);
  appended_.set(options_.ready, this, &Intake::appended);
  committed_.set(options_.ready, this, &Intake::committed);
  kept_.set(options_.ready, this, &Intake::commit_done);
  own_waiter_.op = &committed_;
  waiter_.op = &kept_;
  verify_.op = &verified_;
  append_.op = &appended_;
  append_.store = options_.store;
}

void Intake::publish(StatementRequest* request) {
  request->next = nullptr;
  if (stopping_) return request->op->complete(Status::kCancelled);
  (last_ == nullptr ? first_ : last_->next) = request;
  last_ = request;
  wake();
}

Status Intake::offer(StatementKind kind, Bytes statement, SessionNumber from) {
  DREY_CHECK(from != 0);
  if (statement.empty()) return Status::kInvalid;
  size_t limit = kind == StatementKind::kHead ? limits::kHeadBytesMax : limits::kStatementBytesMax;
  if (statement.size() > limit) return Status::kTooLarge;
  if (stopping_ || offer_count_ == kOffersMax) return Status::kBusy;
  Offer& offer = offers_[(offer_at_ + offer_count_++) % kOffersMax];
  offer.kind = kind;
  offer.from = from;
  offer.size = statement.size();
  std::copy(statement.begin(), statement.end(), offer.bytes.begin());
  wake();
  return Status::kOk;
}

void Intake::stop() {
  stopping_ = true;
  while (first_ != nullptr) {
    StatementRequest* request = first_;
    first_ = request->next;
    request->op->complete(Status::kCancelled);
  }
  last_ = nullptr;
  // The offer at the front may be a job's by now.
  if (offer_count_ > 0) offer_count_ = state_ != State::kIdle && !is_own() ? 1 : 0;
}

Bytes Intake::bytes() const {
  if (is_own()) return current_->statement;
  const Offer& offer = offers_[offer_at_];
  return Bytes(offer.bytes).first(offer.size);
}

StatementKind Intake::kind() const { return is_own() ? current_->kind : offers_[offer_at_].kind; }

void Intake::wake() {
  if (state_ == State::kIdle) next_.wake();
}

void Intake::next(Status) {
  if (state_ != State::kIdle) return;
  if (first_ != nullptr) {
    current_ = first_;
    first_ = current_->next;
    if (first_ == nullptr) last_ = nullptr;
  } else if (offer_count_ == 0) {
    return;
  }
  append_tries_ = 0;
  again_ = false;
  key_ = {};
  Status status = check();
  if (!ok(status)) return finish(status);
  state_ = State::kVerifying;
  verify_.kind = kind();
  verify_.statement = bytes();
  verify_.mesh = options_.membership->mesh();
  options_.lanes->submit(Lane::kWork, &verify_);
}

// Length, form, limits, parents, and whether anybody may say it: all but the signatures.
Status Intake::check() {
  if (kind() == StatementKind::kMembership) {
    Status status = options_.membership->check(bytes(), &verify_.candidate);
    std::copy(verify_.candidate.id.raw.begin(), verify_.candidate.id.raw.end(), key_.begin());
    again_ = status == Status::kExists && is_in_force();
    return again_ ? options_.membership->check(bytes(), &verify_.candidate, true) : status;
  }
  if (kind() == StatementKind::kForget) return check_forget();
  if (kind() != StatementKind::kHead) return Status::kUnsupported;
  Head head;
  DREY_TRY(decode_head(bytes(), &head));
  key_ = head_key(head.owner, head.sequence);
  head_hash_ = head_hash(bytes());
  const HeadTable::Highest* highest = options_.heads->find(head.owner);
  again_ = is_in_force();
  append_.forget_number = highest != nullptr ? highest->forget_number : 0;
  if (highest != nullptr && highest->highest_held && highest->sequence == head.sequence &&
      highest->hash == head_hash_ && !again_)
    return Status::kExists;
  const Member* owner = options_.membership->find(head.owner);
  if (owner == nullptr || head.sequence > owner->heads_until) return Status::kDenied;
  verify_.owner_key = owner->sign_key;
  return Status::kOk;
}

Status Intake::check_forget() {
  Forget forget;
  DREY_TRY(decode_forget(bytes(), &forget));
  key_ = forget_key(forget.owner, forget.number);
  head_hash_ = forget_hash(bytes());
  const HeadTable::Highest* known = options_.heads->find(forget.owner);
  append_.forget_number = known != nullptr ? known->forget_number : 0;
  if (forget.number < append_.forget_number) return Status::kExists;
  again_ = is_in_force();
  if (forget.number == append_.forget_number && known->forget_hash == head_hash_ && !again_)
    return Status::kExists;
  const Member* owner = options_.membership->find(forget.owner);
  if (owner == nullptr || owner->state == MemberState::kRevoked) return Status::kDenied;
  verify_.owner_key = owner->sign_key;
  return Status::kOk;
}

Status Intake::VerifyJob::run() {
  if (kind == StatementKind::kMembership) return Membership::verify(candidate);
  if (kind == StatementKind::kForget) return verify_forget(statement, mesh, owner_key);
  return verify_head(statement, mesh, owner_key);
}

void Intake::verified(Status status) {
  if (!ok(status)) return finish(status);
  // Others' word about members is obeyed before it is written: a full disk must not keep a revoked
  // device in. Heads are obeyed by being there.
  if (!is_own() && !again_ && kind() == StatementKind::kMembership) take();
  append();
}

void Intake::append() {
  state_ = State::kAppending;
  append_.kind = kind();
  append_.key = key_;
  append_.statement = bytes();
  append_.differs = append_.held = false;
  append_.ticket = 0;
  if (kind() == StatementKind::kMembership) append_.forget_number = 0;
  options_.lanes->submit(Lane::kStore, &append_);
}

// Heads that were removed are not taken in again (kExists); a FORGET must say all that the one
// before it said (kInvalid).
Status Intake::AppendJob::check_forgets() {
  NodeId owner;
  uint64_t sequence = 0;
  split_head_key(key, &owner, &sequence);
  size_t size = 0;
  Forget known;
  Status status = store->read_statement(StatementKind::kForget, forget_key(owner, forget_number),
                                        existing, &size);
  // Damaged: it comes again from a peer, and takes out what came in meanwhile.
  if (!ok(status)) return status == Status::kIo ? status : Status::kOk;
  DREY_TRY(decode_forget(Bytes(existing).first(size), &known));
  if (kind == StatementKind::kHead) return known.contains(sequence) ? Status::kExists : Status::kOk;
  Forget newer;
  DREY_TRY(decode_forget(statement, &newer));
  return newer.number == known.number || says_all_of(newer, known) ? Status::kOk : Status::kInvalid;
}

Status Intake::AppendJob::run() {
  if (forget_number != 0) DREY_TRY(check_forgets());
  Status status = store->append_statement(kind, key, statement, &ticket);
  if (status != Status::kExists || kind == StatementKind::kMembership) return status;
  size_t size = 0;
  held = ok(store->read_statement(kind, key, existing, &size));
  if (held) differs = head_hash(Bytes(existing).first(size)) != head_hash(statement);
  return status;
}

void Intake::appended(Status status) {
  constexpr uint32_t kAppendTries = 100;  // the committer works between two of them
  if (status == Status::kBusy && ++append_tries_ < kAppendTries) return append();
  bool member = kind() == StatementKind::kMembership;
  // Written by an earlier try, or before a stop: in force once it is durable.
  bool again = status == Status::kExists && kind() == StatementKind::kForget && !append_.differs;
  if (status == Status::kExists && !member && !again) {
    NodeId owner;
    uint64_t sequence = 0;
    split_head_key(key_, &owner, &sequence);
    if (append_.differs) {
      options_.heads->mark_forked(owner);
      options_.side->on_forked(owner);
    }
    // What could not be read for a while can be read again.
    if (append_.held && !append_.differs) options_.missing->found(kind(), key_);
    return finish(status);
  }
  if (status == Status::kExists) status = Status::kOk;  // an earlier try got that far
  // A FORGET is durable before it is obeyed: what it takes out must not come in again after a stop.
  if (is_own() || kind() == StatementKind::kForget) {
    if (!ok(status)) return finish(status);
    state_ = State::kCommitting;
    return options_.committer->wait(append_.ticket, &own_waiter_);
  }
  if (ok(status)) {
    keep_durable(append_.ticket);
    options_.missing->found(kind(), key_);
  }
  lost_ = lost_ || !ok(status);
  if (!ok(status) && options_.log != nullptr)
    options_.log->warning("statements: one could not be stored: %s", status_name(status));
  if (!member && !again_ && ok(status)) take();
  finish(member ? Status::kOk : status);
}

void Intake::committed(Status status) {
  if (ok(status)) options_.missing->found(kind(), key_);
  if (ok(status) && !again_) take();
  finish(status);
}

// Into the table, and on to everybody else.
void Intake::take() {
  SessionNumber from = is_own() ? 0 : offers_[offer_at_].from;
  if (kind() == StatementKind::kMembership) {
    if (!ok(options_.membership->insert(bytes()))) return;  // full since check(): not in force
    options_.membership->evaluate();
  } else if (kind() == StatementKind::kForget) {
    take_forget();
  } else {
    Status noted = options_.heads->note(key_, head_hash_);
    if (noted == Status::kFull && options_.log != nullptr)
      options_.log->warning("statements: too many owners of heads, one is not remembered");
  }
  options_.side->on_statement(kind(), key_, bytes(), from);
}

void Intake::take_forget() {
  Forget forget;
  DREY_CHECK(ok(decode_forget(bytes(), &forget)));
  Status noted = options_.heads->note_forget(
      {forget.owner, forget.number, head_hash_, forget.highest, forget.highest_hash});
  if (noted == Status::kCorrupt) options_.side->on_forked(forget.owner);
}

void Intake::finish(Status status) {
  state_ = State::kIdle;
  if (is_own()) {
    StatementRequest* request = current_;
    current_ = nullptr;
    request->key = key_;
    request->op->complete(status);
  } else {
    std::array<StatementId, limits::kStatementParentsMax> missing;
    size_t count = 0;
    if (status == Status::kNotFound && kind() == StatementKind::kMembership)
      count = options_.membership->missing_parents(bytes(), missing);
    StatementKind offered = kind();
    SessionNumber from = offers_[offer_at_].from;
    offer_at_ = (offer_at_ + 1) % kOffersMax;
    --offer_count_;
    options_.side->on_offer_done(offered, key_, status,
                                 std::span<const StatementId>(missing).first(count), from);
  }
  if (first_ != nullptr || offer_count_ > 0) wake();
}

// Statements of others are made durable in the background.
void Intake::keep_durable(Ticket ticket) {
  wanted_ = std::max(wanted_, ticket);
  if (in_doubt_count_ < in_doubt_.size()) in_doubt_[in_doubt_count_++] = {ticket, {kind(), key_}};
  wait_durable();
}

void Intake::wait_durable() {
  if (committing_) return;
  committing_ = true;
  // One group after the other: each has an outcome of its own.
  waited_ = in_doubt_count_ > 0 ? in_doubt_[0].ticket : wanted_;
  options_.committer->wait(waited_, &waiter_);
}

void Intake::commit_done(Status status) {
  committing_ = false;
  lost_ = lost_ || !ok(status);
  if (!ok(status) && options_.log != nullptr)
    options_.log->warning("statements: some are in force but not on disk: %s", status_name(status));
  size_t left = 0;
  for (size_t i = 0; i < in_doubt_count_; ++i) {
    if (in_doubt_[i].ticket > waited_) {
      in_doubt_[left++] = in_doubt_[i];
    } else if (!ok(status)) {
      options_.missing->note(in_doubt_[i].what, true);
    }
  }
  in_doubt_count_ = left;
  if (in_doubt_count_ > 0 || wanted_ > waited_) wait_durable();
}

}  // namespace drey
