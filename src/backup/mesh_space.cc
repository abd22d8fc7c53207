#include "backup/record_space.h"
#include "base/text.h"
#include "mesh/mesh.h"

namespace drey {

void MeshSpace::push(PushRequest* request) { mesh_->push(request); }
void MeshSpace::fetch(FetchRequest* request) { mesh_->fetch(request); }
void MeshSpace::flush(FlushRequest* request) { mesh_->flush(request); }
void MeshSpace::publish(StatementRequest* request) { mesh_->publish(request); }

bool MeshSpace::newest_head(const NodeId& owner, uint64_t* sequence, Key32* hash) {
  const HeadTable::Highest* head = mesh_->heads().find(owner);
  if (head == nullptr) return false;
  *sequence = head->sequence;
  *hash = head->hash;
  return true;
}

uint64_t MeshSpace::forget_number(const NodeId& owner) {
  const HeadTable::Highest* head = mesh_->heads().find(owner);
  return head == nullptr ? 0 : head->forget_number;
}

Status MeshSpace::find_node(std::string_view text, NodeId* to) {
  size_t found = 0;
  for (const Member& member : mesh_->membership().members()) {
    std::array<char, 2 * NodeId::kSize> hex;
    bool whole = hex_encode(member.id.bytes(), hex);
    bool prefix =
        whole && text.size() >= 4 && std::string_view(hex.data(), hex.size()).starts_with(text);
    if (member.name() != text && !prefix) continue;
    // The name of a device that is active wins over that of one which was replaced.
    if (member.name() == text && mesh_->membership().is_active(member.id)) {
      *to = member.id;
      return Status::kOk;
    }
    *to = member.id;
    ++found;
  }
  return found == 1 ? Status::kOk : found == 0 ? Status::kNotFound : Status::kExists;
}

bool MeshSpace::is_own(const NodeId& self, const NodeId& owner) {
  const Member* member = mesh_->membership().find(owner);
  // An heir may have an heir in turn; the bound ends a circle that no valid mesh can have.
  for (size_t i = 0; member != nullptr && i < Membership::kIdentitiesMax; ++i) {
    if (member->id == self) return true;
    member = member->heir.is_zero() ? nullptr : mesh_->membership().find(member->heir);
  }
  return false;
}

NodeId MeshSpace::ancestor(const NodeId& owner) {
  const Member* member = mesh_->membership().find(owner);
  return member == nullptr ? NodeId{} : member->ancestor;
}

Status MeshSpace::may_sign() {
  if (!mesh_->is_member()) return Status::kDenied;
  return mesh_->clone_proved() ? Status::kExists : Status::kOk;
}

// Only when every reachable holder was asked: after a rebuild of the index nobody is known to hold
// anything at first.
bool MeshSpace::records_missing() {
  ReplicationSummary summary = mesh_->replication();
  return summary.settled && summary.missing > 0;
}

}  // namespace drey
