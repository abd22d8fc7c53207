// The keys of a full node: mesh secret M, epoch seeds, beacon keys; and what is derived from them
// (DESIGN 5). A vault has none. One object per node. Once it is in use only add_epoch() and
// seal_under() change it, on the loop; const use from any thread meanwhile: epochs are only ever
// appended, and are there before they are counted. Wiped on destruction. Its encoding is secret: it
// is stored only in a file of mode 0600 or wrapped by HPKE.
#pragma once

#include "drey/ids.h"
#include "drey/limits.h"
#include "drey/status.h"

namespace drey {

struct Epoch {
  uint64_t id = 0;  // given by membership; 0 is not an epoch
  Secret<32> seed;
};

struct BeaconKey {
  uint32_t number = 0;
  Secret<32> key;
};

class Keyring {
 public:
  static constexpr size_t kBeaconKeysMax = 8;  // older ones open nothing any more
  static constexpr size_t kEncodedBytesMax =
      4 + 2 + 32 + 32 + 2 + limits::kEpochsMax * (8 + 32) + 2 + kBeaconKeysMax * (4 + 32);

  // Starts over with a mesh secret and mesh id (a zero id may be set later by set_mesh: the genesis
  // statement, whose hash the id is, carries a wrapped keyring).
  void reset(const MeshId& mesh, const Secret<32>& mesh_secret);
  void set_mesh(const MeshId& mesh) { mesh_ = mesh; }
  const MeshId& mesh() const { return mesh_; }
  const Secret<32>& mesh_secret() const { return secret_; }

  // kExists when the id is known with the same seed, kInvalid with another seed or for id 0, kFull.
  Status add_epoch(const Epoch& epoch);
  size_t epoch_count() const { return count(); }
  const Epoch& epoch_at(size_t index) const;  // ascending by id
  bool has_epoch(uint64_t id) const { return find_epoch(id) != nullptr; }
  // The epoch new records are sealed under: what seal_under() said last, before that the highest.
  // 0: none, nothing may be sealed now.
  uint64_t current_epoch() const;
  // From now on. An epoch that is not in the keyring (or 0) is none.
  void seal_under(uint64_t epoch);

  // Keeps the kBeaconKeysMax highest numbers. kExists, kInvalid (as above), kTooLarge when older
  // than all that are kept.
  Status add_beacon_key(const BeaconKey& key);
  size_t beacon_key_count() const { return beacon_count_; }
  const BeaconKey& beacon_key_at(size_t index) const { return beacons_[index]; }  // ascending

  // Takes every epoch and beacon key of `other` (same mesh and M, else kInvalid) that is missing.
  Status merge(const Keyring& other);

  Secret<32> k_dedup() const;
  Secret<32> k_cdc() const;
  // kNotFound when the epoch is unknown: this node has not been given that key yet.
  Status k_enc(uint64_t epoch, Secret<32>* key) const;
  Status k_nonce(uint64_t epoch, Secret<32>* key) const;
  Status k_head(uint64_t epoch, Secret<32>* key) const;
  // The beacon key that came with an epoch (the first epoch's is a beacon key of its own): what a
  // vault is given of it.
  Status k_beacon(uint64_t epoch, Secret<32>* key) const;

  // Encodes into `to` (kEncodedBytesMax always suffice) and gives the size; kTooLarge.
  Result<size_t> encode(MutBytes to) const;
  // Replaces everything. kInvalid, kUnsupported (newer version): the keyring is then empty.
  Status decode(Bytes from);

 private:
  static constexpr size_t kHighest = SIZE_MAX;
  static constexpr size_t kNone = SIZE_MAX - 1;
  const Epoch* find_epoch(uint64_t id) const;
  Status derive(uint64_t epoch, std::string_view label, Secret<32>* key) const;
  Status decode_fields(Bytes from);
  void clear();

  MeshId mesh_;
  Secret<32> secret_;
  size_t count() const { return __atomic_load_n(&epoch_count_, __ATOMIC_ACQUIRE); }

  size_t epoch_count_ = 0;     // written after the epoch itself
  size_t current_ = kHighest;  // index into epochs_
  size_t beacon_count_ = 0;
  std::array<Epoch, limits::kEpochsMax> epochs_;  // as they came
  std::array<BeaconKey, kBeaconKeysMax> beacons_;
};

}  // namespace drey
