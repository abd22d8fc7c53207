// Opening, closing, and the counter of the own numbers.
#include <algorithm>

#include "drey/check.h"
#include "store/marker.h"
#include "store/sqlite_runtime.h"
#include "store/store.h"

namespace drey {
namespace {

constexpr std::string_view kLockName = "drey.lock";

}  // namespace

void Store::forget() {
  index_.close();
  for (OpenSegment& segment : segments_) {
    if (segment.file >= 0) options_.log_disk->close(segment.file);
    segment = {};
  }
  writer_ = {};
  files_ = {};
  lost_count_ = 0;
  given_up_count_ = 0;
  slots_written_ = 0;
  mark_number_ = 0;
  open_ticket_ = 1;
  settled_ = 0;
  group_in_flight_ = false;
  failed_ = {};
  pending_count_ = 0;
  unpin_ticket_ = 0;
  nodes_ = {};
  node_segments_ = {};
  node_count_ = 0;
  counter_segment_ = 0;
  victim_ = {};
  avoided_ = {};
  compact_after_ns_ = 0;
  compact_failures_ = 0;
  number_ = number_reserved_ = number_durable_ = 0;
  records_ = log_bytes_ = 0;
  state_ = StoreState::kOk;
  stats_ = {};
  suspect_at_ = suspect_after_ns_ = 0;
  suspect_tries_ = unread_ = 0;
  index_behind_ = index_broken_ = building_ = false;
  recoveries_ = 0;
  disk_wait_ = Status::kOk;
  room_kept_ = false;
  room_after_ns_ = 0;
  disk_gone_ = false;
  present_after_ns_ = 0;
  open_ = false;
}

Status Store::open(const StoreOptions& options) {
  DREY_CHECK(!open_ && sqlite_runtime_started());
  forget();
  options_ = options;
  // The markers first: what a newer version wrote is not even locked.
  bool fresh = false;
  DREY_TRY(read_markers(&fresh));
  DREY_TRY(lock_disks());
  give_room();
  Status made = options_.log_disk->make_dir("log");
  if (!ok(made) && made != Status::kExists) return made;
  DREY_TRY(list_log());
  DREY_TRY(check_newest_version());
  DREY_TRY(settle_markers(fresh));
  Status status = open_parts(fresh);
  if (!ok(status)) forget();
  open_ = ok(status);
  if (open_ && unread_ != 0) index_behind_ = true;  // maintain() reads it again
  return status;
}

Status Store::lock_disks() {
  // A lock lasts until the process ends; this object may be opened twice in its life.
  if (locked_ && locked_disk_ == options_.disk) return Status::kOk;
  DREY_TRY(options_.disk->lock(kLockName));
  if (options_.log_disk != options_.disk) DREY_TRY(options_.log_disk->lock(kLockName));
  locked_ = true;
  locked_disk_ = options_.disk;
  return Status::kOk;
}

Status Store::read_markers(bool* fresh) {
  StoreId dir_id{};
  StoreId log_id{};
  Status dir = read_marker(options_.disk, &dir_id);
  Status log = read_marker(options_.log_disk, &log_id);
  for (Status status : {dir, log})
    if (!ok(status) && status != Status::kNotFound && status != Status::kCorrupt) return status;
  // DIR knows a store and its disk shows none: probably it is not mounted.
  if (ok(dir) && log == Status::kNotFound) return Status::kNotFound;
  if (ok(dir) && ok(log) && dir_id != log_id) return Status::kInvalid;
  *fresh = !ok(log) && !ok(dir);
  id_ = ok(log) ? log_id : dir_id;
  return Status::kOk;
}

Status Store::list_log() {
  files_ = {};
  auto visit = [](void* context, std::string_view name) {
    auto& files = *static_cast<LogFiles*>(context);
    Result<uint32_t> number = parse_segment_name(name);
    if (!number.ok()) return;
    ++files.count;
    files.last = std::max(files.last, number.value());
    files.first = files.first == 0 ? number.value() : std::min(files.first, number.value());
  };
  return options_.log_disk->list("log", visit, &files_);
}

// Versions rise with the numbers: the newest segment tells. With a lost marker, also the store.
Status Store::check_newest_version() {
  for (uint32_t number = files_.last; number >= files_.first && number != 0; --number) {
    SegmentReader reader(window_);
    Status status = reader.open(options_.log_disk, number, false, 0);
    if (status == Status::kUnsupported) return status;
    if (!ok(status)) continue;
    if (id_ == StoreId{}) id_ = reader.header().store;
    return Status::kOk;
  }
  return Status::kOk;
}

// Gives a new store its id and repairs lost markers. The log's disk comes first: a marker in DIR
// promises one there.
Status Store::settle_markers(bool fresh) {
  StoreId dir_id{};
  StoreId log_id{};
  bool wiped = false;
  if (!fresh && files_.count == 0) {
    // Segments were there once, if the index has heard of any: then this is another store.
    bool clean = false;
    Index::Segments known;
    wiped = ok(index_.open(options_.disk, &clean)) && ok(index_.sum_segments(&known)) &&
            known.count != 0;
    index_.close();
  }
  if (id_ == StoreId{} || wiped) DREY_TRY(options_.random->fill(id_));
  if (!ok(read_marker(options_.log_disk, &log_id)) || log_id != id_) {
    DREY_TRY(write_marker(options_.log_disk, id_));
  }
  if (options_.disk != options_.log_disk &&
      (!ok(read_marker(options_.disk, &dir_id)) || dir_id != id_))
    DREY_TRY(write_marker(options_.disk, id_));
  return Status::kOk;
}

Status Store::open_parts(bool fresh) {
  bool clean = false;
  Status status = fresh ? Status::kNotFound : open_index(&clean);
  if (!ok(status)) {
    // Missing, damaged, foreign, of another version, or on blocks that cannot be read: made anew.
    if (options_.log != nullptr && !fresh)
      options_.log->warning("store: the index cannot be used (%s): rebuilding it",
                            status_name(status));
    if (status == Status::kUnsupported) return status;
    clean = false;
    nodes_ = {};
    node_segments_ = {};
    node_count_ = 0;
    DREY_TRY(rebuild());
    stats_.rebuilds = files_.count != 0 ? 1 : 0;
  }
  if (!clean) DREY_TRY(verify_newest());
  DREY_TRY(load_memory());
  DREY_TRY(resume_writer());
  Status committed = commit_index();
  // Now commits wait for the disk; what the failed one took along is read from the log again.
  return committed == Status::kFull ? recover_index() : committed;
}

Status Store::open_index(bool* clean) {
  Status status = index_.open(options_.disk, clean);
  if (ok(status)) status = match_index();
  if (ok(status)) status = index_.get_number(MetaKey::kRecords, &records_);
  if (ok(status)) status = load_memory();
  if (ok(status)) status = replay_tail(!*clean);
  if (!ok(status)) index_.close();
  return status;
}

// Is this the index of this log? kCorrupt: no.
Status Store::match_index() {
  StoreId id{};
  Status status = index_.get_store_id(&id);
  if (!ok(status) || id != id_) return Status::kCorrupt;
  Index::Segments known;
  DREY_TRY(index_.sum_segments(&known));
  if (known.last > files_.last) return Status::kCorrupt;
  DREY_TRY(match_segments(known.last));
  if (known.last == 0) return Status::kOk;
  IndexSegment row;
  DREY_TRY(index_.get_segment(known.last, &row));
  if (row.salt == 0) return Status::kOk;
  SegmentReader reader(window_);
  status = reader.open(options_.log_disk, known.last, false, row.salt);
  if (status == Status::kUnsupported) return status;
  bool same =
      ok(status) && reader.header().salt == row.salt && round_to_step(reader.size()) >= row.indexed;
  return same ? Status::kOk : Status::kCorrupt;
}

// Up to the newest one the index has heard of, the files must be those of its rows: it must neither
// believe that a missing one holds anything, nor miss one that came back. Emptied ones may be
// there.
Status Store::match_segments(uint32_t last) {
  struct Sum {
    Index* index;
    uint32_t last;
    uint64_t count = 0;
    Status status = Status::kOk;
  };
  Sum files{&index_, last};
  auto visit = [](void* context, std::string_view name) {
    auto& sum = *static_cast<Sum*>(context);
    Result<uint32_t> number = parse_segment_name(name);
    if (!number.ok() || number.value() > sum.last || !ok(sum.status)) return;
    IndexSegment row;
    sum.status = sum.index->get_segment(number.value(), &row);
    if (sum.status == Status::kNotFound) sum.status = Status::kCorrupt;
    if (row.state != IndexSegment::kEmptied) ++sum.count;
  };
  DREY_TRY(options_.log_disk->list("log", visit, &files));
  DREY_TRY(files.status);
  uint64_t rows = 0;
  IndexSegment row;
  for (uint32_t number = 0;; number = row.number + 1) {
    Status status = index_.next_segment(number, -1, &row);
    if (status == Status::kNotFound) break;
    DREY_TRY(status);
    if (row.state != IndexSegment::kEmptied) ++rows;
  }
  return files.count == rows ? Status::kOk : Status::kCorrupt;
}

Status Store::load_memory() {
  uint64_t number = 0;
  DREY_TRY(index_.get_number(MetaKey::kNumber, &number));
  number_reserved_ = std::max(number_reserved_, number);
  number_ = std::max(number_, number_reserved_);
  number_durable_ = number_reserved_;
  DREY_TRY(index_.get_number(MetaKey::kCounterSegment, &number));
  counter_segment_ = static_cast<uint32_t>(number);
  for (uint8_t slot = 0; slot < kNodeSlotsMax; ++slot) {
    Status status = index_.get_node(slot, &nodes_[slot], &node_segments_[slot]);
    if (status == Status::kNotFound) continue;
    DREY_TRY(status);
    node_count_ = std::max<uint8_t>(node_count_, static_cast<uint8_t>(slot + 1));
  }
  Index::Segments known;
  DREY_TRY(index_.sum_segments(&known));
  log_bytes_ = known.bytes;
  return Status::kOk;
}

// Goes on in the newest segment when it is neither sealed nor given up.
Status Store::resume_writer() {
  IndexSegment row;
  Status status = index_.get_segment(files_.last, &row);
  if (status == Status::kNotFound) return Status::kOk;
  DREY_TRY(status);
  if (row.state != IndexSegment::kActive || row.indexed < kSegmentHeaderBytes) return Status::kOk;
  if (row.number == unread_) return Status::kOk;
  SegmentHeader header;
  header.number = row.number;
  header.store = id_;
  header.salt = row.salt;
  status = writer_.resume(options_.log_disk, header, row.indexed);
  if (!ok(status)) return Status::kOk;  // the next append takes a new segment
  OpenSegment& segment = segments_[0];
  segment.file = writer_.file();
  segment.header = header;
  segment.durable_end = segment.tail = row.indexed;
  return Status::kOk;
}

Status Store::close() {
  if (!open_) return Status::kOk;
  if (group_in_flight_) return Status::kBusy;
  Status status = commit(open_ticket_);
  Status indexed = index_broken_ || index_behind_ ? Status::kIo : commit_index();
  if (ok(indexed)) indexed = index_.close_clean();
  forget();
  return ok(status) ? indexed : status;
}

// Reserved in blocks: after a crash the counter goes on behind the block, never inside it. The next
// block is appended when half of the old one is used up, so that other commits make it durable
// before its numbers are needed.
Status Store::reserve_numbers() {
  number_reserved_ = std::max(number_, number_reserved_) + kNumberBlock;
  EntryHeader header;
  header.type = EntryType::kCounter;
  header.number = number_reserved_;
  return append_entry(header, {}, kNoSlot);
}

// The first number after a start, or of a whole block without a commit. While a group is in flight
// the index vouches for the block; the log's own entry follows with the next group.
Status Store::save_numbers() {
  if (!group_in_flight_) {
    DREY_TRY(commit(open_ticket_));
    if (number_ < number_durable_) return Status::kOk;
  }
  DREY_TRY(index_usable());
  DREY_TRY(disk_writable(false));
  DREY_TRY(index_.put_number(MetaKey::kNumber, number_reserved_));
  Status status = index_.commit_durably();
  wait_for_disk(status);
  if (!ok(status)) (void)index_failed(status);
  if (ok(status)) number_durable_ = number_reserved_;
  return status;
}

uint64_t Store::next_number() {
  DREY_CHECK(open_);
  Status status = Status::kOk;
  if (number_ + kNumberBlock / 2 >= number_reserved_) status = reserve_numbers();
  if (number_ >= number_durable_) {
    Status saved = save_numbers();
    if (ok(status)) status = saved;
  }
  if (!ok(status) && options_.log != nullptr)
    options_.log->warning("store: the number counter was not saved (%s)", status_name(status));
  return ++number_;
}

void Store::raise_number(uint64_t at_least) { number_ = std::max(number_, at_least); }

}  // namespace drey
