// The slow re-reading of everything (scrub), in order of the segments, one piece per call.
#include <algorithm>

#include "drey/check.h"
#include "store/store.h"

namespace drey {

Status Store::scrub(ScrubPosition* at, uint64_t budget_bytes, ScrubPiece* piece) {
  DREY_CHECK(open_);
  ScrubPosition from = *at;
  return with_index([&] {
    *at = from;
    *piece = {};
    return scrub_piece(at, budget_bytes, piece);
  });
}

Status Store::scrub_piece(ScrubPosition* at, uint64_t budget_bytes, ScrubPiece* piece) {
  constexpr int kAnyState = -1;
  IndexSegment segment;
  Status status = index_.next_segment(at->segment, kAnyState, &segment);
  if (status == Status::kNotFound) {
    *at = {};
    piece->pass_ended = true;
    return Status::kOk;
  }
  DREY_TRY(status);
  // The segment it stood in may have been compacted away meanwhile.
  uint64_t from = segment.number == at->segment ? at->offset : 0;
  from = std::max<uint64_t>(from, kSegmentHeaderBytes);
  uint64_t before = stats_.corrupt;
  uint64_t reached = segment.indexed;
  status = Status::kOk;
  // Suspects are re-read by maintain(), which is more patient with what can't be read for a while.
  if (segment.state != IndexSegment::kSuspect)
    status = verify_range(segment, from, from + budget_bytes, false, &reached);
  if (status == Status::kIo && !index_.rolled_back()) {
    reached = segment.indexed;
    status = Status::kOk;
    if (segment.state != IndexSegment::kActive) {
      segment.state = IndexSegment::kSuspect;
      status = index_.put_segment(segment);
    }
  }
  DREY_TRY(status);
  piece->damaged = stats_.corrupt - before;
  piece->read_bytes = std::max(reached, from) - from;
  bool done = reached >= segment.indexed;
  *at = done ? ScrubPosition{segment.number + 1, 0} : ScrubPosition{segment.number, reached};
  return Status::kOk;
}

}  // namespace drey
