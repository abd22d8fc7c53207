// What one fdatasync covers, and which tickets were refused. Plain values: a CommitGroup belongs to
// the lane that works on it; the Committer hands it around.
#pragma once

#include <array>

#include "drey/ports.h"
#include "store/types.h"

namespace drey {

// Refused tickets, newest kept. What falls out raises the floor: late questions below it are
// answered "refused", which is safe.
class FailedTickets {
 public:
  void add(Ticket ticket, Status status) {
    if (count_ == kMax) {
      if (entries_[0].ticket > floor_) floor_ = entries_[0].ticket;
      for (size_t i = 1; i < kMax; ++i) entries_[i - 1] = entries_[i];
      --count_;
    }
    entries_[count_++] = {ticket, status};
  }
  Status outcome(Ticket ticket) const {
    for (size_t i = 0; i < count_; ++i)
      if (entries_[i].ticket == ticket) return entries_[i].status;
    return ticket <= floor_ && ticket != 0 ? Status::kIo : Status::kOk;
  }

 private:
  static constexpr size_t kMax = 32;
  struct Entry {
    Ticket ticket = 0;
    Status status = Status::kOk;
  };
  std::array<Entry, kMax> entries_{};  // oldest first
  size_t count_ = 0;
  Ticket floor_ = 0;
};

struct CommitGroup {
  static constexpr size_t kFilesMax = 8;
  struct Part {
    Disk::File file = -1;
    Status status = Status::kOk;  // of its sync
  };
  Disk* disk = nullptr;
  std::array<Part, kFilesMax> parts{};
  size_t part_count = 0;
  Ticket through = 0;  // every ticket up to it is settled once the group is finished
  FailedTickets failed;
};

}  // namespace drey
