// How much of this node each member fills, and when that is enough (DESIGN 6 "Quota"): a record is
// charged in full to each member that pins it, what a member brings in another's name to itself.
//
// Part of ServeService, loop thread; one job at a time on the store lane. Nothing of it is durable:
// every ten minutes all pins are summed up, and what is taken in between is added, so that a charge
// may be too high for ten minutes and is never too low, but in the seconds after a start.
#pragma once

#include "mesh/data/data_context.h"

namespace drey {

class Quota {
 public:
  static constexpr uint64_t kPassNs = 600 * kDataSecondNs;  // between two sums
  static constexpr uint64_t kSoonNs = 10 * kDataSecondNs;   // when somebody was refused
  static constexpr size_t kRowsPerJob = 2048;
  static constexpr uint64_t kNoLimit = UINT64_MAX;

  // One record on its way in: who pays for it, and whose it is said to be.
  struct Charge {
    uint8_t payer = DataMembers::kNoSlot;  // none: not known as a member yet; the next sum counts
    uint8_t owner = DataMembers::kNoSlot;
    uint32_t bytes = 0;
  };

  void start(DataContext* context);
  Charge charge_for(const NodeId& sender, const NodeId& owner, size_t record_bytes) const;
  // Is there room for it? A refusal has everything summed up again soon.
  bool allows(const Charge& charge);
  // It may be stored from now on; each is settled once: it was stored, durably, or it was not.
  void hold(const Charge& charge);
  void settle(const Charge& charge, bool stored);
  void tick(uint64_t now_ns);
  bool idle() const { return !summing_; }
  // For people: what a member is charged, and what it may be (kNoLimit: everything).
  uint64_t charged(const NodeId& member) const;
  uint64_t limit() const;

 private:
  using Sums = std::array<uint64_t, kNodeSlotsMax>;
  struct SumJob final : Job {
    Store* store = nullptr;
    ChunkId after;
    bool ended = false;
    uint64_t capacity = 0;
    Sums bytes{};
    Status run() override;
  };
  uint64_t charged(uint8_t slot) const;
  void on_summed(Status status);

  DataContext* context_ = nullptr;
  bool summing_ = false;
  uint64_t pass_ns_ = 0;  // not before
  uint64_t told_ = 0;     // mask of those whose refusal was logged
  uint64_t capacity_ = 0;
  // By node slot.
  Sums counted_{};   // by the last sum
  Sums before_{};    // stored before the sum that runs began, and after the one before it
  Sums since_{};     // stored since that
  Sums held_{};      // on its way
  Sums brought_{};   // stored in another's name since the start: the sums charge it to that one
  Sums received_{};  // the same, by whose name it was
  SumJob job_;
  DataSignal<Quota> summed_;
};

}  // namespace drey
