#include "store/entry_walk.h"

#include <algorithm>

namespace drey {

Status EntryWalk::open(Disk* disk, uint32_t number, uint64_t salt, bool sealed, uint64_t end) {
  DREY_TRY(reader_.open(disk, number, true, salt));
  end_ = std::min(end, reader_.end());
  reader_.set_end(end_);
  table_ = sealed && reader_.sealed() && reader_.header().table_offset <= end &&
           ok(reader_.verify_table());
  return reader_.read_errors() == 0 ? Status::kOk : Status::kIo;
}

void EntryWalk::seek(uint64_t offset) {
  at_ = offset;
  if (!table_) reader_.seek(offset);
}

Status EntryWalk::next(SegmentEntry* entry) {
  while (true) {
    Status status = table_ ? reader_.next_row(entry) : reader_.next(false, entry);
    if (reader_.read_errors() != 0) return Status::kIo;
    if (status == Status::kCorrupt) return Status::kIo;  // a table that verified a moment ago
    DREY_TRY(status);
    if (entry->end() > round_to_step(end_)) return Status::kEnd;
    if (entry->offset < at_) continue;  // rows cannot be sought
    at_ = entry->end();
    return Status::kOk;
  }
}

}  // namespace drey
