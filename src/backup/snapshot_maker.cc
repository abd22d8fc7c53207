#include "backup/snapshot_maker.h"

#include "drey/check.h"

namespace drey {

void SnapshotMaker::start(const MakerOptions& options) {
  options_ = options;
  phase_ = Phase::kNext;
  begin();
  root_error_ = {};
  error_count_ = held_count_ = checked_at_ = 0;
  checked_ = {};
  found_ = false;
  walker_.start(options_.tree, &options_.walk, this);
  reader_.start(options_.tree, options_.chunker, options_.sizes);
  life_.reset();
  previous_on_ = options_.has_previous;
  if (previous_on_) {
    previous_.start(options_.previous);
    previous_status_ = previous_.seek({});
  }
}

void SnapshotMaker::stop() {
  walker_.stop();
  reader_.stop();
  phase_ = Phase::kDone;
}

SnapshotMaker::Step SnapshotMaker::step() {
  if (!ok(status_)) return go();
  switch (phase_) {
    case Phase::kNext:
      return next_item();
    case Phase::kLookup:
      return lookup();
    case Phase::kCompare:
      return compare();
    case Phase::kPeekRoot:
      return peek_root();
    case Phase::kOther:
      return make_other();
    case Phase::kCheckHeld:
      return check_held();
    case Phase::kCopy:
      return copy_row();
    case Phase::kCopyNext:
      return copy_next();
    case Phase::kOpen:
      return open();
    case Phase::kRead:
      return read();
    case Phase::kPartRow:
      return push_row(Phase::kRead);
    case Phase::kLastRow:
      return push_row(Phase::kNext);
    case Phase::kFinish:
      return finish();
    case Phase::kDone:
      return need(Need::kDone);
  }
  return go();
}

void SnapshotMaker::previous_lost(Status) { previous_status_ = previous_.failed(); }

void SnapshotMaker::failed(std::string_view path, Status why) {
  ++progress_.errors;
  if (error_count_ == errors_.size()) return;
  BackupError& error = errors_[error_count_++];
  error.status = why;
  error.path_size = static_cast<uint16_t>(std::min(path.size(), error.path_data.size()));
  std::copy_n(path.begin(), error.path_size, error.path_data.begin());
}

void SnapshotMaker::fail(Status why, std::string_view root) {
  status_ = why;
  root_error_.status = why;
  root_error_.path_size =
      static_cast<uint16_t>(std::min(root.size(), root_error_.path_data.size()));
  std::copy_n(root.begin(), root_error_.path_size, root_error_.path_data.begin());
}

// Nothing can go on. When the oldest row waits for the bundle that is still open, the bundle ends
// early: so bundles of small files span larger files between them, as far as the queue reaches.
SnapshotMaker::Step SnapshotMaker::wait() {
  RowKey key;
  Bytes body;
  if (reader_.bundle() != 0 && queue_.front(&key, &body) == Status::kAgain &&
      queue_.front_waits_for() == reader_.bundle()) {
    reader_.close_bundle();
    return go();
  }
  return need(Need::kWait);
}

SnapshotMaker::Step SnapshotMaker::push_row(Phase then) {
  // A file whose extents filled the last row exactly leaves an empty one.
  bool empty = draft_.key().offset != 0 && draft_.extent_count() == 0;
  if (!empty && !queue_.push(draft_)) return wait();
  if (phase_ == Phase::kPartRow) {
    Status status = draft_.begin(item_.path, nullptr, draft_.end());
    DREY_CHECK(ok(status));
  }
  if (phase_ == Phase::kLastRow && item_.stat.kind == FileKind::kFile) return end_file(false);
  phase_ = then;
  return go();
}

SnapshotMaker::Step SnapshotMaker::next_item() {
  Status status = walker_.next(&item_);
  if (status == Status::kEnd) {
    phase_ = Phase::kFinish;
    return go();
  }
  if (!ok(status)) {
    fail(status, item_.path);
    return go();
  }
  ++progress_.entries;
  phase_ = Phase::kLookup;
  return go();
}

SnapshotMaker::Step SnapshotMaker::finish() {
  if (reader_.bundle() != 0) {
    reader_.close_bundle();
    return go();
  }
  Step last = finish_pages();
  if (last.needs && last.need == Need::kDone) phase_ = Phase::kDone;
  return last;
}

}  // namespace drey
