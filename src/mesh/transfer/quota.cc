#include "mesh/transfer/quota.h"

#include <algorithm>

#include "store/log_format.h"

namespace drey {

void Quota::start(DataContext* context) {
  context_ = context;
  job_.store = context->options.store;
  summed_.set(context->options.ready, this, &Quota::on_summed);
  capacity_ = job_.store->stats().capacity_bytes;
}

Quota::Charge Quota::charge_for(const NodeId& sender, const NodeId& owner,
                                size_t record_bytes) const {
  const DataMembers& members = context_->members;
  Charge charge;
  charge.bytes = static_cast<uint32_t>(entry_bytes(record_bytes));
  size_t payer = members.find(sender);
  if (payer != DataMembers::kNone) charge.payer = members.slot(payer);
  size_t of = sender == owner ? payer : members.find(owner);
  if (of != DataMembers::kNone) charge.owner = members.slot(of);
  return charge;
}

// Without a number from the person: where several devices share this one, none of them can take the
// last quarter from the others.
uint64_t Quota::limit() const {
  if (context_->options.quota_bytes != 0) return context_->options.quota_bytes;
  return context_->members.count() > 2 ? capacity_ / 4 * 3 : kNoLimit;
}

uint64_t Quota::charged(uint8_t slot) const {
  uint64_t counted = counted_[slot] - std::min(counted_[slot], received_[slot]);
  return counted + before_[slot] + since_[slot] + held_[slot] + brought_[slot];
}

uint64_t Quota::charged(const NodeId& member) const {
  size_t index = context_->members.find(member);
  if (index == DataMembers::kNone) return 0;
  uint8_t slot = context_->members.slot(index);
  return slot == DataMembers::kNoSlot ? 0 : charged(slot);
}

bool Quota::allows(const Charge& charge) {
  if (charge.payer == DataMembers::kNoSlot) return true;
  uint64_t used = charged(charge.payer);
  if (used <= limit() && charge.bytes <= limit() - used) return true;
  pass_ns_ = std::min(pass_ns_, context_->now() + kSoonNs);
  uint64_t bit = uint64_t{1} << charge.payer;
  if ((told_ & bit) == 0 && context_->options.log != nullptr)
    context_->options.log->warning(
        "a device has filled its share of this one, and is given no more (quota; drey peers)");
  told_ |= bit;
  return false;
}

void Quota::hold(const Charge& charge) {
  if (charge.payer != DataMembers::kNoSlot) held_[charge.payer] += charge.bytes;
}

void Quota::settle(const Charge& charge, bool stored) {
  if (charge.payer == DataMembers::kNoSlot) return;
  DREY_CHECK(held_[charge.payer] >= charge.bytes);
  held_[charge.payer] -= charge.bytes;
  if (!stored) return;
  if (charge.payer == charge.owner) {
    since_[charge.payer] += charge.bytes;
    return;
  }
  brought_[charge.payer] += charge.bytes;
  if (charge.owner != DataMembers::kNoSlot) received_[charge.owner] += charge.bytes;
}

void Quota::tick(uint64_t now_ns) {
  if (summing_ || now_ns < pass_ns_) return;
  summing_ = true;
  pass_ns_ = now_ns + kPassNs;
  for (size_t slot = 0; slot < kNodeSlotsMax; ++slot) {
    before_[slot] += since_[slot];
    since_[slot] = 0;
  }
  job_.after = {};
  job_.bytes = {};
  context_->submit(Lane::kStore, &job_, &summed_);
}

Status Quota::SumJob::run() {
  capacity = store->stats().capacity_bytes;
  return store->sum_pinned(&after, kRowsPerJob, bytes, &ended);
}

void Quota::on_summed(Status status) {
  if (ok(status) && !job_.ended) return context_->submit(Lane::kStore, &job_, &summed_);
  summing_ = false;
  if (!ok(status)) return;  // what was counted before stands
  counted_ = job_.bytes;
  before_ = {};
  capacity_ = job_.capacity;
}

}  // namespace drey
