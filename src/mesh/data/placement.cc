#include "mesh/data/placement.h"

#include <algorithm>
#include <bit>

namespace drey {
namespace {

constexpr unsigned kFractionBits = 26;  // cost < 2^32, so cost * capacity fits 64 bits
constexpr unsigned kIndexBits = 8;
constexpr unsigned kTableShift = 40;  // table values carry 40 fraction bits
using LogTable = std::array<uint64_t, (1u << kIndexBits) + 1>;

// log2(1 + i/256) * 2^40, bit by bit: squaring doubles a logarithm.
constexpr uint64_t log2_of_step(unsigned i) {
  uint64_t mantissa = (uint64_t{1} << 31) + (uint64_t{i} << (31 - kIndexBits));  // [1, 2) * 2^31
  uint64_t log = 0;
  for (unsigned bit = 0; bit < kTableShift; ++bit) {
    mantissa = (mantissa * mantissa) >> 31;
    log <<= 1;
    if (mantissa >= (uint64_t{1} << 32)) {
      mantissa >>= 1;
      log |= 1;
    }
  }
  return log;
}

constexpr LogTable make_table() {
  LogTable table{};
  for (unsigned i = 0; i < (1u << kIndexBits); ++i) table[i] = log2_of_step(i);
  table[1u << kIndexBits] = uint64_t{1} << kTableShift;
  return table;
}

constexpr LogTable kLog2 = make_table();

// The finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): a bijection that mixes well.
constexpr uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

uint64_t fold(uint64_t state, Bytes id) {
  for (size_t i = 0; i < 32; i += 8) state = mix(state ^ load_le<uint64_t>(id.data() + i));
  return state;
}

struct Candidate {
  uint64_t cost;
  uint64_t weight;
  uint8_t index;
};

uint32_t weight_of(const PlacementNode& node) { return std::max<uint32_t>(node.capacity_gib, 1); }

}  // namespace

uint64_t placement_hash(const ChunkId& c, const NodeId& id) {
  return fold(fold(0, c.bytes()), id.bytes());
}

uint64_t placement_cost(uint64_t hash) {
  if (hash == 0) hash = 1;
  unsigned exponent = 63 - static_cast<unsigned>(std::countl_zero(hash));
  uint64_t fraction = exponent == 0 ? 0 : hash << (64 - exponent);  // mantissa - 1, * 2^64
  size_t index = static_cast<size_t>(fraction >> (64 - kIndexBits));
  uint64_t rest = (fraction << kIndexBits) >> 40;  // 24 bits between two steps
  uint64_t step = (kLog2[index + 1] - kLog2[index]) >> 8;
  uint64_t log = (uint64_t{exponent} << kTableShift) + kLog2[index] + ((step * rest) >> 16);
  uint64_t cost = (uint64_t{64} << kTableShift) - log;
  return std::max<uint64_t>(cost >> (kTableShift - kFractionBits), 1);
}

size_t homes(const ChunkId& c, const NodeId& owner, std::span<const PlacementNode> nodes,
             std::span<uint8_t> order) {
  std::array<Candidate, limits::kMembersMax> candidates;
  size_t count = 0;
  uint64_t of_record = fold(0, c.bytes());
  for (size_t i = 0; i < nodes.size() && i < limits::kMembersMax; ++i) {
    if (nodes[i].id == owner) continue;
    uint64_t cost = placement_cost(fold(of_record, nodes[i].id.bytes()));
    candidates[count++] = {cost, weight_of(nodes[i]), static_cast<uint8_t>(i)};
  }
  std::sort(candidates.begin(), candidates.begin() + count,
            [nodes](const Candidate& a, const Candidate& b) {
              uint64_t left = a.cost * b.weight;  // a.cost / a.weight < b.cost / b.weight
              uint64_t right = b.cost * a.weight;
              return left != right ? left < right : nodes[a.index].id < nodes[b.index].id;
            });
  // First the nodes of new zones in rendezvous order, then the others in rendezvous order.
  std::array<uint16_t, limits::kMembersMax> zones;
  size_t zone_count = 0;
  size_t filled = 0;
  std::array<bool, limits::kMembersMax> second{};
  for (size_t i = 0; i < count; ++i) {
    uint16_t zone = nodes[candidates[i].index].zone;
    auto* end = zones.data() + zone_count;
    second[i] = zone != 0 && std::find(zones.data(), end, zone) != end;
    if (second[i]) continue;
    if (zone != 0) zones[zone_count++] = zone;
    if (filled < order.size()) order[filled++] = candidates[i].index;
  }
  for (size_t i = 0; i < count; ++i)
    if (second[i] && filled < order.size()) order[filled++] = candidates[i].index;
  return filled;
}

HolderNeed holders_needed(size_t copies, size_t member_count) {
  size_t others = member_count > 0 ? member_count - 1 : 0;
  return {std::min(copies, others), others < copies};
}

}  // namespace drey
