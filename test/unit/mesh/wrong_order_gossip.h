// What the callers of wrong_order_support.h know: records, statements, and what they have heard.
#pragma once

#include <map>

#include "crypto/hash.h"
#include "mesh/heads/head.h"
#include "unit/mesh/mesh_support.h"

namespace drey::test {

struct Known {
  ByteVector bytes;
  ChunkId c;
  ContentId d;
};
inline Known make_known(uint64_t seed, size_t size) {
  SimRng rng(seed);
  Known known;
  known.bytes.resize(size);
  for (uint8_t& byte : known.bytes) byte = static_cast<uint8_t>(rng.next());
  known.c = ChunkId::from(sha256(known.bytes));
  for (uint8_t& byte : known.d.raw) byte = static_cast<uint8_t>(rng.next());
  return known;
}

// What all callers of one household know and have heard.
struct Gossip {
  explicit Gossip(uint64_t seed) : rng(seed) {}
  SimRng rng;
  MeshId mesh;
  DiscoveryKey disc;
  Address victim;
  std::vector<Known> records;
  struct KnownStatement {
    uint8_t kind = 0;
    StatementKey key{};
    ByteVector bytes;
  };
  std::vector<KnownStatement> statements;
  StatementId add;  // of whoever joins
  std::vector<StatementKey> keys;
  std::vector<int> owners;
  std::array<uint64_t, 128> heard{};  // messages of the victim, by type
  std::map<int, uint64_t> said;
  uint64_t stored = 0;    // records the victim told durable
  uint64_t wanted = 0;    // PINs it answered with a place
  uint64_t bulks = 0;     // records it sent
  uint64_t accepted = 0;  // devices it let in

  void know(const ByteVector& membership) {
    StatementId sid = id_of(membership);
    KnownStatement known{1, {}, membership};
    std::copy(sid.raw.begin(), sid.raw.end(), known.key.begin());
    keys.push_back(known.key);
    statements.push_back(known);
  }
  void know_head(int of, uint64_t sequence, const ByteVector& head) {
    statements.push_back({2, head_key(id(of), sequence), head});
  }
  const Known& record() { return records[rng.below(records.size())]; }
  NodeId owner() { return id(owners[rng.below(owners.size())]); }
  StatementKey statement_key() {
    StatementKey key{};
    if (!keys.empty() && rng.below(4) != 0) return keys[rng.below(keys.size())];
    for (uint8_t& byte : key) byte = static_cast<uint8_t>(rng.next());
    return key;
  }
};

}  // namespace drey::test
