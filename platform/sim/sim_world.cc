#include "sim/sim_world.h"

#include <algorithm>

#include "drey/check.h"

namespace drey {

SimWorld::SimWorld(uint64_t seed) : seed_(seed), rng_(seed) {}

SimWorld::~SimWorld() {
  events_.clear();
  for (auto& node : nodes_) node->net.forget_all();
}

SimNode& SimWorld::add_node(const std::string& name) {
  DREY_CHECK(nodes_.size() < 250);
  nodes_.push_back(std::make_unique<SimNode>(this, nodes_.size(), name, rng_.next()));
  return *nodes_.back();
}

// ---- time ----

void SimWorld::after(uint64_t delay_ns, SimNode* owner, std::function<void()> action) {
  Event event;
  event.owner = owner;
  event.generation = owner == nullptr ? 0 : owner->generation();
  event.action = std::move(action);
  events_.emplace(std::pair(now_ns_ + delay_ns, ++sequence_), std::move(event));
}

void SimWorld::drain_all() {
  // An op that completes itself for ever would never let time go on.
  constexpr size_t kRoundsMax = 10000;
  for (auto& node : nodes_) {
    ReadyQueue* ready = node->host.ready_;
    size_t rounds = 0;
    while (ready != nullptr && ready->run() && node->host.ready_ == ready)
      DREY_CHECK(++rounds < kRoundsMax);
  }
}

bool SimWorld::step() {
  if (events_.empty()) return false;
  auto first = events_.begin();
  now_ns_ = first->first.first;
  Event event = std::move(first->second);
  events_.erase(first);
  if (event.owner != nullptr && event.owner->generation() != event.generation) return true;
  if (event.owner != nullptr && event.owner->asleep_) {
    event.owner->put_off_.push_back(std::move(event.action));
    return true;
  }
  ++event_count_;
  event.action();
  drain_all();
  return true;
}

bool SimWorld::run_until(const std::function<bool()>& done, uint64_t limit_ns) {
  constexpr uint64_t kStepsMax = 200'000'000;
  uint64_t end = limit_ns > UINT64_MAX - now_ns_ ? UINT64_MAX : now_ns_ + limit_ns;
  drain_all();
  for (uint64_t steps = 0; steps < kStepsMax; ++steps) {
    if (done()) return true;
    if (events_.empty()) return false;
    if (events_.begin()->first.first > end) {
      now_ns_ = end;
      return false;
    }
    step();
  }
  return false;
}

void SimWorld::run_for(uint64_t duration_ns) {
  uint64_t end = now_ns_ + duration_ns;
  (void)run_until([] { return false; }, duration_ns);
  now_ns_ = std::max(now_ns_, end);
}

// ---- trace: FNV-1a over what happened ----

void SimWorld::trace(const char* kind, uint64_t a, uint64_t b) {
  auto fold = [this](uint64_t word) {
    trace_hash_ = (trace_hash_ ^ word) * 0x100000001b3ull;
    trace_hash_ ^= trace_hash_ >> 29;
  };
  fold(now_ns_);
  for (const char* c = kind; *c != '\0'; ++c) fold(static_cast<uint8_t>(*c));
  fold(a);
  fold(b);
}

void SimWorld::trace_bytes(const char* kind, Bytes bytes) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3ull;
  trace(kind, bytes.size(), hash);
}

// ---- paths ----

void SimWorld::cut(const SimNode& from, const SimNode& to, bool is_cut) {
  if (is_cut) {
    cuts_.insert({from.index(), to.index()});
  } else {
    cuts_.erase({from.index(), to.index()});
  }
}

void SimWorld::cut_both(const SimNode& a, const SimNode& b, bool is_cut) {
  cut(a, b, is_cut);
  cut(b, a, is_cut);
}

void SimWorld::partition(const std::vector<const SimNode*>& group) {
  auto is_inside = [&group](const SimNode* node) {
    return std::find(group.begin(), group.end(), node) != group.end();
  };
  for (auto& a : nodes_) {
    for (auto& b : nodes_) {
      if (a == b) continue;
      if (is_inside(a.get()) != is_inside(b.get())) cut(*a, *b, true);
      if (is_inside(a.get()) && is_inside(b.get())) cut(*a, *b, false);
    }
  }
}

}  // namespace drey
