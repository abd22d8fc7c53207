#include "store/store_remove.h"

#include "store/index_vfs.h"
#include "store/log_format.h"
#include "store/marker.h"

namespace drey {
namespace {

constexpr std::string_view kStateName = "drey.state";

struct FirstSegment {
  uint32_t number = 0;  // 0 = none
};

void note_segment(void* context, std::string_view name) {
  Result<uint32_t> number = parse_segment_name(name);
  if (number.ok()) static_cast<FirstSegment*>(context)->number = number.value();
}

// One at a time: a directory must not change while it is listed.
Status remove_segments(Disk* disk) {
  for (;;) {
    FirstSegment found;
    Status status = disk->list("log", note_segment, &found);
    if (status == Status::kNotFound) return Status::kOk;
    DREY_TRY(status);
    if (found.number == 0) return Status::kOk;
    DREY_TRY(disk->remove(std::string_view(segment_name(found.number).data(), kSegmentNameBytes)));
  }
}

Status remove_if_there(Disk* disk, std::string_view name) {
  Status status = disk->remove(name);
  return status == Status::kNotFound ? Status::kOk : status;
}

}  // namespace

Status remove_store(Disk* disk, Disk* log_disk) {
  StoreId id{}, log_id{};
  Status marker = read_marker(disk, &id);
  Status log_marker = read_marker(log_disk, &log_id);
  for (Status status : {marker, log_marker})
    if (status == Status::kUnsupported || status == Status::kIo) return status;
  if (marker == Status::kNotFound && log_marker == Status::kNotFound) return Status::kOk;
  // A log that DIR knows nothing of is another node's: its pieces may be the last copies.
  bool ours = log_marker == Status::kNotFound || (ok(marker) && ok(log_marker) && id == log_id);
  FirstSegment any;
  Status listed = log_disk->list("log", note_segment, &any);
  if (!ok(listed) && listed != Status::kNotFound) return listed;
  if (disk != log_disk && !ours && any.number != 0) return Status::kExists;
  DREY_TRY(remove_segments(log_disk));
  for (std::string_view name :
       {IndexVfs::kFileName, IndexVfs::kWalName, IndexVfs::kJournalName, kStateName})
    DREY_TRY(remove_if_there(disk, name));
  DREY_TRY(remove_if_there(log_disk, kMarkerName));
  DREY_TRY(remove_if_there(disk, kMarkerName));
  return disk->sync_dir("");
}

}  // namespace drey
