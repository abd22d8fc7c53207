// A whole segment file, whatever it holds, read in every way there is. First byte: bit 0 = make the
// checksums of headers right, bit 1 = those of bodies too, bit 2 = give a salt hint, bit 3 = a
// small window, bit 4 = reads may fail.
#include <memory>
#include <vector>

#include "crypto/crc32c.h"
#include "drey/check.h"
#include "sim/sim_disk.h"
#include "store/segment_reader.h"

namespace {

using namespace drey;

constexpr uint32_t kNumber = 1;
constexpr uint64_t kSaltHint = 0x0102030405060708;

uint32_t crc_at(const std::vector<uint8_t>& file, size_t at, uint32_t seed) {
  return crc32c(seed, Bytes(file).subspan(at, 60));
}

uint64_t mend_ends(std::vector<uint8_t>* file) {
  uint64_t salt = kSaltHint;
  for (size_t at : {size_t{0}, file->size() - 64}) {
    std::string_view magic = as_text(Bytes(*file).subspan(at, 8));
    if (magic != "DREYSEGH" && magic != "DREYSEGT") continue;
    store_le<uint32_t>(&(*file)[at + 60], crc_at(*file, at, 0));
    salt = load_le<uint64_t>(&(*file)[at + 32]);
  }
  return salt;
}

// Makes right what a mutation of the fields broke, wherever an entry seems to begin.
void mend(std::vector<uint8_t>* file, bool bodies) {
  if (file->size() < 64) return;
  uint64_t salt = mend_ends(file);
  for (size_t at = 64; at + 64 <= file->size(); at += 64) {
    if (load_le<uint32_t>(&(*file)[at]) != 0x59524564) continue;
    size_t length = load_le<uint32_t>(&(*file)[at + 8]);
    if (bodies && length <= file->size() - at - 64)
      store_le<uint32_t>(&(*file)[at + 12], crc32c(0, Bytes(*file).subspan(at + 64, length)));
    std::array<uint8_t, 16> seed;
    store_le<uint64_t>(seed.data(), salt);
    store_le<uint64_t>(seed.data() + 8, at);
    store_le<uint32_t>(&(*file)[at + 60], crc_at(*file, at, crc32c(0, seed)));
  }
}

void check_entry(const SegmentReader& reader, const SegmentEntry& entry, uint64_t last_end) {
  DREY_CHECK(entry.offset % kStepBytes == 0 && entry.offset >= kSegmentHeaderBytes);
  DREY_CHECK(entry.gap_from >= last_end && entry.gap_from <= entry.offset);
  DREY_CHECK(entry.body_offset() + entry.header.length <= reader.end());
}

void read_bodies(SegmentReader& reader, const SegmentEntry& entry, bool faults) {
  static std::vector<uint8_t> body;
  body.resize(entry.header.length);
  Status read = reader.read_body(entry, body);
  Key32 digest{};
  Status hashed = reader.hash_body(entry, &digest);
  if (faults) return;
  if (entry.body_ok) DREY_CHECK(ok(read));
  if (ok(read)) DREY_CHECK(ok(hashed) && digest == sha256(body));
}

void scan(SegmentReader& reader, bool faults) {
  uint64_t last_end = kSegmentHeaderBytes;
  SegmentEntry entry;
  size_t count = 0;
  Status status;
  while (ok(status = reader.next(true, &entry))) {
    check_entry(reader, entry, last_end);
    if (entry.body_ok) DREY_CHECK(reader.valid_end() == entry.end());
    last_end = entry.end();
    if (++count <= 4) read_bodies(reader, entry, faults);
  }
  DREY_CHECK(status == Status::kEnd);
  DREY_CHECK(count <= reader.size() / kStepBytes);
}

void read_table(SegmentReader& reader) {
  if (!ok(reader.verify_table())) return;
  SegmentEntry entry;
  while (ok(reader.next_row(&entry))) {
    DREY_CHECK(entry.end() <= reader.header().table_offset);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  static std::unique_ptr<SimDisk> disk = std::make_unique<SimDisk>();
  static std::vector<uint8_t> window(64 * 1024);
  uint8_t mode = data[0];
  std::vector<uint8_t> file(data + 1, data + size);
  if ((mode & 1) != 0) mend(&file, (mode & 2) != 0);
  disk->clear_faults();
  disk->put(segment_name(kNumber).data(), file);
  MutBytes room = MutBytes(window).first((mode & 8) != 0 ? 8192 : window.size());
  SegmentReader reader(room);
  bool faults = (mode & 16) != 0;
  if (faults) disk->fail_nth(SimDisk::Call::kRead, 1 + mode / 32, Status::kIo, 2);
  Status opened = reader.open(disk.get(), kNumber, false, (mode & 4) != 0 ? kSaltHint : 0);
  if (ok(opened)) {
    DREY_CHECK(reader.header().number == kNumber && reader.end() <= reader.size());
    if (reader.sealed()) read_table(reader);
    scan(reader, faults);
    reader.seek(size / 2);  // in the middle of an entry, as a check of the store does
    SegmentEntry entry;
    if (ok(reader.next(false, &entry))) check_entry(reader, entry, kSegmentHeaderBytes);
  }
  reader.close();
  DREY_CHECK(disk->open_count() == 0);
  return 0;
}
