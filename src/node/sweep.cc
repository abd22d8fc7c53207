// When the pieces of forgotten snapshots are given up: once after each FORGET of this node, and
// again until it came to its end; and when a holder turns out to keep what nobody here needs. Which
// FORGET was swept for is remembered in the state log; losing that costs one sweep. That a sweep
// went well is not: after a start the holders are unpinned nothing before another one did.

#include "node/node.h"

namespace drey {
namespace {

constexpr std::string_view kSweptKey = "swept";
constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint64_t kSoonNs = 5 * kSecondNs;            // a backup runs, or began meanwhile
constexpr uint64_t kRetryNs = 600 * kSecondNs;         // something could not be read
constexpr uint64_t kSurplusNs = 6 * 3600 * kSecondNs;  // between two sweeps for holders' surplus

}  // namespace

void Node::load_swept() {
  std::array<uint8_t, 8> bytes;
  size_t size = 0;
  if (ok(state_.get(kSweptKey, bytes, &size)) && size == bytes.size())
    swept_number_ = load_le<uint64_t>(bytes.data());
}

void Node::sweep_forgotten(uint64_t now_ns) {
  const HeadTable::Highest* own = mesh_.heads().find(mesh_.self());
  if (own == nullptr) return;
  bool forgot = own->forget_number != 0 && own->forget_number != swept_number_;
  bool surplus = mesh_.data().wants_sweep() && now_ns >= next_surplus_sweep_ns_;
  if (!forgot && !surplus && !sweep_again_) return;
  if (sweeping_ || stopping_ || now_ns < next_sweep_ns_ || backup_.backup_running()) return;
  // A clone of this device may have backups that need what we do not know of. And who was not heard
  // yet may know of a head that this card has lost.
  if (mesh_.cloned() || own->forked || !mesh_.heard_everybody()) return;
  // Whoever can still see a snapshot can still restore it.
  if (!mesh_.forgotten_settled()) return;
  swept_.set(&ready_, this, &Node::swept);
  sweeping_for_ = own->forget_number;
  sweeping_ = ok(backup_.sweep(&swept_));
  next_sweep_ns_ = now_ns + kSoonNs;
}

bool Node::unpins_told() {
  const HeadTable::Highest* own = mesh_.heads().find(mesh_.self());
  bool swept = own == nullptr || own->forget_number == swept_number_;
  return swept && !sweeping_ && !sweep_again_ && mesh_.data().unpins_told();
}

void Node::swept(Status status) {
  const SweepResult& result = backup_.sweep_result();
  if (!ok(status)) {
    sweeping_ = false;
    if (status == Status::kCancelled || status == Status::kBusy) return;
    next_sweep_ns_ = ports_.clock->up_ns() + kRetryNs;
    if (!sweep_told_)
      log_.warning(
          "what forgotten snapshots alone needed is not given up yet: a kept snapshot cannot be "
          "read in full (%s); nothing was removed, trying again",
          status_name(status));
    sweep_told_ = true;
    return;
  }
  sweep_told_ = false;
  swept_number_ = sweeping_for_;
  const HeadTable::Highest* own = mesh_.heads().find(mesh_.self());
  bool sure = result.unclaimed == 0 && !mesh_.cloned() && own != nullptr && !own->forked;
  // What was claimed again must be seen to be before anything else is called superfluous.
  if (result.unclaimed > 0)
    next_sweep_ns_ = ports_.clock->up_ns() + (sweep_again_ ? kSurplusNs : kSoonNs);
  sweep_again_ = result.unclaimed > 0;
  next_surplus_sweep_ns_ = ports_.clock->up_ns() + kSurplusNs;
  if (sure) mesh_.data().approve_unpins(result.number);
  if (result.removed > 0) {
    log_.info("%llu pieces that only forgotten snapshots needed were given up",
              static_cast<unsigned long long>(result.removed));
    mesh_.data().recheck();
  }
  swept_job_.state = &state_;
  swept_job_.number = swept_number_;
  swept_job_.op = &swept_noted_;
  swept_noted_.set(&ready_, this, &Node::swept_noted);
  ports_.lanes->submit(Lane::kStore, &swept_job_);
}

Status Node::SweptJob::run() {
  std::array<uint8_t, 8> bytes;
  store_le(bytes.data(), number);
  return state->put(kSweptKey, bytes);
}

void Node::swept_noted(Status) { sweeping_ = false; }

}  // namespace drey
