// Placement must be right in its shares, stable under change and identical everywhere.
#include "mesh/data/placement.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace drey {
namespace {

// Identifiers as they occur: uniformly distributed bytes, here from a counter.
template <class Any>
Any id_of(uint64_t number) {
  Any id;
  uint64_t x = number * 0x2545f4914f6cdd1dull + 0x1234567;
  for (size_t i = 0; i < 32; ++i) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    id.raw[i] = static_cast<uint8_t>(x >> 32);
  }
  return id;
}

std::vector<PlacementNode> nodes_of(std::initializer_list<uint32_t> capacities) {
  std::vector<PlacementNode> nodes;
  for (uint32_t capacity : capacities)
    nodes.push_back({id_of<NodeId>(1000 + nodes.size()), capacity, 0});
  return nodes;
}

size_t first_home(uint64_t record, const std::vector<PlacementNode>& nodes) {
  uint8_t order[1];
  EXPECT_EQ(homes(id_of<ChunkId>(record), NodeId{}, nodes, order), 1u);
  return order[0];
}

TEST(Placement, SharesFollowCapacitiesWithinFivePercent) {
  auto nodes = nodes_of({100, 200, 400, 50, 250});
  std::vector<double> got(nodes.size());
  const uint64_t kRecords = 100000;
  for (uint64_t i = 0; i < kRecords; ++i) got[first_home(i, nodes)] += 1;
  for (size_t i = 0; i < nodes.size(); ++i) {
    double want = static_cast<double>(kRecords) * nodes[i].capacity_gib / 1000.0;
    EXPECT_NEAR(got[i] / want, 1.0, 0.05) << "node " << i;
  }
}

TEST(Placement, VeryUnequalCapacitiesKeepTheirShares) {
  auto nodes = nodes_of({4, 4000});
  double small = 0;
  const uint64_t kRecords = 400000;
  for (uint64_t i = 0; i < kRecords; ++i) small += first_home(i, nodes) == 0 ? 1 : 0;
  EXPECT_NEAR(small / (kRecords * 4.0 / 4004.0), 1.0, 0.15);
}

TEST(Placement, AJoiningNodeOnlyTakesAndOnlyItsShare) {
  auto before = nodes_of({100, 100, 100, 100});
  auto after = nodes_of({100, 100, 100, 100, 100});
  size_t moved = 0;
  const uint64_t kRecords = 20000;
  for (uint64_t i = 0; i < kRecords; ++i) {
    size_t was = first_home(i, before);
    size_t is = first_home(i, after);
    if (is == was) continue;
    EXPECT_EQ(is, 4u) << "a record moved between nodes that both stayed";
    ++moved;
  }
  EXPECT_NEAR(static_cast<double>(moved) / kRecords, 0.2, 0.02);
}

TEST(Placement, ALeavingNodeMovesOnlyItsOwnRecords) {
  auto before = nodes_of({100, 300, 200, 100});
  std::vector<PlacementNode> after = {before[0], before[2], before[3]};
  for (uint64_t i = 0; i < 20000; ++i) {
    const NodeId& was = before[first_home(i, before)].id;
    if (was == before[1].id) continue;
    EXPECT_EQ(after[first_home(i, after)].id, was);
  }
}

TEST(Placement, OrderIsAPermutationWithoutTheOwner) {
  auto nodes = nodes_of({10, 20, 30, 40, 50, 60});
  for (uint64_t i = 0; i < 1000; ++i) {
    uint8_t order[limits::kMembersMax];
    ASSERT_EQ(homes(id_of<ChunkId>(i), nodes[3].id, nodes, order), 5u);
    uint64_t seen = 0;
    for (size_t k = 0; k < 5; ++k) seen |= uint64_t{1} << order[k];
    EXPECT_EQ(seen, 0b110111u);
  }
}

TEST(Placement, OrderDoesNotDependOnTheOrderOfTheMembers) {
  auto nodes = nodes_of({10, 20, 30, 40});
  std::vector<PlacementNode> turned(nodes.rbegin(), nodes.rend());
  for (uint64_t i = 0; i < 1000; ++i) {
    uint8_t a[4];
    uint8_t b[4];
    ASSERT_EQ(homes(id_of<ChunkId>(i), NodeId{}, nodes, a), 4u);
    ASSERT_EQ(homes(id_of<ChunkId>(i), NodeId{}, turned, b), 4u);
    for (size_t k = 0; k < 4; ++k) EXPECT_EQ(nodes[a[k]].id, turned[b[k]].id);
  }
}

TEST(Placement, TheFirstTwoHomesLieInDifferentZones) {
  auto nodes = nodes_of({10, 10, 10, 10});
  for (size_t i = 0; i < 3; ++i) nodes[i].zone = 7;  // three in the cellar
  nodes[3].zone = 8;
  for (uint64_t i = 0; i < 1000; ++i) {
    uint8_t order[4];
    ASSERT_EQ(homes(id_of<ChunkId>(i), NodeId{}, nodes, order), 4u);
    EXPECT_NE(nodes[order[0]].zone, nodes[order[1]].zone);
  }
}

TEST(Placement, NobodyAndTheOwnerAloneHaveNoHomes) {
  uint8_t order[4];
  EXPECT_EQ(homes(id_of<ChunkId>(1), NodeId{}, {}, order), 0u);
  auto nodes = nodes_of({10});
  EXPECT_EQ(homes(id_of<ChunkId>(1), nodes[0].id, nodes, order), 0u);
  EXPECT_EQ(homes(id_of<ChunkId>(1), NodeId{}, nodes, {}), 0u);
}

TEST(Placement, AFullMeshIsPlacedAndOneMoreIsIgnored) {
  std::vector<PlacementNode> nodes;
  for (size_t i = 0; i < limits::kMembersMax + 1; ++i)
    nodes.push_back({id_of<NodeId>(i), 1, static_cast<uint16_t>(i)});
  uint8_t order[limits::kMembersMax + 1];
  EXPECT_EQ(homes(id_of<ChunkId>(5), NodeId{}, nodes, order), limits::kMembersMax);
}

TEST(Placement, CostIsTheLogarithmOfTheHash) {
  for (uint64_t i = 0; i < 20000; ++i) {
    uint64_t hash = load_le<uint64_t>(id_of<ChunkId>(i).raw.data()) >> (i % 60);
    if (hash == 0) continue;
    double want = 64.0 - std::log2(static_cast<double>(hash));
    EXPECT_NEAR(static_cast<double>(placement_cost(hash)) / (1 << 26), want, 3e-6);
  }
}

TEST(Placement, CostAtTheEdgesIsExact) {
  EXPECT_EQ(placement_cost(0), uint64_t{64} << 26);
  EXPECT_EQ(placement_cost(1), uint64_t{64} << 26);
  EXPECT_EQ(placement_cost(uint64_t{1} << 63), uint64_t{1} << 26);
  EXPECT_EQ(placement_cost(~uint64_t{0}), 1u);
  for (uint64_t i = 1; i < 64; ++i) EXPECT_EQ(placement_cost(uint64_t{1} << i), (64 - i) << 26);
}

TEST(Placement, CostNeverRisesWithTheHash) {
  uint64_t last = placement_cost(1);
  for (uint64_t hash = 1; hash < uint64_t{1} << 62; hash += hash / 97 + 1) {
    uint64_t cost = placement_cost(hash);
    EXPECT_LE(cost, last);
    last = cost;
  }
}

TEST(Placement, NeedFollowsCopiesAndDevices) {
  struct Row {
    size_t copies, members, others;
    bool own_log;
  };
  for (const Row& row : {Row{2, 0, 0, true}, Row{2, 1, 0, true}, Row{2, 2, 1, true},
                         Row{2, 3, 2, false}, Row{2, 9, 2, false}, Row{1, 2, 1, false}}) {
    HolderNeed need = holders_needed(row.copies, row.members);
    EXPECT_EQ(need.others, row.others);
    EXPECT_EQ(need.own_log, row.own_log);
  }
}

// Frozen when version 1 was written: part of the protocol. The orders were computed a second time
// from the definition, in floating point.
TEST(Placement, GoldenVectorsHold) {
  ChunkId c;
  NodeId n;
  for (size_t i = 0; i < 32; ++i) {
    c.raw[i] = static_cast<uint8_t>(i);
    n.raw[i] = static_cast<uint8_t>(255 - i);
  }
  EXPECT_EQ(placement_hash(c, n), 0x2b5aec1536385b8eull);
  EXPECT_EQ(placement_hash(ChunkId{}, NodeId{}), 0x7f4081eef340e920ull);
  EXPECT_EQ(placement_cost(0x0123456789abcdefull), 524374091u);
  EXPECT_EQ(placement_cost(0xfedcba9876543210ull), 431296u);
  auto nodes = nodes_of({8, 16, 32, 64, 128, 256});
  const uint8_t kOrders[4][6] = {
      {5, 3, 4, 2, 0, 1}, {2, 5, 4, 3, 0, 1}, {1, 4, 5, 3, 2, 0}, {4, 5, 3, 1, 0, 2}};
  for (uint64_t i = 0; i < 4; ++i) {
    uint8_t order[6];
    ASSERT_EQ(homes(id_of<ChunkId>(i), NodeId{}, nodes, order), 6u);
    for (size_t k = 0; k < 6; ++k) EXPECT_EQ(order[k], kOrders[i][k]) << i << "," << k;
  }
}

}  // namespace
}  // namespace drey
