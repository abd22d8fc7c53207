// The words of the store's interface: tickets, states of a record, rows of its scans.
// Plain values, owned by whoever declares them, any thread.
#pragma once

#include <array>
#include <cstdint>

#include "drey/bytes.h"
#include "drey/ids.h"

namespace drey {

// The number of the commit group an append went into. Tickets rise; what a ticket covers is durable
// once its Committer (or Store::commit) says so, and refused for good when that says otherwise.
using Ticket = uint64_t;

// 16 random bytes, made with the store. Another id = another store: believe nothing cached about
// it.
using StoreId = std::array<uint8_t, 16>;

inline constexpr uint8_t kNodeSlotsMax = 64;  // bits of a holder mask

enum class StatementKind : uint8_t {
  kMembership = 1,  // key = StatementId ‖ 8 zero bytes
  kHead = 2,        // key = owner's NodeId ‖ sequence, big endian, so that keys sort by sequence
  kUnpin = 3,       // key = owner's NodeId ‖ own up-time at its arrival, big endian: it waits
  kForget = 4,      // key = owner's NodeId ‖ number, big endian
  kNumber = 5,      // key = owner's NodeId ‖ number that it announced, big endian
};
inline constexpr std::array<StatementKind, 5> kStatementKinds = {
    StatementKind::kMembership, StatementKind::kHead, StatementKind::kUnpin, StatementKind::kForget,
    StatementKind::kNumber};
inline constexpr size_t kStatementKeyBytes = 40;
using StatementKey = std::array<uint8_t, kStatementKeyBytes>;

struct RecordState {
  bool held = false;  // its bytes lie in the own log, synced, and nothing bad is known of them
  bool mine = false;  // own() names it
  uint32_t size = 0;  // bytes of the record
  ChunkType type = ChunkType::kData;
  uint64_t holders = 0;  // mask of node slots: a cache of what others said, not rebuilt but asked
};

struct RecordPin {
  NodeId owner;
  uint64_t number = 0;
  bool leaving = false;  // an UNPIN that waits for its minimum age takes it
};

struct OwnedRecord {
  ChunkId c;
  ContentId d;
  uint32_t size = 0;
  ChunkType type = ChunkType::kData;
};

struct RecordRow {
  ChunkId c;
  RecordState state;
};

struct StatementRow {
  StatementKey key{};
  uint32_t size = 0;
};

// A statement that was in the log, was found damaged, and is not in the index any more.
struct LostStatement {
  StatementKind kind = StatementKind::kMembership;
  StatementKey key{};
};

// Over the held records that one owner pins and whose C starts with one byte.
struct BucketDigest {
  uint32_t count = 0;
  uint64_t sum_hi = 0;  // sum mod 2^128 of the first 16 bytes of C, read as big-endian numbers
  uint64_t sum_lo = 0;
  void add(const ChunkId& c) {
    uint64_t low = load_be<uint64_t>(&c.raw[8]);
    ++count;
    sum_lo += low;
    sum_hi += load_be<uint64_t>(c.raw.data()) + (sum_lo < low ? 1 : 0);
  }
  bool operator==(const BucketDigest&) const = default;
};
inline constexpr size_t kBucketCount = 256;

// How hard compaction tries: kIdle takes segments of which at least half is dead, kUrgent anything
// that frees a byte.
enum class CompactMode : uint8_t { kIdle, kUrgent };

// Where a scrub goes on.
struct ScrubPosition {
  uint32_t segment = 0;
  uint64_t offset = 0;
};
struct ScrubPiece {
  uint64_t read_bytes = 0;
  uint64_t damaged = 0;     // records, statements and batches
  bool pass_ended = false;  // everything was read since the beginning; the position is there again
};

enum class StoreState : uint8_t { kOk, kFull, kReadOnly, kFailed };
const char* store_state_name(StoreState state);  // "ok", "full", "read_only", "failed"

struct StoreStats {
  StoreState state = StoreState::kOk;
  uint64_t records = 0;         // held
  uint64_t stored_bytes = 0;    // of all segments, as files
  uint64_t capacity_bytes = 0;  // the setting, or what the file system could give
  uint64_t free_bytes = 0;      // for records: the reserve of two segments is already taken off
  uint64_t corrupt = 0;         // records found damaged since start
  uint64_t written_bytes = 0;   // to segments and index since start
  uint64_t user_bytes = 0;      // of records and statements accepted since start
  uint64_t segments = 0;
  uint64_t retired = 0;     // segments given up after a failed write or sync
  uint64_t rebuilds = 0;    // of the index since start
  uint64_t replays = 0;     // the same, and of its tail: what only the index knew may be gone
  uint64_t dead_bytes = 0;  // of records without pin and claim, and of replaced ones: compaction's
  uint64_t compacted = 0;   // segments freed since start
  uint32_t compacting = 0;  // the segment that is being emptied, 0: none
};

}  // namespace drey
