#include "backup/slot_share.h"

namespace drey {

Status SlotShare::enter(User user, size_t reserve) {
  DREY_CHECK(users_[user].reserve == 0 && users_[user].held == 0);
  size_t all = reserve;
  for (const Row& row : users_) all += row.reserve;
  if (all > OriginPool::kCount) return Status::kBusy;
  users_[user].reserve = reserve;
  return Status::kOk;
}

void SlotShare::leave(User user) {
  DREY_CHECK(users_[user].held == 0);
  users_[user].reserve = 0;
}

size_t SlotShare::available(User user) const {
  size_t others = 0;
  for (size_t i = 0; i < users_.size(); ++i)
    if (i != user) others += users_[i].lacks();
  size_t free = pool_->free_count();
  size_t beyond = free > others ? free - others : 0;
  return std::min(free, std::max(beyond, users_[user].lacks()));
}

OriginBuffer* SlotShare::take(User user) {
  DREY_CHECK(users_[user].reserve > 0);
  if (available(user) == 0) return nullptr;
  OriginBuffer* slot = pool_->take();
  if (slot != nullptr) ++users_[user].held;
  return slot;
}

void SlotShare::give(User user, OriginBuffer*& slot) {
  DREY_CHECK(users_[user].held > 0);
  --users_[user].held;
  pool_->give(slot);
}

bool SlotShare::over(User user) const {
  if (users_[user].held <= users_[user].reserve) return false;
  size_t lacking = 0;
  for (size_t i = 0; i < users_.size(); ++i)
    if (i != user) lacking += users_[i].lacks();
  return lacking > pool_->free_count();
}

}  // namespace drey
