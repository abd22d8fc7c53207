#include "sim/pair.h"

#include "mesh/mesh.h"

namespace drey::sim {
namespace {

struct PairDisks {
  SimDisk owner;
  SimDisk holder;
};

const PairDisks& fresh_pair(uint64_t seed) {
  static std::map<uint64_t, PairDisks> pairs;
  auto [at, fresh] = pairs.try_emplace(seed);
  if (!fresh) return at->second;
  SimWorld world(seed);
  SimNode& owner = world.add_node("a");
  SimNode& holder = world.add_node("b");
  Device a(&owner);
  Device b(&holder);
  DREY_CHECK(ok(a.init()));
  DREY_CHECK(ok(b.join(a)));
  at->second.owner.copy_from(owner.disk);
  at->second.holder.copy_from(holder.disk);
  return at->second;
}

}  // namespace

Pair::Pair(uint64_t seed)
    : world(seed),
      a(world.add_node("a")),
      b(world.add_node("b")),
      owner(&a),
      holder(&b),
      household(seed) {
  a.disk.copy_from(fresh_pair(seed).owner);
  b.disk.copy_from(fresh_pair(seed).holder);
}

void Pair::fell(Device* device, uint64_t index) {
  falling_ = device;
  with_power_ = mix(world.seed(), index, 2) % 3 != 0;
  crash_.keep = static_cast<SimDisk::Keep>(mix(world.seed(), index, 3) % 4);
  crash_.seed = mix(world.seed(), index, 4);
  crash_.tear_bytes = index % 2 == 0 ? 512 : 4096;
  device->sim().disk.cut_at(1, static_cast<SimDisk::Cut>(index % 3));
  watch();
}

void Pair::watch() {
  world.after(kMillisecond, nullptr, [this] {
    if (!falling_->sim().disk.is_cut()) return watch();
    if (with_power_) {
      falling_->lose_power(crash_);
    } else {
      falling_->kill();
    }
    world.after(2 * kSecond, nullptr, [this] {
      Status status = falling_->start();
      if (!ok(status)) wrong_ = failed("the start after the fall", status);
    });
  });
}

std::string Pair::start() {
  for (Device* device : {&owner, &holder}) {
    Status status = device->start();
    if (!ok(status) && device == falling_) {  // in the midst of it: watch() saw nothing
      device->lose_power(crash_);
      status = device->start();
    }
    if (!ok(status)) return failed("start", status);
  }
  return together() ? "" : "the two do not find each other";
}

bool Pair::together() {
  return world.run_until(
      [this] {
        return owner.is_running() && holder.is_running() && owner.mesh().session_count() > 0 &&
               holder.mesh().session_count() > 0;
      },
      60 * kSecond);
}

Status Pair::back_up() {
  StatementId id;
  oracle.begin(household.files());
  Status status =
      owner.is_running() ? owner.back_up(Household::kRoot, "default", &id) : Status::kClosed;
  if (ok(status)) oracle.acknowledge(id);
  return status;
}

std::string Pair::work() {
  std::string wrong = start();
  if (!wrong.empty() && strict) return wrong;
  for (int round = 0; round < Household::kRounds; ++round) {
    household.advance(&a.tree);
    world.run_for(3 * kSecond);
    Status status = back_up();
    if (status == Status::kTimeout) return "a backup neither ends nor fails";
    if (ok(status)) continue;
    if (strict) return failed("backup", status);
    world.run_for(5 * kSecond);
    status = back_up();
    if (!ok(status)) return failed("the backup after the fall", status);
  }
  return wrong_;
}

std::string Pair::finish() {
  world.run_for(5 * kSecond);  // whoever fell last comes back
  if (!wrong_.empty()) return wrong_;
  if (!together()) return "the two do not find each other again";
  std::string wrong = oracle.check(owner, true);
  if (!wrong.empty()) return "in the running daemon: " + wrong;
  owner.lose_power({SimDisk::Keep::kNothing, 1, 512});
  holder.lose_power({SimDisk::Keep::kNothing, 2, 512});
  wrong = start();
  if (!wrong.empty()) return "after the power cut: " + wrong;
  wrong = oracle.check(owner, true);
  if (!wrong.empty()) return wrong;
  Status status = back_up();
  return ok(status) ? oracle.check_newest(owner) : failed("the next backup", status);
}

}  // namespace drey::sim
