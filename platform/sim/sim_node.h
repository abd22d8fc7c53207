// One simulated device: its ports, and what can happen to it. Owned by the world; it outlives
// crashes, as the machine and its card do. What ran on it is the test's to destroy and make anew.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "drey/ports.h"
#include "sim/sim_disk.h"
#include "sim/sim_net.h"
#include "sim/sim_rng.h"
#include "sim/sim_tree.h"

namespace drey {

class SimWorld;
class SimNode;

class SimClock final : public Clock {
 public:
  explicit SimClock(SimNode* node) : node_(node) {}
  uint64_t up_ns() override;                           // since the node's last boot
  int64_t wall_ns() override;                          // world time + offset; frozen when told so
  int64_t wall_offset_ns = 1735689600ll * 1000000000;  // the world starts at 2025-01-01
  bool wall_frozen = false;
  int64_t wall_frozen_ns = 0;

 private:
  SimNode* node_;
};

class SimRandom final : public Random {
 public:
  explicit SimRandom(uint64_t seed) : rng_(seed) {}
  Status fill(MutBytes to) override;
  bool fails = false;  // then fill() gives kIo

 private:
  SimRng rng_;
};

class SimLanes final : public Lanes {
 public:
  explicit SimLanes(SimNode* node) : node_(node) {}
  void submit(Lane lane, Job* job) override;
  // Jobs take between 10 us and this long (seeded), plus `stall_ns` of their lane as it is when
  // they have run.
  uint64_t job_ns_max = 500 * 1000;
  uint64_t stall_ns[3] = {0, 0, 0};
  size_t work_threads = 2;
  size_t in_flight() const { return in_flight_; }

 private:
  friend class SimNode;
  struct Queue {
    std::deque<Job*> waiting;
    size_t running = 0;
  };
  void start(size_t lane);
  void finish(size_t lane, Job* job);
  void drop_all();  // the process is gone: nobody is told
  SimNode* node_;
  Queue queues_[3];
  size_t in_flight_ = 0;
};

class SimHost final : public Host {
 public:
  explicit SimHost(SimNode* node) : node_(node) {}
  // Blocks like the real one: runs the whole world until stop(). For one node at a time.
  void run(ReadyQueue* ready, Op* tick, uint32_t tick_ms) override;
  // Lets the world drive `ready` and `tick` until stop() or a crash; returns at once. `tick` may be
  // null.
  void attach(ReadyQueue* ready, Op* tick, uint32_t tick_ms);
  bool is_attached() const { return ready_ != nullptr; }
  // Longer than the tick: so far apart are the ticks of a node to which nothing happens, from two
  // seconds after the last stir(). Bytes that arrive on a stream, but for a ping, stir. Days of
  // idleness cost little then.
  uint64_t idle_tick_ns = 0;
  void stir();
  void stop() override;
  void on_terminate(Op* op) override { terminate_ = op; }
  void on_reload(Op* op) override { reload_ = op; }
  void send_terminate();  // what a signal would do
  void send_reload();
  void notify(std::string_view state) override { notified.emplace_back(state); }
  void print_line(std::string_view line) override { printed.emplace_back(line); }
  void log_line(int level, std::string_view line) override;
  std::string_view host_name() override;

  std::vector<std::string> notified;
  std::vector<std::string> printed;
  std::vector<std::pair<int, std::string>> logged;
  bool echo_log = false;  // to stderr too; DREY_SIM_LOG=1 in the environment turns it on

 private:
  friend class SimNode;
  friend class SimWorld;
  void plan_tick();
  void end_process();
  SimNode* node_;
  ReadyQueue* ready_ = nullptr;
  Op* tick_ = nullptr;
  uint64_t tick_ns_ = 0;
  uint64_t stirred_ns_ = 0;   // world time
  bool idling_ = false;       // the planned tick is far away
  uint64_t attachment_ = 0;   // ticks of an earlier attach() are void
  uint64_t tick_number_ = 0;  // of the planned tick
  Op* terminate_ = nullptr;
  Op* reload_ = nullptr;
};

class SimNode {
 public:
  SimNode(SimWorld* world, size_t index, std::string name, uint64_t seed);
  Ports ports();
  SimWorld& world() { return *world_; }
  size_t index() const { return index_; }
  const std::string& name() const { return name_; }
  uint64_t generation() const { return generation_; }
  uint64_t boot_ns() const { return boot_ns_; }

  // The process is gone: its events and jobs are void, its connections are closed (peers notice),
  // the disks keep everything written. Destroy the node's objects before or after; they must not
  // use the ports any more.
  void kill();
  // Power is gone: as kill(), but peers notice nothing until they talk to the rebooted node, and
  // the disks lose what was not synced, as `crash` says.
  void power_off(const SimDisk::Crash& crash);
  // After power_off(): up-time starts anew.
  void power_on();
  bool is_up() const { return is_up_; }
  // The machine is suspended: nothing runs, nothing is heard or answered.
  // Its connections are still there when it wakes; the other ends may have given them up.
  void fall_asleep();
  void wake_up();
  bool is_asleep() const { return asleep_; }
  bool answers() const { return is_up_ && !asleep_; }

  SimClock clock;
  SimRandom random;
  SimDisk disk;
  SimDisk store;  // used when `separate_store`
  SimTree tree;
  SimNet net;
  SimLanes lanes;
  SimHost host;
  bool separate_store = false;

 private:
  friend class SimWorld;
  friend class SimClock;
  void end_process(bool peers_notice);
  SimWorld* world_;
  size_t index_;
  std::string name_;
  uint64_t generation_ = 0;
  uint64_t boot_ns_ = 0;
  bool is_up_ = true;
  bool asleep_ = false;
  uint64_t asleep_since_ns_ = 0;
  std::deque<std::function<void()>> put_off_;  // what came due while it slept
};

}  // namespace drey
