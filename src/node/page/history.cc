#include "node/page/history.h"

#include <algorithm>

#include "backup/backup.h"

namespace drey {
namespace {

constexpr int64_t kDayNs = 86400ll * 1'000'000'000;

}  // namespace

void SnapshotHistory::start(ReadyQueue* ready, BackupService* backup, const NodeId& self) {
  backup_ = backup;
  self_ = self;
  listed_.set(ready, this, &SnapshotHistory::listed);
}

// Rows come in the order of their owners; while they come the page may show a part of them.
void SnapshotHistory::tick(uint64_t changes, int64_t wall_ns) {
  if (backup_ == nullptr || listing_ || changes == seen_changes_) return;
  if (!ok(backup_->list_snapshots(this, &listed_))) return;  // one query at a time: next tick
  listing_ = true;
  seen_changes_ = changes;
  begin(wall_ns);
}

void SnapshotHistory::begin(int64_t wall_ns) {
  count_ = row_count_ = 0;
  days_ = {};
  first_day_ = std::max<int64_t>(wall_ns, 0) / kDayNs - static_cast<int64_t>(kDays) + 1;
}

bool SnapshotHistory::row(const SnapshotInfo& info) {
  add(info);
  return true;
}

void SnapshotHistory::listed(Status) { listing_ = false; }

void SnapshotHistory::add(const SnapshotInfo& info) {
  ++count_;
  int64_t day = std::max<int64_t>(info.time_ns, 0) / kDayNs - first_day_;
  if (day >= 0 && day < static_cast<int64_t>(kDays)) {
    Day& of = days_[static_cast<size_t>(day)];
    ++of.snapshots;
    of.added_bytes += info.added_bytes;
  }
  // Newest first; the oldest falls off the end.
  size_t at = row_count_;
  while (at > 0 && rows_[at - 1].time_ns < info.time_ns) --at;
  if (at == kRowsMax) return;
  row_count_ = std::min(row_count_ + 1, kRowsMax);
  std::move_backward(rows_.begin() + static_cast<std::ptrdiff_t>(at),
                     rows_.begin() + static_cast<std::ptrdiff_t>(row_count_) - 1,
                     rows_.begin() + static_cast<std::ptrdiff_t>(row_count_));
  Row& row = rows_[at];
  Bytes id = info.id.bytes();
  std::copy(id.begin(), id.end(), row.id.begin());
  row.node = info.node;
  row.time_ns = info.time_ns;
  row.files = info.files;
  row.bytes = info.bytes;
  row.added_bytes = info.added_bytes;
  row.errors = info.errors;
  row.own = info.node == self_;
  row.set_size = info.set_size;
  row.set_data = info.set_data;
}

}  // namespace drey
