// The index follows the log: replay of the tail at start, rebuild of all of it, recovery at run
// time. All of it reads segments in order of their numbers and goes through apply().
#include <algorithm>

#include "drey/check.h"
#include "store/store.h"

namespace drey {

const Store::OpenSegment* Store::open_segment_of(uint32_t number) const {
  for (const OpenSegment& segment : segments_)
    if (segment.file >= 0 && segment.header.number == number) return &segment;
  return nullptr;
}

const Store::GivenUp* Store::given_up(uint32_t number) const {
  for (size_t i = 0; i < std::min(given_up_count_, kGivenUpMax); ++i)
    if (given_up_[i].number == number) return &given_up_[i];
  return nullptr;
}

// Tells the index how far it has followed a segment, and keeps an entry boundary at least
// kNewestBytes behind it: where the check after an unclean start begins.
Status Store::follow(uint32_t number, uint64_t salt, uint64_t indexed, IndexSegment::State state) {
  // Without its transaction the index has forgotten rows that this one would vouch for.
  if (index_.rolled_back()) return Status::kIo;
  IndexSegment row;
  Status status = index_.get_segment(number, &row);
  if (!ok(status) && status != Status::kNotFound) return status;
  if (!ok(status)) row.mark = kSegmentHeaderBytes;
  if (mark_number_ != number) {
    mark_number_ = number;
    next_mark_ = row.mark;
  }
  if (indexed >= next_mark_ + kNewestBytes) {
    row.mark = next_mark_;
    next_mark_ = indexed;
  }
  row.number = number;
  row.salt = salt;
  row.indexed = indexed;
  row.state = state;
  return index_.put_segment(row);
}

// kOk also while the disk takes no writes: the transaction stays open, and serves.
Status Store::commit_index() {
  if (!index_.dirty()) return Status::kOk;
  if (!building_ && !ok(disk_writable(false))) return Status::kOk;
  DREY_TRY(index_.put_number(MetaKey::kRecords, records_));
  DREY_TRY(index_.put_number(MetaKey::kNumber, std::max(number_, number_reserved_)));
  Status status = index_.commit();
  if (ok(status) || building_) return status;
  wait_for_disk(status);
  if (status == Status::kReadOnly) state_ = StoreState::kReadOnly;
  return status;
}

Status Store::maybe_commit(uint32_t number, uint64_t salt, uint64_t indexed) {
  if (index_.changes() < (building_ ? kRowsPerBuildStep : kRowsPerCommit)) return Status::kOk;
  DREY_TRY(follow(number, salt, indexed, IndexSegment::kActive));
  return commit_index();
}

// A file that is no segment. It keeps its number; one that never had an entry goes. What could not
// be read is looked at again by the next replay.
Status Store::pass_over(uint32_t number, bool unreadable) {
  auto name = segment_name(number);
  Result<Disk::File> file = options_.log_disk->open(name.data(), Disk::kRead);
  if (!file.ok()) return file.status() == Status::kNotFound ? Status::kOk : file.status();
  Result<uint64_t> size = options_.log_disk->size(file.value());
  options_.log_disk->close(file.value());
  DREY_TRY(size.status());
  if (!open_ && !unreadable && size.value() <= kSegmentHeaderBytes) {
    --files_.count;
    return options_.log_disk->remove(name.data());
  }
  ++stats_.corrupt;
  if (unreadable) unread_ = number;
  if (options_.log != nullptr) options_.log->warning("store: segment %u is unreadable", number);
  return follow(number, 0, 0, unreadable ? IndexSegment::kActive : IndexSegment::kRetired);
}

Status Store::replay_segment(uint32_t number, uint64_t from, bool direct) {
  IndexSegment known;
  Status status = index_.get_segment(number, &known);
  if (!ok(status) && status != Status::kNotFound) return status;
  SegmentReader reader(window_);
  status = reader.open(options_.log_disk, number, direct, known.salt);
  if (status == Status::kNotFound) return Status::kOk;
  if (status == Status::kCorrupt || status == Status::kInvalid) return pass_over(number, false);
  bool wait = open_ && recoveries_ < kUnreadTriesMax;
  if (status == Status::kIo && !wait) return pass_over(number, true);
  DREY_TRY(status);
  if (reader.header().store != id_ && reader.header().store != StoreId{}) {
    if (options_.log != nullptr)
      options_.log->warning("store: segment %u belongs to another store", number);
    return follow(number, reader.header().salt, 0, IndexSegment::kRetired);
  }
  // A table vouches for headers only. What a group may still have held unsynced is read in full.
  bool settled =
      building_ && number + kOpenSegmentsMax <= files_.last && given_up(number) == nullptr;
  if (settled && ok(reader.verify_table())) return replay_table(reader);
  return replay_scan(reader, from);
}

Status Store::replay_table(SegmentReader& reader) {
  uint32_t number = reader.header().number;
  while (true) {
    SegmentEntry entry;
    Status status = reader.next_row(&entry);
    if (status == Status::kEnd) break;
    DREY_TRY(status);
    DREY_TRY(apply(number, entry, reader));
    if (building_) DREY_TRY(maybe_commit(number, reader.header().salt, kSegmentHeaderBytes));
  }
  return follow(number, reader.header().salt, reader.header().table_offset, IndexSegment::kSealed);
}

Status Store::replay_scan(SegmentReader& reader, uint64_t from) {
  uint32_t number = reader.header().number;
  uint64_t salt = reader.header().salt;
  const OpenSegment* live = open_segment_of(number);
  const GivenUp* left = given_up(number);
  // At run time only what was acknowledged counts, also in a segment that is closed by now.
  if (live != nullptr || left != nullptr)
    reader.set_end(live != nullptr ? live->durable_end : left->durable_end);
  reader.seek(from);
  while (true) {
    SegmentEntry entry;
    Status status = reader.next(true, &entry);
    if (status == Status::kEnd) break;
    DREY_TRY(status);
    if (!entry.body_ok || entry.gap_from < entry.offset) ++stats_.corrupt;
    if (!entry.body_ok) continue;
    DREY_TRY(apply(number, entry, reader));
    if (reader.read_errors() == 0) DREY_TRY(maybe_commit(number, salt, entry.end()));
  }
  uint64_t end = reader.valid_end();
  // What could not be read may be readable soon, or at the next start: not followed, not cut, not
  // written behind.
  bool unread = reader.read_errors() != 0;
  if (unread && open_ && recoveries_ < kUnreadTriesMax) return Status::kIo;
  if (live != nullptr) {
    bool done = live->sealed && live->open.empty() && live->flight.empty();
    return follow(number, salt, live->durable_end,
                  live->retired ? IndexSegment::kSuspect
                  : done        ? IndexSegment::kSealed
                                : IndexSegment::kActive);
  }
  if (left != nullptr) return follow(number, salt, left->durable_end, IndexSegment::kSuspect);
  // Found in the page cache is not yet durable: the process may have died, not the machine.
  if (!ok(sync_segment(number))) return follow(number, salt, end, IndexSegment::kSuspect);
  if (unread) {
    unread_ = number;
    return follow(number, salt, from, IndexSegment::kActive);
  }
  if (reader.sealed()) return follow(number, salt, reader.end(), IndexSegment::kSealed);
  bool newest = number == files_.last;
  uint64_t size = reader.size();
  reader.close();
  if (!open_ && newest && size > end) {
    DREY_TRY(cut_tail(number, size, end));
    if (!ok(sync_segment(number))) return follow(number, salt, end, IndexSegment::kSuspect);
  }
  return follow(number, salt, end, newest ? IndexSegment::kActive : IndexSegment::kRetired);
}

Status Store::cut_tail(uint32_t number, uint64_t size, uint64_t end) {
  if (options_.log != nullptr)
    options_.log->info("store: cutting %llu torn bytes off segment %u",
                       static_cast<unsigned long long>(size - end), number);
  Result<Disk::File> file =
      options_.log_disk->open(segment_name(number).data(), Disk::kRead | Disk::kWrite);
  DREY_TRY(file.status());
  Status status = options_.log_disk->truncate(file.value(), end);
  options_.log_disk->close(file.value());
  return status;
}

Status Store::sync_segment(uint32_t number) {
  Result<Disk::File> file =
      options_.log_disk->open(segment_name(number).data(), Disk::kRead | Disk::kWrite);
  DREY_TRY(file.status());
  Status status = options_.log_disk->sync(file.value());
  options_.log_disk->close(file.value());
  return status;
}

// Everything the index has not followed yet: what it calls active, and what it never heard of.
Status Store::replay_tail(bool direct) {
  Index::Segments known;
  DREY_TRY(index_.sum_segments(&known));
  IndexSegment row;
  for (uint32_t number = 0;; number = row.number + 1) {
    Status status = index_.next_segment(number, IndexSegment::kActive, &row);
    if (status == Status::kNotFound) break;
    DREY_TRY(status);
    DREY_TRY(replay_segment(row.number, row.indexed, direct));
  }
  for (uint32_t number = std::max(known.last + 1, files_.first);
       files_.last != 0 && number <= files_.last; ++number)
    DREY_TRY(replay_segment(number, kSegmentHeaderBytes, direct));
  return Status::kOk;
}

Status Store::build_index() {
  DREY_TRY(index_.create(options_.disk, id_));
  records_ = 0;
  // What is known of the slots holds (at run time masks are in use); the log adds to it.
  node_segments_ = {};
  counter_segment_ = 0;
  for (uint8_t slot = 0; slot < node_count_; ++slot)
    DREY_TRY(index_.put_node(slot, nodes_[slot], 0));
  for (uint32_t number = files_.first; number != 0 && number <= files_.last; ++number)
    DREY_TRY(replay_segment(number, kSegmentHeaderBytes, true));
  DREY_TRY(index_.put_number(MetaKey::kRecords, records_));
  DREY_TRY(index_.put_number(MetaKey::kNumber, std::max(number_, number_reserved_)));
  return index_.finish_build();
}

Status Store::rebuild() {
  uint64_t begin_ns = options_.clock->up_ns();
  mark_number_ = 0;
  victim_ = {};
  building_ = true;
  Status status = build_index();
  building_ = false;
  if (!ok(status)) {
    index_.close();
    index_broken_ = true;
    return status;
  }
  index_broken_ = index_behind_ = false;
  ++stats_.rebuilds;
  ++stats_.replays;
  if (options_.log != nullptr && records_ > 0)
    options_.log->info(
        "store: index rebuilt from the log: %llu records in %llu ms",
        static_cast<unsigned long long>(records_),
        static_cast<unsigned long long>((options_.clock->up_ns() - begin_ns) / 1'000'000));
  return Status::kOk;
}

// At run time: rebuilds a damaged index, or replays what a rollback took from it.
Status Store::recover_index() {
  if (index_.sync_failed()) index_broken_ = true;
  if (given_up_count_ > kGivenUpMax) return Status::kIo;  // whose end it cannot know any more
  mark_number_ = 0;
  victim_ = {};  // what it had let go may be held again
  if (index_broken_) return stats_.rebuilds < kRebuildsMax ? rebuild() : Status::kIo;
  if (index_.rolled_back()) DREY_TRY(index_.begin_again());
  DREY_TRY(index_.get_number(MetaKey::kRecords, &records_));
  for (uint8_t slot = 0; slot < node_count_; ++slot)
    DREY_TRY(index_.put_node(slot, nodes_[slot], node_segments_[slot]));
  ++stats_.replays;
  DREY_TRY(replay_tail(false));
  index_behind_ = false;
  return Status::kOk;
}

}  // namespace drey
