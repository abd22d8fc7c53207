#include "sim/sim_node.h"

#include <cstdio>
#include <cstdlib>

#include "drey/check.h"
#include "sim/sim_world.h"

namespace drey {

// ---- clock, randomness ----

uint64_t SimClock::up_ns() {
  uint64_t now = node_->asleep_ ? node_->asleep_since_ns_ : node_->world().now_ns();
  return now - node_->boot_ns();
}

int64_t SimClock::wall_ns() {
  if (wall_frozen) return wall_frozen_ns;
  return static_cast<int64_t>(node_->world().now_ns()) + wall_offset_ns;
}

Status SimRandom::fill(MutBytes to) {
  if (fails) return Status::kIo;
  for (size_t i = 0; i < to.size(); i += 8) {
    uint64_t word = rng_.next();
    for (size_t k = i; k < to.size() && k < i + 8; ++k) {
      to[k] = static_cast<uint8_t>(word);
      word >>= 8;
    }
  }
  return Status::kOk;
}

// ---- lanes ----

void SimLanes::submit(Lane lane, Job* job) {
  DREY_CHECK(!job->in_flight);
  job->in_flight = true;
  job->next = nullptr;
  ++in_flight_;
  auto index = static_cast<size_t>(lane);
  queues_[index].waiting.push_back(job);
  start(index);
}

void SimLanes::start(size_t lane) {
  Queue& queue = queues_[lane];
  SimWorld& world = node_->world();
  size_t threads = lane == static_cast<size_t>(Lane::kWork) ? work_threads : 1;
  while (queue.running < threads && !queue.waiting.empty()) {
    Job* job = queue.waiting.front();
    queue.waiting.pop_front();
    ++queue.running;
    uint64_t begin = world.rng().between(1, 20) * kMicrosecond;
    uint64_t busy = world.rng().between(10 * kMicrosecond, job_ns_max);
    world.after(begin, node_, [this, lane, job, busy] {
      job->result = job->run();
      node_->world().trace("job", node_->index() * 4 + lane, static_cast<uint64_t>(job->result));
      // Looked at now: what the job has met may have made it slow.
      node_->world().after(busy + stall_ns[lane], node_, [this, lane, job] { finish(lane, job); });
    });
  }
}

void SimLanes::finish(size_t lane, Job* job) {
  --queues_[lane].running;
  --in_flight_;
  job->in_flight = false;
  if (job->op != nullptr) job->op->complete(job->result);
  start(lane);
}

void SimLanes::drop_all() {
  for (Queue& queue : queues_) queue = Queue();
  in_flight_ = 0;
}

// ---- host ----

void SimHost::run(ReadyQueue* ready, Op* tick, uint32_t tick_ms) {
  attach(ready, tick, tick_ms);
  (void)node_->world().run_until([this] { return !is_attached(); }, UINT64_MAX);
  stop();
}

void SimHost::attach(ReadyQueue* ready, Op* tick, uint32_t tick_ms) {
  DREY_CHECK(!is_attached());
  ready_ = ready;
  tick_ = tick;
  tick_ns_ = tick_ms * kMillisecond;
  ++attachment_;
  stirred_ns_ = node_->world().now_ns();
  if (tick_ != nullptr && tick_ns_ > 0) plan_tick();
}

void SimHost::plan_tick() {
  constexpr uint64_t kAwakeNs = 2 * kSecond;
  SimWorld& world = node_->world();
  idling_ = idle_tick_ns > tick_ns_ && world.now_ns() - stirred_ns_ >= kAwakeNs;
  ++tick_number_;
  world.after(idling_ ? idle_tick_ns : tick_ns_, node_,
              [this, attachment = attachment_, number = tick_number_] {
                if (attachment != attachment_ || number != tick_number_) return;
                node_->world().trace("tick", node_->index());
                if (!tick_->is_queued()) tick_->complete(Status::kOk);
                plan_tick();
              });
}

void SimHost::stir() {
  stirred_ns_ = node_->world().now_ns();
  if (ready_ != nullptr && tick_ != nullptr && idling_) plan_tick();
}

void SimHost::stop() {
  ready_ = nullptr;
  tick_ = nullptr;
  ++attachment_;
}

void SimHost::end_process() {
  stop();
  terminate_ = nullptr;
  reload_ = nullptr;
}

void SimHost::send_terminate() {
  if (terminate_ != nullptr && !terminate_->is_queued()) terminate_->complete(Status::kOk);
}

void SimHost::send_reload() {
  if (reload_ != nullptr && !reload_->is_queued()) reload_->complete(Status::kOk);
}

void SimHost::log_line(int level, std::string_view line) {
  logged.emplace_back(level, line);
  static const bool echo_all = std::getenv("DREY_SIM_LOG") != nullptr;
  if (!echo_log && !echo_all) return;
  std::fprintf(stderr, "%12.6f %s <%d> %.*s\n",
               static_cast<double>(node_->world().now_ns()) / kSecond, node_->name().c_str(), level,
               static_cast<int>(line.size()), line.data());
}

std::string_view SimHost::host_name() { return node_->name(); }

// ---- node ----

SimNode::SimNode(SimWorld* world, size_t index, std::string name, uint64_t seed)
    : clock(this),
      random(seed),
      net(this),
      lanes(this),
      host(this),
      world_(world),
      index_(index),
      name_(std::move(name)),
      boot_ns_(world->now_ns()) {
  tree.clock = [this] { return clock.wall_ns(); };
  // Up for a moment already: nothing may take an up-time of 0 for "never".
  boot_ns_ -= kMillisecond;
}

Ports SimNode::ports() {
  Ports ports;
  ports.clock = &clock;
  ports.random = &random;
  ports.disk = &disk;
  ports.store = separate_store ? &store : &disk;
  ports.tree = &tree;
  ports.net = &net;
  ports.lanes = &lanes;
  ports.host = &host;
  return ports;
}

void SimNode::end_process(bool peers_notice) {
  world_->trace(peers_notice ? "kill" : "power", index_);
  ++generation_;
  asleep_ = false;
  put_off_.clear();
  lanes.drop_all();
  host.end_process();
  net.drop_all(peers_notice);
  tree.drop_handles();
}

void SimNode::kill() {
  end_process(true);
  disk.restart();
  store.restart();
}

void SimNode::power_off(const SimDisk::Crash& crash) {
  is_up_ = false;
  end_process(false);
  disk.crash(crash);
  SimDisk::Crash other = crash;
  other.seed ^= 0x5eed;
  store.crash(other);
}

void SimNode::power_on() {
  DREY_CHECK(!is_up_);
  is_up_ = true;
  boot_ns_ = world_->now_ns() - kMillisecond;
}

void SimNode::fall_asleep() {
  if (asleep_ || !is_up_) return;
  world_->trace("sleep", index_);
  asleep_ = true;
  asleep_since_ns_ = world_->now_ns();
}

void SimNode::wake_up() {
  if (!asleep_) return;
  world_->trace("wake", index_);
  asleep_ = false;
  std::deque<std::function<void()>> actions;
  actions.swap(put_off_);
  for (std::function<void()>& action : actions)
    world_->after(kMicrosecond, this, std::move(action));
  host.stir();
}

}  // namespace drey
