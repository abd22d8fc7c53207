#include "mesh/discovery/beacon.h"

#include <gtest/gtest.h>

namespace drey {
namespace {

struct Made {
  Beacon beacon;
  Secret<32> key;
  Key32 recovery{};
  std::array<uint8_t, kBeaconBytes> bytes;
  Made() {
    key.raw.fill(9);
    recovery.fill(3);
    beacon.inviting = true;
    beacon.listen_port = 4747;
    beacon.room = 0xbeef;
    beacon.node.raw.fill(1);
    beacon.boot_id = 77;
    beacon.nonce = 1234567;
    beacon.key_number = 4;
    beacon.membership_digest.fill(5);
    beacon.heads_digest.fill(6);
    encode_beacon(&beacon, key, recovery, bytes);
  }
};

TEST(Beacon, RoundTrip) {
  Made made;
  Beacon read;
  ASSERT_EQ(decode_beacon(made.bytes, &read), Status::kOk);
  EXPECT_TRUE(read.inviting);
  EXPECT_FALSE(read.leaving);
  EXPECT_EQ(read.listen_port, 4747);
  EXPECT_EQ(read.room, 0xbeef);
  EXPECT_EQ(read.node, made.beacon.node);
  EXPECT_EQ(read.boot_id, 77u);
  EXPECT_EQ(read.nonce, 1234567u);
  EXPECT_EQ(read.key_number, 4u);
  EXPECT_EQ(read.membership_digest, made.beacon.membership_digest);
  EXPECT_EQ(read.heads_digest, made.beacon.heads_digest);
  EXPECT_TRUE(verify_beacon(made.bytes, read, made.key));
  EXPECT_TRUE(beacon_shows_recovery(read, made.recovery));
}

TEST(Beacon, EveryFlippedBitIsNoticed) {
  Made made;
  for (size_t byte = 0; byte < kBeaconBytes; ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      auto bad = made.bytes;
      bad[byte] = static_cast<uint8_t>(bad[byte] ^ (1 << bit));
      Beacon read;
      bool accepted = ok(decode_beacon(bad, &read)) && verify_beacon(bad, read, made.key);
      EXPECT_FALSE(accepted) << byte << "." << bit;
    }
  }
}

TEST(Beacon, OtherKeysDoNotVerifyIt) {
  Made made;
  Beacon read;
  ASSERT_EQ(decode_beacon(made.bytes, &read), Status::kOk);
  made.key.raw[31] ^= 1;
  EXPECT_FALSE(verify_beacon(made.bytes, read, made.key));
  made.recovery[0] ^= 1;
  EXPECT_FALSE(beacon_shows_recovery(read, made.recovery));
}

TEST(Beacon, TagAndMarkerNeverRepeat) {
  Made made;
  Made other;
  other.beacon.nonce = 2;
  encode_beacon(&other.beacon, other.key, other.recovery, other.bytes);
  EXPECT_NE(made.beacon.mesh_tag, other.beacon.mesh_tag);
  EXPECT_NE(made.beacon.recovery_marker, other.beacon.recovery_marker);
}

TEST(Beacon, OtherSizesAndVersionsAreRefused) {
  Made made;
  Beacon read;
  for (size_t size = 0; size < kBeaconBytes; ++size)
    EXPECT_NE(decode_beacon(Bytes(made.bytes).first(size), &read), Status::kOk);
  std::array<uint8_t, kBeaconBytes + 1> longer{};
  std::copy(made.bytes.begin(), made.bytes.end(), longer.begin());
  EXPECT_EQ(decode_beacon(longer, &read), Status::kInvalid);
  made.bytes[4] = 2;
  EXPECT_EQ(decode_beacon(made.bytes, &read), Status::kUnsupported);
  made.bytes[4] = 0;
  EXPECT_EQ(decode_beacon(made.bytes, &read), Status::kInvalid);
}

}  // namespace
}  // namespace drey
