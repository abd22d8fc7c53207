// The three ways into a mesh (DESIGN 6 "Pairing", CLI.md): invite on a member; join and recover on
// a device that is not one yet, in a short-lived process with a store of its own. Requests belong
// to Mesh from the call until `op` is completed. Loop thread, except where a method names a job.
//
// After a crash: an invitation is gone; a half-done join or recover left a DIR that is started
// anew, and perhaps an ADD of a device that never came (harmless: its key is gone).
#pragma once

#include "drey/pool.h"
#include "mesh/members/membership.h"
#include "wire/limits.h"

namespace drey {

// A key of the beacons and of the knock. Given to every member, vaults too.
struct DiscoveryKey {
  uint32_t number = 0;
  Secret<32> key;
};

using KeyringBlob = Buffer<limits::kKeyringBlobBytesMax>;

// Implemented by src/node: mesh never sees a key of the content.
class KeyringCourier {
 public:
  virtual ~KeyringCourier() = default;
  // Wraps the own keyring to a new full member. A job on the work lane. kUnsupported on a vault
  // (it cannot invite), kTooLarge, kBusy.
  virtual Status export_for(const PublicKey& wrap_key, MutBytes to, size_t* size) = 0;
  // The membership says something else than before: who is in, which epoch is in force. Loop
  // thread, within the intake of a statement: what may be sealed under is decided here, all else
  // later.
  virtual void on_members_changed() = 0;
};

struct InviteRequest {
  uint16_t room = 0;
  Secret<limits::kPairingCodeBytes> code;
  Role role = Role::kFull;
  uint8_t uses = 1;  // devices that may join with this code
  Op* op = nullptr;
  // Out. `op` completes when the invitation is over: kOk (all uses), kTimeout (ten minutes of
  // up-time), kDenied (five wrong codes), kCancelled.
  uint8_t joined_count = 0;
  NodeId joined;  // the last one
};

struct JoinRequest {
  uint16_t room = 0;
  Secret<limits::kPairingCodeBytes> code;
  const KeyPair* identity = nullptr;  // of the new node
  PublicKey wrap_key{};
  std::string_view name;  // is_name()
  uint32_t capacity_gib = 0;
  uint64_t timeout_ns = 60ull * 1'000'000'000;  // without progress
  Op* op = nullptr;
  // Out. kOk: all statements are durable in the own log; membership() is complete.
  // kTimeout: nobody with this room answers. kDenied: wrong, expired or used code; or our key is
  // already bound otherwise. kUnsupported, kTooLarge: a mesh this build cannot take part in.
  MeshId mesh;
  Role role = Role::kVault;
  NodeId inviter;
  DiscoveryKey discovery;
  KeyringBlob keyring;  // full nodes: wrapped to wrap_key; empty for a vault
};

// What src/node decides in the middle of `recover`, when it has seen the mesh.
struct RecoverPlan {
  KeyPair identity;  // of the new node
  PublicKey wrap_key{};
  size_t name_size = 0;
  std::array<char, limits::kNameBytesMax> name{};
  NodeId replaced;  // zero: nobody
};
class RecoveryGuide {
 public:
  virtual ~RecoveryGuide() = default;
  // All on the store lane, in this order: the keyring wrapped to the recovery key; the blobs of
  // every valid epoch, oldest first; then the plan. Anything but kOk ends the recovery with it
  // (kDenied: these words do not open this keyring).
  virtual Status take_keyring(const MeshId& mesh, Bytes wrapped) = 0;
  virtual Status take_epoch(uint64_t epoch, Bytes blobs) = 0;
  virtual Status make_plan(const Membership& membership, RecoverPlan* plan) = 0;
};

struct RecoverRequest {
  const KeyPair* recovery = nullptr;  // the signing key of the phrase
  RecoveryGuide* guide = nullptr;
  uint64_t timeout_ns = 60ull * 1'000'000'000;  // without progress
  Op* op = nullptr;
  // Out. kOk: the mesh has stored that this device is a full member. kTimeout: no node that knows
  // this phrase answers. kDenied: the phrase was replaced. kNotFound etc.: as the guide said.
  MeshId mesh;
  RecoverPlan plan;
};

}  // namespace drey
