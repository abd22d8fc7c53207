#include "mesh/discovery/beacon.h"

#include <algorithm>
#include <string_view>

namespace drey {
namespace {

constexpr std::array<uint8_t, 4> kMagic = {'D', 'R', 'E', 'B'};
constexpr uint8_t kVersion = 1;
constexpr uint8_t kInviting = 1;
constexpr uint8_t kLeaving = 2;
constexpr size_t kSignedBytes = kBeaconBytes - 32;

std::array<uint8_t, 16> marker(Bytes key, std::string_view label, uint64_t nonce) {
  HmacSha256 hmac(key);
  std::array<uint8_t, 8> number;
  store_le(number.data(), nonce);
  hmac.update(as_bytes(label));
  hmac.update(number);
  Key32 full = hmac.finish();
  std::array<uint8_t, 16> half;
  std::copy_n(full.begin(), half.size(), half.begin());
  return half;
}

}  // namespace

void encode_beacon(Beacon* beacon, const Secret<32>& key, const Key32& recovery_id,
                   std::span<uint8_t, kBeaconBytes> to) {
  beacon->mesh_tag = marker(key.bytes(), "drey mesh tag", beacon->nonce);
  beacon->recovery_marker = marker(recovery_id, "drey recovery", beacon->nonce);
  ByteWriter out(to);
  out.bytes(kMagic);
  out.u8(kVersion);
  out.u8(
      static_cast<uint8_t>((beacon->inviting ? kInviting : 0) | (beacon->leaving ? kLeaving : 0)));
  out.u16(beacon->listen_port);
  out.u16(beacon->room);
  out.zeros(2);
  out.u32(beacon->key_number);
  out.u64(beacon->nonce);
  out.u64(beacon->boot_id);
  out.bytes(beacon->node.bytes());
  out.bytes(beacon->membership_digest);
  out.bytes(beacon->heads_digest);
  out.bytes(beacon->mesh_tag);
  out.bytes(beacon->recovery_marker);
  out.zeros(kSignedBytes - out.size());
  out.bytes(hmac_sha256(key.bytes(), out.written()));
}

Status decode_beacon(Bytes from, Beacon* to) {
  if (from.size() < 5 || !equal(from.first(4), kMagic)) return Status::kInvalid;
  if (from[4] > kVersion) return Status::kUnsupported;
  if (from[4] != kVersion || from.size() != kBeaconBytes) return Status::kInvalid;
  ByteReader in(from.subspan(5));
  uint8_t flags = in.u8();
  to->inviting = (flags & kInviting) != 0;
  to->leaving = (flags & kLeaving) != 0;
  to->listen_port = in.u16();
  to->room = in.u16();
  in.u16();
  to->key_number = in.u32();
  to->nonce = in.u64();
  to->boot_id = in.u64();
  in.copy(to->node.mut());
  in.copy(to->membership_digest);
  in.copy(to->heads_digest);
  in.copy(to->mesh_tag);
  in.copy(to->recovery_marker);
  return to->listen_port == 0 && !to->leaving ? Status::kInvalid : Status::kOk;
}

bool verify_beacon(Bytes from, const Beacon& beacon, const Secret<32>& key) {
  if (from.size() != kBeaconBytes) return false;
  if (!equal_constant_time(marker(key.bytes(), "drey mesh tag", beacon.nonce), beacon.mesh_tag))
    return false;
  Key32 expected = hmac_sha256(key.bytes(), from.first(kSignedBytes));
  return equal_constant_time(expected, from.subspan(kSignedBytes));
}

bool beacon_shows_recovery(const Beacon& beacon, const Key32& recovery_id) {
  return equal_constant_time(marker(recovery_id, "drey recovery", beacon.nonce),
                             beacon.recovery_marker);
}

}  // namespace drey
