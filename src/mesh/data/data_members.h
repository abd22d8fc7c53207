// The members as the data service sees them: who they are, what they weigh, which bit of a holder
// mask is theirs. A new table takes effect once the store has named the bit of every member.
// Part of DataContext, loop thread; the bits are durable (Store::node_slot), the rest is Mesh's.
#pragma once

#include "mesh/data/data_signal.h"
#include "mesh/data/data_types.h"
#include "mesh/data/placement.h"
#include "store/store.h"

namespace drey {

class DataMembers {
 public:
  static constexpr size_t kNone = limits::kMembersMax;
  static constexpr uint8_t kNoSlot = 0xff;

  // `changed` is woken each time a new table took effect. `members` holds at most kMembersMax.
  void start(const DataOptions& options, DataSignal<class Replication>* changed);
  // Nothing happens when it says what the last call said.
  void set(std::span<const DataMember> members, size_t copies);
  bool is_pending() const { return job_.in_flight || again_; }

  size_t count() const { return table_.count; }
  const DataMember& at(size_t index) const { return table_.members[index]; }
  uint8_t slot(size_t index) const { return table_.slots[index]; }
  uint64_t bit(size_t index) const {
    return slot(index) == kNoSlot ? 0 : uint64_t{1} << slot(index);
  }
  size_t find(const NodeId& id) const;  // kNone
  // Rendezvous order of the members besides self, the lost ones left out: indices.
  size_t homes_of(const ChunkId& c, std::span<uint8_t> order) const;
  HolderNeed need() const { return holders_needed(table_.copies, counting_ + 1); }
  // The bits of the members whose copies count: active, not lost, not self.
  uint64_t counting_mask() const { return mask_; }

 private:
  struct Table {
    std::array<DataMember, limits::kMembersMax> members;
    std::array<uint8_t, limits::kMembersMax> slots{};
    size_t count = 0;
    size_t copies = 0;
  };
  struct SlotJob final : Job {
    Store* store = nullptr;
    Table table;
    Status run() override;
  };
  void submit();
  void on_slots(Status status);

  DataOptions options_;
  DataSignal<class Replication>* changed_ = nullptr;
  DataSignal<DataMembers> slots_done_;
  SlotJob job_;
  Table next_;  // what set() said last
  Table table_;
  bool complete_ = false;  // every member of table_ has a bit
  bool again_ = false;     // next_ is newer than what the job works on
  size_t counting_ = 0;
  uint64_t mask_ = 0;
  std::array<PlacementNode, limits::kMembersMax> nodes_;     // those that count
  std::array<uint8_t, limits::kMembersMax> node_members_{};  // their indices in table_
};

}  // namespace drey
