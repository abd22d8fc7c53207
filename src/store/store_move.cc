// What compaction moves: each entry of the victim is compared with the index, and what still counts
// is appended again. Nothing may be passed that the next rebuild would miss, and nothing that was
// taken away may be passed on.
#include <algorithm>

#include "crypto/crc32c.h"
#include "crypto/hash.h"
#include "drey/check.h"
#include "store/store.h"

namespace drey {

// What a newer version wrote, and only it could move.
bool Store::is_needed_kind(const EntryHeader& header) const {
  switch (header.type) {
    case EntryType::kRecord:
      return is_chunk_type(header.kind) && (header.slot < kNodeSlotsMax || header.slot == kNoSlot);
    case EntryType::kStatement:
      return is_statement_kind(header.kind) && header.length <= limits::kStatementBytesMax;
    case EntryType::kDrop:
      return is_statement_kind(header.kind) && header.length == 0;
    case EntryType::kPins:
      return header.kind == 0 && header.slot < node_count_ && header.length <= kBatchBytesMax;
    case EntryType::kUnpin:
      return header.kind != 0 && (header.kind & ~(kUnpinPins | kUnpinClaims)) == 0 &&
             header.slot < node_count_ && header.length <= kBatchBytesMax;
    case EntryType::kOwn:
      return header.kind == 0 && header.length <= kBatchBytesMax;
    case EntryType::kNode:
      return header.kind == 0 && header.slot < node_count_;
    case EntryType::kCounter:
      return header.kind == 0;
    case EntryType::kTable:
      return false;
  }
  return false;
}

// Is it this entry that the index would read? Records and statements only.
Status Store::placed_here(const SegmentEntry& entry, IndexRow* row, bool* here) {
  *here = false;
  uint64_t place = Place::at(victim_.number, entry.offset).packed();
  if (entry.header.type == EntryType::kRecord) {
    Status status = index_.get(ChunkId::from(entry.header.key), row);
    if (status == Status::kNotFound) return Status::kOk;
    DREY_TRY(status);
    *here = row->held() && row->place == place;
  }
  if (entry.header.type == EntryType::kStatement) {
    uint64_t known = 0;
    uint32_t size = 0;
    Status status = index_.get_statement(static_cast<StatementKind>(entry.header.kind),
                                         statement_key(entry.header), &known, &size);
    if (status == Status::kNotFound) return Status::kOk;
    DREY_TRY(status);
    *here = known == place;
  }
  return Status::kOk;
}

// kEnd: this segment cannot be given up.
Status Store::move_entry(const SegmentEntry& entry, EntryWalk& walk) {
  const EntryHeader& header = entry.header;
  switch (header.type) {
    case EntryType::kRecord:
      return move_record(entry, walk);
    case EntryType::kPins:
    case EntryType::kOwn: {
      MutBytes body = MutBytes(batch_).first(header.length);
      Status status = walk.read_body(entry, body);
      // The index still knows what it said, but not that it was said here.
      if (status == Status::kCorrupt) return Status::kEnd;
      DREY_TRY(status);
      return header.type == EntryType::kPins ? move_pins(header, body) : move_own(header, body);
    }
    case EntryType::kUnpin:
      return move_unpin(header, entry, walk);
    case EntryType::kStatement:
      return move_statement(entry, walk);
    case EntryType::kDrop:
      return move_drop(header);
    case EntryType::kNode:
      return move_node(header);
    case EntryType::kCounter:
      return move_counter();
    case EntryType::kTable:
      return Status::kOk;
  }
  return Status::kEnd;
}

// A record takes all its pins along. One that nobody needs is let go here: from now on a pin of it
// is refused, and its owner sends it again.
Status Store::move_record(const SegmentEntry& entry, EntryWalk& walk) {
  IndexRow row;
  bool here = false;
  DREY_TRY(placed_here(entry, &row, &here));
  if (!here) return Status::kOk;
  ChunkId c = ChunkId::from(entry.header.key);
  if (!row.wanted()) {
    row.flags = static_cast<uint8_t>(row.flags & ~IndexRow::kHeld);
    --records_;
    return row.holders == 0 ? index_.remove(c) : index_.update(c, row);
  }
  EntryHeader header;
  header.type = EntryType::kRecord;
  header.kind = static_cast<uint8_t>(row.type);
  header.key = c.raw;
  header.slot = row.pin_count != 0 ? row.pins[0].slot : kNoSlot;
  header.number = row.pin_count != 0 ? row.pins[0].number : 0;
  Status status = Status::kCorrupt;
  for (int tries = 0; tries < 2 && status == Status::kCorrupt; ++tries)
    status = copy_record(header, entry, walk);
  bool lost = status == Status::kCorrupt;
  if (lost) {
    if (options_.log != nullptr)
      options_.log->warning("store: a record in segment %u is damaged", victim_.number);
    DREY_TRY(lose_place(c, row.place));
  } else {
    DREY_TRY(status);
  }
  for (size_t i = lost ? 0 : 1; i < row.pin_count; ++i) {
    EntryHeader pins;
    pins.type = EntryType::kPins;
    pins.slot = row.pins[i].slot;
    pins.number = row.pins[i].number;
    DREY_TRY(append_entry(pins, c.bytes(), pins.slot));
  }
  return Status::kOk;
}

// In pieces through the batch buffer. kCorrupt: its bytes are not C's; nothing was appended.
Status Store::copy_record(const EntryHeader& record, const SegmentEntry& entry, EntryWalk& walk) {
  EntryHeader header = record;
  header.length = entry.header.length;
  DREY_TRY(begin_entry(header.length, header.slot));
  Sha256 hash;
  for (size_t done = 0; done < header.length;) {
    MutBytes piece = MutBytes(batch_).first(std::min<size_t>(batch_.size(), header.length - done));
    DREY_TRY(walk.read_piece(entry, done, piece));
    hash.update(piece);
    header.body_crc = crc32c(header.body_crc, piece);
    Status status = writer_.write_body(done, piece);
    if (!ok(status)) {
      on_write_failed(status);
      return status;
    }
    done += piece.size();
  }
  uint64_t from = writer_.tail();
  bool good = hash.finish() == header.key;
  Status status = good ? writer_.finish(header) : writer_.drop_body();
  if (!ok(status)) {
    on_write_failed(status);
    return status;
  }
  if (!good) return Status::kCorrupt;
  note_written(from, header.length);
  return Status::kOk;
}

// Those that the index still holds exactly so. A record that is yet to be moved takes its own
// along.
Status Store::move_pins(const EntryHeader& header, MutBytes body) {
  size_t kept = 0;
  for (size_t at = 0; at + kPinRowBytes <= body.size(); at += kPinRowBytes) {
    ChunkId c = ChunkId::from(body.subspan(at, kPinRowBytes));
    IndexRow row;
    Status status = index_.get(c, &row);
    if (status == Status::kNotFound) continue;
    DREY_TRY(status);
    bool current = false;
    for (size_t i = 0; i < row.pin_count; ++i)
      if (row.pins[i].slot == header.slot && row.pins[i].number == header.number) current = true;
    bool moves = row.held() && Place::unpack(row.place).segment == victim_.number;
    if (!current || moves) continue;
    std::copy(c.raw.begin(), c.raw.end(), body.begin() + static_cast<long>(kept));
    kept += kPinRowBytes;
  }
  if (kept == 0) return Status::kOk;
  EntryHeader pins;
  pins.type = EntryType::kPins;
  pins.slot = header.slot;
  pins.number = header.number;
  return append_entry(pins, body.first(kept), header.slot);
}

// Claims that stand. Where D leads to another C by now, it must do so after the replay too.
Status Store::move_own(const EntryHeader& header, MutBytes body) {
  EntryHeader own;
  own.type = EntryType::kOwn;
  own.number = header.number;
  size_t kept = 0;
  for (size_t at = 0; at + kOwnRowBytes <= body.size(); at += kOwnRowBytes) {
    std::array<uint8_t, kOwnRowBytes> raw;
    std::copy_n(body.begin() + static_cast<long>(at), raw.size(), raw.begin());
    OwnedRecord owned;
    if (!ok(decode_own_row(raw, &owned))) continue;
    IndexRow row;
    Status status = index_.get(owned.c, &row);
    if (!ok(status) && status != Status::kNotFound) return status;
    bool mine = ok(status) && (row.flags & IndexRow::kMine) != 0;
    ChunkId now;
    status = index_.get_content(owned.d, &now);
    if (!ok(status) && status != Status::kNotFound) return status;
    bool leads_here = ok(status) && now == owned.c;
    if (!mine && leads_here) DREY_TRY(index_.remove_content(owned.d));
    if (!mine) continue;
    if (ok(status) && !leads_here) {
      DREY_TRY(move_own_shadowed(own, raw));
      continue;
    }
    std::copy(raw.begin(), raw.end(), body.begin() + static_cast<long>(kept));
    kept += kOwnRowBytes;
  }
  return kept == 0 ? Status::kOk : append_entry(own, body.first(kept), kNoSlot);
}

// The claim on an older C of this D, and behind it, in the same entry, the one that D leads to.
Status Store::move_own_shadowed(const EntryHeader& header, Bytes raw) {
  OwnedRecord owned;
  DREY_CHECK(ok(decode_own_row(raw.first<kOwnRowBytes>(), &owned)));
  std::array<uint8_t, 2 * kOwnRowBytes> rows;
  std::copy(raw.begin(), raw.end(), rows.begin());
  size_t used = kOwnRowBytes;
  OwnedRecord other;
  other.d = owned.d;
  DREY_TRY(index_.get_content(owned.d, &other.c));
  IndexRow row;
  Status status = index_.get(other.c, &row);
  if (!ok(status) && status != Status::kNotFound) return status;
  if (ok(status) && (row.flags & IndexRow::kMine) != 0) {
    other.size = row.size;
    other.type = row.type;
    encode_own_row(other, std::span(rows).subspan<kOwnRowBytes, kOwnRowBytes>());
    used += kOwnRowBytes;
  }
  return append_entry(header, Bytes(rows).first(used), kNoSlot);
}

// The segment an unpin or drop entry was first written into; kNotFound: nothing as old is left, so
// nothing that it took away can come back.
Status Store::origin_of(const EntryHeader& header, uint32_t* origin) {
  *origin = header.origin != 0 ? header.origin : victim_.number;
  IndexSegment oldest;
  DREY_TRY(index_.next_segment(0, -1, &oldest));
  if (oldest.number == victim_.number)
    DREY_TRY(index_.next_segment(oldest.number + 1, -1, &oldest));
  return oldest.number <= *origin ? Status::kOk : Status::kNotFound;
}

// Row by row: what stands again by now must not be taken once more.
Status Store::move_unpin(const EntryHeader& header, const SegmentEntry& entry, EntryWalk& walk) {
  EntryHeader unpin;
  unpin.type = EntryType::kUnpin;
  unpin.slot = header.slot;
  unpin.number = header.number;
  Status status = origin_of(header, &unpin.origin);
  if (status == Status::kNotFound) return Status::kOk;
  DREY_TRY(status);
  for (unpin.kind = 1; unpin.kind <= (kUnpinPins | kUnpinClaims); ++unpin.kind) {
    MutBytes body = MutBytes(batch_).first(header.length);
    status = walk.read_body(entry, body);
    if (status == Status::kCorrupt) return Status::kOk;  // garbage may come back, nothing is lost
    DREY_TRY(status);
    size_t kept = 0;
    for (size_t at = 0; at + kPinRowBytes <= body.size(); at += kPinRowBytes) {
      ChunkId c = ChunkId::from(body.subspan(at, kPinRowBytes));
      IndexRow row;
      status = index_.get(c, &row);
      if (!ok(status) && status != Status::kNotFound) return status;
      unsigned what = header.kind;
      if (row.pinned_by(header.slot)) what &= ~unsigned{kUnpinPins};
      if ((row.flags & IndexRow::kMine) != 0) what &= ~unsigned{kUnpinClaims};
      if (what != unpin.kind) continue;
      std::copy(c.raw.begin(), c.raw.end(), body.begin() + static_cast<long>(kept));
      kept += kPinRowBytes;
    }
    if (kept != 0) DREY_TRY(append_entry(unpin, body.first(kept), unpin.slot));
  }
  return Status::kOk;
}

Status Store::move_statement(const SegmentEntry& entry, EntryWalk& walk) {
  IndexRow unused;
  bool here = false;
  DREY_TRY(placed_here(entry, &unused, &here));
  if (!here) return Status::kOk;
  MutBytes body = MutBytes(batch_).first(entry.header.length);
  Status status = walk.read_body(entry, body);
  if (status == Status::kCorrupt) return lose_statement(victim_.number, entry);
  DREY_TRY(status);
  return append_entry(entry.header, body, kNoSlot);
}

Status Store::move_drop(const EntryHeader& header) {
  EntryHeader drop = header;
  Status status = origin_of(header, &drop.origin);
  if (status == Status::kNotFound) return Status::kOk;
  DREY_TRY(status);
  uint64_t place = 0;
  uint32_t size = 0;
  status = index_.get_statement(static_cast<StatementKind>(header.kind), statement_key(header),
                                &place, &size);
  if (status != Status::kNotFound) return status;  // it stands again
  return append_entry(drop, {}, kNoSlot);
}

// Holder masks refer to slots that no pin may name.
Status Store::move_node(const EntryHeader& header) {
  bool newer = node_segments_[header.slot] > victim_.number;
  if (newer || nodes_[header.slot].raw != header.key) return Status::kOk;
  return begin_entry(0, header.slot);
}

Status Store::move_counter() {
  if (victim_.counted || counter_segment_ > victim_.number) return Status::kOk;
  victim_.counted = true;
  EntryHeader counter;
  counter.type = EntryType::kCounter;
  counter.number = std::max(number_, number_reserved_);
  DREY_TRY(append_entry(counter, {}, kNoSlot));
  number_reserved_ = counter.number;
  return Status::kOk;
}

}  // namespace drey
