#include "store/segment_reader.h"

#include <algorithm>

#include "crypto/crc32c.h"
#include "drey/check.h"

namespace drey {
namespace {

constexpr size_t kBlockBytes = 4096;  // what an unreadable place costs
constexpr size_t kJumpBytes = 4096;   // read for a header that is reached by a jump

}  // namespace

Status SegmentReader::open(Disk* disk, uint32_t number, bool direct, uint64_t salt_hint) {
  DREY_CHECK(file_ < 0);
  Result<Disk::File> file =
      disk->open(segment_name(number).data(), Disk::kRead | (direct ? Disk::kDirect : 0u));
  DREY_TRY(file.status());
  disk_ = disk;
  file_ = file.value();
  own_file_ = true;
  header_ = {};
  header_.number = number;
  Result<uint64_t> size = disk->size(file_);
  Status status = size.status();
  if (ok(status)) {
    size_ = size.value();
    end_ = size_;
    status = read_ends(salt_hint);
  }
  if (ok(status) && header_.number != number) status = Status::kCorrupt;  // a copied file
  if (!ok(status)) close();
  seek(kSegmentHeaderBytes);
  return status;
}

void SegmentReader::attach(Disk* disk, Disk::File file, const SegmentHeader& header, uint64_t end) {
  DREY_CHECK(file_ < 0);
  disk_ = disk;
  file_ = file;
  own_file_ = false;
  header_ = header;
  size_ = end_ = end;
  seek(kSegmentHeaderBytes);
}

void SegmentReader::close() {
  if (file_ >= 0 && own_file_) disk_->close(file_);
  file_ = -1;
}

Status SegmentReader::read_ends(uint64_t salt_hint) {
  std::array<uint8_t, kSegmentHeaderBytes> raw{};
  SegmentHeader trailer;
  Status tail = Status::kInvalid;
  if (size_ >= 2 * kSegmentHeaderBytes && size_ % kStepBytes == 0) {
    Result<size_t> got = disk_->read_at(file_, size_ - raw.size(), raw);
    tail = got.ok() ? decode_segment_header(raw, SegmentPart::kTrailer, &trailer) : got.status();
    if (ok(tail) && trailer.table_offset > size_ - 2 * kSegmentHeaderBytes) tail = Status::kCorrupt;
  }
  Result<size_t> got = disk_->read_at(file_, 0, raw);
  Status head =
      got.ok() ? decode_segment_header(raw, SegmentPart::kHeader, &header_) : got.status();
  if (head == Status::kUnsupported || tail == Status::kUnsupported) return Status::kUnsupported;
  if (ok(tail) && (!ok(head) || header_.salt == trailer.salt)) {
    header_ = trailer;
    sealed_ = true;
    end_ = trailer.table_offset;
    return Status::kOk;
  }
  if (ok(head)) return Status::kOk;
  if (salt_hint == 0) return got.ok() ? Status::kCorrupt : got.status();
  header_.salt = salt_hint;
  return Status::kOk;
}

void SegmentReader::seek(uint64_t offset) {
  at_ = std::max<uint64_t>(round_to_step(offset), kSegmentHeaderBytes);
  valid_end_ = at_;
  window_size_ = 0;
}

Status SegmentReader::fill(uint64_t offset, size_t want) {
  window_size_ = 0;
  MutBytes room = window_.first(std::min(window_.size(), want));
  Result<size_t> got = disk_->read_at(file_, offset, room);
  if (!got.ok()) {
    // One bad block must not hide its neighbours: take what the block alone gives, else zeros.
    ++read_errors_;
    room = window_.first(std::min(kBlockBytes, room.size()));
    got = disk_->read_at(file_, offset, room);
    if (!got.ok()) {
      std::fill(room.begin(), room.end(), uint8_t{0});
      got = Result<size_t>(room.size());
    }
  }
  window_offset_ = offset;
  window_size_ = got.value();
  return window_size_ == 0 ? Status::kEnd : Status::kOk;
}

Status SegmentReader::view(uint64_t offset, size_t want, Bytes* bytes) {
  bool inside = offset >= window_offset_ && offset < window_offset_ + window_size_;
  // A header must be seen whole; bodies may come in pieces.
  if (inside && want <= kEntryHeaderBytes && offset + want > window_offset_ + window_size_)
    inside = false;
  if (!inside) {
    bool follows = window_size_ != 0 && offset == window_offset_ + window_size_;
    DREY_TRY(fill(offset, follows || want > kJumpBytes ? window_.size() : kJumpBytes));
  }
  auto skip = static_cast<size_t>(offset - window_offset_);
  *bytes = Bytes(window_.data() + skip, std::min(want, window_size_ - skip));
  return Status::kOk;
}

Status SegmentReader::next(bool check_body, SegmentEntry* entry) {
  entry->gap_from = at_;
  for (; at_ + kEntryHeaderBytes <= end_; at_ += kStepBytes) {
    Bytes raw;
    Status status = view(at_, kEntryHeaderBytes, &raw);
    if (status == Status::kEnd || raw.size() < kEntryHeaderBytes) break;
    DREY_TRY(status);
    status = decode_entry_header(raw.first<kEntryHeaderBytes>(), header_.salt, at_, &entry->header);
    if (!ok(status)) continue;
    if (entry->header.length > end_ - at_ - kEntryHeaderBytes) continue;  // torn
    if (entry->header.type == EntryType::kTable) return Status::kEnd;     // of a torn sealing
    entry->offset = at_;
    at_ = entry->end();
    entry->body_ok = !check_body || body_matches(*entry);
    if (entry->body_ok) valid_end_ = at_;
    return Status::kOk;
  }
  return Status::kEnd;
}

bool SegmentReader::body_matches(const SegmentEntry& entry) {
  uint32_t crc = 0;
  for (size_t done = 0; done < entry.header.length;) {
    Bytes part;
    if (!ok(view(entry.body_offset() + done, entry.header.length - done, &part))) return false;
    crc = crc32c(crc, part);
    done += part.size();
  }
  return crc == entry.header.body_crc;
}

Status SegmentReader::read_body(const SegmentEntry& entry, MutBytes to) {
  DREY_CHECK(to.size() == entry.header.length);
  Result<size_t> got = disk_->read_at(file_, entry.body_offset(), to);
  DREY_TRY(got.status());
  bool good = got.value() == to.size() && crc32c(0, to) == entry.header.body_crc;
  return good ? Status::kOk : Status::kCorrupt;
}

Status SegmentReader::read_piece(const SegmentEntry& entry, uint64_t skip, MutBytes to) {
  Result<size_t> got = disk_->read_at(file_, entry.body_offset() + skip, to);
  DREY_TRY(got.status());
  return got.value() == to.size() ? Status::kOk : Status::kCorrupt;
}

Status SegmentReader::hash_body(const SegmentEntry& entry, Key32* digest) {
  Sha256 hash;
  for (size_t done = 0; done < entry.header.length;) {
    Bytes part;
    DREY_TRY(view(entry.body_offset() + done, entry.header.length - done, &part));
    hash.update(part);
    done += part.size();
  }
  *digest = hash.finish();
  return Status::kOk;
}

Status SegmentReader::verify_table() {
  if (!sealed_) return Status::kNotFound;
  uint64_t offset = header_.table_offset;
  Bytes raw;
  EntryHeader table;
  DREY_TRY(view(offset, kEntryHeaderBytes, &raw));
  if (raw.size() < kEntryHeaderBytes) return Status::kCorrupt;
  DREY_TRY(decode_entry_header(raw.first<kEntryHeaderBytes>(), header_.salt, offset, &table));
  bool fits = table.type == EntryType::kTable && table.length % kTableRowBytes == 0 &&
              offset + entry_bytes(table.length) + kSegmentHeaderBytes == size_;
  if (!fits) return Status::kCorrupt;
  SegmentEntry entry;
  entry.header = table;
  entry.offset = offset;
  if (!body_matches(entry)) return Status::kCorrupt;
  row_at_ = entry.body_offset();
  row_end_ = row_at_ + table.length;
  Status status = check_rows();
  row_at_ = entry.body_offset();
  return status;
}

// Entries follow one another. A table that leaves some out was made while a place could not be read
// or a header had rotted: who believed it would take the segment for empty while it is not.
Status SegmentReader::check_rows() {
  uint64_t follows = kSegmentHeaderBytes;
  SegmentEntry entry;
  Status status;
  while (ok(status = next_row(&entry))) {
    if (entry.offset != follows) return Status::kCorrupt;
    follows = entry.end();
  }
  if (status != Status::kEnd) return status;
  return follows == header_.table_offset ? Status::kOk : Status::kCorrupt;
}

Status SegmentReader::next_row(SegmentEntry* entry) {
  if (row_at_ >= row_end_) return Status::kEnd;
  // Not through the window: bodies of batches are read in between.
  std::array<uint8_t, kTableRowBytes> raw;
  Result<size_t> got = disk_->read_at(file_, row_at_, raw);
  DREY_TRY(got.status());
  if (got.value() < raw.size()) return Status::kCorrupt;
  row_at_ += kTableRowBytes;
  DREY_TRY(decode_table_row(raw, &entry->header, &entry->offset));
  entry->gap_from = entry->offset;
  entry->body_ok = true;
  return entry->end() <= header_.table_offset ? Status::kOk : Status::kCorrupt;
}

}  // namespace drey
