#include "node/key_file.h"

#include "crypto/hash.h"
#include "node/replace_file.h"

namespace drey {
namespace {

constexpr std::string_view kMagic = "DREYKEYS";
constexpr uint16_t kVersion = 1;

struct Scratch {
  std::array<uint8_t, kKeyFileBytesMax> bytes;
  ~Scratch() { wipe(bytes); }
};

Status encode(const NodeKeys& keys, MutBytes to, size_t* size) {
  ByteWriter out(to);
  out.text(kMagic);
  out.u16(kVersion);
  out.u8(static_cast<uint8_t>(keys.role));
  out.bytes(keys.mesh.bytes());
  out.bytes(keys.sign.secret.bytes());
  out.bytes(keys.wrap.secret.bytes());
  out.u16(static_cast<uint16_t>(keys.beacon_key_count));
  for (size_t i = 0; i < keys.beacon_key_count; ++i) {
    out.u32(keys.beacon_keys[i].number);
    out.bytes(keys.beacon_keys[i].key.bytes());
  }
  if (keys.role == NodeRole::kFull) {
    if (!out.ok() || to.size() - out.size() < 4) return Status::kTooLarge;
    Result<size_t> ring = keys.keyring.encode(to.subspan(out.size() + 4));
    if (!ring.ok()) return ring.status();
    store_le(to.data() + out.size(), static_cast<uint32_t>(ring.value()));
    size_t end = out.size() + 4 + ring.value();
    if (to.size() - end < 32) return Status::kTooLarge;
    Key32 sum = sha256(to.first(end));
    std::memcpy(to.data() + end, sum.data(), sum.size());
    *size = end + 32;
    return Status::kOk;
  }
  out.u32(0);
  Key32 sum = sha256(out.written());
  out.bytes(sum);
  *size = out.size();
  return out.ok() ? Status::kOk : Status::kTooLarge;
}

Status decode(Bytes from, NodeKeys* keys) {
  if (from.size() < kMagic.size() + 2 + 32 || as_text(from.first(kMagic.size())) != kMagic)
    return Status::kCorrupt;
  ByteReader in(from.first(from.size() - 32));
  in.bytes(kMagic.size());
  if (in.u16() != kVersion) return Status::kUnsupported;
  Key32 sum = sha256(from.first(from.size() - 32));
  if (!equal_constant_time(sum, from.last(32))) return Status::kCorrupt;
  uint8_t role = in.u8();
  if (role != static_cast<uint8_t>(NodeRole::kFull) &&
      role != static_cast<uint8_t>(NodeRole::kVault))
    return Status::kCorrupt;
  keys->role = static_cast<NodeRole>(role);
  in.copy(keys->mesh.mut());
  in.copy(keys->sign.secret.mut());
  in.copy(keys->wrap.secret.mut());
  keys->beacon_key_count = in.u16();
  if (keys->beacon_key_count > keys->beacon_keys.size()) return Status::kCorrupt;
  for (size_t i = 0; i < keys->beacon_key_count; ++i) {
    keys->beacon_keys[i].number = in.u32();
    in.copy(keys->beacon_keys[i].key.mut());
  }
  Bytes ring = in.bytes(in.u32());
  if (!in.at_end()) return Status::kCorrupt;
  if (keys->role == NodeRole::kFull) DREY_TRY(keys->keyring.decode(ring));
  DREY_TRY(derive_public(&keys->sign));
  return derive_public(&keys->wrap);
}

}  // namespace

Status save_keys(Disk& disk, const NodeKeys& keys) {
  Scratch scratch;
  size_t size = 0;
  DREY_TRY(encode(keys, scratch.bytes, &size));
  return replace_file(disk, kKeyFileName, "drey.keys.new", Bytes(scratch.bytes).first(size));
}

Status load_keys(Disk& disk, NodeKeys* keys) {
  Result<Disk::File> file = disk.open(kKeyFileName, Disk::kRead);
  if (!file.ok()) return file.status();
  Scratch scratch;
  Result<size_t> size = disk.read_at(file.value(), 0, scratch.bytes);
  disk.close(file.value());
  if (!size.ok()) return size.status();
  Status status = decode(Bytes(scratch.bytes).first(size.value()), keys);
  return status == Status::kInvalid ? Status::kCorrupt : status;
}

}  // namespace drey
