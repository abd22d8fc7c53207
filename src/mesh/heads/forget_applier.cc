#include "mesh/heads/forget_applier.h"

#include <algorithm>

namespace drey {

void ForgetApplier::start(const Options& options) {
  options_ = options;
  job_.store = options.store;
  job_.op = &read_;
  waiter_.op = &committed_;
  read_.set(options.ready, this, &ForgetApplier::read);
  committed_.set(options.ready, this, &ForgetApplier::committed);
  for (const HeadTable::Highest& row : options_.heads->owners())
    if (row.forget_number != 0) on_forget(row.owner);
}

void ForgetApplier::on_forget(const NodeId& owner) {
  std::span<const HeadTable::Highest> rows = options_.heads->owners();
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].owner != owner || dirty_[i]) continue;
    dirty_[i] = true;
    ++dirty_count_;
  }
  next();
}

void ForgetApplier::tick(uint64_t now_ns) {
  if (now_ns >= again_ns_) next();
}

void ForgetApplier::next() {
  if (state_ != State::kIdle || dirty_count_ == 0 || stopping_) return;
  if (options_.clock->up_ns() < again_ns_) return;
  row_ = 0;
  while (!dirty_[row_]) ++row_;
  // Looked at again from the start when a newer one comes meanwhile.
  dirty_[row_] = false;
  --dirty_count_;
  const HeadTable::Highest& row = options_.heads->owners()[row_];
  job_.owner = row.owner;
  job_.number = row.forget_number;
  job_.after = head_key(row.owner, 0);
  state_ = State::kReading;
  options_.lanes->submit(Lane::kStore, &job_);
}

Status ForgetApplier::TakeOutJob::run() {
  ticket = 0;
  gone_count = 0;
  ended = false;
  size_t size = 0;
  known = {};
  Status status =
      store->read_statement(StatementKind::kForget, forget_key(owner, number), forget, &size);
  // Damaged: it comes again from a peer.
  ended = status == Status::kCorrupt || status == Status::kNotFound;
  if (ended) return Status::kOk;
  DREY_TRY(status);
  status = decode_forget(Bytes(forget).first(size), &known);
  if (!ok(status)) known = {};
  DREY_TRY(status);
  while (!ended && gone_count < kBatch) {
    std::array<StatementRow, kBatch> rows;
    size_t count = 0;
    DREY_TRY(store->scan_statements(StatementKind::kHead, after, rows, &count));
    ended = count < rows.size();
    for (size_t i = 0; i < count && gone_count < kBatch; ++i) {
      NodeId of;
      uint64_t sequence = 0;
      split_head_key(rows[i].key, &of, &sequence);
      if (of != owner || sequence > known.highest) {
        ended = true;
        break;
      }
      if (known.contains(sequence)) DREY_TRY(take_out(rows[i].key));
      after = rows[i].key;
    }
    if (gone_count == kBatch) ended = false;
  }
  return ended ? take_out_older() : Status::kOk;
}

Status ForgetApplier::TakeOutJob::take_out(const StatementKey& key) {
  size_t size = 0;
  Status status = store->read_statement(StatementKind::kHead, key, head, &size);
  if (status == Status::kIo) return status;
  bool noted = ok(status);
  Key32 hash{};
  if (noted) hash = head_hash(Bytes(head).first(size));
  Ticket removed = 0;
  status = store->remove_statement(StatementKind::kHead, key, &removed);
  if (status == Status::kNotFound) return Status::kOk;
  DREY_TRY(status);
  ticket = std::max(ticket, removed);
  gone[gone_count++] = {key, hash, noted};
  return Status::kOk;
}

Status ForgetApplier::TakeOutJob::take_out_older() {
  StatementKey at = forget_key(owner, 0);
  std::array<StatementRow, kBatch> rows;
  size_t count = 0;
  DREY_TRY(store->scan_statements(StatementKind::kForget, at, rows, &count));
  for (size_t i = 0; i < count; ++i) {
    NodeId of;
    uint64_t of_number = 0;
    split_head_key(rows[i].key, &of, &of_number);
    if (of != owner || of_number >= number) return Status::kOk;
    Ticket removed = 0;
    Status status = store->remove_statement(StatementKind::kForget, rows[i].key, &removed);
    if (status == Status::kNotFound) continue;
    DREY_TRY(status);
    ticket = std::max(ticket, removed);
  }
  return Status::kOk;
}

void ForgetApplier::read(Status status) {
  // What was removed before it failed counts; the rest is looked at again.
  if (!ok(status)) {
    job_.ended = true;
    retry(status);
  }
  if (job_.ticket == 0) return committed(Status::kOk);
  state_ = State::kCommitting;
  options_.committer->wait(job_.ticket, &waiter_);
}

void ForgetApplier::committed(Status status) {
  if (ok(status)) {
    take_note();
  } else {
    job_.ended = true;
    retry(status);
  }
  if (!job_.ended && !stopping_) {
    state_ = State::kReading;
    return options_.lanes->submit(Lane::kStore, &job_);
  }
  state_ = State::kIdle;
  next();
}

void ForgetApplier::take_note() {
  for (size_t i = 0; i < job_.gone_count; ++i)
    if (job_.gone[i].noted) options_.heads->drop(job_.gone[i].key, job_.gone[i].hash);
  job_.gone_count = 0;
  if (job_.ended) ask_no_more();
}

// The others have removed it as well: it would be asked for in vain.
void ForgetApplier::ask_no_more() {
  for (size_t row = options_.missing->count(); row-- > 0;) {
    LostStatement lost = options_.missing->at(row);
    NodeId of;
    uint64_t number = 0;
    split_head_key(lost.key, &of, &number);
    bool removed = lost.kind == StatementKind::kHead     ? job_.known.contains(number)
                   : lost.kind == StatementKind::kForget ? number < job_.number
                                                         : false;
    if (removed && of == job_.owner) options_.missing->found(lost.kind, lost.key);
  }
}

void ForgetApplier::retry(Status status) {
  if (!dirty_[row_]) {
    dirty_[row_] = true;
    ++dirty_count_;
  }
  // kBusy: too many appends are open; the commit that follows makes room.
  again_ns_ = options_.clock->up_ns() + (status == Status::kBusy ? 100'000'000 : kRetryNs);
  if (status == Status::kBusy || told_ || options_.log == nullptr) return;
  told_ = true;
  options_.log->warning("snapshots that were forgotten cannot be taken out yet: %s",
                        status_name(status));
}

}  // namespace drey
