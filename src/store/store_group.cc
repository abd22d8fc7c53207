// Group commit: closing, syncing and finishing a group; retiring what failed.
#include "drey/check.h"
#include "store/store.h"

namespace drey {

Status Store::close_group(CommitGroup* group) {
  DREY_CHECK(open_ && !group_in_flight_);
  *group = {};
  group->disk = options_.log_disk;
  for (OpenSegment& segment : segments_) {
    if (segment.file < 0 || !segment.in_open) continue;
    segment.in_flight = true;
    segment.in_open = false;
    segment.flight = segment.open;
    segment.open = {};
    group->parts[group->part_count++].file = segment.file;
  }
  if (group->part_count == 0) {
    settled_ = group->through = open_ticket_ - 1;
    group->failed = failed_;
    return Status::kEnd;
  }
  group->through = open_ticket_++;
  group_in_flight_ = true;
  return Status::kOk;
}

Status Store::sync_group(CommitGroup* group) {
  Status first = Status::kOk;
  for (size_t i = 0; i < group->part_count; ++i) {
    group->parts[i].status = group->disk->sync(group->parts[i].file);
    if (ok(first)) first = group->parts[i].status;
  }
  return first;
}

void Store::finish_group(CommitGroup* group, Status status) {
  DREY_CHECK(group_in_flight_);
  group_in_flight_ = false;
  if (ok(status)) {
    for (OpenSegment& segment : segments_) {
      if (!segment.in_flight) continue;
      segment.durable_end = segment.flight.to;
      // Given up after this group was closed: what it holds is durable all the same.
      for (GivenUp& left : given_up_)
        if (left.number == segment.header.number) left.durable_end = segment.durable_end;
    }
    status = apply_group();
    // The log has it; the index will be mended by maintain(). Nobody is told "durable" before.
    if (!ok(status))
      for (Ticket t = settled_ + 1; t <= group->through; ++t) failed_.add(t, status);
    else if (state_ != StoreState::kFull)
      state_ = StoreState::kOk;
  } else {
    fail_flight(group, status);
  }
  for (OpenSegment& segment : segments_) {
    segment.in_flight = false;
    segment.flight = {};
  }
  settled_ = group->through;
  size_t kept = 0;
  for (size_t i = 0; i < pending_count_; ++i)
    if (pending_[i].ticket > settled_) pending_[kept++] = pending_[i];
  pending_count_ = kept;
  release_segments();
  group->failed = failed_;
}

// What lies in a file whose sync failed is unknown, and what was appended since may refer to it
// (pins on records of this group): all of it is refused.
void Store::fail_flight(CommitGroup* group, Status status) {
  for (Ticket t = settled_ + 1; t <= group->through; ++t)
    if (ok(failed_.outcome(t))) failed_.add(t, status);
  wait_for_disk(status);
  drop_open_group(status);
  bool named = false;
  for (size_t i = 0; i < group->part_count; ++i) named = named || !ok(group->parts[i].status);
  for (OpenSegment& segment : segments_) {
    if (!segment.in_flight) continue;
    for (size_t i = 0; i < group->part_count; ++i) {
      const CommitGroup::Part& part = group->parts[i];
      if (part.file == segment.file && (!named || !ok(part.status))) retire(segment);
    }
  }
  bool read_only = status == Status::kReadOnly || disk_wait_ == Status::kReadOnly;
  state_ = read_only ? StoreState::kReadOnly : StoreState::kFailed;
  if (options_.log != nullptr)
    options_.log->warning("store: a sync failed (%s): the newest records are refused",
                          status_name(status));
}

// In order of the segments: a pin may stand in a later one than its record.
Status Store::apply_group() {
  for (uint32_t above = 0;;) {
    OpenSegment* next = nullptr;
    for (OpenSegment& segment : segments_)
      if (segment.in_flight && segment.header.number > above &&
          (next == nullptr || segment.header.number < next->header.number))
        next = &segment;
    if (next == nullptr) return Status::kOk;
    above = next->header.number;
    Status status = index_broken_ || index_behind_ ? Status::kIo : apply_range(*next);
    if (!ok(status)) {
      index_behind_ = true;
      // Replays everything up to durable_end, the rest of this group included.
      return index_failed(status) ? find_statements() : status;
    }
  }
}

// After a replay that may have passed over what it could not read: a statement that is not there
// was not kept, and nobody is told that it was.
Status Store::find_statements() {
  for (size_t i = 0; i < pending_count_; ++i) {
    const Pending& wanted = pending_[i];
    if (wanted.type != EntryType::kStatement || wanted.ticket >= open_ticket_) continue;
    auto kind = static_cast<StatementKind>(wanted.kind);
    if (last_pending_statement(kind, wanted.key) != &wanted) continue;  // dropped since
    uint64_t place = 0;
    uint32_t size = 0;
    Status status = index_.get_statement(kind, wanted.key, &place, &size);
    if (status == Status::kNotFound) return Status::kIo;
    DREY_TRY(status);
  }
  return Status::kOk;
}

Status Store::apply_range(OpenSegment& segment) {
  SegmentReader reader(window_);
  reader.attach(options_.log_disk, segment.file, segment.header, segment.flight.to);
  reader.seek(segment.flight.from);
  uint64_t at = segment.flight.from;
  while (at < segment.flight.to) {
    SegmentEntry entry;
    Status status = reader.next(false, &entry);
    // Written and synced a moment ago, and not readable: memory or disk lies.
    if (status == Status::kEnd || (ok(status) && entry.offset != at)) return Status::kIo;
    DREY_TRY(status);
    DREY_TRY(apply(segment.header.number, entry, reader));
    at = entry.end();
    DREY_TRY(maybe_commit(segment.header.number, segment.header.salt, at));
  }
  bool done = segment.sealed && !segment.in_open;
  return follow(segment.header.number, segment.header.salt, segment.durable_end,
                segment.retired ? IndexSegment::kSuspect
                : done          ? IndexSegment::kSealed
                                : IndexSegment::kActive);
}

// Never written or synced again. Acknowledged records in it are re-read by maintain().
void Store::retire(OpenSegment& segment) {
  if (segment.retired) return;
  segment.retired = true;
  if (writer_.file() == segment.file) writer_.forget();
  ++stats_.retired;
  if (given_up_count_ < kGivenUpMax)
    given_up_[given_up_count_] = {segment.header.number, segment.durable_end};
  ++given_up_count_;
  Status status = index_usable();
  if (ok(status))
    status = follow(segment.header.number, segment.header.salt, segment.durable_end,
                    IndexSegment::kSuspect);
  if (ok(status)) status = commit_index();
  if (!ok(status)) index_behind_ = true;
}

void Store::release_segments() {
  for (OpenSegment& segment : segments_) {
    if (segment.file < 0 || segment.in_open || segment.in_flight) continue;
    if (segment.file == writer_.file()) continue;
    // What was refused goes from the page cache, where the next process would find it, sync it
    // "successfully" and believe it. No matter when this fails, or is undone by a power cut.
    if (segment.retired && segment.tail > segment.durable_end)
      (void)options_.log_disk->truncate(segment.file, segment.durable_end);
    options_.log_disk->close(segment.file);
    segment = {};
  }
}

Status Store::commit(Ticket ticket) {
  if (group_in_flight_) return Status::kBusy;
  DREY_CHECK(ticket <= open_ticket_);
  if (ticket > settled_) {
    CommitGroup group;
    Status status = close_group(&group);
    if (ok(status)) finish_group(&group, sync_group(&group));
  }
  return failed_.outcome(ticket);
}

}  // namespace drey
