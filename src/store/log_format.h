// The bytes of the chunk log: segment headers and trailers, entry headers, rows of batches. Every
// encode stands beside its decode here; FORMAT.md is the description, test/unit/store the golden
// bytes. Pure functions, any thread.
//
// A segment is a header of 64 bytes, then entries at 64-byte steps (header of 64 bytes, body,
// zeros up to the next step). A sealed segment ends in a table entry and a trailer of 64 bytes.
#pragma once

#include <array>
#include <span>

#include "drey/ids.h"
#include "drey/limits.h"
#include "drey/status.h"
#include "store/types.h"

namespace drey {

inline constexpr size_t kStepBytes = 64;
inline constexpr size_t kSegmentHeaderBytes = 64;
inline constexpr size_t kEntryHeaderBytes = 64;
inline constexpr size_t kTableRowBytes = 64;
inline constexpr size_t kPinRowBytes = 32;
inline constexpr size_t kOwnRowBytes = 72;
// A batch body is read into one fixed buffer of the store.
inline constexpr size_t kBatchBytesMax = 32 * 1024;
inline constexpr size_t kPinRowsMax = kBatchBytesMax / kPinRowBytes;
inline constexpr size_t kOwnRowsMax = kBatchBytesMax / kOwnRowBytes;
static_assert(kSegmentHeaderBytes == kStepBytes && kEntryHeaderBytes == kStepBytes);
static_assert(limits::kStatementBytesMax <= kBatchBytesMax);
static_assert(limits::kSegmentBytes % kStepBytes == 0);

constexpr uint64_t round_to_step(uint64_t bytes) {
  return (bytes + kStepBytes - 1) / kStepBytes * kStepBytes;
}
// Header and padded body.
constexpr uint64_t entry_bytes(uint64_t body_bytes) {
  return kEntryHeaderBytes + round_to_step(body_bytes);
}

enum class SegmentPart : uint8_t { kHeader, kTrailer };

// The same fields at both ends, so that either end of a sealed segment tells the salt.
struct SegmentHeader {
  uint32_t version = limits::kFormatVersion;
  uint32_t number = 0;
  StoreId store{};
  uint64_t salt = 0;          // random: nobody can put a valid entry into the body of a record
  uint64_t table_offset = 0;  // trailer only
  bool operator==(const SegmentHeader&) const = default;
};

enum class EntryType : uint8_t {
  kRecord = 1,     // key = C, kind = ChunkType, slot and number = first pin, body = the record
  kPins = 2,       // slot and number = the pins' owner, body = rows of C
  kOwn = 3,        // number = own claim, body = rows of (C, D, size, type)
  kStatement = 4,  // kind = StatementKind, key and number = the 40 bytes of its key
  kNode = 5,       // key = NodeId of `slot` in this segment
  kCounter = 6,    // number = own numbers up to it may have been given out
  kTable = 7,      // body = one row per entry before it
  kUnpin = 8,      // slot = owner, number: pins up to it go; kind = UnpinWhat, body = rows of C
  kDrop = 9,       // kind and key of a statement that goes
};

// Kinds that this version knows, of records and of statements.
bool is_chunk_type(uint8_t kind);
bool is_statement_kind(uint8_t kind);

// Bits of an unpin entry's kind. Appended with both for the own node; compaction moves on what of
// it still counts.
enum UnpinWhat : uint8_t { kUnpinPins = 1, kUnpinClaims = 2 };

struct EntryHeader {
  EntryType type = EntryType::kRecord;
  uint8_t kind = 0;
  uint8_t slot = 0;
  uint32_t length = 0;    // of the body, without padding
  uint32_t body_crc = 0;  // CRC-32C
  std::array<uint8_t, 32> key{};
  uint64_t number = 0;
  // Of unpin and drop entries that compaction moved: the segment they were first written into, for
  // only in segments up to it can lie what they took away. 0: this one.
  uint32_t origin = 0;
  bool operator==(const EntryHeader&) const = default;
};

// Where an entry lies: segment number and 64-byte step, in one integer that SQLite keeps short.
struct Place {
  static constexpr int kStepBits = 26;  // segments up to 4 GiB
  uint32_t segment = 0;
  uint32_t step = 0;
  uint64_t offset() const { return uint64_t{step} * kStepBytes; }
  uint64_t packed() const { return uint64_t{segment} << kStepBits | step; }
  static Place unpack(uint64_t v) {
    return {static_cast<uint32_t>(v >> kStepBits),
            static_cast<uint32_t>(v & ((1u << kStepBits) - 1))};
  }
  static Place at(uint32_t segment, uint64_t offset) {
    return {segment, static_cast<uint32_t>(offset / kStepBytes)};
  }
};

void encode_segment_header(const SegmentHeader& header, SegmentPart part,
                           std::span<uint8_t, kSegmentHeaderBytes> to);
// kInvalid: not this part of a segment. kCorrupt: checksum. kUnsupported: a newer version.
Status decode_segment_header(std::span<const uint8_t, kSegmentHeaderBytes> from, SegmentPart part,
                             SegmentHeader* header);

void encode_entry_header(const EntryHeader& header, uint64_t salt, uint64_t offset,
                         std::span<uint8_t, kEntryHeaderBytes> to);
// kInvalid: no entry begins here. kCorrupt: checksum (wrong salt or place included).
Status decode_entry_header(std::span<const uint8_t, kEntryHeaderBytes> from, uint64_t salt,
                           uint64_t offset, EntryHeader* header);

// A table row: the entry's header with its step in place of the checksum.
void encode_table_row(std::span<const uint8_t, kEntryHeaderBytes> entry, uint64_t offset,
                      std::span<uint8_t, kTableRowBytes> to);
Status decode_table_row(std::span<const uint8_t, kTableRowBytes> from, EntryHeader* header,
                        uint64_t* offset);

void encode_own_row(const OwnedRecord& row, std::span<uint8_t, kOwnRowBytes> to);
Status decode_own_row(std::span<const uint8_t, kOwnRowBytes> from, OwnedRecord* row);

// Statement keys stand in `key` and `number` of the header.
void set_statement_key(std::span<const uint8_t, kStatementKeyBytes> key, EntryHeader* header);
StatementKey statement_key(const EntryHeader& header);

// "log/00000001.seg"
inline constexpr size_t kSegmentNameBytes = 16;
inline constexpr uint32_t kSegmentNumberMax = 99'999'999;
std::array<char, kSegmentNameBytes + 1> segment_name(uint32_t number);
// The number of a name inside "log" ("00000001.seg"); kInvalid for anything else.
Result<uint32_t> parse_segment_name(std::string_view name);

}  // namespace drey
