#include <algorithm>

#include "drey/check.h"
#include "store/index.h"
#include "store/index_bound.h"

namespace drey {
namespace {

constexpr size_t kPinBytes = 9;
constexpr int kTypeShift = 2;          // of `flags`, above kHeld and kMine
constexpr uint8_t kLeavingBit = 0x80;  // of a pin's slot
static_assert(kNodeSlotsMax <= kLeavingBit);

using StatementRowKey = std::array<uint8_t, 1 + kStatementKeyBytes>;

StatementRowKey row_key(StatementKind kind, std::span<const uint8_t, kStatementKeyBytes> key) {
  StatementRowKey row;
  row[0] = static_cast<uint8_t>(kind);
  std::copy(key.begin(), key.end(), row.begin() + 1);
  return row;
}

// The columns place, size, flags, holders, pins. What cannot have been written here is damage.
template <class Bound>
Status read_row(const Bound& q, IndexRow* row) {
  row->place = q.integer(0);
  row->size = static_cast<uint32_t>(q.integer(1));
  uint64_t flags = q.integer(2);
  row->flags = static_cast<uint8_t>(flags & (IndexRow::kHeld | IndexRow::kMine));
  row->type = static_cast<ChunkType>(flags >> kTypeShift);
  row->holders = q.integer(3);
  Bytes pins = q.blob(4);
  if (pins.size() % kPinBytes != 0 || pins.size() / kPinBytes > kNodeSlotsMax)
    return Status::kCorrupt;
  row->pin_count = static_cast<uint8_t>(pins.size() / kPinBytes);
  for (size_t i = 0; i < row->pin_count; ++i) {
    row->pins[i].slot = pins[i * kPinBytes] & static_cast<uint8_t>(~kLeavingBit);
    row->pins[i].leaving = (pins[i * kPinBytes] & kLeavingBit) != 0;
    row->pins[i].number = load_le<uint64_t>(&pins[i * kPinBytes + 1]);
  }
  return Status::kOk;
}

IndexSegment read_segment(uint64_t number, uint64_t salt, uint64_t indexed, uint64_t mark,
                          uint64_t state, uint64_t dead) {
  return {static_cast<uint32_t>(number),           salt, indexed, mark,
          static_cast<IndexSegment::State>(state), dead};
}

}  // namespace

bool IndexRow::merge_pin(uint8_t slot, uint64_t number) {
  for (size_t i = 0; i < pin_count; ++i) {
    if (pins[i].slot != slot) continue;
    if (pins[i].number >= number) return false;
    pins[i] = {slot, number};  // newer than what an UNPIN that waits may take
    return true;
  }
  DREY_CHECK(pin_count < kNodeSlotsMax);  // a slot stands once, and slots are below the maximum
  pins[pin_count++] = {slot, number};
  return true;
}

bool IndexRow::remove_pin(uint8_t slot, uint64_t number) {
  for (size_t i = 0; i < pin_count; ++i) {
    if (pins[i].slot != slot || pins[i].number > number) continue;
    pins[i] = pins[--pin_count];
    return true;
  }
  return false;
}

bool IndexRow::pinned_by(uint8_t slot) const {
  for (size_t i = 0; i < pin_count; ++i)
    if (pins[i].slot == slot) return true;
  return false;
}

bool IndexRow::stays_pinned_by(uint8_t slot) const {
  for (size_t i = 0; i < pin_count; ++i)
    if (pins[i].slot == slot) return !pins[i].leaving;
  return false;
}

RecordState IndexRow::state() const { return {held(), (flags & kMine) != 0, size, type, holders}; }

Status Index::get(const ChunkId& c, IndexRow* row) {
  Bound q(*this, kGet);
  q.blob(1, c.bytes());
  DREY_TRY(q.find());
  return read_row(q, row);
}

Status Index::write_row(Query query, const ChunkId& c, const IndexRow& row) {
  std::array<uint8_t, kPinBytes * kNodeSlotsMax> pins;
  for (size_t i = 0; i < row.pin_count; ++i) {
    pins[i * kPinBytes] =
        static_cast<uint8_t>(row.pins[i].slot | (row.pins[i].leaving ? kLeavingBit : 0));
    store_le<uint64_t>(&pins[i * kPinBytes + 1], row.pins[i].number);
  }
  Bound q(*this, query);
  q.blob(1, c.bytes());
  q.integer(2, row.place);
  q.integer(3, row.size);
  q.integer(4, row.flags | static_cast<unsigned>(row.type) << kTypeShift);
  q.integer(5, row.holders);
  q.blob(6, Bytes(pins).first(row.pin_count * kPinBytes));
  return q.run();
}

Status Index::insert(const ChunkId& c, const IndexRow& row) { return write_row(kInsert, c, row); }
Status Index::update(const ChunkId& c, const IndexRow& row) { return write_row(kUpdate, c, row); }

Status Index::remove(const ChunkId& c) {
  Bound q(*this, kRemove);
  q.blob(1, c.bytes());
  return q.run();
}

Status Index::scan(const ChunkId& after, const ChunkId& last, Visit visit, void* context) {
  Bound q(*this, kScan);
  q.blob(1, after.bytes());
  q.blob(2, last.bytes());
  IndexRow row;
  while (true) {
    Status status = q.step();
    if (status == Status::kEnd) return Status::kOk;
    DREY_TRY(status);
    Bytes c = q.blob(5);
    if (c.size() != ChunkId::kSize) return Status::kCorrupt;
    DREY_TRY(read_row(q, &row));
    if (!visit(context, ChunkId::from(c), row)) return Status::kOk;
  }
}

Status Index::get_content(const ContentId& d, ChunkId* c) {
  Bound q(*this, kGetContent);
  q.blob(1, d.bytes());
  DREY_TRY(q.find());
  if (q.blob(0).size() != ChunkId::kSize) return Status::kCorrupt;
  *c = ChunkId::from(q.blob(0));
  return Status::kOk;
}

Status Index::put_content(const ContentId& d, const ChunkId& c) {
  Bound q(*this, kPutContent);
  q.blob(1, d.bytes());
  q.blob(2, c.bytes());
  return q.run();
}

Status Index::remove_content(const ContentId& d) {
  Bound q(*this, kRemoveContent);
  q.blob(1, d.bytes());
  return q.run();
}

Status Index::get_statement(StatementKind kind, std::span<const uint8_t, kStatementKeyBytes> key,
                            uint64_t* place, uint32_t* size) {
  StatementRowKey whole = row_key(kind, key);
  Bound q(*this, kGetStatement);
  q.blob(1, whole);
  DREY_TRY(q.find());
  *place = q.integer(0);
  *size = static_cast<uint32_t>(q.integer(1));
  return Status::kOk;
}

Status Index::put_statement(StatementKind kind, std::span<const uint8_t, kStatementKeyBytes> key,
                            uint64_t place, uint32_t size) {
  StatementRowKey whole = row_key(kind, key);
  Bound q(*this, kPutStatement);
  q.blob(1, whole);
  q.integer(2, place);
  q.integer(3, size);
  return q.run();
}

Status Index::remove_statement(StatementKind kind,
                               std::span<const uint8_t, kStatementKeyBytes> key) {
  StatementRowKey whole = row_key(kind, key);
  Bound q(*this, kRemoveStatement);
  q.blob(1, whole);
  return q.run();
}

Status Index::scan_statements(StatementKind kind,
                              std::span<const uint8_t, kStatementKeyBytes> after,
                              std::span<StatementRow> rows, size_t* count) {
  StatementRowKey from = row_key(kind, after);
  StatementRowKey last;
  last.fill(0xff);
  last[0] = static_cast<uint8_t>(kind);
  *count = 0;
  Bound q(*this, kScanStatements);
  q.blob(1, from);
  q.blob(2, last);
  while (*count < rows.size()) {
    Status status = q.step();
    if (status == Status::kEnd) return Status::kOk;
    DREY_TRY(status);
    Bytes key = q.blob(0);
    if (key.size() != from.size()) return Status::kCorrupt;
    StatementRow& row = rows[(*count)++];
    std::copy(key.begin() + 1, key.end(), row.key.begin());
    row.size = static_cast<uint32_t>(q.integer(1));
  }
  return Status::kOk;
}

Status Index::get_segment(uint32_t number, IndexSegment* segment) {
  Bound q(*this, kGetSegment);
  q.integer(1, number);
  DREY_TRY(q.find());
  *segment = read_segment(q.integer(0), q.integer(1), q.integer(2), q.integer(3), q.integer(4),
                          q.integer(5));
  return Status::kOk;
}

Status Index::put_segment(const IndexSegment& segment) {
  Bound q(*this, kPutSegment);
  q.integer(1, segment.number);
  q.integer(2, segment.salt);
  q.integer(3, segment.indexed);
  q.integer(4, segment.mark);
  q.integer(5, segment.state);
  return q.run();
}

Status Index::next_segment(uint32_t number, int state, IndexSegment* segment) {
  Bound q(*this, kNextSegment);
  q.integer(1, number);
  q.integer(2, static_cast<uint64_t>(int64_t{state}));
  DREY_TRY(q.find());
  *segment = read_segment(q.integer(0), q.integer(1), q.integer(2), q.integer(3), q.integer(4),
                          q.integer(5));
  return Status::kOk;
}

Status Index::remove_segment(uint32_t number) {
  Bound q(*this, kRemoveSegment);
  q.integer(1, number);
  return q.run();
}

Status Index::next_dead(uint32_t number, uint64_t times, IndexSegment* segment) {
  Bound q(*this, kNextDead);
  q.integer(1, number);
  q.integer(2, times);
  DREY_TRY(q.find());
  *segment = read_segment(q.integer(0), q.integer(1), q.integer(2), q.integer(3), q.integer(4),
                          q.integer(5));
  return Status::kOk;
}

Status Index::add_dead(uint32_t number, int64_t bytes) {
  Bound q(*this, kAddDead);
  q.integer(1, number);
  q.integer(2, static_cast<uint64_t>(bytes));
  return q.run();
}

Status Index::set_dead(uint32_t number, uint64_t bytes) {
  Bound q(*this, kSetDead);
  q.integer(1, number);
  q.integer(2, bytes);
  return q.run();
}

Status Index::sum_segments(Segments* sum) {
  Bound q(*this, kSumSegments);
  DREY_TRY(q.find());
  *sum = {q.integer(0), q.integer(1), static_cast<uint32_t>(q.integer(2)), q.integer(3)};
  return Status::kOk;
}

Status Index::get_node(uint8_t slot, NodeId* node, uint32_t* segment) {
  Bound q(*this, kGetNode);
  q.integer(1, slot);
  DREY_TRY(q.find());
  if (q.blob(0).size() != NodeId::kSize) return Status::kCorrupt;
  *node = NodeId::from(q.blob(0));
  *segment = static_cast<uint32_t>(q.integer(1));
  return Status::kOk;
}

Status Index::put_node(uint8_t slot, const NodeId& node, uint32_t segment) {
  Bound q(*this, kPutNode);
  q.integer(1, slot);
  q.blob(2, node.bytes());
  q.integer(3, segment);
  return q.run();
}

Status Index::get_number(MetaKey key, uint64_t* value) {
  *value = 0;
  Bound q(*this, kGetMeta);
  q.integer(1, static_cast<uint64_t>(key));
  Status status = q.find();
  if (status == Status::kNotFound) return Status::kOk;
  DREY_TRY(status);
  *value = q.integer(0);
  return Status::kOk;
}

Status Index::put_number(MetaKey key, uint64_t value) {
  Bound q(*this, kPutMeta);
  q.integer(1, static_cast<uint64_t>(key));
  q.integer(2, value);
  return q.run();
}

Status Index::get_store_id(StoreId* id) {
  Bound q(*this, kGetMeta);
  q.integer(1, static_cast<uint64_t>(MetaKey::kStoreId));
  DREY_TRY(q.find());
  Bytes value = q.blob(0);
  if (value.size() != id->size()) return Status::kCorrupt;
  std::copy(value.begin(), value.end(), id->begin());
  return Status::kOk;
}

}  // namespace drey
