// Placement: which nodes are the homes of a record. Weighted rendezvous hashing in integers: every
// node computes the same answer from the same members, on every CPU, without asking anybody
// (DESIGN 6). The answer moves only the records it must when a member joins or leaves.
//
// Pure functions, any thread, no state. The golden vectors in placement_test.cc are part of the
// protocol: a change here moves every record of every mesh.
#pragma once

#include <span>

#include "drey/ids.h"
#include "drey/limits.h"

namespace drey {

struct PlacementNode {
  NodeId id;
  uint32_t capacity_gib = 1;  // the weight; 0 counts as 1
  uint16_t zone = 0;          // 0 = none set: such a node shares its zone with nobody
};

// 64 pseudo-random bits of (C, node id).
uint64_t placement_hash(const ChunkId& c, const NodeId& id);

// 64 - log2(hash) as a 32.26 fixed-point number: an exponentially distributed cost, at least 1.
// Interpolated in a table of 257 logarithms (error below 3e-6), itself computed in integers.
uint64_t placement_cost(uint64_t hash);

// The rendezvous order of `nodes` for `c` without `owner`: the smallest cost / capacity first, ties
// broken by id. Where zones are set, the first of each zone come before the second of any. Fills
// `order` with indices into `nodes`; returns how many (at most kMembersMax nodes are looked at).
size_t homes(const ChunkId& c, const NodeId& owner, std::span<const PlacementNode> nodes,
             std::span<uint8_t> order);

// What one record needs, for an owner in a mesh of `member_count` members that are not lost, the
// owner among them, when `copies` are wished for.
struct HolderNeed {
  size_t others = 0;     // holders besides the owner
  bool own_log = false;  // too few devices: the owner's own log is one more holder
};
HolderNeed holders_needed(size_t copies, size_t member_count);

}  // namespace drey
