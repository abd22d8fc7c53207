// Walks the entries of one segment for compaction: by the table of a sealed one where that is to be
// believed (its headers may have rotted since), else by scanning. Has a window of its own: the
// store's buffers are in use while entries are moved.
//
// Short-lived, on the store lane's stack.
#pragma once

#include "store/segment_reader.h"

namespace drey {

class EntryWalk {
 public:
  EntryWalk() : reader_(window_) {}

  // Entries before `end` only. kNotFound; kUnsupported; kCorrupt: no segment; kIo.
  Status open(Disk* disk, uint32_t number, uint64_t salt, bool sealed, uint64_t end);
  void seek(uint64_t offset);
  // kEnd: no further one. kIo: a place could not be read. `gap_from` as in SegmentReader.
  Status next(SegmentEntry* entry);
  uint64_t at() const { return at_; }  // behind the last entry
  uint64_t end() const { return end_; }

  // kCorrupt: checksum, or not of this length. kIo.
  Status read_body(const SegmentEntry& entry, MutBytes to) { return reader_.read_body(entry, to); }
  // A piece of the body, unverified, past the window. kCorrupt: the file ends before.
  Status read_piece(const SegmentEntry& entry, uint64_t skip, MutBytes to) {
    return reader_.read_piece(entry, skip, to);
  }

 private:
  static constexpr size_t kWindowBytes = 8 * 1024;
  alignas(64) std::array<uint8_t, kWindowBytes> window_{};
  SegmentReader reader_;
  bool table_ = false;
  uint64_t at_ = kSegmentHeaderBytes;
  uint64_t end_ = 0;
};

}  // namespace drey
