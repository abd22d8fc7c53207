// The simulated world: one virtual time line, one seed, any number of nodes in one process and one
// thread. Same seed and same calls: same trace hash. For tests; it may allocate and use containers.
//
//   SimWorld world(seed);
//   SimNode& a = world.add_node("a");
//   Ports ports = a.ports();
//   a.host.attach(&ready, &tick, 100);           // instead of the blocking Host::run
//   world.run_until([&] { return done; }, 60 * kSecond);
//
// An event runs, then the ready queues of all attached nodes are drained in order of the nodes.
// Jobs run inside an event at once; the time they take passes before they are delivered.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sim/sim_node.h"
#include "sim/sim_rng.h"

namespace drey {

inline constexpr uint64_t kMicrosecond = 1000;
inline constexpr uint64_t kMillisecond = 1000 * kMicrosecond;
inline constexpr uint64_t kSecond = 1000 * kMillisecond;

class SimWorld {
 public:
  explicit SimWorld(uint64_t seed);
  ~SimWorld();
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;

  // The n-th node (from 0) has address 10.0.0.(n+1) and disks, clock and randomness of its own.
  SimNode& add_node(const std::string& name);
  SimNode& node(size_t index) { return *nodes_[index]; }
  size_t node_count() const { return nodes_.size(); }

  uint64_t seed() const { return seed_; }
  uint64_t now_ns() const { return now_ns_; }
  SimRng& rng() { return rng_; }
  // Runs `action` at now + delay_ns. With `owner`: forgotten when that node goes down first.
  void after(uint64_t delay_ns, SimNode* owner, std::function<void()> action);

  // Runs the next event; false when there is none.
  bool step();
  // Until done() holds (checked after each event): true. False when `limit_ns` more have passed or
  // no event is left. A step cap of 200 million events ends a world that never gets on.
  bool run_until(const std::function<bool()>& done, uint64_t limit_ns);
  void run_for(uint64_t duration_ns);
  uint64_t event_count() const { return event_count_; }

  // What happened, folded into one number: deliveries with their bytes, jobs, ticks, crashes, and
  // whatever tests add.
  void trace(const char* kind, uint64_t a = 0, uint64_t b = 0);
  void trace_bytes(const char* kind, Bytes bytes);
  uint64_t trace_hash() const { return trace_hash_; }

  // ---- network ----
  struct NetOptions {
    uint64_t latency_ns_min = 200 * kMicrosecond;
    uint64_t latency_ns_max = 2 * kMillisecond;
    uint64_t bytes_per_second = 0;  // per direction of a stream; 0 = unlimited
    uint32_t datagram_loss_ppm = 0;
    // Streams lose nothing, they are TCP: what is lost arrives later, after 200 ms, 400 ms, ...
    uint32_t stream_loss_ppm = 0;
    uint32_t datagram_repeat_ppm = 0;
    size_t window_bytes = 64 * 1024;  // on the way and unread, per direction
    bool multicast = true;            // false: the household's router drops it
  };
  NetOptions net;
  // Cuts or mends the path a -> b (one way). Bytes of streams wait and arrive after mending;
  // datagrams are lost.
  void cut(const SimNode& from, const SimNode& to, bool is_cut);
  void cut_both(const SimNode& a, const SimNode& b, bool is_cut);
  // Every node of `group` is cut off from every node outside of it, and from nobody inside.
  void partition(const std::vector<const SimNode*>& group);
  void mend_all() { cuts_.clear(); }
  bool is_cut(size_t from, size_t to) const { return cuts_.contains({from, to}); }

 private:
  friend class SimNet;
  friend class SimHost;
  struct Event {
    SimNode* owner = nullptr;
    uint64_t generation = 0;
    std::function<void()> action;
  };
  void drain_all();
  uint64_t latency_ns() { return rng_.between(net.latency_ns_min, net.latency_ns_max); }

  uint64_t seed_;
  SimRng rng_;
  uint64_t now_ns_ = kSecond;  // not 0: a machine has booted before it runs anything
  uint64_t sequence_ = 0;
  uint64_t event_count_ = 0;
  uint64_t trace_hash_ = 0xcbf29ce484222325ull;
  std::map<std::pair<uint64_t, uint64_t>, Event> events_;  // (time, order of planning)
  std::vector<std::unique_ptr<SimNode>> nodes_;
  std::set<std::pair<size_t, size_t>> cuts_;
};

}  // namespace drey
