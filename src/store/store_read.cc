// Reading and looking up. Nothing leaves here that was not verified.
#include <algorithm>

#include "crypto/crc32c.h"
#include "crypto/hash.h"
#include "drey/check.h"
#include "store/store.h"

namespace drey {
namespace {

// Reads exactly to.size() bytes; kCorrupt when the file ends before or is not there any more.
Status read_exactly(Disk* disk, Place place, bool direct, uint64_t skip, MutBytes to) {
  Result<Disk::File> file =
      disk->open(segment_name(place.segment).data(), Disk::kRead | (direct ? Disk::kDirect : 0u));
  if (file.status() == Status::kNotFound) return Status::kCorrupt;
  DREY_TRY(file.status());
  Result<size_t> got = disk->read_at(file.value(), place.offset() + skip, to);
  disk->close(file.value());
  DREY_TRY(got.status());
  return got.value() == to.size() ? Status::kOk : Status::kCorrupt;
}

struct RowSink {
  std::span<RecordRow> rows;
  size_t count = 0;
};

struct ChunkSink {
  std::span<ChunkId> chunks;
  size_t count = 0;
  uint8_t slot = 0;
};

struct DigestSink {
  std::span<BucketDigest, kBucketCount> digests;
  uint8_t slot = 0;
};

ChunkId last_chunk() {
  ChunkId last;
  last.raw.fill(0xff);
  return last;
}

}  // namespace

Status Store::find(const ChunkId& c, RecordState* state) {
  IndexRow row;
  DREY_TRY(with_index([&] { return index_.get(c, &row); }));
  *state = row.state();
  return Status::kOk;
}

Status Store::find_content(const ContentId& d, ChunkId* c, RecordState* state) {
  DREY_TRY(with_index([&] { return index_.get_content(d, c); }));
  DREY_TRY(find(*c, state));
  // An unpin took the claim; the row of D goes when compaction meets it.
  return state->mine ? Status::kOk : Status::kNotFound;
}

Status Store::read_record(const ChunkId& c, MutBytes room, size_t* size) {
  DREY_CHECK(open_);
  IndexRow row;
  DREY_TRY(with_index([&] { return index_.get(c, &row); }));
  if (!row.held()) return Status::kNotFound;
  *size = row.size;
  if (room.size() < row.size) return Status::kTooLarge;
  MutBytes record = room.first(row.size);
  Place place = Place::unpack(row.place);
  // Once from the cache, and when that is wrong once from the device: memory rots as well.
  for (bool direct : {false, true}) {
    Status status = read_exactly(options_.log_disk, place, direct, kEntryHeaderBytes, record);
    if (ok(status) && sha256(record) == c.raw) return Status::kOk;
    if (!ok(status) && status != Status::kCorrupt && direct) return status;
  }
  if (options_.log != nullptr)
    options_.log->warning("store: a record in segment %u is damaged", place.segment);
  DREY_TRY(with_index([&] { return lose_place(c, row.place); }));
  return Status::kCorrupt;
}

Status Store::read_statement(StatementKind kind, std::span<const uint8_t, kStatementKeyBytes> key,
                             MutBytes to, size_t* size) {
  DREY_CHECK(open_);
  uint64_t packed = 0;
  uint32_t length = 0;
  DREY_TRY(with_index([&] { return index_.get_statement(kind, key, &packed, &length); }));
  *size = length;
  if (to.size() < length) return Status::kTooLarge;
  Place place = Place::unpack(packed);
  std::array<uint8_t, kEntryHeaderBytes> raw;
  for (bool direct : {false, true}) {
    Status status = read_exactly(options_.log_disk, place, direct, 0, raw);
    if (ok(status))
      status = read_exactly(options_.log_disk, place, direct, raw.size(), to.first(length));
    // The header's salted checksum was verified when it was indexed; here key and body count.
    EntryHeader wanted;
    set_statement_key(key, &wanted);
    constexpr size_t kBodyCrcAt = 12;
    constexpr size_t kKeyAt = 16;
    if (ok(status) && equal(Bytes(raw).subspan(kKeyAt, 32), wanted.key) &&
        load_le<uint64_t>(&raw[kKeyAt + 32]) == wanted.number &&
        load_le<uint32_t>(&raw[kBodyCrcAt]) == crc32c(0, to.first(length)))
      return Status::kOk;
    if (!ok(status) && status != Status::kCorrupt && direct) return status;
  }
  StatementKey lost;
  std::copy(key.begin(), key.end(), lost.begin());
  DREY_TRY(with_index([&] { return forget_statement(kind, lost); }));
  return Status::kCorrupt;
}

Status Store::scan_statements(StatementKind kind,
                              std::span<const uint8_t, kStatementKeyBytes> after,
                              std::span<StatementRow> rows, size_t* count) {
  return with_index([&] { return index_.scan_statements(kind, after, rows, count); });
}

Status Store::scan_records(const ChunkId& after, std::span<RecordRow> rows, size_t* count) {
  RowSink sink{rows};
  auto visit = [](void* context, const ChunkId& c, const IndexRow& row) {
    auto& to = *static_cast<RowSink*>(context);
    to.rows[to.count++] = {c, row.state()};
    return to.count < to.rows.size();
  };
  DREY_TRY(with_index([&] {
    sink.count = 0;
    return rows.empty() ? Status::kOk : index_.scan(after, last_chunk(), visit, &sink);
  }));
  *count = sink.count;
  return Status::kOk;
}

Status Store::scan_pinned(const NodeId& owner, uint8_t bucket, const ChunkId& after,
                          std::span<ChunkId> chunks, size_t* count) {
  *count = 0;
  ChunkSink sink{chunks, 0, slot_of(owner)};
  if (sink.slot == kNoSlot || chunks.empty()) return Status::kOk;
  // The row just below the bucket: one less than bucket ‖ 00…, so that a C of zeros is found too.
  ChunkId from;
  if (bucket != 0) {
    from.raw.fill(0xff);
    from.raw[0] = static_cast<uint8_t>(bucket - 1);
  }
  from = std::max(from, after);
  ChunkId last = last_chunk();
  last.raw[0] = bucket;
  auto visit = [](void* context, const ChunkId& c, const IndexRow& row) {
    auto& to = *static_cast<ChunkSink*>(context);
    if (row.held() && row.stays_pinned_by(to.slot)) to.chunks[to.count++] = c;
    return to.count < to.chunks.size();
  };
  DREY_TRY(with_index([&] {
    sink.count = 0;
    return index_.scan(from, last, visit, &sink);
  }));
  *count = sink.count;
  return Status::kOk;
}

Status Store::pin_digests(const NodeId& owner, std::span<BucketDigest, kBucketCount> digests) {
  DigestSink sink{digests, slot_of(owner)};
  std::fill(digests.begin(), digests.end(), BucketDigest{});
  if (sink.slot == kNoSlot) return Status::kOk;
  auto visit = [](void* context, const ChunkId& c, const IndexRow& row) {
    auto& to = *static_cast<DigestSink*>(context);
    if (row.held() && row.stays_pinned_by(to.slot)) to.digests[c.raw[0]].add(c);
    return true;
  };
  return with_index([&] {
    std::fill(digests.begin(), digests.end(), BucketDigest{});
    return index_.scan(ChunkId{}, last_chunk(), visit, &sink);
  });
}

Status Store::sum_pinned(ChunkId* after, size_t row_count, std::span<uint64_t, kNodeSlotsMax> bytes,
                         bool* ended) {
  struct Sink {
    size_t left = 0;
    ChunkId last;
    std::array<uint64_t, kNodeSlotsMax> sums{};
  } sink;
  auto visit = [](void* context, const ChunkId& c, const IndexRow& row) {
    auto& to = *static_cast<Sink*>(context);
    to.last = c;
    for (size_t i = 0; row.held() && i < row.pin_count; ++i)
      if (row.pins[i].slot < kNodeSlotsMax) to.sums[row.pins[i].slot] += entry_bytes(row.size);
    return --to.left > 0;
  };
  DREY_TRY(with_index([&] {
    sink = {row_count, *after, {}};
    return index_.scan(*after, last_chunk(), visit, &sink);
  }));
  *ended = sink.left > 0;
  *after = sink.last;
  for (size_t slot = 0; slot < kNodeSlotsMax; ++slot) bytes[slot] += sink.sums[slot];
  return Status::kOk;
}

uint8_t Store::slot_of(const NodeId& node) const {
  for (uint8_t slot = 0; slot < node_count_; ++slot)
    if (nodes_[slot] == node) return slot;
  return kNoSlot;
}

// In the index at once (masks may refer to it), in the log before the first pin of each segment.
Status Store::assign_slot(const NodeId& node, uint8_t* slot) {
  *slot = slot_of(node);
  if (*slot != kNoSlot) return Status::kOk;
  if (node.is_zero()) return Status::kInvalid;
  if (node_count_ == kNodeSlotsMax) return Status::kTooLarge;
  DREY_TRY(with_index([&] { return index_.put_node(node_count_, node, 0); }));
  *slot = node_count_;
  nodes_[node_count_++] = node;
  return Status::kOk;
}

Status Store::node_slot(const NodeId& node, uint8_t* slot) {
  DREY_CHECK(open_);
  bool known = slot_of(node) != kNoSlot;
  DREY_TRY(assign_slot(node, slot));
  if (known) return Status::kOk;
  // For a rebuild of the index. Without it the slot would still be safe to use: a rebuild forgets
  // the masks too, and the log names the slots of its pins itself.
  EntryHeader header;
  header.type = EntryType::kNode;
  header.slot = *slot;
  header.key = node.raw;
  if (ok(append_entry(header, {}, kNoSlot))) slots_written_ |= uint64_t{1} << *slot;
  return Status::kOk;
}

Result<NodeId> Store::slot_node(uint8_t slot) const {
  if (slot >= node_count_ || nodes_[slot].is_zero()) return Status::kNotFound;
  return nodes_[slot];
}

Status Store::update_holders(std::span<const ChunkId> chunks, uint64_t add_mask,
                             uint64_t clear_mask) {
  for (const ChunkId& c : chunks) {
    DREY_TRY(with_index([&] {
      IndexRow row;
      Status status = index_.get(c, &row);
      if (!ok(status) && status != Status::kNotFound) return status;
      uint64_t holders = (row.holders & ~clear_mask) | add_mask;
      if (holders == row.holders) return Status::kOk;
      row.holders = holders;
      return ok(status) ? index_.update(c, row) : index_.insert(c, row);
    }));
  }
  return Status::kOk;
}

}  // namespace drey
