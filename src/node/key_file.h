// DIR/drey.keys: what this device must never lose and nobody else may read: its identity, the
// beacon keys, and on a full node the keyring. Written whole to a new file, synced, renamed, the
// directory synced: a crash leaves the old or the new one. Blocking: before the loop, or a store
// job.
#pragma once

#include <string_view>

#include "codec/keyring.h"
#include "crypto/sign.h"
#include "drey/ports.h"

namespace drey {

enum class NodeRole : uint8_t { kFull = 1, kVault = 2 };

struct NodeKeys {
  KeyPair sign;  // node identity: statements and TLS
  KeyPair wrap;  // keyrings are wrapped to it
  NodeRole role = NodeRole::kVault;
  MeshId mesh;
  size_t beacon_key_count = 0;
  std::array<BeaconKey, Keyring::kBeaconKeysMax> beacon_keys;
  Keyring keyring;  // empty on a vault
  NodeId id() const { return node_id(sign.pub); }
};

inline constexpr const char* kKeyFileName = "drey.keys";
inline constexpr size_t kKeyFileBytesMax =
    8 + 2 + 1 + 32 + 64 + 2 + Keyring::kBeaconKeysMax * 36 + 4 + Keyring::kEncodedBytesMax + 32;

Status save_keys(Disk& disk, const NodeKeys& keys);
// kNotFound: this DIR has no node. kCorrupt, kUnsupported (newer), kIo: untouched.
Status load_keys(Disk& disk, NodeKeys* keys);

}  // namespace drey
