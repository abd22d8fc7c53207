// BackupOp's other half: a change of the table of single files. It takes the same way as a backup,
// so that an upload is acknowledged exactly when a backup would be.
#include "backup/backup_op.h"

namespace drey {

Status BackupOp::change_files(const FileChange& change, bool waits, Op* input, Op* done) {
  if (running()) return Status::kBusy;
  DREY_TRY(table_.set_change(change));
  maker_ = &table_;
  input_ = input;
  info_ = {};
  info_.set_size = static_cast<uint8_t>(kFilesSet.size());
  std::copy(kFilesSet.begin(), kFilesSet.end(), info_.set_data.begin());
  return enter(waits, done);
}

Status BackupOp::start_table() {
  // A head of this device that cannot be opened may be its newest table: nothing is built on an
  // older one.
  if (scan_.unreadable_own > 0) return Status::kNotEnough;
  TableOptions options;
  options.chunker = &*chunker_;
  options.sizes = context_->chunk_sizes;
  options.has_previous = has_previous_;
  if (has_previous_) options.previous = {previous_.root_d, previous_.root_c, previous_.root_level};
  options.time_ns = context_->clock->wall_ns();
  std::array<uint8_t, 8> random;
  DREY_TRY(context_->random->fill(random));
  options.random = load_le<uint64_t>(random.data());
  table_.start(options);
  return Status::kOk;
}

bool BackupOp::wants_input() {
  return maker_ == &table_ && state_ == State::kWalking && ok(failure_) && !maker_busy_ &&
         need_ == Maker::Need::kInput && !table_.input().enough();
}

MutBytes BackupOp::input_room() { return wants_input() ? table_.input().room() : MutBytes(); }

void BackupOp::input_filled(size_t size) {
  table_.input().filled(size);
  if (table_.input().enough()) poke();
}

void BackupOp::finish_table(Status status) {
  bool published = ok(status) && table_.publishes();
  // After `same` or "no such version" the newest table is the one before.
  file_result_.old_tables = table_count_ - (table_count_ > 0 && !published ? 1 : 0);
  file_result_.id = table_.id();
  file_result_.same = ok(status) && table_.same();
  file_result_.status = status;
}

}  // namespace drey
