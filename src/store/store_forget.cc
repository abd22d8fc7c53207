// Removal: unpins and dropped statements, from the append to the index row. Both are entries of the
// log; replayed in its order they take away what stands before them, and nothing that comes later.
#include <algorithm>

#include "drey/check.h"
#include "store/store.h"

namespace drey {

const Store::Pending* Store::last_pending_statement(StatementKind kind,
                                                    const StatementKey& key) const {
  for (size_t i = pending_count_; i-- > 0;) {
    const Pending& pending = pending_[i];
    bool statement = pending.type == EntryType::kStatement || pending.type == EntryType::kDrop;
    if (statement && pending.kind == static_cast<uint8_t>(kind) && pending.key == key)
      return &pending;
  }
  return nullptr;
}

bool Store::anything_pending() const {
  for (const OpenSegment& segment : segments_)
    if (segment.file >= 0 && (segment.in_open || segment.in_flight)) return true;
  return false;
}

Status Store::append_unpin(const NodeId& owner, uint64_t number, std::span<const ChunkId> chunks,
                           Ticket* ticket) {
  DREY_CHECK(open_);
  DREY_TRY(index_usable());
  *ticket = settled_;
  EntryHeader header;
  header.type = EntryType::kUnpin;
  header.kind = owner == options_.self ? kUnpinPins | kUnpinClaims : kUnpinPins;
  header.number = number;
  header.slot = slot_of(owner);
  bool claims = (header.kind & kUnpinClaims) != 0;
  if (header.slot == kNoSlot) {
    if (!claims) return Status::kOk;  // it has no slot, so it has no pins
    DREY_TRY(assign_slot(owner, &header.slot));
  }
  // First everything that may mend the index, which uses the batch buffer.
  for (const ChunkId& c : chunks) {
    IndexRow row;
    Status status = with_index([&] { return index_.get(c, &row); });
    if (!ok(status) && status != Status::kNotFound) return status;
  }
  // What is on its way cannot be seen in the index: then every row goes into the log.
  bool all = anything_pending();
  RowBatch batch{header, header.slot, ticket};
  for (const ChunkId& c : chunks) {
    IndexRow row;
    Status status = index_.get(c, &row);
    if (!ok(status) && status != Status::kNotFound) return status;
    bool takes =
        row.remove_pin(header.slot, number) || (claims && (row.flags & IndexRow::kMine) != 0);
    if (!takes && !all) continue;
    DREY_TRY(add_row(batch, c.bytes()));
  }
  return flush_rows(batch);
}

Status Store::count_leaving(const NodeId& owner, uint64_t number, std::span<const ChunkId> chunks,
                            size_t* fresh) {
  *fresh = 0;
  uint8_t slot = slot_of(owner);
  if (slot == kNoSlot) return Status::kOk;
  for (const ChunkId& c : chunks) {
    IndexRow row;
    Status status = with_index([&] { return index_.get(c, &row); });
    if (status == Status::kNotFound) continue;
    DREY_TRY(status);
    for (size_t i = 0; i < row.pin_count; ++i) {
      const IndexPin& pin = row.pins[i];
      if (pin.slot == slot && pin.number <= number && !pin.leaving) ++*fresh;
    }
  }
  return Status::kOk;
}

Status Store::mark_leaving(const NodeId& owner, uint64_t number, std::span<const ChunkId> chunks,
                           size_t* fresh) {
  *fresh = 0;
  uint8_t slot = slot_of(owner);
  if (slot == kNoSlot) return Status::kOk;
  for (const ChunkId& c : chunks) {
    Status status = with_index([&] {
      IndexRow row;
      DREY_TRY(index_.get(c, &row));
      for (size_t i = 0; i < row.pin_count; ++i) {
        IndexPin& pin = row.pins[i];
        if (pin.slot != slot || pin.number > number || pin.leaving) continue;
        pin.leaving = true;
        ++*fresh;
        return index_.update(c, row);
      }
      return Status::kOk;
    });
    if (!ok(status) && status != Status::kNotFound) return status;
  }
  return Status::kOk;
}

Status Store::pins_of(const ChunkId& c, std::span<RecordPin, kNodeSlotsMax> pins, size_t* count) {
  *count = 0;
  IndexRow row;
  DREY_TRY(with_index([&] { return index_.get(c, &row); }));
  for (size_t i = 0; i < row.pin_count; ++i)
    if (row.pins[i].slot < node_count_)
      pins[(*count)++] = {nodes_[row.pins[i].slot], row.pins[i].number, row.pins[i].leaving};
  return Status::kOk;
}

Status Store::remove_statement(StatementKind kind, std::span<const uint8_t, kStatementKeyBytes> key,
                               Ticket* ticket) {
  DREY_CHECK(open_);
  *ticket = settled_;
  EntryHeader header;
  header.type = EntryType::kDrop;
  header.kind = static_cast<uint8_t>(kind);
  set_statement_key(key, &header);
  StatementKey copy = statement_key(header);
  const Pending* pending = last_pending_statement(kind, copy);
  if (pending != nullptr && pending->type == EntryType::kDrop) {
    *ticket = pending->ticket;
    return Status::kNotFound;
  }
  if (pending == nullptr) {
    uint64_t place = 0;
    uint32_t size = 0;
    DREY_TRY(with_index([&] { return index_.get_statement(kind, key, &place, &size); }));
  }
  if (pending_count_ == kPendingMax) return Status::kBusy;
  DREY_TRY(append_entry(header, {}, kNoSlot));
  add_pending(EntryType::kDrop, header.kind, copy);
  *ticket = open_ticket_;
  return Status::kOk;
}

Status Store::apply_unpin(const EntryHeader& header, Bytes body) {
  if (header.slot >= kNodeSlotsMax || body.size() % kPinRowBytes != 0) return Status::kOk;
  if (is_self_slot(header.slot)) number_ = std::max(number_, header.number);
  for (size_t at = 0; at < body.size(); at += kPinRowBytes) {
    ChunkId c = ChunkId::from(body.subspan(at, kPinRowBytes));
    IndexRow row;
    Status status = index_.get(c, &row);
    if (status == Status::kNotFound) continue;
    DREY_TRY(status);
    DeadShift dead(row);
    bool changed = (header.kind & kUnpinPins) != 0 && row.remove_pin(header.slot, header.number);
    if ((header.kind & kUnpinClaims) != 0 && (row.flags & IndexRow::kMine) != 0) {
      row.flags = static_cast<uint8_t>(row.flags & ~IndexRow::kMine);
      changed = true;
    }
    if (!changed) continue;
    bool empty = !row.held() && !row.wanted() && row.holders == 0;
    DREY_TRY(empty ? index_.remove(c) : index_.update(c, row));
    DREY_TRY(shift_dead(dead, row));
  }
  return Status::kOk;
}

Status Store::apply_drop(const EntryHeader& header) {
  auto kind = static_cast<StatementKind>(header.kind);
  uint64_t place = 0;
  uint32_t size = 0;
  Status status = index_.get_statement(kind, statement_key(header), &place, &size);
  if (status == Status::kNotFound) return Status::kOk;
  DREY_TRY(status);
  DREY_TRY(index_.add_dead(Place::unpack(place).segment, static_cast<int64_t>(entry_bytes(size))));
  return index_.remove_statement(kind, statement_key(header));
}

}  // namespace drey
