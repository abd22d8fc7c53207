// What an EPOCH statement carries for each device (MEMBERSHIP.md "Keys of an epoch"): the epoch's
// seed for full members and for the recovery phrase, the beacon key that follows from it for
// vaults, each wrapped by HPKE to one key. The mesh passes the blobs on without being able to open
// them. Pure functions; wrapping and opening cost milliseconds: jobs.
#pragma once

#include <span>

#include "codec/hpke.h"
#include "codec/keyring.h"
#include "mesh/members/membership.h"

namespace drey {

// Whom an entry is for; each has a label of its own, so that none opens as another.
enum class EpochShare : uint8_t { kFull = 1, kVault = 2, kRecovery = 3 };
using EpochTag = std::array<uint8_t, 4>;  // the first bytes of the recipient's id

struct EpochRecipient {
  EpochShare share = EpochShare::kFull;
  EpochTag tag{};
  PublicKey wrap_key{};
};

inline constexpr size_t kEpochEntryBytes = 1 + 4 + 32 + kHpkeOverheadBytes;
inline constexpr size_t kEpochRecipientsMax = limits::kMembersMax + 1;
inline constexpr size_t kEpochBlobsMax = 2 + kEpochRecipientsMax * kEpochEntryBytes;
// Everybody fits into one statement, with as many parents as one may have.
static_assert(36 + 32 * limits::kStatementParentsMax + 2 + 8 + 2 + kEpochBlobsMax + 64 <=
              limits::kStatementBytesMax);

EpochRecipient epoch_recipient(const Member& member);
EpochRecipient epoch_recipient(const RecoveryKeys& recovery);

// kTooLarge (`to`, too many), kInvalid (a recipient's key), kIo, kBusy.
Status seal_epoch(Random& random, const MeshId& mesh, const Epoch& epoch,
                  std::span<const EpochRecipient> recipients, MutBytes to, size_t* size);

// The beacon key that comes with an epoch; its number is the epoch's id.
Secret<32> epoch_beacon_key(const MeshId& mesh, const Epoch& epoch);

// The form alone. kInvalid, kUnsupported (a newer version).
Status check_epoch_blobs(Bytes blobs);
// Has it an entry for this recipient?
bool epoch_holds(Bytes blobs, EpochShare share, const EpochTag& tag);
// The entry for this recipient: a seed, for a vault a beacon key. kNotFound: none is for it;
// kDenied: none that its key opens.
Status open_epoch(const KeyPair& wrap, const MeshId& mesh, uint64_t epoch, Bytes blobs,
                  EpochShare share, const EpochTag& tag, Secret<32>* key);

}  // namespace drey
