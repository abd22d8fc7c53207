// Writes one segment: header, entries, and at the end its table and trailer. Into the page cache
// only; syncing is the commit group's business. A writer whose write failed is retired by its
// owner: not one byte more goes into that file.
//
// A member of Store; store lane. The file is closed by the owner, because a sync may be in flight.
#pragma once

#include "drey/ports.h"
#include "store/log_format.h"

namespace drey {

class SegmentWriter {
 public:
  // Creates the file and its header; its name is durable when this returns kOk.
  // kExists; kFull, kReadOnly, kIo (then nothing of it is left, as far as the disk obeys).
  Status create(Disk* disk, const SegmentHeader& header);
  // Goes on behind the last good entry of an existing segment.
  Status resume(Disk* disk, const SegmentHeader& header, uint64_t tail);
  void forget() { file_ = -1; }  // closed or kept elsewhere

  bool is_open() const { return file_ >= 0; }
  Disk::File file() const { return file_; }
  const SegmentHeader& header() const { return header_; }
  uint64_t tail() const { return tail_; }
  bool is_empty() const { return tail_ == kSegmentHeaderBytes; }
  bool has_room(uint64_t bytes) const { return tail_ + bytes <= limits::kSegmentBytes; }

  // Fills in length and checksum of `header`. The offset of the entry is tail() before the call.
  Status append(EntryHeader header, Bytes body);
  // The same in pieces, for bytes that are known to be right only when all have been seen: bodies
  // in their order, then finish(), or drop_body() and nothing was appended.
  Status write_body(uint64_t skip, Bytes piece);
  Status finish(EntryHeader header);  // its length and checksum are the caller's
  Status drop_body();
  // Writes table and trailer. `window` and `rows` are lent buffers.
  Status seal(MutBytes window, MutBytes rows);

 private:
  Disk* disk_ = nullptr;
  Disk::File file_ = -1;
  SegmentHeader header_;
  uint64_t tail_ = 0;
};

}  // namespace drey
