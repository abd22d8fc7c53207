// Membership statements as bytes (DESIGN 5 "Membership"); the byte table is MEMBERSHIP.md here.
//
// A statement is signed and names its parents, so that the statements of a mesh form a DAG. Its id
// is the SHA-256 of everything but the signature: one meaning has one id, however often it was
// signed. Decoded views point into the given bytes. Pure functions, any thread.
#pragma once

#include <array>
#include <string_view>

#include "crypto/sign.h"
#include "drey/ids.h"
#include "drey/limits.h"
#include "drey/status.h"

namespace drey {

inline constexpr uint8_t kStatementVersion = 1;

// What a statement does. Others are kept and relayed, and change nothing (a later version's kinds).
enum class Act : uint8_t {
  kGenesis = 1,   // founds the mesh: settings, recovery key, founder. Exactly one, no parents.
  kAdd = 2,       // a device with a role; by the recovery key also a re-admission
  kRetire = 3,    // a device left in peace: what it said stays true
  kRevoke = 4,    // a device was cast out: what it said outside this statement's past is void
  kEpoch = 5,     // new keys, wrapped for the members (opaque here)
  kRecovery = 6,  // a new recovery key; signed by the old and the new one
  kHeir = 7,      // B is A from now on
  kFeature = 8,   // the mesh's feature level rises
  kAnnul = 9,     // takes a revocation back
  kLeave = 10,    // a device is asked to leave: its copies stop counting, it retires when it may
};

enum class Role : uint8_t { kFull = 1, kVault = 2 };

// Settings every node of a mesh shares, signed at its genesis. Fixed for its life.
struct MeshSettings {
  uint8_t copies = 2;
  uint32_t chunk_bytes_min = limits::kChunkBytesMin;
  uint32_t chunk_bytes_average = limits::kChunkBytesAverage;
  uint32_t chunk_bytes_max = limits::kChunkBytesMax;
  std::string_view compression = "zlib";  // the codec's own words, at most kCompressionBytesMax
};
inline constexpr size_t kCompressionBytesMax = 64;

// kTooLarge: beyond limits.h of this board (a mesh this node cannot take part in); kInvalid.
Status check_settings(const MeshSettings& settings);

// A device's self-signed description: nobody can give a device another key or name.
struct IdentityCard {
  PublicKey sign_key{};
  PublicKey wrap_key{};
  std::string_view name;  // is_name()
  Signature signature{};  // by sign_key over card_digest()
};
Key32 card_digest(const IdentityCard& card);
// Fills card->sign_key and card->signature. kInvalid (name), kBusy.
Status sign_card(const KeyPair& identity, IdentityCard* card);

// The public halves of the recovery phrase.
struct RecoveryKeys {
  PublicKey sign_key{};
  PublicKey unwrap_key{};
};
// How statements, beacons and knocks name a recovery key: SHA-256 of its signing key.
Key32 recovery_key_id(const PublicKey& sign_key);

struct GenesisBody {
  IdentityCard founder;
  RecoveryKeys recovery;
  std::string_view mesh_name;
  MeshSettings settings;
  uint64_t epoch = 0;  // the first epoch's id
  Bytes keyring;       // wrapped to the recovery key; opaque
};
struct AddBody {
  Role role = Role::kFull;
  IdentityCard card;
};
// Retire, revoke. A revoke also says up to which sequence its author knew heads of the device: what
// comes to light later may be the thief's.
inline constexpr uint64_t kEverySequence = UINT64_MAX;
struct SubjectBody {
  NodeId subject;
  uint64_t heads_until = kEverySequence;
};
struct EpochBody {
  uint64_t epoch = 0;
  Bytes blobs;  // opaque: who can open what is codec's and node's business
};
struct RecoveryBody {
  RecoveryKeys keys;
  Signature proof{};  // by the new signing key over recovery_digest()
  Bytes keyring;      // wrapped to the new unwrapping key; opaque
};
// What the new recovery key signs to show that somebody holds it.
Key32 recovery_digest(const MeshId& mesh, const RecoveryKeys& keys, const Key32& old_key_id);
struct HeirBody {
  NodeId from;
  NodeId to;
};

struct Statement {
  Act act = Act::kGenesis;
  bool by_recovery = false;
  NodeId author;  // a node's id, or recovery_key_id() in the same 32 bytes
  size_t parent_count = 0;
  std::array<StatementId, limits::kStatementParentsMax> parents{};  // strictly ascending
  Bytes body;
  Bytes unsigned_bytes;
  Signature signature{};
};

// kTooLarge, kInvalid (malformed, not canonical), kUnsupported (a newer version). Accepts unknown
// acts; the body is not looked at.
Status decode_statement(Bytes from, Statement* to);
StatementId statement_id(const Statement& statement);
// What the signature signs; the mesh id of a genesis is zero.
Key32 signed_digest(const Statement& statement, const MeshId& mesh);

// kInvalid, kTooLarge. Strict: every byte is used, every name is a name, every id fits its key.
Status decode_genesis(Bytes body, GenesisBody* to);
Status decode_add(Bytes body, AddBody* to);
Status decode_retire(Bytes body, SubjectBody* to);  // leave, too
Status decode_revoke(Bytes body, SubjectBody* to);
Status decode_annulled(Bytes body, StatementId* to);  // annul: the revocation
Status decode_epoch(Bytes body, EpochBody* to);
Status decode_recovery(Bytes body, RecoveryBody* to);
Status decode_heir(Bytes body, HeirBody* to);
Status decode_feature(Bytes body, uint16_t* level);

// Who signs. For a node `recovery` is false.
struct Signer {
  const KeyPair* key = nullptr;
  bool recovery = false;
};

// Builders write one signed statement into `to` (kStatementBytesMax always suffice). They cost a
// signature: a job. kTooLarge, kInvalid (an argument no decoder would take), kBusy.
// `parents`: Membership::tips().
using Parents = std::span<const StatementId>;
Result<size_t> build_genesis(const KeyPair& founder, const GenesisBody& body, MutBytes to);
Result<size_t> build_add(Signer by, const MeshId& mesh, Parents parents, const AddBody& body,
                         MutBytes to);
Result<size_t> build_retire(Signer by, const MeshId& mesh, Parents parents, const NodeId& subject,
                            MutBytes to);
Result<size_t> build_leave(Signer by, const MeshId& mesh, Parents parents, const NodeId& subject,
                           MutBytes to);
Result<size_t> build_revoke(Signer by, const MeshId& mesh, Parents parents, const SubjectBody& body,
                            MutBytes to);
Result<size_t> build_annul(Signer by, const MeshId& mesh, Parents parents,
                           const StatementId& revocation, MutBytes to);
Result<size_t> build_epoch(Signer by, const MeshId& mesh, Parents parents, const EpochBody& body,
                           MutBytes to);
// `by` is the old key, `fresh` the new one (its unwrapping half in body.keys); body.proof is made.
Result<size_t> build_recovery(Signer by, const MeshId& mesh, Parents parents, const KeyPair& fresh,
                              RecoveryBody body, MutBytes to);
Result<size_t> build_heir(Signer by, const MeshId& mesh, Parents parents, const HeirBody& body,
                          MutBytes to);
Result<size_t> build_feature(Signer by, const MeshId& mesh, Parents parents, uint16_t level,
                             MutBytes to);
// Any act, any body: tests and later versions.
Result<size_t> build_statement(Signer by, const MeshId& mesh, Act act, Parents parents, Bytes body,
                               MutBytes to);

}  // namespace drey
