// Compaction: a segment of which little is needed is emptied (what counts is appended again, see
// store_move.cc) and its file removed. FORMAT.md, "Compaction", says why no order of crashes loses
// or revives anything.
//
// Every step runs whole on the store lane with no append on its way, so that what the index says is
// all there is. Its group is synced before the next step; the file goes only after the index that
// no longer needs it is synced too.
#include <algorithm>

#include "drey/check.h"
#include "store/store.h"

namespace drey {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
// A segment is worth its rewriting when half of it is dead, or, where room is needed, 1/64.
constexpr uint64_t kIdleTimes = 2;
constexpr uint64_t kUrgentTimes = 64;
constexpr uint64_t kAvoidNs = 300 * kSecondNs;  // a victim that failed, before it is tried again
constexpr uint32_t kBackOffMax = 8;             // 2^8 s after failures in a row
constexpr uint32_t kRestartsMax = 3;
// What one step may write, so that its segments fit into one group.
constexpr uint64_t kStepBytesMax = 2 * limits::kSegmentBytes;

}  // namespace

Status Store::compact(CompactMode mode, uint64_t budget_bytes, bool* more) {
  DREY_CHECK(open_);
  *more = false;
  if (group_in_flight_) return Status::kBusy;
  // An index that lacks what the log says would let go what is needed. A segment that could not be
  // read at the start may hold pins of what looks unneeded.
  if (index_broken_ || index_behind_ || index_.sync_failed() || unread_ != 0) return Status::kOk;
  if (options_.clock->up_ns() < compact_after_ns_) return Status::kOk;
  if (disk_writable(false) == Status::kReadOnly) return Status::kOk;
  Status status = compact_step(mode, std::min(budget_bytes, kStepBytesMax), more);
  if (ok(status)) {
    compact_failures_ = 0;
    return status;
  }
  *more = false;
  compact_failed(status);
  return status;
}

// No endless loop: each failure in a row waits longer, and its victim is left alone for a while.
void Store::compact_failed(Status status) {
  uint64_t now = options_.clock->up_ns();
  compact_after_ns_ = now + (kSecondNs << std::min(compact_failures_++, kBackOffMax));
  if (options_.log != nullptr)
    options_.log->warning("store: segment %u could not be compacted (%s): trying again later",
                          victim_.number, status_name(status));
  if (victim_.number != 0) {
    Avoided* oldest = &avoided_[0];
    for (Avoided& avoided : avoided_)
      if (avoided.until_ns < oldest->until_ns) oldest = &avoided;
    *oldest = {victim_.number, now + kAvoidNs};
  }
  victim_ = {};
  (void)index_failed(status);
}

bool Store::is_avoided(uint32_t number) {
  uint64_t now = options_.clock->up_ns();
  for (const Avoided& avoided : avoided_)
    if (avoided.number == number && avoided.until_ns > now) return true;
  return false;
}

// The segment with the most dead bytes. Not the newest, whose number must never be used again, and
// none that a group still needs.
Status Store::choose_victim(CompactMode mode) {
  uint64_t times = mode == CompactMode::kUrgent ? kUrgentTimes : kIdleTimes;
  Index::Segments known;
  DREY_TRY(index_.sum_segments(&known));
  IndexSegment row;
  IndexSegment best;
  for (uint32_t number = 0;; number = row.number + 1) {
    Status status = index_.next_dead(number, times, &row);
    if (status == Status::kNotFound) break;
    DREY_TRY(status);
    bool busy = row.number >= known.last || open_segment_of(row.number) != nullptr;
    if (!busy && row.dead > best.dead && !is_avoided(row.number)) best = row;
  }
  if (best.number == 0) return Status::kNotFound;
  victim_ = {};
  victim_.number = best.number;
  victim_.salt = best.salt;
  victim_.indexed = best.indexed;
  victim_.state = best.state;
  return Status::kOk;
}

Status Store::compact_step(CompactMode mode, uint64_t budget_bytes, bool* more) {
  IndexSegment emptied;
  Status status = index_.next_segment(0, IndexSegment::kEmptied, &emptied);
  if (ok(status)) {  // its removal failed, or the process ended before it
    *more = true;
    return free_segment(emptied.number, false);
  }
  if (status != Status::kNotFound) return status;
  if (victim_.number == 0) {
    status = choose_victim(mode);
    if (status == Status::kNotFound) return Status::kOk;
    DREY_TRY(status);
  }
  DREY_TRY(commit(open_ticket_));
  *more = true;
  if (!victim_.examined) {
    bool worth = false;
    DREY_TRY(examine_victim(mode, &worth));
    if (!worth) {
      victim_ = {};
      return Status::kOk;
    }
  }
  bool done = false;
  DREY_TRY(move_entries(budget_bytes, &done));
  return done ? finish_victim(more) : Status::kOk;
}

// Looks at every entry once: are there any that this version does not know, and how much is dead
// indeed? What the index places where no entry verifies is lost, as at every other reading.
Status Store::examine_victim(CompactMode mode, bool* worth) {
  EntryWalk walk;
  bool sealed = victim_.state == IndexSegment::kSealed;
  Status status =
      walk.open(options_.log_disk, victim_.number, victim_.salt, sealed, victim_.indexed);
  if (status == Status::kNotFound) {
    DREY_TRY(lose_gap(victim_.number, 0, victim_.indexed));
    return keep_victim();
  }
  if (status == Status::kCorrupt || status == Status::kUnsupported) return keep_victim();
  DREY_TRY(status);
  uint64_t dead = 0;
  SegmentEntry entry;
  while (ok(status = walk.next(&entry))) {
    if (entry.gap_from < entry.offset)
      DREY_TRY(lose_gap(victim_.number, entry.gap_from, entry.offset));
    if (!is_needed_kind(entry.header)) return keep_victim();
    bool here = false;
    IndexRow row;
    DREY_TRY(placed_here(entry, &row, &here));
    bool record = entry.header.type == EntryType::kRecord;
    bool placed = record || entry.header.type == EntryType::kStatement;
    if (placed && !(here && (!record || row.wanted()))) dead += entry_bytes(entry.header.length);
  }
  if (status != Status::kEnd) return status;
  if (walk.at() < walk.end()) DREY_TRY(lose_gap(victim_.number, walk.at(), victim_.indexed));
  DREY_TRY(index_.set_dead(victim_.number, dead));
  uint64_t times = mode == CompactMode::kUrgent ? kUrgentTimes : kIdleTimes;
  *worth = dead != 0 && dead * times >= victim_.indexed;
  victim_.examined = true;
  return Status::kOk;
}

// Never looked at again by this version.
Status Store::keep_victim() {
  IndexSegment row;
  DREY_TRY(index_.get_segment(victim_.number, &row));
  row.state = IndexSegment::kKept;
  if (options_.log != nullptr)
    options_.log->info("store: segment %u cannot be compacted: it is kept", victim_.number);
  victim_ = {};
  return index_.put_segment(row);
}

// One group: from where the last step ended. A failure leaves the victim as it is; what was
// appended by then is on its way, or refused, like every other append.
Status Store::move_entries(uint64_t budget_bytes, bool* done) {
  EntryWalk walk;
  bool sealed = victim_.state == IndexSegment::kSealed;
  DREY_TRY(walk.open(options_.log_disk, victim_.number, victim_.salt, sealed, victim_.indexed));
  walk.seek(victim_.at);
  victim_.counted = false;
  uint64_t written = stats_.written_bytes;
  uint64_t seen = 0;
  while (!*done && stats_.written_bytes - written + seen < budget_bytes) {
    SegmentEntry entry;
    Status status = walk.next(&entry);
    *done = status == Status::kEnd;
    if (*done) break;
    DREY_TRY(status);
    status = move_entry(entry, walk);
    if (status == Status::kEnd) return keep_victim();  // it cannot be moved
    DREY_TRY(status);
    seen += kEntryHeaderBytes;
  }
  if (anything_pending()) victim_.wrote = true;
  DREY_TRY(commit(open_ticket_));
  if (index_behind_ || index_broken_) return Status::kIo;
  victim_.at = walk.at();
  return Status::kOk;
}

// Does the index place anything in the victim, or trust it with the counter or a slot?
Status Store::check_empty(bool* empty) {
  *empty = counter_segment_ != victim_.number;
  for (uint8_t slot = 0; slot < node_count_; ++slot)
    if (node_segments_[slot] == victim_.number) *empty = false;
  EntryWalk walk;
  bool sealed = victim_.state == IndexSegment::kSealed;
  DREY_TRY(walk.open(options_.log_disk, victim_.number, victim_.salt, sealed, victim_.indexed));
  SegmentEntry entry;
  Status status = Status::kOk;
  while (*empty && ok(status = walk.next(&entry))) {
    bool here = false;
    IndexRow row;
    DREY_TRY(placed_here(entry, &row, &here));
    if (here) *empty = false;
  }
  return ok(status) || status == Status::kEnd ? Status::kOk : status;
}

Status Store::finish_victim(bool* more) {
  *more = true;
  bool empty = false;
  DREY_TRY(check_empty(&empty));
  if (!empty) {
    // Cannot come from what these files do; if it does, nothing is lost by it.
    if (victim_.restarts++ == kRestartsMax) return Status::kIo;
    victim_.at = kSegmentHeaderBytes;
    return Status::kOk;
  }
  IndexSegment row;
  DREY_TRY(index_.get_segment(victim_.number, &row));
  row.state = IndexSegment::kEmptied;
  DREY_TRY(index_.put_segment(row));
  Status status = free_segment(row.number, !victim_.wrote);
  if (status != Status::kFull || victim_.wrote) return status;
  // There was no room to say so in the index, and that is known only now. Next time the file goes
  // first.
  (void)index_failed(status);
  victim_ = {};
  return Status::kOk;
}

// The index is made durable before the file goes, and the directory before its row does. On a disk
// that is full to the last block the index cannot be saved: then a segment of which nothing was
// needed (`dead`) goes all the same, for the log is complete without it. A crash right then leaves
// rows of a file that is missing: the next start makes the index anew.
Status Store::free_segment(uint32_t number, bool dead) {
  Status saved = disk_writable(true);
  if (ok(saved)) {
    DREY_TRY(index_.put_number(MetaKey::kRecords, records_));
    DREY_TRY(index_.put_number(MetaKey::kNumber, std::max(number_, number_reserved_)));
    saved = index_.commit_durably();
    wait_for_disk(saved);
    DREY_TRY(saved);
  }
  if (!ok(saved) && (saved != Status::kFull || !dead)) return saved;
  IndexSegment row;
  DREY_TRY(index_.get_segment(number, &row));
  auto name = segment_name(number);
  Status status = options_.log_disk->remove(std::string_view(name.data(), kSegmentNameBytes));
  if (!ok(status) && status != Status::kNotFound) return status;
  if (ok(status)) {
    --files_.count;
    log_bytes_ -= std::min(log_bytes_, row.indexed);
    ++stats_.compacted;
  }
  victim_ = {};
  // Durable before any later compaction: what this segment's unpins took away must not come back
  // after their last copy has gone.
  DREY_TRY(options_.log_disk->sync_dir("log"));
  return index_.remove_segment(number);
}

}  // namespace drey
