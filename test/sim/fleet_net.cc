// Bad networks: loss (D5), latency with reordering and repeats (D6), links that carry one way (D8).
#include <map>

#include "sim/fleet.h"

namespace drey::sim {
namespace {

FleetOptions small(size_t count) {
  FleetOptions options;
  options.count = count;
  options.shared_files = false;
  options.files = 8;
  options.large_bytes = 512 * 1024;
  return options;
}

// Everybody's first backup at 8 Mbit/s with this loss.
std::string lossy_backups(uint64_t seed, uint32_t loss_ppm) {
  Fleet fleet(seed, small(3));
  std::string wrong = begin_together(fleet);
  if (!wrong.empty()) return wrong;
  fleet.world.net.bytes_per_second = 1'000'000;
  fleet.world.net.stream_loss_ppm = fleet.world.net.datagram_loss_ppm = loss_ppm;
  for (size_t i = 0; i < fleet.size(); ++i) fleet.back_up(i);
  if (!fleet.quiet()) return "a backup does not end";
  for (size_t i = 0; i < fleet.size(); ++i)
    if (!fleet.last_worked(i)) return "a backup failed";
  wrong = fleet.check_all(false);
  fleet.world.net = {};
  if (wrong.empty()) wrong = fleet.settle();
  return wrong.empty() ? fleet.check_all(true) : wrong;
}

// How often one device changed its mind about another, looked at each second.
class Opinions {
 public:
  void look(Fleet& fleet) {
    for (size_t i = 0; i < fleet.size(); ++i)
      for (const Peer& peer : fleet.at(i).mesh().peers().all()) {
        auto [row, fresh] = states_.try_emplace({i, peer.id}, peer.state, 0);
        if (!fresh && row->second.first != peer.state) ++row->second.second;
        row->second.first = peer.state;
      }
  }
  uint64_t most() const {
    uint64_t most = 0;
    for (const auto& [key, row] : states_) most = std::max(most, row.second);
    return most;
  }

 private:
  std::map<std::pair<size_t, NodeId>, std::pair<PeerState, uint64_t>> states_;
};

}  // namespace

// D5: with 1, 5, 10, 30 % of everything lost all backups end and are right. How fast is not
// measured here: a simulated stream knows no fast retransmission, each loss costs it 200 ms.
void run_losses(Suite& suite) {
  each_life(suite, 20, 101, [&](uint64_t index, SimRng&) -> std::string {
    constexpr uint32_t kLoss[] = {10'000, 50'000, 100'000, 300'000};
    return lossy_backups(mix(suite.seed(), index, 102), kLoss[index % 4]);
  });
}

// D6: latencies up to a second, beacons repeated and overtaking each other: nobody is taken for
// gone.
void run_latencies(Suite& suite) {
  each_life(suite, 20, 103, [&](uint64_t index, SimRng&) -> std::string {
    constexpr uint64_t kLatencyMs[] = {1, 50, 200, 1000};
    Fleet fleet(mix(suite.seed(), index, 104), small(3 + index % 2));
    std::string wrong = begin_together(fleet);
    if (!wrong.empty()) return wrong;
    fleet.world.net.latency_ns_max = kLatencyMs[index % 4] * kMillisecond;
    fleet.world.net.datagram_repeat_ppm = 200'000;
    Opinions opinions;
    for (int second = 0; second < 1800; ++second) {
      if (second % 600 == 60)
        for (size_t i = 0; i < fleet.size(); ++i) fleet.back_up(i);
      fleet.world.run_for(kSecond);
      opinions.look(fleet);
    }
    if (opinions.most() > 0) return "a device was taken for gone";
    if (!fleet.quiet()) return "a backup does not end";
    wrong = fleet.settle();
    return wrong.empty() ? fleet.check_all(true) : wrong;
  });
}

// D8: some hear whom they cannot answer. Nobody changes its mind about anybody more than once a
// minute, and all is well once the links carry both ways.
void run_one_way(Suite& suite) {
  each_life(suite, 20, 105, [&](uint64_t index, SimRng& rng) -> std::string {
    Fleet fleet(mix(suite.seed(), index, 106), small(4));
    std::string wrong = begin_together(fleet);
    if (wrong.empty()) wrong = all_back_up(fleet);
    if (!wrong.empty()) return wrong;
    for (size_t from = 0; from < fleet.size(); ++from)
      for (size_t to = 0; to < fleet.size(); ++to)
        if (from != to && rng.below(3) == 0)
          fleet.world.cut(fleet.world.node(from), fleet.world.node(to), true);
    constexpr uint64_t kMinutes = 30;
    Opinions opinions;
    for (uint64_t second = 0; second < 60 * kMinutes; ++second) {
      fleet.world.run_for(kSecond);
      opinions.look(fleet);
    }
    if (opinions.most() > kMinutes)
      return std::to_string(opinions.most()) + " changes in " + std::to_string(kMinutes) + " min";
    wrong = fleet.check_all(false);
    fleet.world.mend_all();
    if (wrong.empty()) wrong = fleet.settle();
    return wrong.empty() ? fleet.check_all(true) : wrong;
  });
}

}  // namespace drey::sim
