#include <gtest/gtest.h>

#include <string>

#include "base/text.h"

namespace drey {
namespace {

std::string round_trip(const char* text) {
  Result<Address> address = parse_address(text);
  if (!address.ok()) return "REFUSED";
  char buffer[kAddressTextMax];
  Result<size_t> size = format_address(address.value(), buffer);
  return size.ok() ? std::string(buffer, size.value()) : "TOO LARGE";
}

TEST(Address, Ipv4RoundTripsAndIsKeptMapped) {
  EXPECT_EQ(round_trip("192.0.2.1:4747"), "192.0.2.1:4747");
  EXPECT_EQ(round_trip("0.0.0.0:1"), "0.0.0.0:1");
  EXPECT_EQ(round_trip("[::ffff:10.0.0.1]:80"), "10.0.0.1:80");
  EXPECT_TRUE(is_ipv4(parse_address("255.255.255.255:65535").value()));
}

TEST(Address, Ipv6IsWrittenInItsShortestForm) {
  EXPECT_EQ(round_trip("[::]:4747"), "[::]:4747");
  EXPECT_EQ(round_trip("[::1]:80"), "[::1]:80");
  EXPECT_EQ(round_trip("[1::]:80"), "[1::]:80");
  EXPECT_EQ(round_trip("[2001:0DB8:0:0:0:0:0:1]:80"), "[2001:db8::1]:80");
  EXPECT_EQ(round_trip("[1:0:0:2:0:0:0:3]:80"), "[1:0:0:2::3]:80");
  EXPECT_EQ(round_trip("[1:0:0:2:3:0:0:4]:80"), "[1::2:3:0:0:4]:80");
  EXPECT_EQ(round_trip("[1:0:2:3:4:5:6:7]:80"), "[1:0:2:3:4:5:6:7]:80");
  EXPECT_EQ(round_trip("[64:ff9b::192.0.2.33]:80"), "[64:ff9b::c000:221]:80");
  EXPECT_EQ(round_trip("[ff12::4747]:4747"), "[ff12::4747]:4747");
}

TEST(Address, ScopeIsTheInterfacesIndex) {
  EXPECT_EQ(parse_address("[fe80::1%3]:80").value().scope, 3u);
  EXPECT_EQ(round_trip("[fe80::1%3]:80"), "[fe80::1%3]:80");
  EXPECT_EQ(round_trip("[fe80::1%eth0]:80"), "REFUSED");
  EXPECT_EQ(round_trip("[fe80::1%]:80"), "REFUSED");
}

TEST(Address, EverythingElseIsRefused) {
  for (const char* bad : {"",
                          ":",
                          "1.2.3.4",
                          "1.2.3.4:",
                          "1.2.3.4:0",
                          "1.2.3.4:65536",
                          "1.2.3:80",
                          "1.2.3.4.5:80",
                          "1.2.3.256:80",
                          "01.2.3.4:80",
                          "1..3.4:80",
                          "::1:80",
                          "[1.2.3.4]:80",
                          "[]:80",
                          "[:]:80",
                          "[:::]:80",
                          "[1:2:3:4:5:6:7]:80",
                          "[1:2:3:4:5:6:7:8:9]:80",
                          "[1:2:3:4:5:6:7:8::]:80",
                          "[1::2::3]:80",
                          "[12345::]:80",
                          "[g::]:80",
                          "[1:]:80",
                          "[:1]:80",
                          "[::1.2.3]:80",
                          "[1.2.3.4::]:80",
                          "[::1]80",
                          "::1]:80",
                          "[::1:80",
                          "host:80",
                          " 1.2.3.4:80",
                          "[::1%1]x:80"})
    EXPECT_EQ(round_trip(bad), "REFUSED") << bad;
}

TEST(Address, FormatTellsWhenItDoesNotFit) {
  Address address = parse_address("[2001:db8::1]:80").value();
  char buffer[16];
  EXPECT_EQ(format_address(address, std::span(buffer).first(15)).status(), Status::kTooLarge);
  EXPECT_EQ(format_address(address, buffer).value(), 16u);
}

TEST(Address, EveryRandomAddressRoundTrips) {
  uint64_t state = 1;
  for (int i = 0; i < 20000; ++i) {
    Address address;
    for (uint8_t& b : address.ip) {
      state = state * 6364136223846793005ull + 1442695040888963407ull;
      b = (state >> 40) % 3 != 0 ? 0 : static_cast<uint8_t>(state >> 56);
    }
    address.port = static_cast<uint16_t>(1 + (state >> 20) % 65535);
    char buffer[kAddressTextMax];
    size_t size = format_address(address, buffer).value();
    Result<Address> back = parse_address({buffer, size});
    ASSERT_TRUE(back.ok()) << std::string(buffer, size);
    ASSERT_EQ(back.value(), address) << std::string(buffer, size);
  }
}

}  // namespace
}  // namespace drey
