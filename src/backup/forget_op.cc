#include "backup/forget_op.h"

#include <algorithm>
#include <new>

#include "backup/files/file_table.h"

namespace drey {

void ForgetOp::start(BackupContext* context) {
  context_ = context;
  bind(context->ready);
  scan_.store = read_job_.store = context->store;
  scan_.keyring = context->keyring;
  sign_job_.context = context;
  sign_job_.read = &read_job_;
}

const char* ForgetOp::state_name() const {
  switch (state_) {
    case State::kIdle:
      return "idle";
    case State::kScanning:
      return "scanning";
    case State::kReading:
      return "reading";
    case State::kSigning:
      return "signing";
    case State::kPublishing:
      return "publishing";
  }
  return "?";
}

// "latest", or at least 4 digits of an id.
Status ForgetOp::parse(std::string_view text, Wanted* to) const {
  constexpr size_t kPrefixDigitsMin = 4;
  *to = {};
  to->latest = text == "latest";
  if (to->latest) return Status::kOk;
  if (text.size() < kPrefixDigitsMin || text.size() > to->digits.size()) return Status::kInvalid;
  for (char c : text) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return Status::kInvalid;
    to->digits[to->digit_count++] = c;
  }
  return Status::kOk;
}

Status ForgetOp::begin(const ForgetRequest& request, Op* done) {
  if (running()) return Status::kBusy;
  result_ = {};
  if (context_->records->may_sign() == Status::kExists) return Status::kExists;
  if (!request.policy.valid()) return Status::kInvalid;
  if (request.snapshots.empty() && request.policy.empty()) return Status::kNotEnough;
  if (request.snapshots.size() > wanted_.size()) return Status::kTooLarge;
  for (wanted_count_ = 0; wanted_count_ < request.snapshots.size(); ++wanted_count_) {
    result_.at = wanted_count_;
    DREY_TRY(parse(request.snapshots[wanted_count_], &wanted_[wanted_count_]));
  }
  DREY_TRY(context_->slots.enter(kUser, 1));
  table_ = context_->slots.take(kUser);
  if (table_ == nullptr) {
    context_->slots.leave(kUser);
    return Status::kBusy;
  }
  policy_ = request.policy;
  only_set_ = request.only_set;
  dry_run_ = request.dry_run;
  cancelled_ = false;
  row_count_ = 0;
  newest_table_ = kRowsMax;
  done_ = done;
  state_ = State::kScanning;
  scan_.begin(nullptr);
  context_->submit(Lane::kStore, &scan_, this);
  return Status::kOk;
}

void ForgetOp::step(Status status) {
  if (!ok(status)) return finish(status);
  switch (state_) {
    case State::kIdle:
      return;
    case State::kScanning:
      if (cancelled_) return finish(Status::kCancelled);
      for (size_t i = 0; i < scan_.count && ok(status); ++i) status = take(scan_.infos[i]);
      if (!ok(status)) return finish(status);
      if (!scan_.ended) return context_->submit(Lane::kStore, &scan_, this);
      return decide();
    case State::kReading:
      if (cancelled_) return finish(Status::kCancelled);
      state_ = State::kSigning;
      sign_job_.rows = all_rows();
      sign_job_.forget = {};
      (void)context_->records->newest_head(context_->self, &sign_job_.forget.highest,
                                           &sign_job_.forget.highest_hash);
      return context_->submit(Lane::kWork, &sign_job_, this);
    case State::kSigning:
      if (cancelled_) return finish(Status::kCancelled);
      return publish();
    case State::kPublishing:
      return finish(Status::kOk);
  }
}

Status ForgetOp::take(const SnapshotInfo& info) {
  std::array<char, 2 * StatementId::kSize> hex;
  DREY_CHECK(hex_encode(info.id.bytes(), hex));
  bool own = info.node == context_->self;
  for (size_t i = 0; i < wanted_count_; ++i) {
    Wanted& wanted = wanted_[i];
    bool match = wanted.latest ? own
                               : std::string_view(hex.data(), hex.size())
                                     .starts_with({wanted.digits.data(), wanted.digit_count});
    if (!match) continue;
    if (wanted.latest && info.set() == kFilesSet) continue;
    wanted.found = wanted.latest ? 1 : wanted.found + 1;
    wanted.foreign = wanted.foreign || !own;
    wanted.found_row = row_count_;
  }
  if (!own) return Status::kOk;
  if (row_count_ == kRowsMax) return Status::kTooLarge;
  RetentionRow* row = new (&rows()[row_count_++]) RetentionRow;  // in the slot's bytes
  row->sequence = info.sequence;
  row->time_ns = info.time_ns;
  row->set = set_tag(info.set());
  row->id = info.id;
  if (info.set() == kFilesSet) newest_table_ = row_count_ - 1;
  return Status::kOk;
}

Status ForgetOp::mark_named() {
  for (size_t i = 0; i < wanted_count_; ++i) {
    const Wanted& wanted = wanted_[i];
    result_.at = i;
    if (wanted.found == 0) return Status::kNotFound;
    if (wanted.found > 1) return Status::kExists;
    if (wanted.foreign) return Status::kDenied;
    if (wanted.found_row == newest_table_) return Status::kUnsupported;
  }
  for (size_t i = 0; i < wanted_count_; ++i) rows()[wanted_[i].found_row].removed = true;
  return Status::kOk;
}

void ForgetOp::decide() {
  Status status = mark_named();
  if (!ok(status)) return finish(status);
  apply_retention(policy_, context_->clock->wall_ns(), all_rows(), only_set_);
  for (const RetentionRow& row : all_rows()) {
    if (!row.removed) {
      ++result_.kept;
      continue;
    }
    if (result_.removed < result_.ids.size())
      result_.ids[static_cast<size_t>(result_.removed)] = row.id;
    ++result_.removed;
  }
  if (dry_run_ || result_.removed == 0) return finish(Status::kOk);
  state_ = State::kReading;
  read_job_.owner = context_->self;
  read_job_.known = context_->records->forget_number(context_->self);
  context_->submit(Lane::kStore, &read_job_, this);
}

Status ForgetOp::ReadJob::run() {
  number = store->next_number();
  if (known >= number) {
    // Told by a peer, to a node whose own card forgot: numbers go on above it.
    store->raise_number(known);
    number = store->next_number();
  }
  size = 0;
  if (known == 0) return Status::kOk;
  return store->read_statement(StatementKind::kForget, forget_key(owner, known), statement, &size);
}

Status ForgetOp::SignJob::run() {
  Forget old;
  if (read->size > 0) DREY_TRY(decode_forget(Bytes(read->statement).first(read->size), &old));
  ranges.begin(read->size > 0 ? &old : nullptr);
  for (const RetentionRow& row : rows)
    if (row.removed) DREY_TRY(ranges.add(row.sequence));
  DREY_TRY(ranges.finish());
  forget.owner = context->self;
  forget.number = read->number;
  forget.range_count = ranges.count();
  forget.ranges = ranges.bytes();
  Result<size_t> encoded =
      encode_forget(*context->sign_key, context->keyring->mesh(), &forget, read->statement);
  if (!encoded.ok()) return encoded.status();
  size = encoded.value();
  return Status::kOk;
}

void ForgetOp::publish() {
  state_ = State::kPublishing;
  publish_ = StatementRequest{};
  publish_.kind = StatementKind::kForget;
  publish_.statement = Bytes(read_job_.statement).first(sign_job_.size);
  publish_.op = this;
  context_->records->publish(&publish_);
}

void ForgetOp::finish(Status status) {
  bool limit = status == Status::kTooLarge;
  result_.too_many_snapshots = limit && state_ == State::kScanning;
  result_.too_many_ranges = limit && state_ == State::kSigning;
  result_.status = status;
  if (!ok(status)) result_.removed = 0;
  context_->slots.give(kUser, table_);
  context_->slots.leave(kUser);
  state_ = State::kIdle;
  Op* done = done_;
  done_ = nullptr;
  done->complete(status);
}

}  // namespace drey
