#include "store/segment_writer.h"

#include "crypto/crc32c.h"
#include "drey/check.h"
#include "store/segment_reader.h"

namespace drey {

Status SegmentWriter::create(Disk* disk, const SegmentHeader& header) {
  DREY_CHECK(file_ < 0);
  auto name = segment_name(header.number);
  Result<Disk::File> file =
      disk->open(name.data(), Disk::kRead | Disk::kWrite | Disk::kCreate | Disk::kExclusive);
  DREY_TRY(file.status());
  std::array<uint8_t, kSegmentHeaderBytes> raw;
  encode_segment_header(header, SegmentPart::kHeader, raw);
  Status status = disk->write_at(file.value(), 0, raw);
  // Its entries are acknowledged after an fdatasync of the file alone: the name comes first.
  if (ok(status)) status = disk->sync_dir("log");
  if (!ok(status)) {
    disk->close(file.value());
    Status removed = disk->remove(name.data());
    return ok(removed) || !ok(status) ? status : removed;
  }
  disk_ = disk;
  file_ = file.value();
  header_ = header;
  tail_ = kSegmentHeaderBytes;
  return Status::kOk;
}

Status SegmentWriter::resume(Disk* disk, const SegmentHeader& header, uint64_t tail) {
  DREY_CHECK(file_ < 0 && tail % kStepBytes == 0 && tail >= kSegmentHeaderBytes);
  Result<Disk::File> file =
      disk->open(segment_name(header.number).data(), Disk::kRead | Disk::kWrite);
  DREY_TRY(file.status());
  // The process may have died between making the file and syncing its name.
  Status status = disk->sync_dir("log");
  if (!ok(status)) {
    disk->close(file.value());
    return status;
  }
  disk_ = disk;
  file_ = file.value();
  header_ = header;
  tail_ = tail;
  return Status::kOk;
}

Status SegmentWriter::append(EntryHeader header, Bytes body) {
  DREY_CHECK(file_ >= 0);
  header.length = static_cast<uint32_t>(body.size());
  header.body_crc = crc32c(0, body);
  std::array<uint8_t, kEntryHeaderBytes> raw;
  encode_entry_header(header, header_.salt, tail_, raw);
  if (!body.empty()) DREY_TRY(disk_->write_at(file_, tail_ + raw.size(), body));
  DREY_TRY(disk_->write_at(file_, tail_, raw));
  tail_ += entry_bytes(body.size());
  return Status::kOk;
}

Status SegmentWriter::write_body(uint64_t skip, Bytes piece) {
  DREY_CHECK(file_ >= 0);
  return disk_->write_at(file_, tail_ + kEntryHeaderBytes + skip, piece);
}

Status SegmentWriter::finish(EntryHeader header) {
  std::array<uint8_t, kEntryHeaderBytes> raw;
  encode_entry_header(header, header_.salt, tail_, raw);
  DREY_TRY(disk_->write_at(file_, tail_, raw));
  tail_ += entry_bytes(header.length);
  return Status::kOk;
}

// A sealed segment ends at its trailer: nothing may be left behind the tail.
Status SegmentWriter::drop_body() { return disk_->truncate(file_, tail_); }

// The table's header comes after its rows, the trailer last: a torn sealing is no sealing.
Status SegmentWriter::seal(MutBytes window, MutBytes rows) {
  SegmentReader reader(window);
  reader.attach(disk_, file_, header_, tail_);
  uint64_t at = tail_ + kEntryHeaderBytes;
  uint32_t crc = 0;
  uint32_t row_count = 0;
  size_t used = 0;
  bool more = true;
  while (more) {
    SegmentEntry entry;
    Status status = reader.next(false, &entry);
    if (!ok(status) && status != Status::kEnd) return status;
    more = ok(status);
    if (more) {
      std::array<uint8_t, kEntryHeaderBytes> raw;
      encode_entry_header(entry.header, header_.salt, entry.offset, raw);
      encode_table_row(raw, entry.offset, rows.subspan(used).first<kTableRowBytes>());
      used += kTableRowBytes;
      ++row_count;
    }
    if (used + kTableRowBytes > rows.size() || (!more && used != 0)) {
      DREY_TRY(disk_->write_at(file_, at, rows.first(used)));
      crc = crc32c(crc, rows.first(used));
      at += used;
      used = 0;
    }
  }
  EntryHeader table;
  table.type = EntryType::kTable;
  table.length = row_count * static_cast<uint32_t>(kTableRowBytes);
  table.body_crc = crc;
  std::array<uint8_t, kEntryHeaderBytes> raw;
  encode_entry_header(table, header_.salt, tail_, raw);
  DREY_TRY(disk_->write_at(file_, tail_, raw));
  SegmentHeader trailer = header_;
  trailer.table_offset = tail_;
  encode_segment_header(trailer, SegmentPart::kTrailer, raw);
  return disk_->write_at(file_, at, raw);
}

}  // namespace drey
