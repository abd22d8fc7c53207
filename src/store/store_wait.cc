// A disk that takes no writes for a while: read-only, or filled by others to the last block. SQLite
// rolls a transaction back whose commit fails, and with it goes what the newest records are found
// by. So commits wait, and the open transaction serves, until a probe says that writing works.
#include <algorithm>
#include <array>

#include "store/marker.h"
#include "store/store.h"

namespace drey {
namespace {

constexpr const char* kProbeName = "drey.probe";
// Longer than the longest pause of index_failed(): a commit that fails after a probe that was too
// hopeful is mended at once.
constexpr uint64_t kProbeNs = 20'000'000'000;
constexpr uint64_t kPresentNs = 60'000'000'000;
constexpr uint64_t kGoneNs = 5'000'000'000;
constexpr uint64_t kProbeRoomBytes = limits::kSegmentBytes / 256;
// A file of zeros, given up at a start on a disk without room: the index may need some blocks
// before the newest records can be found. As much as the WAL takes between two checkpoints, twice.
// Nobody reads it, so it is never synced.
constexpr std::string_view kRoomName = "drey.room";
constexpr uint64_t kRoomBytes = limits::kSegmentBytes / 32;
constexpr uint64_t kRoomRetryNs = 60'000'000'000;
constexpr std::array<uint8_t, 4096> kZeros{};

}  // namespace

void Store::wait_for_disk(Status status) {
  if (status != Status::kReadOnly && status != Status::kFull) return;
  disk_wait_ = status;
  probe_after_ns_ = options_.clock->up_ns() + kProbeNs;
}

// Only a new file tells: after an error ext4 still opens old ones for writing.
Status Store::probe_disks() {
  for (Disk* disk : {options_.disk, options_.log_disk}) {
    Result<Disk::Space> space = disk->space();
    if (space.ok() && space.value().free_bytes < kProbeRoomBytes) return Status::kFull;
    Result<Disk::File> file = disk->open(kProbeName, Disk::kWrite | Disk::kCreate);
    DREY_TRY(file.status());
    disk->close(file.value());
    DREY_TRY(disk->remove(kProbeName));
  }
  return Status::kOk;
}

// kOk: both disks take writes, as far as is known.
Status Store::disk_writable(bool probe_now) {
  if (ok(disk_wait_) || (!probe_now && options_.clock->up_ns() < probe_after_ns_))
    return disk_wait_;
  Status status = probe_disks();
  if (!ok(status)) {
    probe_after_ns_ = options_.clock->up_ns() + kProbeNs;
    return disk_wait_;
  }
  disk_wait_ = Status::kOk;
  if (state_ == StoreState::kReadOnly) state_ = StoreState::kOk;
  return Status::kOk;
}

// A node that has nothing to do would not notice for days that its disk was pulled out.
void Store::check_disks_present() {
  uint64_t now = options_.clock->up_ns();
  if (now < present_after_ns_) return;
  bool first = present_after_ns_ == 0;  // open() has just read the markers
  present_after_ns_ = now + kPresentNs;
  if (first) return;
  Status status = Status::kOk;
  for (Disk* disk : {options_.disk, options_.log_disk}) {
    StoreId id{};
    Status read = read_marker(disk, &id);
    if (ok(status)) status = read;
  }
  bool gone = status == Status::kIo || status == Status::kNotFound;
  if (gone) present_after_ns_ = now + kGoneNs;
  if (gone && !disk_gone_ && options_.log != nullptr)
    options_.log->error("store: the disk does not answer (%s)", status_name(status));
  disk_gone_ = gone;
}

// At open(). Whoever cannot commit keeps the open transaction, as at run time.
void Store::give_room() {
  Result<Disk::Space> space = options_.disk->space();
  if (!space.ok() || space.value().free_bytes >= kRoomBytes) return;
  (void)options_.disk->remove(kRoomName);
  space = options_.disk->space();
  if (space.ok() && space.value().free_bytes < kProbeRoomBytes) wait_for_disk(Status::kFull);
}

void Store::keep_room() {
  uint64_t now = options_.clock->up_ns();
  if (room_kept_ || now < room_after_ns_ || !ok(disk_wait_) || state_ != StoreState::kOk) return;
  room_kept_ = ok(make_room());
  room_after_ns_ = now + kRoomRetryNs;
  if (!room_kept_) (void)options_.disk->remove(kRoomName);
}

Status Store::make_room() {
  Result<Disk::File> file = options_.disk->open(kRoomName, Disk::kWrite | Disk::kCreate);
  DREY_TRY(file.status());
  Result<uint64_t> size = options_.disk->size(file.value());
  Status status = size.status();
  for (uint64_t at = ok(status) ? size.value() : 0; ok(status) && at < kRoomBytes;) {
    size_t bytes = std::min<size_t>(kZeros.size(), static_cast<size_t>(kRoomBytes - at));
    status = options_.disk->write_at(file.value(), at, Bytes(kZeros).first(bytes));
    at += bytes;
  }
  options_.disk->close(file.value());
  return status;
}

}  // namespace drey
