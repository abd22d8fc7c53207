// "What if these devices were gone?": names of devices to a mask of those that are left.

#include "backup/record_space.h"
#include "node/node.h"

namespace drey {

Status Node::survivors_without(std::span<const std::string_view> names, Survivors* to, size_t* at) {
  *to = {};
  to->ask = true;
  MeshSpace space;
  space.set(&mesh_);
  std::array<NodeId, limits::kMembersMax> lost;
  if (names.size() > lost.size()) return Status::kTooLarge;
  for (*at = 0; *at < names.size(); ++*at) DREY_TRY(space.find_node(names[*at], &lost[*at]));
  auto gone = [&](const NodeId& id) {
    for (size_t i = 0; i < names.size(); ++i)
      if (lost[i] == id) return true;
    return false;
  };
  to->self = !gone(mesh_.self());
  for (const Member& member : mesh_.membership().members()) {
    if (!member.is_active() || member.id == mesh_.self() || gone(member.id)) continue;
    uint8_t slot = mesh_.data().slot_of(member.id);
    if (slot != DataService::kNoSlot) to->holders |= uint64_t{1} << slot;
  }
  return Status::kOk;
}

}  // namespace drey
