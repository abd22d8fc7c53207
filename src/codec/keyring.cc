#include "codec/keyring.h"

#include <algorithm>

#include "crypto/hash.h"

namespace drey {
namespace {

constexpr std::array<uint8_t, 4> kMagic = {'D', 'R', 'K', 'R'};
constexpr uint16_t kVersion = 1;

// HKDF-SHA256 with the mesh id as salt, so that no key of one mesh is a key of another.
Secret<32> derive_key(const MeshId& mesh, const Secret<32>& from, Bytes info) {
  Secret<32> key;
  hkdf(mesh.bytes(), from.bytes(), info, key.mut());
  return key;
}

}  // namespace

void Keyring::clear() { *this = Keyring(); }

void Keyring::reset(const MeshId& mesh, const Secret<32>& mesh_secret) {
  Secret<32> secret = mesh_secret;  // it may be our own
  clear();
  mesh_ = mesh;
  secret_ = secret;
}

Status Keyring::add_epoch(const Epoch& epoch) {
  if (epoch.id == 0) return Status::kInvalid;
  if (const Epoch* known = find_epoch(epoch.id))
    return equal_constant_time(known->seed.bytes(), epoch.seed.bytes()) ? Status::kExists
                                                                        : Status::kInvalid;
  if (epoch_count_ == epochs_.size()) return Status::kFull;
  epochs_[epoch_count_] = epoch;
  __atomic_store_n(&epoch_count_, epoch_count_ + 1, __ATOMIC_RELEASE);
  return Status::kOk;
}

// By rank: there are few, and few ask.
const Epoch& Keyring::epoch_at(size_t index) const {
  size_t known = count();
  const Epoch* found = &epochs_[0];
  for (size_t i = 0; i < known; ++i) {
    size_t below = 0;
    for (size_t other = 0; other < known; ++other) below += epochs_[other].id < epochs_[i].id;
    if (below == index) found = &epochs_[i];
  }
  return *found;
}

const Epoch* Keyring::find_epoch(uint64_t id) const {
  size_t known = count();
  for (size_t i = 0; i < known; ++i)
    if (epochs_[i].id == id) return &epochs_[i];
  return nullptr;
}

uint64_t Keyring::current_epoch() const {
  size_t current = __atomic_load_n(&current_, __ATOMIC_ACQUIRE);
  size_t known = count();
  if (current == kNone || known == 0) return 0;
  return current == kHighest ? epoch_at(known - 1).id : epochs_[current].id;
}

void Keyring::seal_under(uint64_t epoch) {
  const Epoch* known = find_epoch(epoch);
  size_t index = known == nullptr ? kNone : static_cast<size_t>(known - epochs_.data());
  __atomic_store_n(&current_, index, __ATOMIC_RELEASE);
}

Status Keyring::add_beacon_key(const BeaconKey& key) {
  if (key.number == 0) return Status::kInvalid;
  for (size_t i = 0; i < beacon_count_; ++i)
    if (beacons_[i].number == key.number)
      return equal_constant_time(beacons_[i].key.bytes(), key.key.bytes()) ? Status::kExists
                                                                           : Status::kInvalid;
  if (beacon_count_ == beacons_.size()) {
    if (key.number < beacons_[0].number) return Status::kTooLarge;
    for (size_t i = 1; i < beacons_.size(); ++i) beacons_[i - 1] = beacons_[i];
    --beacon_count_;
  }
  size_t at = beacon_count_++;
  for (; at > 0 && beacons_[at - 1].number > key.number; --at) beacons_[at] = beacons_[at - 1];
  beacons_[at] = key;
  return Status::kOk;
}

Status Keyring::merge(const Keyring& other) {
  if (other.mesh_ != mesh_ || !equal_constant_time(other.secret_.bytes(), secret_.bytes()))
    return Status::kInvalid;
  for (size_t i = 0; i < other.epoch_count_; ++i) {
    Status status = add_epoch(other.epochs_[i]);
    if (!ok(status) && status != Status::kExists) return status;
  }
  for (size_t i = 0; i < other.beacon_count_; ++i) {
    Status status = add_beacon_key(other.beacons_[i]);
    if (!ok(status) && status != Status::kExists && status != Status::kTooLarge) return status;
  }
  return Status::kOk;
}

Secret<32> Keyring::k_dedup() const { return derive_key(mesh_, secret_, as_bytes("drey dedup")); }
Secret<32> Keyring::k_cdc() const { return derive_key(mesh_, secret_, as_bytes("drey cdc")); }

Status Keyring::derive(uint64_t epoch, std::string_view label, Secret<32>* key) const {
  const Epoch* known = find_epoch(epoch);
  if (known == nullptr) return Status::kNotFound;
  std::array<uint8_t, 32> info;
  ByteWriter writer(info);
  writer.text(label);
  writer.u64(epoch);
  *key = derive_key(mesh_, known->seed, writer.written());
  return Status::kOk;
}

Status Keyring::k_enc(uint64_t epoch, Secret<32>* key) const {
  return derive(epoch, "drey enc", key);
}
Status Keyring::k_nonce(uint64_t epoch, Secret<32>* key) const {
  return derive(epoch, "drey nonce", key);
}
Status Keyring::k_head(uint64_t epoch, Secret<32>* key) const {
  return derive(epoch, "drey head", key);
}
Status Keyring::k_beacon(uint64_t epoch, Secret<32>* key) const {
  return derive(epoch, "drey beacon", key);
}

Result<size_t> Keyring::encode(MutBytes to) const {
  ByteWriter writer(to);
  writer.bytes(kMagic);
  writer.u16(kVersion);
  writer.bytes(mesh_.bytes());
  writer.bytes(secret_.bytes());
  size_t epochs = count();
  writer.u16(static_cast<uint16_t>(epochs));
  uint64_t last = 0;
  for (size_t i = 0; i < epochs; ++i) {
    const Epoch* next = nullptr;
    for (size_t k = 0; k < epochs; ++k)
      if (epochs_[k].id > last && (next == nullptr || epochs_[k].id < next->id)) next = &epochs_[k];
    last = next->id;
    writer.u64(next->id);
    writer.bytes(next->seed.bytes());
  }
  writer.u16(static_cast<uint16_t>(beacon_count_));
  for (size_t i = 0; i < beacon_count_; ++i) {
    writer.u32(beacons_[i].number);
    writer.bytes(beacons_[i].key.bytes());
  }
  if (!writer.ok()) return Status::kTooLarge;
  return writer.size();
}

Status Keyring::decode(Bytes from) {
  clear();
  Status status = decode_fields(from);
  if (!ok(status)) clear();
  return status;
}

// One encoding per keyring: ascending ids, nothing behind the last field.
Status Keyring::decode_fields(Bytes from) {
  if (from.size() > kEncodedBytesMax) return Status::kInvalid;
  ByteReader reader(from);
  Bytes magic = reader.bytes(kMagic.size());
  uint16_t version = reader.u16();
  if (!reader.ok() || !equal(magic, kMagic) || version == 0) return Status::kInvalid;
  if (version != kVersion) return Status::kUnsupported;
  reader.copy(mesh_.mut());
  reader.copy(secret_.mut());
  size_t epochs = reader.u16();
  if (!reader.ok() || epochs > epochs_.size()) return Status::kInvalid;
  for (size_t i = 0; i < epochs; ++i) {
    Epoch epoch;
    epoch.id = reader.u64();
    reader.copy(epoch.seed.mut());
    if (!reader.ok() || epoch.id <= current_epoch()) return Status::kInvalid;
    DREY_TRY(add_epoch(epoch));
  }
  size_t beacons = reader.u16();
  if (!reader.ok() || beacons > beacons_.size()) return Status::kInvalid;
  uint32_t last = 0;
  for (size_t i = 0; i < beacons; ++i) {
    BeaconKey key;
    key.number = reader.u32();
    reader.copy(key.key.mut());
    if (!reader.ok() || key.number <= last) return Status::kInvalid;
    last = key.number;
    DREY_TRY(add_beacon_key(key));
  }
  return reader.at_end() ? Status::kOk : Status::kInvalid;
}

}  // namespace drey
