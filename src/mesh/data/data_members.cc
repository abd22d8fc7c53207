#include "mesh/data/data_members.h"

#include <algorithm>

namespace drey {

void DataMembers::start(const DataOptions& options, DataSignal<Replication>* changed) {
  options_ = options;
  changed_ = changed;
  slots_done_.set(options.ready, this, &DataMembers::on_slots);
}

void DataMembers::set(std::span<const DataMember> members, size_t copies) {
  DREY_CHECK(members.size() <= limits::kMembersMax);
  bool same = next_.count == members.size() && next_.copies == copies &&
              std::equal(members.begin(), members.end(), next_.members.begin());
  if (same && complete_) return;
  std::copy(members.begin(), members.end(), next_.members.begin());
  next_.count = members.size();
  next_.copies = copies;
  again_ = true;
  if (!job_.in_flight) submit();
}

void DataMembers::submit() {
  again_ = false;
  job_.store = options_.store;
  job_.table = next_;
  job_.op = &slots_done_;
  options_.lanes->submit(Lane::kStore, &job_);
}

Status DataMembers::SlotJob::run() {
  for (size_t i = 0; i < table.count; ++i) {
    // Without a bit (all taken, or the store failed) a member's copies are not counted: the record
    // then looks under-replicated, which is the safe side.
    if (!ok(store->node_slot(table.members[i].id, &table.slots[i]))) table.slots[i] = kNoSlot;
  }
  return Status::kOk;
}

void DataMembers::on_slots(Status) {
  table_ = job_.table;
  complete_ = true;
  counting_ = 0;
  mask_ = 0;
  for (size_t i = 0; i < table_.count; ++i) {
    const DataMember& member = table_.members[i];
    complete_ = complete_ && slot(i) != kNoSlot;
    if (member.id == options_.self || member.lost) continue;
    nodes_[counting_] = {member.id, member.capacity_gib, member.zone};
    node_members_[counting_++] = static_cast<uint8_t>(i);
    mask_ |= bit(i);
  }
  if (changed_ != nullptr) changed_->wake();
  if (again_) submit();
}

size_t DataMembers::find(const NodeId& id) const {
  for (size_t i = 0; i < table_.count; ++i)
    if (table_.members[i].id == id) return i;
  return kNone;
}

size_t DataMembers::homes_of(const ChunkId& c, std::span<uint8_t> order) const {
  size_t count = homes(c, options_.self, {nodes_.data(), counting_}, order);
  for (size_t i = 0; i < count; ++i) order[i] = node_members_[order[i]];
  return count;
}

}  // namespace drey
