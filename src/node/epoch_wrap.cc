#include "node/epoch_wrap.h"

#include <algorithm>

namespace drey {
namespace {

constexpr uint8_t kVersion = 1;

Bytes label(EpochShare share) {
  switch (share) {
    case EpochShare::kFull:
      return as_bytes("drey epoch for a full device");
    case EpochShare::kVault:
      return as_bytes("drey beacon key for a vault");
    case EpochShare::kRecovery:
      break;
  }
  return as_bytes("drey epoch for recovery");
}

// Mesh and epoch: what was wrapped for one cannot stand in another.
using Aad = std::array<uint8_t, 40>;
Aad make_aad(const MeshId& mesh, uint64_t epoch) {
  Aad aad;
  ByteWriter out(aad);
  out.bytes(mesh.bytes());
  out.u64(epoch);
  return aad;
}

struct Entry {
  EpochShare share = EpochShare::kFull;
  EpochTag tag{};
  Bytes sealed;
};

Entry entry_at(Bytes blobs, size_t index) {
  ByteReader in(blobs.subspan(2 + index * kEpochEntryBytes, kEpochEntryBytes));
  Entry entry;
  entry.share = static_cast<EpochShare>(in.u8());
  in.copy(entry.tag);
  entry.sealed = in.bytes(32 + kHpkeOverheadBytes);
  return entry;
}

EpochTag tag_of(Bytes id) {
  EpochTag tag;
  std::copy_n(id.begin(), tag.size(), tag.begin());
  return tag;
}

}  // namespace

EpochRecipient epoch_recipient(const Member& member) {
  EpochShare share = member.role == Role::kFull ? EpochShare::kFull : EpochShare::kVault;
  return {share, tag_of(member.id.bytes()), member.wrap_key};
}

EpochRecipient epoch_recipient(const RecoveryKeys& recovery) {
  return {EpochShare::kRecovery, tag_of(recovery_key_id(recovery.sign_key)), recovery.unwrap_key};
}

Secret<32> epoch_beacon_key(const MeshId& mesh, const Epoch& epoch) {
  Keyring keyring;
  Secret<32> key;
  keyring.reset(mesh, Secret<32>());
  (void)ok(keyring.add_epoch(epoch));
  (void)ok(keyring.k_beacon(epoch.id, &key));
  return key;
}

Status seal_epoch(Random& random, const MeshId& mesh, const Epoch& epoch,
                  std::span<const EpochRecipient> recipients, MutBytes to, size_t* size) {
  *size = 2 + recipients.size() * kEpochEntryBytes;
  if (recipients.size() > kEpochRecipientsMax || to.size() < *size) return Status::kTooLarge;
  Aad aad = make_aad(mesh, epoch.id);
  Secret<32> beacon = epoch_beacon_key(mesh, epoch);
  ByteWriter out(to);
  out.u8(kVersion);
  out.u8(static_cast<uint8_t>(recipients.size()));
  for (const EpochRecipient& recipient : recipients) {
    std::array<uint8_t, 32 + kHpkeOverheadBytes> sealed;
    Bytes plain = recipient.share == EpochShare::kVault ? beacon.bytes() : epoch.seed.bytes();
    DREY_TRY(hpke_seal(random, recipient.wrap_key, label(recipient.share), aad, plain, sealed));
    out.u8(static_cast<uint8_t>(recipient.share));
    out.bytes(recipient.tag);
    out.bytes(sealed);
  }
  return out.ok() ? Status::kOk : Status::kTooLarge;
}

Status check_epoch_blobs(Bytes blobs) {
  if (blobs.size() < 2) return Status::kInvalid;
  if (blobs[0] > kVersion) return Status::kUnsupported;
  bool fits = blobs[0] == kVersion && blobs[1] <= kEpochRecipientsMax &&
              blobs.size() == 2 + size_t{blobs[1]} * kEpochEntryBytes;
  return fits ? Status::kOk : Status::kInvalid;
}

bool epoch_holds(Bytes blobs, EpochShare share, const EpochTag& tag) {
  if (!ok(check_epoch_blobs(blobs))) return false;
  for (size_t i = 0; i < blobs[1]; ++i) {
    Entry entry = entry_at(blobs, i);
    if (entry.share == share && entry.tag == tag) return true;
  }
  return false;
}

Status open_epoch(const KeyPair& wrap, const MeshId& mesh, uint64_t epoch, Bytes blobs,
                  EpochShare share, const EpochTag& tag, Secret<32>* key) {
  DREY_TRY(check_epoch_blobs(blobs));
  Aad aad = make_aad(mesh, epoch);
  Status status = Status::kNotFound;
  for (size_t i = 0; i < blobs[1]; ++i) {
    Entry entry = entry_at(blobs, i);
    if (entry.share != share || entry.tag != tag) continue;
    // Two devices may share a tag: the next one may be ours.
    status = hpke_open(wrap, label(share), aad, entry.sealed, key->mut());
    if (ok(status)) return status;
    if (status != Status::kBusy) status = Status::kDenied;
  }
  return status;
}

}  // namespace drey
