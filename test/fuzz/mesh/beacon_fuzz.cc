// Any datagram as a beacon: decoded or refused, verified only when it was made with the key.
#include "drey/check.h"
#include "mesh/discovery/beacon.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace drey;
  Bytes datagram(data, size);
  Beacon beacon;
  if (!ok(decode_beacon(datagram, &beacon))) return 0;
  DREY_CHECK(size == kBeaconBytes);
  Secret<32> key;
  key.raw.fill(9);
  if (!verify_beacon(datagram, beacon, key)) return 0;
  // Authentic: then it is byte for byte what encoding gives back.
  std::array<uint8_t, kBeaconBytes> again;
  Key32 recovery{};
  recovery.fill(3);
  encode_beacon(&beacon, key, recovery, again);
  if (beacon_shows_recovery(beacon, recovery)) DREY_CHECK(equal(again, datagram));
  return 0;
}
