// 64 bytes as every fixed block of the chunk log: segment header, trailer, entry header, table row,
// own row, marker, and as a segment's name. First byte: bit 0 = make the checksums right, so that
// the fields behind them are reached.
#include <algorithm>

#include "crypto/crc32c.h"
#include "drey/check.h"
#include "sim/sim_disk.h"
#include "store/log_format.h"
#include "store/marker.h"

namespace {

using namespace drey;

using Block = std::array<uint8_t, 64>;
constexpr size_t kCrcAt = 60;
constexpr uint64_t kSalt = 0x1122334455667788;
constexpr uint64_t kOffset = 4096;

void mend(Block* block, uint32_t seed) {
  store_le<uint32_t>(&(*block)[kCrcAt], crc32c(seed, Bytes(*block).first(kCrcAt)));
}

uint32_t entry_seed() {
  std::array<uint8_t, 16> seed;
  store_le<uint64_t>(seed.data(), kSalt);
  store_le<uint64_t>(seed.data() + 8, kOffset);
  return crc32c(0, seed);
}

void try_segment_header(const Block& block, SegmentPart part) {
  SegmentHeader header;
  if (!ok(decode_segment_header(block, part, &header))) return;
  DREY_CHECK(header.version == limits::kFormatVersion);
  Block again;
  encode_segment_header(header, part, again);
  SegmentHeader twice;  // 12 bytes are reserved and ignored, so bytes may differ, fields may not
  DREY_CHECK(ok(decode_segment_header(again, part, &twice)) && twice == header);
  DREY_CHECK(equal(Bytes(again).first(48), Bytes(block).first(48)));
}

void try_entry(const Block& block) {
  EntryHeader header;
  if (ok(decode_entry_header(block, kSalt, kOffset, &header))) {
    Block again;
    encode_entry_header(header, kSalt, kOffset, again);
    DREY_CHECK(again == block);
    // The same bytes are no entry at any other place, nor in another segment.
    DREY_CHECK(!ok(decode_entry_header(block, kSalt, kOffset + kStepBytes, &header)));
    DREY_CHECK(!ok(decode_entry_header(block, kSalt + 1, kOffset, &header)));
  }
  uint64_t offset = 0;
  if (ok(decode_table_row(block, &header, &offset))) {
    DREY_CHECK(offset % kStepBytes == 0);
    Block entry, row;
    encode_entry_header(header, kSalt, offset, entry);
    encode_table_row(entry, offset, row);
    DREY_CHECK(row == block);
    EntryHeader keyed;
    set_statement_key(statement_key(header), &keyed);
    DREY_CHECK(keyed.key == header.key && keyed.number == header.number);
  }
}

void try_own_row(Bytes bytes) {
  if (bytes.size() < kOwnRowBytes) return;
  OwnedRecord row;
  if (!ok(decode_own_row(bytes.first<kOwnRowBytes>(), &row))) return;
  std::array<uint8_t, kOwnRowBytes> again;
  encode_own_row(row, again);
  DREY_CHECK(equal(Bytes(again).first(69), bytes.first(69)));  // behind it: reserved
}

void try_marker(Bytes bytes) {
  SimDisk disk;
  disk.put("drey.format", bytes);
  StoreId id{};
  if (!ok(read_marker(&disk, &id))) return;
  DREY_CHECK(bytes.size() >= 64);
  DREY_CHECK(ok(write_marker(&disk, id)));
  StoreId again{};
  DREY_CHECK(ok(read_marker(&disk, &again)) && again == id);
}

void try_name(std::string_view text) {
  Result<uint32_t> number = parse_segment_name(text);
  if (!number.ok()) return;
  DREY_CHECK(number.value() > 0 && number.value() <= kSegmentNumberMax);
  DREY_CHECK(std::string_view(segment_name(number.value()).data()).substr(4) == text);
  Place place = Place::at(number.value(), 64);
  DREY_CHECK(Place::unpack(place.packed()).segment == number.value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  Bytes input(data + 1, size - 1);
  try_name(as_text(input));
  try_own_row(input);
  if (input.size() < 64) {
    try_marker(input);
    return 0;
  }
  Block block;
  std::copy_n(input.begin(), block.size(), block.begin());
  if ((data[0] & 1) != 0) mend(&block, 0);
  try_segment_header(block, SegmentPart::kHeader);
  try_segment_header(block, SegmentPart::kTrailer);
  if (as_text(Bytes(block).first(7)) == "DREYDIR") try_marker(block);
  if ((data[0] & 1) != 0) mend(&block, entry_seed());
  try_entry(block);
  return 0;
}
