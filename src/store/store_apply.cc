// From entries to index rows. Live appends (after their sync), the replay at start and the rebuild
// all come through here, so that they cannot differ. Applying an entry twice changes nothing.
#include "crypto/hash.h"
#include "store/store.h"

namespace drey {

bool Store::is_self_slot(uint8_t slot) const {
  return slot < node_count_ && nodes_[slot] == options_.self;
}

// Unknown types and kinds verify but mean nothing to this version: they are passed over.
Status Store::apply(uint32_t number, const SegmentEntry& entry, SegmentReader& reader) {
  const EntryHeader& header = entry.header;
  switch (header.type) {
    case EntryType::kRecord:
      return apply_record(number, entry);
    case EntryType::kPins:
    case EntryType::kOwn:
    case EntryType::kUnpin:
      return apply_batch(entry, reader);
    case EntryType::kStatement:
      return apply_statement(number, entry);
    case EntryType::kDrop:
      return is_statement_kind(header.kind) ? apply_drop(header) : Status::kOk;
    case EntryType::kNode:
      return apply_node(number, header);
    case EntryType::kCounter:
      return apply_counter(number, header);
    case EntryType::kTable:
      return Status::kOk;
  }
  return Status::kOk;
}

Status Store::apply_record(uint32_t number, const SegmentEntry& entry) {
  const EntryHeader& header = entry.header;
  bool pin = header.slot != kNoSlot;
  if (!is_chunk_type(header.kind) || (pin && header.slot >= kNodeSlotsMax)) return Status::kOk;
  ChunkId c = ChunkId::from(header.key);
  IndexRow row;
  Status status = index_.get(c, &row);
  if (!ok(status) && status != Status::kNotFound) return status;
  DeadShift dead(row);
  // A later entry of the same C was appended because the earlier one was found damaged.
  if (!row.held()) ++records_;
  row.place = Place::at(number, entry.offset).packed();
  row.size = header.length;
  row.type = static_cast<ChunkType>(header.kind);
  row.flags |= IndexRow::kHeld;
  if (pin) row.merge_pin(header.slot, header.number);
  if (is_self_slot(header.slot)) number_ = std::max(number_, header.number);
  DREY_TRY(ok(status) ? index_.update(c, row) : index_.insert(c, row));
  return shift_dead(dead, row);
}

// Keeps the index's count of dead bytes when a row changes from `before` to `row`.
Status Store::shift_dead(const DeadShift& before, const IndexRow& row) {
  bool live = row.held() && row.wanted();
  bool moved = before.place != row.place;
  if (before.live && (!live || moved))
    DREY_TRY(index_.add_dead(Place::unpack(before.place).segment, before.bytes));
  if (live && !before.live && !moved && before.place != 0)
    DREY_TRY(index_.add_dead(Place::unpack(row.place).segment, -before.bytes));
  return Status::kOk;
}

Status Store::apply_batch(const SegmentEntry& entry, SegmentReader& reader) {
  const EntryHeader& header = entry.header;
  if (header.length > batch_.size()) return Status::kOk;
  MutBytes body = MutBytes(batch_).first(header.length);
  Status status = reader.read_body(entry, body);
  if (status == Status::kCorrupt) {
    ++stats_.corrupt;
    return Status::kOk;  // what it said comes back by comparing digests
  }
  DREY_TRY(status);
  if (header.type == EntryType::kPins) return apply_pins(header, body);
  if (header.type == EntryType::kUnpin) return apply_unpin(header, body);
  number_ = std::max(number_, header.number);
  return apply_own(body);
}

Status Store::apply_pins(const EntryHeader& header, Bytes body) {
  if (header.slot >= kNodeSlotsMax || body.size() % kPinRowBytes != 0) return Status::kOk;
  if (is_self_slot(header.slot)) number_ = std::max(number_, header.number);
  for (size_t at = 0; at < body.size(); at += kPinRowBytes) {
    ChunkId c = ChunkId::from(body.subspan(at, kPinRowBytes));
    IndexRow row;
    Status status = index_.get(c, &row);
    if (!ok(status) && status != Status::kNotFound) return status;
    DeadShift dead(row);
    if (!row.merge_pin(header.slot, header.number)) continue;
    DREY_TRY(ok(status) ? index_.update(c, row) : index_.insert(c, row));
    DREY_TRY(shift_dead(dead, row));
  }
  return Status::kOk;
}

Status Store::apply_own(Bytes body) {
  if (body.size() % kOwnRowBytes != 0) return Status::kOk;
  for (size_t at = 0; at < body.size(); at += kOwnRowBytes) {
    OwnedRecord owned;
    if (!ok(decode_own_row(body.subspan(at).first<kOwnRowBytes>(), &owned))) continue;
    IndexRow row;
    Status status = index_.get(owned.c, &row);
    if (!ok(status) && status != Status::kNotFound) return status;
    DeadShift dead(row);
    row.flags |= IndexRow::kMine;
    row.type = owned.type;
    if (!row.held()) row.size = owned.size;
    DREY_TRY(ok(status) ? index_.update(owned.c, row) : index_.insert(owned.c, row));
    DREY_TRY(shift_dead(dead, row));
    DREY_TRY(index_.put_content(owned.d, owned.c));
  }
  return Status::kOk;
}

Status Store::apply_statement(uint32_t number, const SegmentEntry& entry) {
  const EntryHeader& header = entry.header;
  if (!is_statement_kind(header.kind) || header.length > limits::kStatementBytesMax)
    return Status::kOk;
  auto kind = static_cast<StatementKind>(header.kind);
  uint64_t place = Place::at(number, entry.offset).packed();
  uint64_t before = 0;
  uint32_t size = 0;
  Status status = index_.get_statement(kind, statement_key(header), &before, &size);
  if (!ok(status) && status != Status::kNotFound) return status;
  if (ok(status) && before != place)
    DREY_TRY(
        index_.add_dead(Place::unpack(before).segment, static_cast<int64_t>(entry_bytes(size))));
  return index_.put_statement(kind, statement_key(header), place, header.length);
}

Status Store::apply_counter(uint32_t number, const EntryHeader& header) {
  // At a start all of the block may have been given out; while running this is what was asked for.
  if (!open_) number_ = std::max(number_, header.number);
  number_reserved_ = std::max(number_reserved_, header.number);
  number_durable_ = std::max(number_durable_, header.number);
  if (number <= counter_segment_) return Status::kOk;  // in log order they only rise
  counter_segment_ = number;
  return index_.put_number(MetaKey::kCounterSegment, counter_segment_);
}

Status Store::apply_node(uint32_t number, const EntryHeader& header) {
  if (header.slot >= kNodeSlotsMax) return Status::kOk;
  NodeId node = NodeId::from(header.key);
  if (nodes_[header.slot] == node) {
    if (number <= node_segments_[header.slot]) return Status::kOk;
    node_segments_[header.slot] = number;
    return index_.put_node(header.slot, node, number);
  }
  if (!nodes_[header.slot].is_zero()) {
    // Cannot come from one history of appends. The first word stands.
    if (options_.log != nullptr) options_.log->error("store: two nodes claim slot %u", header.slot);
    return Status::kOk;
  }
  nodes_[header.slot] = node;
  node_segments_[header.slot] = number;
  node_count_ = std::max<uint8_t>(node_count_, static_cast<uint8_t>(header.slot + 1));
  return index_.put_node(header.slot, node, number);
}

}  // namespace drey
