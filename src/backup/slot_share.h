// Who may take how many of the origin slots: a backup and the streams share one pool, and none may
// starve another for good. Each user that is on has a reserve the others leave untouched; beyond
// that, first come, first served. Loop thread; one object in BackupService.
#pragma once

#include <algorithm>
#include <array>

#include "drey/limits.h"
#include "drey/pool.h"
#include "drey/status.h"

namespace drey {

using OriginBuffer = Buffer<limits::kRecordBytesMax>;
using OriginPool = Pool<OriginBuffer, limits::kOriginSlots>;

class SlotShare {
 public:
  static constexpr size_t kUsersMax = 4;
  using User = uint8_t;

  void start(OriginPool* pool) { pool_ = pool; }
  // kBusy: the reserves of those that are on would exceed the pool.
  Status enter(User user, size_t reserve);
  // All its slots must have been given back.
  void leave(User user);
  // How many slots the user could take now, one after the other.
  size_t available(User user) const;
  OriginBuffer* take(User user);  // null when none is available
  void give(User user, OriginBuffer*& slot);
  // True when another waits for its reserve while this user holds more than its own: give back what
  // can be got again.
  bool over(User user) const;
  size_t held(User user) const { return users_[user].held; }
  size_t index_of(const OriginBuffer* slot) const { return pool_->index_of(slot); }
  OriginBuffer* at(size_t index) { return &pool_->at(index); }

 private:
  struct Row {
    size_t reserve = 0;  // 0 = off
    size_t held = 0;
    size_t lacks() const { return held < reserve ? reserve - held : 0; }
  };
  OriginPool* pool_ = nullptr;
  std::array<Row, kUsersMax> users_{};
};

}  // namespace drey
