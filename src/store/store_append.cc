// Appending: what goes into the log, and what happens when a write fails.
#include <algorithm>

#include "drey/check.h"
#include "store/store.h"

namespace drey {
namespace {

// Records stop here, so that statements and pins, forgetting and compaction keep room.
constexpr uint64_t kReserveBytes = 2 * limits::kSegmentBytes;
// Below this even small entries are refused, before the file system has to.
constexpr uint64_t kLastRoomBytes = limits::kSegmentBytes / 256;
// Free space of DIR, when the log lies elsewhere.
constexpr uint64_t kIndexRoomBytes = limits::kSegmentBytes / 16;
static_assert(entry_bytes(limits::kRecordBytesMax) + 4 * kStepBytes <= limits::kSegmentBytes);

StatementKey record_key(const ChunkId& c) {
  StatementKey key{};
  std::copy(c.raw.begin(), c.raw.end(), key.begin());
  return key;
}

}  // namespace

// The reserve included.
uint64_t Store::free_in_log() {
  uint64_t free = UINT64_MAX;
  Result<Disk::Space> space = options_.log_disk->space();
  if (space.ok()) free = space.value().free_bytes;
  if (options_.capacity_bytes != 0)
    free = std::min(free, options_.capacity_bytes - std::min(options_.capacity_bytes, log_bytes_));
  return free;
}

uint64_t Store::free_for_records() {
  uint64_t free = free_in_log();
  if (options_.disk != options_.log_disk) {
    Result<Disk::Space> dir = options_.disk->space();
    if (dir.ok() && dir.value().free_bytes < kIndexRoomBytes) return 0;
  }
  return free - std::min(free, kReserveBytes);
}

bool Store::record_pending(const ChunkId& c) const {
  StatementKey key = record_key(c);
  for (size_t i = 0; i < pending_count_; ++i)
    if (pending_[i].type == EntryType::kRecord && pending_[i].key == key) return true;
  return false;
}

void Store::add_pending(EntryType type, uint8_t kind, const StatementKey& key) {
  DREY_CHECK(pending_count_ < kPendingMax);
  pending_[pending_count_++] = {open_ticket_, type, kind, key};
}

Status Store::append_record(const ChunkId& c, ChunkType type, Bytes record, const NodeId& pin_owner,
                            uint64_t pin_number, Ticket* ticket) {
  DREY_CHECK(open_);
  if (record.empty()) return Status::kInvalid;
  if (record.size() > limits::kRecordBytesMax) return Status::kTooLarge;
  IndexRow row;
  Status status = with_index([&] { return index_.get(c, &row); });
  if (!ok(status) && status != Status::kNotFound) return status;
  if (row.held() || record_pending(c)) {
    status = append_pins(pin_owner, pin_number, {&c, 1}, ticket);
    return ok(status) ? Status::kExists : status;
  }
  if (pending_count_ == kPendingMax) return Status::kBusy;
  DREY_TRY(disk_writable(true));
  if (free_for_records() < entry_bytes(record.size()) + 4 * kStepBytes) {
    state_ = StoreState::kFull;
    return Status::kFull;
  }
  EntryHeader header;
  header.type = EntryType::kRecord;
  header.kind = static_cast<uint8_t>(type);
  DREY_TRY(assign_slot(pin_owner, &header.slot));
  std::copy(c.raw.begin(), c.raw.end(), header.key.begin());
  header.number = pin_number;
  DREY_TRY(append_entry(header, record, header.slot));
  add_pending(EntryType::kRecord, 0, record_key(c));
  if (pin_owner == options_.self) number_ = std::max(number_, pin_number);
  stats_.user_bytes += record.size();
  *ticket = open_ticket_;
  return Status::kOk;
}

Status Store::append_pins(const NodeId& owner, uint64_t number, std::span<const ChunkId> chunks,
                          Ticket* ticket) {
  DREY_CHECK(open_);
  // First everything that can refuse or mend the index (which uses the batch buffer), then rows.
  for (const ChunkId& c : chunks) {
    IndexRow row;
    Status status = with_index([&] { return index_.get(c, &row); });
    if (!ok(status) && status != Status::kNotFound) return status;
    if (!row.held() && !record_pending(c)) return Status::kNotFound;
  }
  // Others may pin on and on: half of the reserve is not for them.
  if (owner != options_.self && free_in_log() < kReserveBytes / 2) return Status::kFull;
  EntryHeader header;
  header.type = EntryType::kPins;
  header.number = number;
  DREY_TRY(assign_slot(owner, &header.slot));
  *ticket = settled_;
  RowBatch batch{header, header.slot, ticket};
  for (const ChunkId& c : chunks) {
    IndexRow row;
    Status status = index_.get(c, &row);
    if (!ok(status) && status != Status::kNotFound) return status;
    // A pin as good is there, unless an unpin that is on its way takes it.
    if (row.merge_pin(header.slot, number) || unpin_pending()) DREY_TRY(add_row(batch, c.bytes()));
  }
  return flush_rows(batch);
}

Status Store::own(std::span<const OwnedRecord> records, uint64_t number, Ticket* ticket) {
  DREY_CHECK(open_);
  DREY_TRY(index_usable());
  *ticket = settled_;
  EntryHeader header;
  header.type = EntryType::kOwn;
  header.number = number;
  number_ = std::max(number_, number);
  RowBatch batch{header, kNoSlot, ticket};
  for (const OwnedRecord& record : records) {
    IndexRow row;
    ChunkId known;
    bool claimed = ok(index_.get(record.c, &row)) && (row.flags & IndexRow::kMine) != 0 &&
                   ok(index_.get_content(record.d, &known)) && known == record.c;
    if (claimed && !unpin_pending()) continue;
    std::array<uint8_t, kOwnRowBytes> raw;
    encode_own_row(record, raw);
    DREY_TRY(add_row(batch, raw));
  }
  return flush_rows(batch);
}

// An entry is written when the batch buffer is full; flush_rows() writes the last one.
Status Store::add_row(RowBatch& batch, Bytes row) {
  if (batch.used + row.size() > kBatchBytesMax) DREY_TRY(flush_rows(batch));
  std::copy(row.begin(), row.end(), batch_.begin() + static_cast<long>(batch.used));
  batch.used += row.size();
  return Status::kOk;
}

Status Store::flush_rows(RowBatch& batch) {
  if (batch.used == 0) return Status::kOk;
  DREY_TRY(append_entry(batch.header, Bytes(batch_).first(batch.used), batch.slot));
  *batch.ticket = open_ticket_;
  if (batch.header.type == EntryType::kUnpin) unpin_ticket_ = open_ticket_;
  batch.used = 0;
  return Status::kOk;
}

Status Store::append_statement(StatementKind kind, std::span<const uint8_t, kStatementKeyBytes> key,
                               Bytes statement, Ticket* ticket) {
  DREY_CHECK(open_);
  if (statement.size() > limits::kStatementBytesMax) return Status::kTooLarge;
  EntryHeader header;
  header.type = EntryType::kStatement;
  header.kind = static_cast<uint8_t>(kind);
  set_statement_key(key, &header);
  StatementKey copy = statement_key(header);
  const Pending* pending = last_pending_statement(kind, copy);
  if (pending != nullptr && pending->type == EntryType::kStatement) {
    *ticket = pending->ticket;
    return Status::kExists;
  }
  uint64_t place = 0;
  uint32_t size = 0;
  Status status = with_index([&] { return index_.get_statement(kind, key, &place, &size); });
  *ticket = settled_;
  if (ok(status) && pending == nullptr) return Status::kExists;
  if (!ok(status) && status != Status::kNotFound) return status;
  if (pending_count_ == kPendingMax) return Status::kBusy;
  DREY_TRY(append_entry(header, statement, kNoSlot));
  add_pending(EntryType::kStatement, header.kind, copy);
  stats_.user_bytes += statement.size();
  *ticket = open_ticket_;
  return Status::kOk;
}

// Room for one entry; before it, the node entry of `slot` where this segment does not have it yet:
// every segment can be read without the others.
Status Store::begin_entry(uint64_t body_bytes, uint8_t slot) {
  uint64_t need = entry_bytes(body_bytes) + kEntryHeaderBytes;
  Result<Disk::Space> space = options_.log_disk->space();
  if (space.ok() && space.value().free_bytes < need + kLastRoomBytes) {
    state_ = StoreState::kFull;
    return Status::kFull;
  }
  DREY_TRY(ensure_room(need));
  if (slot == kNoSlot || (slots_written_ >> slot & 1) != 0) return Status::kOk;
  EntryHeader node;
  node.type = EntryType::kNode;
  node.slot = slot;
  node.key = nodes_[slot].raw;
  DREY_TRY(write_entry(node, {}));
  slots_written_ |= uint64_t{1} << slot;
  return Status::kOk;
}

Status Store::append_entry(EntryHeader header, Bytes body, uint8_t slot) {
  DREY_TRY(begin_entry(body.size(), slot));
  return write_entry(header, body);
}

Status Store::write_entry(const EntryHeader& header, Bytes body) {
  DREY_CHECK(writing() != nullptr);
  uint64_t from = writer_.tail();
  Status status = writer_.append(header, body);
  if (!ok(status)) {
    on_write_failed(status);
    return status;
  }
  note_written(from, body.size());
  return Status::kOk;
}

// The open group holds what the writer appended behind `from`.
void Store::note_written(uint64_t from, uint64_t body_bytes) {
  OpenSegment* segment = writing();
  if (!segment->in_open) segment->open = {from, from};
  segment->in_open = true;
  segment->open.to = segment->tail = writer_.tail();
  log_bytes_ += writer_.tail() - from;
  stats_.written_bytes += kEntryHeaderBytes + body_bytes;
}

Status Store::ensure_room(uint64_t bytes) {
  if (writer_.is_open() && writer_.has_room(bytes)) return Status::kOk;
  if (free_open_segment() == nullptr) return Status::kBusy;
  if (writer_.is_open()) DREY_TRY(seal_segment());
  return open_segment();
}

Status Store::seal_segment() {
  OpenSegment* segment = writing();
  auto buffer = std::span(window_);
  Status status = writer_.seal(buffer.first(kWindowBytes / 2), buffer.last(kWindowBytes / 2));
  if (!ok(status)) {
    on_write_failed(status);
    return status;
  }
  if (!segment->in_open) segment->open = {segment->tail, segment->tail};
  segment->in_open = true;  // the table is synced with the group
  segment->sealed = true;
  writer_.forget();
  return Status::kOk;
}

Status Store::open_segment() {
  OpenSegment* segment = free_open_segment();
  DREY_CHECK(segment != nullptr);
  if (files_.last >= kSegmentNumberMax) return Status::kTooLarge;
  SegmentHeader header;
  header.number = files_.last + 1;
  header.store = id_;
  std::array<uint8_t, 8> salt{};
  DREY_TRY(options_.random->fill(salt));
  header.salt = load_le<uint64_t>(salt.data()) | 1;  // 0 means "unknown" elsewhere
  Status status = writer_.create(options_.log_disk, header);
  if (status == Status::kExists) ++files_.last;  // left over: the next append takes another number
  if (!ok(status)) {
    state_ = status == Status::kFull       ? StoreState::kFull
             : status == Status::kReadOnly ? StoreState::kReadOnly
                                           : StoreState::kFailed;
    wait_for_disk(status);
    return status == Status::kExists ? Status::kBusy : status;
  }
  ++files_.last;
  ++files_.count;
  if (files_.first == 0) files_.first = files_.last;
  *segment = {};
  segment->file = writer_.file();
  segment->header = header;
  segment->durable_end = segment->tail = kSegmentHeaderBytes;
  slots_written_ = 0;
  log_bytes_ += kSegmentHeaderBytes;
  return Status::kOk;
}

Store::OpenSegment* Store::writing() {
  for (OpenSegment& segment : segments_)
    if (segment.file >= 0 && segment.file == writer_.file()) return &segment;
  return nullptr;
}

Store::OpenSegment* Store::free_open_segment() {
  for (OpenSegment& segment : segments_)
    if (segment.file < 0) return &segment;
  return nullptr;
}

void Store::on_write_failed(Status status) {
  OpenSegment* segment = writing();
  if (options_.log != nullptr)
    options_.log->warning("store: a write failed (%s): segment %u is given up", status_name(status),
                          segment->header.number);
  state_ = status == Status::kFull       ? StoreState::kFull
           : status == Status::kReadOnly ? StoreState::kReadOnly
                                         : StoreState::kFailed;
  wait_for_disk(status);
  drop_open_group(status);
  retire(*segment);
  release_segments();
}

// Refuses everything that was appended since the last close_group().
void Store::drop_open_group(Status status) {
  failed_.add(open_ticket_, status);
  size_t kept = 0;
  for (size_t i = 0; i < pending_count_; ++i)
    if (pending_[i].ticket < open_ticket_) pending_[kept++] = pending_[i];
  pending_count_ = kept;
  ++open_ticket_;
  for (OpenSegment& segment : segments_) {
    segment.in_open = false;
    segment.open = {};
  }
}

}  // namespace drey
