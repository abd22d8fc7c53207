// Reads one segment: entry by entry with resynchronisation at 64-byte steps, or from the table of a
// sealed one. Trusts nothing: what does not verify is skipped and told as a gap.
//
// Short-lived, on the store lane's stack; the window is a buffer lent by its owner.
#pragma once

#include "crypto/hash.h"
#include "drey/ports.h"
#include "store/log_format.h"

namespace drey {

struct SegmentEntry {
  EntryHeader header;
  uint64_t offset = 0;    // of the entry's header
  uint64_t gap_from = 0;  // < offset: what lies between did not verify
  bool body_ok = true;    // false only when bodies were checked

  uint64_t body_offset() const { return offset + kEntryHeaderBytes; }
  uint64_t end() const { return offset + entry_bytes(header.length); }
};

class SegmentReader {
 public:
  // `window`: at least 8 KiB, the bigger the fewer reads.
  explicit SegmentReader(MutBytes window) : window_(window) {}
  SegmentReader(const SegmentReader&) = delete;
  SegmentReader& operator=(const SegmentReader&) = delete;
  ~SegmentReader() { close(); }

  // Opens segment `number`. `direct` reads past the page cache. `salt_hint`: the salt the index
  // remembers, used when neither end of the segment can be read; 0 = none.
  // kNotFound; kUnsupported; kCorrupt: no header, no trailer, no hint; kIo.
  Status open(Disk* disk, uint32_t number, bool direct, uint64_t salt_hint);
  // Reads through a file that stays the caller's.
  void attach(Disk* disk, Disk::File file, const SegmentHeader& header, uint64_t end);
  void close();

  const SegmentHeader& header() const { return header_; }
  bool sealed() const { return sealed_; }
  uint64_t size() const { return size_; }  // of the file
  uint64_t end() const { return end_; }    // entries lie before it
  size_t read_errors() const { return read_errors_; }

  // The scan goes on at `offset`; it need not be an entry's beginning.
  void seek(uint64_t offset);
  void set_end(uint64_t end) { end_ = end; }
  // kEnd: no further entry. Unreadable blocks count as damage (read_errors()), never as an end.
  Status next(bool check_body, SegmentEntry* entry);
  // The end of the last entry next() gave with a good body; kSegmentHeaderBytes before the first.
  uint64_t valid_end() const { return valid_end_; }

  // kCorrupt: checksum. `to` takes exactly header.length bytes.
  Status read_body(const SegmentEntry& entry, MutBytes to);
  // Part of a body, unverified. kCorrupt: the file ends before.
  Status read_piece(const SegmentEntry& entry, uint64_t skip, MutBytes to);
  Status hash_body(const SegmentEntry& entry, Key32* digest);

  // The table of a sealed segment. verify_table() reads all of it (kCorrupt: a checksum, or it
  // leaves entries out; then next() finds them); then next_row() until kEnd.
  Status verify_table();
  Status next_row(SegmentEntry* entry);

 private:
  Status read_ends(uint64_t salt_hint);
  Status check_rows();
  // Bytes at `offset`, at most `want` (and at least 1 unless at the end of the file).
  Status view(uint64_t offset, size_t want, Bytes* bytes);
  Status fill(uint64_t offset, size_t want);
  bool body_matches(const SegmentEntry& entry);

  MutBytes window_;
  uint64_t window_offset_ = 0;
  size_t window_size_ = 0;
  Disk* disk_ = nullptr;
  Disk::File file_ = -1;
  bool own_file_ = false;
  bool sealed_ = false;
  SegmentHeader header_;
  uint64_t size_ = 0;
  uint64_t end_ = 0;
  uint64_t at_ = kSegmentHeaderBytes;
  uint64_t valid_end_ = kSegmentHeaderBytes;
  uint64_t row_at_ = 0;
  uint64_t row_end_ = 0;
  size_t read_errors_ = 0;
};

}  // namespace drey
