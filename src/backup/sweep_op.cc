#include "backup/sweep_op.h"

#include <algorithm>

#include "codec/seal.h"

namespace drey {

void SweepOp::start(BackupContext* context, Committer* committer, PageCursor* cursor) {
  context_ = context;
  committer_ = committer;
  cursor_ = cursor;
  bind(context->ready);
  loader_.start(context);
  Store* store = context->store;
  scan_.store = count_.store = owner_job_.store = look_up_.store = store;
  choose_.store = clear_.store = store;
  scan_.keyring = context->keyring;
  look_up_.kept = &kept_;
  choose_.kept = &kept_;
  choose_.self = context->self;
  count_.rows = choose_.rows = &rows_;
  clear_.choose = &choose_;
}

const char* SweepOp::state_name() const {
  switch (state_) {
    case State::kIdle:
      return "idle";
    case State::kCounting:
      return "counting";
    case State::kOpeningOwner:
      return "opening_owner";
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
    case State::kLookingUp:
      return "looking_up";
    case State::kChoosing:
      return "choosing";
    case State::kCommitting:
      return "committing";
    case State::kClearing:
      return "clearing";
    case State::kPausing:
      return "pausing";
  }
  return "?";
}

Status SweepOp::begin(Op* done) {
  if (running()) return Status::kBusy;
  if (committer_ == nullptr) return Status::kUnsupported;
  std::array<uint8_t, 8> salt;
  DREY_TRY(context_->random->fill(salt));
  DREY_TRY(context_->slots.enter(kUser, 2));
  filter_ = context_->slots.take(kUser);
  if (filter_ == nullptr) {
    context_->slots.leave(kUser);
    return Status::kBusy;
  }
  salt_ = load_le<uint64_t>(salt.data());
  done_ = done;
  cancelled_ = false;
  result_ = {};
  pass_ = 0;
  count_.after = {};
  count_.mine = count_.number = look_up_.unclaimed = 0;
  look_up_.ticket = choose_.claimed = 0;
  state_ = State::kCounting;
  context_->submit(Lane::kStore, &count_, this);
  return Status::kOk;
}

void SweepOp::tick() {
  bool waits = state_ == State::kWaitingForSlot || state_ == State::kPausing;
  if (waits && !is_queued()) complete(Status::kOk);
}

void SweepOp::step(Status status) {
  if (state_ == State::kIdle) return;
  if (state_ == State::kFetching || state_ == State::kOpening) {
    if (ok(status) && state_ == State::kFetching) {
      state_ = State::kOpening;
      return loader_.open(cursor_->room(), this);
    }
    return page_done(status);
  }
  if (!ok(status)) return finish(status);
  if (cancelled_) return finish(Status::kCancelled);
  switch (state_) {
    case State::kCounting:
      if (!count_.ended) return context_->submit(Lane::kStore, &count_, this);
      result_.number = choose_.number = look_up_.number = count_.number;
      pass_count_ = KeptSet::passes(count_.mine, filter_->room().size());
      return begin_pass();
    case State::kOpeningOwner:
      return owner_opened();
    case State::kScanning:
      if (!take_heads()) return finish(Status::kNotEnough);
      return next_head();
    case State::kWaitingForSlot:
      return load_page();
    case State::kLookingUp:
      look_up_.count = 0;
      return walked_ ? choose() : walk();
    case State::kChoosing:
      if (choose_.busy) {
        state_ = State::kPausing;
        return;
      }
      if (choose_.clear_count == 0 && choose_.ticket == 0) return choose();
      state_ = State::kCommitting;
      waiter_ = CommitWaiter{};
      waiter_.op = this;
      return committer_->wait(choose_.ticket, &waiter_);
    case State::kCommitting:
      choose_.claimed = 0;
      state_ = State::kClearing;
      return context_->submit(Lane::kStore, &clear_, this);
    case State::kClearing:
    case State::kPausing:
      return choose();
    default:
      DREY_CHECK(false);
  }
}

// Counting ends with a number above all that own pins and claims have: the unpins spare whatever
// is pinned from now on.
Status SweepOp::CountJob::run() {
  if (number == 0) number = store->next_number();
  size_t count = 0;
  DREY_TRY(store->scan_records(after, *rows, &count));
  for (size_t i = 0; i < count; ++i) mine += (*rows)[i].state.mine ? 1 : 0;
  ended = count < rows->size();
  if (count > 0) after = (*rows)[count - 1].c;
  return Status::kOk;
}

// ---- The kept heads ----

void SweepOp::begin_pass() {
  kept_.begin(filter_->room(), salt_, pass_, pass_count_);
  pages_ = {};
  seen_ = {};
  look_up_.count = 0;
  walked_ = false;
  owner_ = context_->self;
  open_owner();
}

void SweepOp::open_owner() {
  sequence_ = 0;
  owner_job_.owner = owner_;
  owner_job_.number = context_->records->forget_number(owner_);
  state_ = State::kOpeningOwner;
  context_->submit(Lane::kStore, &owner_job_, this);
}

Status SweepOp::OwnerJob::run() {
  forget = {};
  if (number == 0) return Status::kOk;
  size_t size = 0;
  Status status =
      store->read_statement(StatementKind::kForget, forget_key(owner, number), bytes, &size);
  if (ok(status)) status = decode_forget(Bytes(bytes).first(size), &forget);
  // Without it nobody can say which heads are missing and which were removed.
  return status == Status::kIo || ok(status) ? status : Status::kNotEnough;
}

void SweepOp::owner_opened() {
  scan_.begin(&owner_);
  head_at_ = 0;
  state_ = State::kScanning;
  context_->submit(Lane::kStore, &scan_, this);
}

// Whether all of these sequences were removed. Ranges do not touch, so one of them covers it all.
bool SweepOp::is_removed(uint64_t first, uint64_t last) const {
  if (first > last) return true;
  for (size_t i = 0; i < owner_job_.forget.range_count; ++i) {
    SequenceRange range = owner_job_.forget.range(i);
    if (range.first <= first) {
      if (range.last >= last) return true;
      continue;
    }
    return false;
  }
  return false;
}

// False when a head is missing that was not removed, or one cannot be opened.
bool SweepOp::take_heads() {
  head_at_ = 0;
  for (size_t i = 0; i < scan_.count; ++i) {
    if (!is_removed(sequence_ + 1, scan_.infos[i].sequence - 1)) return false;
    sequence_ = scan_.infos[i].sequence;
  }
  if (!scan_.ended) return scan_.unreadable == 0;
  uint64_t highest = 0;
  Key32 hash;
  if (!context_->records->newest_head(owner_, &highest, &hash)) highest = 0;
  return scan_.unreadable == 0 && is_removed(sequence_ + 1, highest);
}

void SweepOp::next_head() {
  // What was removed a moment ago may still lie in the log.
  while (head_at_ < scan_.count && owner_job_.forget.contains(scan_.infos[head_at_].sequence))
    ++head_at_;
  if (head_at_ < scan_.count) {
    const SnapshotInfo& info = scan_.infos[head_at_++];
    cursor_->start({info.root_d, info.root_c, info.root_level});
    cursor_status_ = cursor_->seek({});
    extent_at_ = 0;
    return walk();
  }
  if (scan_.ended) return next_owner();
  state_ = State::kScanning;
  context_->submit(Lane::kStore, &scan_, this);
}

void SweepOp::next_owner() {
  owner_ = context_->records->ancestor(owner_);
  if (!owner_.is_zero()) return open_owner();
  walked_ = true;
  look_up();
}

// ---- Their pages ----

void SweepOp::walk() {
  state_ = State::kWalking;
  while (true) {
    if (cancelled_) return finish(Status::kCancelled);
    if (look_up_.count == look_up_.rows.size()) return look_up();
    if (cursor_status_ == Status::kAgain) {
      const PageRef page = cursor_->wants();
      note(page.d, page.c, ChunkType::kPage);
      if (!walked_before(page)) return load_page();
      cursor_status_ = cursor_->failed();  // goes on behind it
    } else if (ok(cursor_status_)) {
      if (!note_row()) continue;
      extent_at_ = 0;
      cursor_status_ = cursor_->next();
    } else if (cursor_status_ == Status::kEnd) {
      return next_head();
    } else {
      return finish(Status::kNotEnough);
    }
  }
}

// Pages further up are met again on every way down to a further child: they are never skipped.
bool SweepOp::walked_before(const PageRef& page) {
  if (page.level > 1) return false;
  ChunkId& row = pages_[load_le<uint16_t>(page.c.raw.data()) % pages_.size()];
  if (row == page.c) return true;
  row = page.c;
  return false;
}

// False when there was no room for all of its extents.
bool SweepOp::note_row() {
  const Row& row = cursor_->row();
  ByteReader reader(row.extents);
  for (size_t i = 0; i < row.extent_count; ++i) {
    Extent extent = decode_extent(reader);
    if (i < extent_at_) continue;
    if (look_up_.count == look_up_.rows.size()) return false;
    extent_at_ = i + 1;
    if (!extent.hole) note(extent.d, extent.c, ChunkType::kData);
  }
  return true;
}

void SweepOp::note(const ContentId& d, const ChunkId& c, ChunkType type) {
  ChunkId& seen = seen_[load_le<uint16_t>(c.raw.data()) % seen_.size()];
  if (seen == c) return;
  seen = c;
  look_up_.rows[look_up_.count++] = {d, c, type};
}

void SweepOp::look_up() {
  state_ = State::kLookingUp;
  context_->submit(Lane::kStore, &look_up_, this);
}

Status SweepOp::LookUpJob::run() {
  for (size_t i = 0; i < count; ++i) {
    kept->add(rows[i].c);
    ChunkId c;
    RecordState state;
    Status status = store->find_content(rows[i].d, &c, &state);
    bool other = ok(status);
    if (status != Status::kNotFound) DREY_TRY(status);
    if (other) kept->add(c);
    if (!other || c != rows[i].c) DREY_TRY(claim(rows[i], other));
  }
  return Status::kOk;
}

// A kept snapshot names a record that is perhaps not claimed any more. Where its content has
// another record by now, D goes on leading there: then it is only counted.
Status SweepOp::LookUpJob::claim(const Row& row, bool other) {
  RecordState state;
  Status status = store->find(row.c, &state);
  if (!ok(status) && status != Status::kNotFound) return status;
  if (ok(status) && state.mine) return Status::kOk;
  ++unclaimed;
  if (other) return Status::kOk;
  OwnedRecord owned{row.c, row.d, ok(status) ? state.size : 0, row.type};
  return store->own({&owned, 1}, number, &ticket);
}

void SweepOp::load_page() {
  record_ = context_->slots.take(kUser);
  if (record_ == nullptr) {
    state_ = State::kWaitingForSlot;
    return;
  }
  state_ = State::kFetching;
  const PageRef& page = cursor_->wants();
  loader_.fetch(page.d, page.c, ChunkType::kPage, record_, this);
}

void SweepOp::page_done(Status status) {
  context_->slots.give(kUser, record_);
  if (cancelled_) return finish(Status::kCancelled);
  if (!ok(status)) return finish(Status::kNotEnough);
  cursor_status_ = cursor_->loaded(loader_.size());
  walk();
}

// ---- What goes ----

void SweepOp::choose() {
  if (state_ == State::kLookingUp) {
    choose_.claimed = look_up_.ticket;
    choose_.after = kept_.before();
    choose_.ended = false;
    choose_.kept_count = choose_.removed_count = 0;
  } else if (choose_.ended) {
    return end_pass();
  }
  state_ = State::kChoosing;
  context_->submit(Lane::kStore, &choose_, this);
}

Status SweepOp::ChooseJob::run() {
  ticket = claimed;
  clear_count = 0;
  busy = false;
  size_t count = 0;
  DREY_TRY(store->scan_records(after, *rows, &count));
  std::array<ChunkId, kRowsPerJob> unpin;
  size_t unpin_count = 0;
  uint64_t kept_here = 0;
  bool behind = count < rows->size();
  for (size_t i = 0; i < count; ++i) {
    const RecordRow& row = (*rows)[i];
    if (kept->is_behind(row.c)) {
      behind = true;
      break;
    }
    if (row.state.mine && kept->has(row.c)) {
      ++kept_here;
      continue;
    }
    if (row.state.mine) unpin[unpin_count++] = row.c;
    if (row.state.holders != 0) clear[clear_count++] = row.c;
  }
  if (unpin_count > 0) {
    Ticket unpinned = 0;
    Status status = store->append_unpin(
        self, number, std::span<const ChunkId>(unpin).first(unpin_count), &unpinned);
    busy = status == Status::kBusy;
    if (busy) return Status::kOk;
    DREY_TRY(status);
    ticket = std::max(ticket, unpinned);
  }
  kept_count += kept_here;
  removed_count += unpin_count;
  ended = behind;
  if (count > 0) after = (*rows)[count - 1].c;
  return Status::kOk;
}

Status SweepOp::ClearJob::run() {
  if (choose->clear_count == 0) return Status::kOk;
  return store->update_holders(std::span(choose->clear).first(choose->clear_count), 0,
                               ~uint64_t{0});
}

void SweepOp::end_pass() {
  result_.kept += choose_.kept_count;
  result_.removed += choose_.removed_count;
  if (++pass_ == pass_count_) return finish(Status::kOk);
  begin_pass();
}

void SweepOp::finish(Status status) {
  context_->slots.give(kUser, filter_);
  context_->slots.leave(kUser);
  state_ = State::kIdle;
  result_.status = status;
  result_.unclaimed = look_up_.unclaimed;
  Op* done = done_;
  done_ = nullptr;
  done->complete(status);
}

}  // namespace drey
