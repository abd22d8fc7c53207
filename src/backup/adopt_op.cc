#include "backup/adopt_op.h"

#include "codec/seal.h"

namespace drey {

void AdoptOp::start(BackupContext* context, Committer* committer, PageCursor* cursor) {
  context_ = context;
  committer_ = committer;
  cursor_ = cursor;
  bind(context->ready);
  loader_.start(context);
  scan_.store = own_.store = context->store;
  scan_.keyring = context->keyring;
}

const char* AdoptOp::state_name() const {
  switch (state_) {
    case State::kIdle:
      return "idle";
    case State::kScanning:
      return "scanning";
    case State::kWalking:
      return "walking";
    case State::kWaitingForSlot:
      return "waiting_for_slot";
    case State::kFetching:
      return "fetching";
    case State::kOpening:
      return "opening";
    case State::kClaiming:
      return "claiming";
    case State::kCommitting:
      return "committing";
  }
  return "?";
}

Status AdoptOp::begin(Op* done) {
  if (running()) return Status::kBusy;
  if (committer_ == nullptr) return Status::kUnsupported;
  DREY_TRY(context_->slots.enter(kUser, 1));
  done_ = done;
  cancelled_ = walked_ = false;
  missing_ = 0;
  own_.count = 0;
  own_.ticket = 0;
  seen_ = {};
  scan_.begin(nullptr);
  head_at_ = 0;
  state_ = State::kScanning;
  context_->submit(Lane::kStore, &scan_, this);
  return Status::kOk;
}

void AdoptOp::tick() {
  if (state_ == State::kWaitingForSlot && !is_queued()) complete(Status::kOk);
}

void AdoptOp::step(Status status) {
  switch (state_) {
    case State::kIdle:
      return;
    case State::kScanning:
      if (!ok(status)) return finish(status);
      head_at_ = 0;
      return next_head();
    case State::kWaitingForSlot:
      return load_page();
    case State::kFetching:
      if (!ok(status)) return page_done(status);
      state_ = State::kOpening;
      return loader_.open(cursor_->room(), this);
    case State::kOpening:
      return page_done(status);
    case State::kClaiming:
      if (!ok(status)) return finish(status);
      own_.count = 0;
      return walked_ ? commit() : walk();
    case State::kCommitting:
      if (!ok(status)) return finish(status);
      return finish(missing_ > 0 ? Status::kNotEnough : Status::kOk);
    case State::kWalking:
      DREY_CHECK(false);
  }
}

void AdoptOp::next_head() {
  if (cancelled_) return finish(Status::kCancelled);
  while (head_at_ < scan_.count && !context_->is_own(scan_.infos[head_at_].node)) ++head_at_;
  if (head_at_ < scan_.count) {
    const SnapshotInfo& info = scan_.infos[head_at_++];
    cursor_->start({info.root_d, info.root_c, info.root_level});
    cursor_status_ = cursor_->seek({});
    extent_at_ = 0;
    return walk();
  }
  if (!scan_.ended) {
    state_ = State::kScanning;
    return context_->submit(Lane::kStore, &scan_, this);
  }
  walked_ = true;
  write_claims();
}

void AdoptOp::walk() {
  state_ = State::kWalking;
  while (true) {
    if (cancelled_) return finish(Status::kCancelled);
    if (own_.count == own_.rows.size()) return write_claims();
    if (cursor_status_ == Status::kAgain) {
      const PageRef page = cursor_->wants();
      bool first = claim(page.d, page.c, ChunkType::kPage);
      // Pages further up are met again on every way down to a further child.
      if (first || page.level > 1) return load_page();
      cursor_status_ = cursor_->failed();  // walked before: go on behind it
    } else if (ok(cursor_status_)) {
      if (!claim_row()) continue;
      extent_at_ = 0;
      cursor_status_ = cursor_->next();
    } else {
      if (cursor_status_ != Status::kEnd) ++missing_;
      return next_head();
    }
  }
}

// False when there was no room for all of its extents.
bool AdoptOp::claim_row() {
  const Row& row = cursor_->row();
  ByteReader reader(row.extents);
  for (size_t i = 0; i < row.extent_count; ++i) {
    Extent extent = decode_extent(reader);
    if (i < extent_at_) continue;
    if (own_.count == own_.rows.size()) return false;
    extent_at_ = i + 1;
    if (!extent.hole) (void)claim(extent.d, extent.c, ChunkType::kData);
  }
  return true;
}

// True when it was not met before.
bool AdoptOp::claim(const ContentId& d, const ChunkId& c, ChunkType type) {
  uint64_t tag = load_le<uint64_t>(c.raw.data());
  uint64_t& seen = seen_[static_cast<size_t>(tag % seen_.size())];
  if (seen == tag) return false;
  seen = tag;
  OwnedRecord& row = own_.rows[own_.count++];
  row.c = c;
  row.d = d;
  row.type = type;
  row.size = 0;
  return true;
}

Status AdoptOp::OwnJob::run() {
  for (size_t i = 0; i < count; ++i) {
    RecordState state;
    if (ok(store->find(rows[i].c, &state))) rows[i].size = state.size;
  }
  if (count == 0) return Status::kOk;
  return store->own(std::span(rows).first(count), store->next_number(), &ticket);
}

void AdoptOp::write_claims() {
  state_ = State::kClaiming;
  context_->submit(Lane::kStore, &own_, this);
}

void AdoptOp::commit() {
  if (own_.ticket == 0) return finish(missing_ > 0 ? Status::kNotEnough : Status::kOk);
  state_ = State::kCommitting;
  waiter_ = CommitWaiter{};
  waiter_.op = this;
  committer_->wait(own_.ticket, &waiter_);
}

void AdoptOp::load_page() {
  record_ = context_->slots.take(kUser);
  if (record_ == nullptr) {
    state_ = State::kWaitingForSlot;
    return;
  }
  state_ = State::kFetching;
  const PageRef& page = cursor_->wants();
  loader_.fetch(page.d, page.c, ChunkType::kPage, record_, this);
}

void AdoptOp::page_done(Status status) {
  context_->slots.give(kUser, record_);
  if (ok(status)) {
    cursor_status_ = cursor_->loaded(loader_.size());
  } else {
    ++missing_;
    cursor_status_ = cursor_->failed();
  }
  walk();
}

void AdoptOp::finish(Status status) {
  context_->slots.leave(kUser);
  state_ = State::kIdle;
  Op* done = done_;
  done_ = nullptr;
  done->complete(status);
}

}  // namespace drey
