// Finding damage, and mending the index: the check after an unclean start, the re-reading of
// retired segments, and what maintain() does each second.
#include <algorithm>

#include "drey/check.h"
#include "store/store.h"

namespace drey {

// The row stays (its pins are known), but it no longer counts as held: digests differ, the owner
// pushes it again.
Status Store::lose_place(const ChunkId& c, uint64_t place) {
  IndexRow row;
  Status status = index_.get(c, &row);
  if (status == Status::kNotFound) return Status::kOk;
  DREY_TRY(status);
  if (!row.held() || row.place != place) return Status::kOk;
  DeadShift dead(row);
  row.flags = static_cast<uint8_t>(row.flags & ~IndexRow::kHeld);
  DREY_TRY(index_.update(c, row));
  DREY_TRY(shift_dead(dead, row));
  --records_;
  ++stats_.corrupt;
  return Status::kOk;
}

struct Store::GapRows {
  uint64_t from = 0;  // packed places
  uint64_t to = 0;
  std::array<ChunkId, 64> chunks;
  std::array<uint64_t, 64> places{};
  size_t count = 0;
};

// Where no entry verifies any more, whatever the index believes to be there is lost. A scan of all
// rows: rare, and cheaper than a third tree by place.
Status Store::lose_gap(uint32_t number, uint64_t from, uint64_t to) {
  auto visit = [](void* context, const ChunkId& c, const IndexRow& row) {
    auto& gap = *static_cast<GapRows*>(context);
    if (!row.held() || row.place < gap.from || row.place >= gap.to) return true;
    gap.chunks[gap.count] = c;
    gap.places[gap.count++] = row.place;
    return gap.count < gap.chunks.size();
  };
  GapRows gap;
  gap.from = Place::at(number, from).packed();
  gap.to = Place::at(number, to).packed();
  ChunkId last;
  last.raw.fill(0xff);
  ChunkId after;
  do {
    gap.count = 0;
    DREY_TRY(index_.scan(after, last, visit, &gap));
    for (size_t i = 0; i < gap.count; ++i) DREY_TRY(lose_place(gap.chunks[i], gap.places[i]));
    if (gap.count != 0) after = gap.chunks[gap.count - 1];
  } while (gap.count == gap.chunks.size());
  for (StatementKind kind : kStatementKinds) {
    StatementKey key{};
    std::array<StatementRow, 16> rows;
    size_t count = 0;
    do {
      DREY_TRY(index_.scan_statements(kind, key, rows, &count));
      for (size_t i = 0; i < count; ++i) {
        uint64_t place = 0;
        uint32_t size = 0;
        key = rows[i].key;
        DREY_TRY(index_.get_statement(kind, key, &place, &size));
        if (place < gap.from || place >= gap.to) continue;
        DREY_TRY(forget_statement(kind, key));
      }
    } while (count == rows.size());
  }
  return Status::kOk;
}

// A later entry of the same key may have healed it already.
Status Store::lose_statement(uint32_t number, const SegmentEntry& entry) {
  auto kind = static_cast<StatementKind>(entry.header.kind);
  StatementKey key = statement_key(entry.header);
  uint64_t place = 0;
  uint32_t size = 0;
  Status status = index_.get_statement(kind, key, &place, &size);
  if (status == Status::kNotFound) return Status::kOk;
  DREY_TRY(status);
  if (place != Place::at(number, entry.offset).packed()) return Status::kOk;
  return forget_statement(kind, key);
}

// Out of the index, so that the mesh gives it to us once more.
Status Store::forget_statement(StatementKind kind, const StatementKey& key) {
  ++stats_.corrupt;
  if (options_.log != nullptr)
    options_.log->warning("store: a %s is damaged; asking the other devices for it",
                          kind == StatementKind::kHead ? "snapshot's head" : "statement");
  if (lost_count_ < lost_.size()) lost_[lost_count_++] = {kind, key};
  return index_.remove_statement(kind, key);
}

size_t Store::take_lost_statements(std::span<LostStatement> to) {
  size_t count = std::min(to.size(), lost_count_);
  std::copy_n(lost_.begin(), count, to.begin());
  std::copy(lost_.begin() + count, lost_.begin() + lost_count_, lost_.begin());
  lost_count_ -= count;
  return count;
}

Status Store::verify_entry(uint32_t number, const SegmentEntry& entry, SegmentReader& reader,
                           bool insist) {
  const EntryHeader& header = entry.header;
  if (header.type == EntryType::kRecord) {
    Key32 digest;
    DREY_TRY(reader.hash_body(entry, &digest));
    if (digest == header.key) return Status::kOk;
    if (!insist && reader.read_errors() != 0) return Status::kIo;
    return lose_place(ChunkId::from(header.key), Place::at(number, entry.offset).packed());
  }
  if (header.length > batch_.size()) return Status::kOk;
  Status status = reader.read_body(entry, MutBytes(batch_).first(header.length));
  if (ok(status)) return Status::kOk;
  if (!insist && reader.read_errors() != 0) return Status::kIo;
  if (header.type == EntryType::kStatement) return lose_statement(number, entry);
  ++stats_.corrupt;  // batches: the index still knows what they said
  return Status::kOk;
}

// Re-reads entries in [from, to) past the page cache; `from` is a boundary. Whatever does not
// verify is no longer held. kIo: a place could not be read, which is not to say that it is lost;
// with `insist` it is.
Status Store::verify_range(const IndexSegment& segment, uint64_t from, uint64_t to, bool insist,
                           uint64_t* reached) {
  *reached = segment.indexed;
  if (from >= segment.indexed) return Status::kOk;
  SegmentReader reader(window_);
  Status status = reader.open(options_.log_disk, segment.number, true, segment.salt);
  if (status == Status::kNotFound || status == Status::kCorrupt)
    return lose_gap(segment.number, 0, segment.indexed);
  DREY_TRY(status);
  reader.set_end(std::min(reader.end(), segment.indexed));
  reader.seek(from);
  uint64_t at = from;
  while (at < to) {
    SegmentEntry entry;
    status = reader.next(false, &entry);
    if (!insist && reader.read_errors() != 0) return Status::kIo;
    if (status == Status::kEnd) break;
    DREY_TRY(status);
    if (entry.gap_from < entry.offset)
      DREY_TRY(lose_gap(segment.number, entry.gap_from, entry.offset));
    DREY_TRY(verify_entry(segment.number, entry, reader, insist));
    at = entry.end();
  }
  if (at < to && at < segment.indexed) {
    DREY_TRY(lose_gap(segment.number, at, segment.indexed));
    at = segment.indexed;
  }
  *reached = at;
  return Status::kOk;
}

// The newest kNewestBytes: what a power cut can have spoiled beside what was being written.
Status Store::verify_newest() {
  uint64_t left = kNewestBytes;
  for (uint32_t number = files_.last; number >= files_.first && number != 0 && left != 0;
       --number) {
    IndexSegment segment;
    Status status = index_.get_segment(number, &segment);
    if (status == Status::kNotFound) continue;
    DREY_TRY(status);
    if (segment.indexed <= kSegmentHeaderBytes) continue;
    if (segment.state == IndexSegment::kEmptied) continue;
    bool marked = segment.mark < segment.indexed && segment.indexed - segment.mark >= left;
    uint64_t from = marked ? segment.mark : kSegmentHeaderBytes;
    uint64_t reached = 0;
    status = verify_range(segment, from, segment.indexed, false, &reached);
    if (status == Status::kIo) {  // maintain() tries again
      segment.state = IndexSegment::kSuspect;
      status = index_.put_segment(segment);
    }
    DREY_TRY(status);
    left -= std::min(left, segment.indexed - from);
  }
  return Status::kOk;
}

// One step of re-reading a segment that was retired: the store lane has other work, too.
Status Store::verify_suspects() {
  IndexSegment segment;
  Status status = index_.next_segment(0, IndexSegment::kSuspect, &segment);
  if (status == Status::kNotFound) return Status::kOk;
  DREY_TRY(status);
  uint64_t now = options_.clock->up_ns();
  if (now < suspect_after_ns_) return Status::kOk;
  uint64_t from = std::max<uint64_t>(suspect_at_, kSegmentHeaderBytes);
  uint64_t reached = 0;
  status = verify_range(segment, from, from + kNewestBytes, suspect_tries_ >= kSuspectTriesMax,
                        &reached);
  if (status == Status::kIo && !index_.rolled_back()) {
    suspect_after_ns_ = now + (uint64_t{1'000'000'000} << suspect_tries_);
    suspect_tries_ = std::min(suspect_tries_ + 1, kSuspectTriesMax);
    return Status::kOk;
  }
  DREY_TRY(status);
  suspect_tries_ = 0;
  suspect_at_ = reached;
  if (suspect_at_ < segment.indexed) return Status::kOk;
  suspect_at_ = 0;
  segment.state = IndexSegment::kRetired;
  return index_.put_segment(segment);
}

Status Store::index_usable() { return index_broken_ ? Status::kIo : Status::kOk; }

// True when the index was mended and the call is worth repeating.
bool Store::index_failed(Status status) {
  switch (status) {
    case Status::kCorrupt:
      index_broken_ = true;
      break;
    case Status::kIo:
    case Status::kFull:
    case Status::kReadOnly:
    case Status::kBusy:
      if (index_.is_open() && index_.rolled_back()) index_behind_ = true;
      break;
    default:
      return false;
  }
  if (!index_broken_ && !index_behind_ && !index_.sync_failed()) return false;
  uint64_t now = options_.clock->up_ns();
  if (recoveries_ != 0 && now < recover_after_ns_) return false;
  if (options_.log != nullptr)
    options_.log->warning("store: the index failed (SQLite code %d): %s", index_.last_code(),
                          index_broken_ ? "rebuilding it" : "replaying the log's tail");
  // Mended it is only once a commit has succeeded too: on a full disk the replay itself works, and
  // would write the same pages every second.
  recover_after_ns_ = now + (uint64_t{1'000'000'000} << std::min<uint32_t>(recoveries_++, 4));
  return ok(recover_index());
}

Status Store::maintain() {
  DREY_CHECK(open_);
  if (index_broken_ || index_behind_ || index_.sync_failed())
    if (!index_failed(index_broken_ ? Status::kCorrupt : Status::kIo)) return Status::kIo;
  DREY_TRY(with_index([&] { return verify_suspects(); }));
  (void)disk_writable(false);
  check_disks_present();
  if (free_for_records() == 0) {
    if (state_ == StoreState::kOk) state_ = StoreState::kFull;
  } else if (state_ == StoreState::kFull) {
    state_ = StoreState::kOk;
  }
  Status status = with_index([&] { return commit_index(); });
  if (ok(status) && ok(disk_wait_)) recoveries_ = 0;
  if (ok(status)) keep_room();
  return status;
}

StoreStats Store::stats() {
  StoreStats stats = stats_;
  stats.state = state_;
  // The log alone would take records, but nothing of them could be found after the next commit.
  if (state_ == StoreState::kOk && (recoveries_ != 0 || disk_gone_))
    stats.state = StoreState::kFailed;
  stats.records = records_;
  stats.stored_bytes = log_bytes_;
  stats.segments = files_.count;
  stats.written_bytes += index_.written_bytes();
  stats.free_bytes = free_for_records();
  stats.compacting = victim_.number;
  Index::Segments sum;
  if (ok(index_usable()) && index_.is_open() && ok(index_.sum_segments(&sum)))
    stats.dead_bytes = sum.dead;
  stats.capacity_bytes = options_.capacity_bytes;
  if (stats.capacity_bytes == 0) {
    Result<Disk::Space> space = options_.log_disk->space();
    stats.capacity_bytes = space.ok() ? space.value().capacity_bytes : 0;
  }
  return stats;
}

const char* store_state_name(StoreState state) {
  switch (state) {
    case StoreState::kOk:
      return "ok";
    case StoreState::kFull:
      return "full";
    case StoreState::kReadOnly:
      return "read_only";
    case StoreState::kFailed:
      return "failed";
  }
  return "?";
}

}  // namespace drey
