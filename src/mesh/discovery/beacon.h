// The beacon: one UDP datagram that says "a node of this mesh listens here". A hint: it is checked,
// remembered, never answered. The byte table is DISCOVERY.md. Pure functions, any thread.
#pragma once

#include <array>

#include "crypto/hash.h"
#include "drey/ids.h"
#include "drey/status.h"

namespace drey {

struct Beacon {
  bool inviting = false;  // `room` holds an open invitation
  bool leaving = false;   // a clean stop: nothing listens there any more
  uint16_t listen_port = 0;
  uint16_t room = 0;
  NodeId node;
  uint64_t boot_id = 0;
  uint64_t nonce = 0;  // random per beacon: the tag and the marker never repeat
  uint32_t key_number = 0;
  std::array<uint8_t, 16> membership_digest{};  // the first half of it
  std::array<uint8_t, 16> heads_digest{};
  std::array<uint8_t, 16> mesh_tag{};         // HMAC(K_disc, "drey mesh tag" ‖ nonce)
  std::array<uint8_t, 16> recovery_marker{};  // HMAC(recovery key id, "drey recovery" ‖ nonce)
};
inline constexpr size_t kBeaconBytes = 168;

// Fills tag and marker, writes kBeaconBytes and authenticates them with K_disc.
void encode_beacon(Beacon* beacon, const Secret<32>& key, const Key32& recovery_id,
                   std::span<uint8_t, kBeaconBytes> to);
// Shape only: kInvalid, kUnsupported (a newer version). Nothing in it is proved.
Status decode_beacon(Bytes from, Beacon* to);
// True when it was made by somebody who has this K_disc. The cheap tag is compared first.
bool verify_beacon(Bytes from, const Beacon& beacon, const Secret<32>& key);
// True when this node knows the recovery key with that id. A device that recovers has no K_disc:
// the session, not this marker, proves who answers.
bool beacon_shows_recovery(const Beacon& beacon, const Key32& recovery_id);

}  // namespace drey
