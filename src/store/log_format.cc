#include "store/log_format.h"

#include "crypto/crc32c.h"

namespace drey {
namespace {

constexpr std::string_view kHeaderMagic = "DREYSEGH";
constexpr std::string_view kTrailerMagic = "DREYSEGT";
constexpr uint32_t kEntryMagic = 0x59524564;  // "dERY" in the file
constexpr size_t kCrcAt = 60;                 // of segment and entry headers alike
static_assert(8 + 4 + 4 + sizeof(StoreId) + 8 + 8 + 12 + 4 == kSegmentHeaderBytes);
static_assert(4 + 1 + 1 + 1 + 1 + 4 + 4 + 32 + 8 + 4 + 4 == kEntryHeaderBytes);
static_assert(32 + 32 + 4 + 1 + 3 == kOwnRowBytes);

std::string_view magic_of(SegmentPart part) {
  return part == SegmentPart::kHeader ? kHeaderMagic : kTrailerMagic;
}

// The place is part of the checksum: an entry that landed elsewhere is no entry there.
uint32_t entry_crc(Bytes header, uint64_t salt, uint64_t offset) {
  std::array<uint8_t, 16> seed;
  store_le<uint64_t>(seed.data(), salt);
  store_le<uint64_t>(seed.data() + 8, offset);
  return crc32c(crc32c(0, seed), header.first(kCrcAt));
}

void encode_entry_fields(const EntryHeader& header, MutBytes to) {
  ByteWriter out(to);
  out.u32(kEntryMagic);
  out.u8(static_cast<uint8_t>(header.type));
  out.u8(header.kind);
  out.u8(header.slot);
  out.u8(0);  // flags, none defined
  out.u32(header.length);
  out.u32(header.body_crc);
  out.bytes(header.key);
  out.u64(header.number);
  out.u32(header.origin);
}

Status decode_entry_fields(Bytes from, EntryHeader* header) {
  ByteReader in(from);
  if (in.u32() != kEntryMagic) return Status::kInvalid;
  header->type = static_cast<EntryType>(in.u8());
  header->kind = in.u8();
  header->slot = in.u8();
  uint8_t flags = in.u8();
  header->length = in.u32();
  header->body_crc = in.u32();
  in.copy(header->key);
  header->number = in.u64();
  header->origin = in.u32();
  bool origin_ok = header->origin == 0 || header->type > EntryType::kTable;
  return in.ok() && flags == 0 && origin_ok ? Status::kOk : Status::kCorrupt;
}

}  // namespace

bool is_chunk_type(uint8_t kind) {
  return kind == static_cast<uint8_t>(ChunkType::kData) ||
         kind == static_cast<uint8_t>(ChunkType::kPage);
}

bool is_statement_kind(uint8_t kind) {
  for (StatementKind known : kStatementKinds)
    if (kind == static_cast<uint8_t>(known)) return true;
  return false;
}

void encode_segment_header(const SegmentHeader& header, SegmentPart part,
                           std::span<uint8_t, kSegmentHeaderBytes> to) {
  ByteWriter out(to);
  out.text(magic_of(part));
  out.u32(header.version);
  out.u32(header.number);
  out.bytes(header.store);
  out.u64(header.salt);
  out.u64(header.table_offset);
  out.zeros(12);
  out.u32(crc32c(0, out.written()));
}

Status decode_segment_header(std::span<const uint8_t, kSegmentHeaderBytes> from, SegmentPart part,
                             SegmentHeader* header) {
  ByteReader in(from);
  if (as_text(in.bytes(8)) != magic_of(part)) return Status::kInvalid;
  if (crc32c(0, from.first(kCrcAt)) != load_le<uint32_t>(from.data() + kCrcAt))
    return Status::kCorrupt;
  header->version = in.u32();
  if (header->version > limits::kFormatVersion) return Status::kUnsupported;
  header->number = in.u32();
  in.copy(header->store);
  header->salt = in.u64();
  header->table_offset = in.u64();
  return header->version == 0 ? Status::kCorrupt : Status::kOk;
}

void encode_entry_header(const EntryHeader& header, uint64_t salt, uint64_t offset,
                         std::span<uint8_t, kEntryHeaderBytes> to) {
  encode_entry_fields(header, to);
  store_le<uint32_t>(to.data() + kCrcAt, entry_crc(to, salt, offset));
}

Status decode_entry_header(std::span<const uint8_t, kEntryHeaderBytes> from, uint64_t salt,
                           uint64_t offset, EntryHeader* header) {
  if (load_le<uint32_t>(from.data()) != kEntryMagic) return Status::kInvalid;
  if (entry_crc(from, salt, offset) != load_le<uint32_t>(from.data() + kCrcAt))
    return Status::kCorrupt;
  return decode_entry_fields(from, header);
}

void encode_table_row(std::span<const uint8_t, kEntryHeaderBytes> entry, uint64_t offset,
                      std::span<uint8_t, kTableRowBytes> to) {
  std::memcpy(to.data(), entry.data(), kCrcAt);
  store_le<uint32_t>(to.data() + kCrcAt, static_cast<uint32_t>(offset / kStepBytes));
}

Status decode_table_row(std::span<const uint8_t, kTableRowBytes> from, EntryHeader* header,
                        uint64_t* offset) {
  *offset = uint64_t{load_le<uint32_t>(from.data() + kCrcAt)} * kStepBytes;
  return decode_entry_fields(from, header);
}

void encode_own_row(const OwnedRecord& row, std::span<uint8_t, kOwnRowBytes> to) {
  ByteWriter out(to);
  out.bytes(row.c.bytes());
  out.bytes(row.d.bytes());
  out.u32(row.size);
  out.u8(static_cast<uint8_t>(row.type));
  out.zeros(3);
}

Status decode_own_row(std::span<const uint8_t, kOwnRowBytes> from, OwnedRecord* row) {
  ByteReader in(from);
  in.copy(row->c.mut());
  in.copy(row->d.mut());
  row->size = in.u32();
  row->type = static_cast<ChunkType>(in.u8());
  bool type_ok = row->type == ChunkType::kData || row->type == ChunkType::kPage;
  return type_ok ? Status::kOk : Status::kInvalid;
}

void set_statement_key(std::span<const uint8_t, kStatementKeyBytes> key, EntryHeader* header) {
  std::memcpy(header->key.data(), key.data(), header->key.size());
  header->number = load_le<uint64_t>(key.data() + header->key.size());
}

StatementKey statement_key(const EntryHeader& header) {
  StatementKey key;
  std::memcpy(key.data(), header.key.data(), header.key.size());
  store_le<uint64_t>(key.data() + header.key.size(), header.number);
  return key;
}

std::array<char, kSegmentNameBytes + 1> segment_name(uint32_t number) {
  std::array<char, kSegmentNameBytes + 1> name{};
  std::memcpy(name.data(), "log/00000000.seg", kSegmentNameBytes);
  for (size_t at = 11; number != 0 && at >= 4; --at, number /= 10)
    name[at] = static_cast<char>('0' + number % 10);
  return name;
}

Result<uint32_t> parse_segment_name(std::string_view name) {
  if (name.size() != 12 || name.substr(8) != ".seg") return Status::kInvalid;
  uint32_t number = 0;
  for (char c : name.substr(0, 8)) {
    if (c < '0' || c > '9') return Status::kInvalid;
    number = number * 10 + static_cast<uint32_t>(c - '0');
  }
  if (number == 0) return Status::kInvalid;
  return number;
}

}  // namespace drey
