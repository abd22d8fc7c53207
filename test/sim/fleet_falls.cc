// Devices that fall while records move: a holder in the midst of a restore (D2), anybody in the
// midst of healing (D3). The point is a share of the bytes that move: twenty of them, and at each a
// killed process, a power cut, or a device that stays away.
#include "sim/fleet.h"

namespace drey::sim {
namespace {

constexpr uint64_t kPoints = 20;
constexpr uint64_t kCases = 3 * kPoints;

// Device i falls as soon as `after_bytes` were sent by the devices in `senders`.
class Fall {
 public:
  Fall(Fleet& fleet, size_t i, uint64_t index) : fleet_(fleet), i_(i), kind_(index / kPoints) {}
  ~Fall() {
    for (size_t k = 0; k < fleet_.size(); ++k) fleet_.world.node(k).net.touch_sent = nullptr;
  }
  void arm(uint64_t after_bytes, const std::vector<size_t>& senders) {
    left_ = after_bytes;
    for (size_t k : senders)
      fleet_.world.node(k).net.touch_sent = [this](MutBytes bytes) { sent(bytes.size()); };
  }
  bool fell() const { return fell_; }

 private:
  void sent(uint64_t bytes) {
    left_ -= std::min(left_, bytes);
    if (left_ > 0 || fell_) return;
    fell_ = true;
    fleet_.world.after(1, nullptr, [this] { fall(); });
  }
  void fall() {
    Machine& machine = fleet_.at(i_);
    if (kind_ == 0) {
      machine.kill();
    } else {
      machine.lose_power({SimDisk::Keep::kNothing, 1, 512});
    }
    if (kind_ == 2) return;
    fleet_.world.after(2 * kSecond, nullptr, [this] {
      if (!fleet_.at(i_).is_running()) (void)ok(fleet_.at(i_).start());
    });
  }
  Fleet& fleet_;
  size_t i_;
  uint64_t kind_;
  uint64_t left_ = 0;
  bool fell_ = false;
};

FleetOptions four(size_t large_bytes) {
  FleetOptions options;
  options.count = 4;
  options.shared_files = false;
  options.files = 8;
  options.large_bytes = large_bytes;
  return options;
}

SnapshotInfo newest_of(Fleet& fleet, Machine& reader, size_t owner) {
  SnapshotInfo newest;
  (void)ok(reader.wait([&](Machine::Done done) { reader.list(std::move(done)); }));
  for (const SnapshotInfo& info : reader.listed())
    if (fleet.newest(owner) != nullptr && info.id == *fleet.newest(owner)) newest = info;
  return newest;
}

std::string end(Fleet& fleet) {
  std::string wrong = fleet.mend();
  if (wrong.empty()) wrong = fleet.settle();
  if (wrong.empty()) wrong = fleet.check_all(true);
  return wrong.empty() ? fleet.check_logs() : wrong;
}

}  // namespace

// D2: every record has two holders beside its owner, one device falls: the restore is whole.
void run_restore_falls(Suite& suite) {
  each_life(suite, kCases, 91, [&](uint64_t index, SimRng& rng) -> std::string {
    Fleet fleet(mix(suite.seed(), index, 92), four(512 * 1024));
    std::string wrong = begin_together(fleet);
    if (wrong.empty()) wrong = all_back_up(fleet);
    if (!wrong.empty()) return wrong;
    size_t reader = rng.below(fleet.size());
    size_t owner = rng.below(fleet.size());
    size_t victim = (reader + 1 + rng.below(fleet.size() - 1)) % fleet.size();
    Machine& machine = fleet.at(reader);
    SnapshotInfo newest = newest_of(fleet, machine, owner);
    fleet.world.net.bytes_per_second = 400'000;
    // What the others would send in all is measured by a restore that nothing disturbs.
    uint64_t all = 0;
    for (size_t k = 0; k < fleet.size(); ++k)
      if (k != reader)
        fleet.world.node(k).net.touch_sent = [&all](MutBytes bytes) { all += bytes.size(); };
    Status status = machine.wait([&](auto done) { machine.restore(newest, std::move(done)); });
    Restored whole = machine.take_restored();
    whole.status = status;
    wrong = fleet.judge(newest, whole, true);
    if (!wrong.empty()) return "undisturbed: " + wrong;
    Fall fall(fleet, victim, index);
    std::vector<size_t> senders;
    for (size_t k = 0; k < fleet.size(); ++k)
      if (k != reader) senders.push_back(k);
    fall.arm(1 + all * (index % kPoints) / kPoints, senders);
    status = machine.wait([&](auto done) { machine.restore(newest, std::move(done)); });
    Restored got = machine.take_restored();
    got.status = status;
    wrong = fleet.judge(newest, got, true);
    if (!wrong.empty()) return "beside a fall: " + wrong;
    if (!fall.fell()) return "nobody fell";
    fleet.world.net = {};
    fleet.world.run_for(3 * kSecond);
    return end(fleet);
  });
}

// D3: two halves that backed up apart heal each other; in the midst of it one device falls.
void run_healing_falls(Suite& suite) {
  each_life(suite, kCases, 93, [&](uint64_t index, SimRng& rng) -> std::string {
    Fleet fleet(mix(suite.seed(), index, 94), four(512 * 1024));
    std::string wrong = begin_together(fleet);
    if (!wrong.empty()) return wrong;
    size_t apart = 1 + rng.below(3);
    fleet.world.partition({&fleet.world.node(0), &fleet.world.node(apart)});
    fleet.world.run_for(5 * kMinute);
    for (size_t i = 0; i < fleet.size(); ++i) fleet.back_up(i);
    if (!fleet.quiet()) return "a backup does not end";
    fleet.world.run_for(10 * kMinute);
    uint64_t missing = fleet.missing_bytes();
    if (missing == 0) return "nothing was missing";
    Fall fall(fleet, rng.below(fleet.size()), index);
    fall.arm(1 + missing * (index % kPoints) / kPoints, {0, 1, 2, 3});
    fleet.world.mend_all();
    fleet.world.run_for(20 * kMinute);
    if (!fall.fell()) return "nobody fell";
    if (fleet.world.node(0).net.touch_sent == nullptr) return "the net was not watched";
    wrong = fleet.check_all(false);
    return wrong.empty() ? end(fleet) : wrong;
  });
}

}  // namespace drey::sim
