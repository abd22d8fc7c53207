// Wrong passwords cost time: after kFree of them an address waits, twice as long after each further
// one. A bounded table; when it is full, everybody who is not in it shares one row, so that a swarm
// of addresses guesses no faster than one. Part of Access, loop thread, up-time.
#pragma once

#include <array>

#include "drey/ports.h"

namespace drey {

class LoginThrottle {
 public:
  static constexpr uint64_t kSecondNs = 1'000'000'000;
  static constexpr uint32_t kFree = 5;
  static constexpr uint64_t kLongestNs = 900 * kSecondNs;
  static constexpr uint64_t kForgetNs = 3600 * kSecondNs;  // without another wrong one
  static constexpr size_t kRowsMax = 16;

  // Seconds until this address may try again; 0: now.
  uint64_t wait_s(const Address& from, uint64_t now_ns);
  void wrong(const Address& from, uint64_t now_ns);
  void right(const Address& from);

 private:
  struct Row {
    std::array<uint8_t, 16> network{};  // an IPv4 address, or the first half of an IPv6 one
    uint32_t wrong = 0;                 // 0: free
    uint64_t last_ns = 0;
  };
  static std::array<uint8_t, 16> network_of(const Address& from);
  static uint64_t until_ns(const Row& row);
  Row* find(const Address& from);
  Row* find_or_take(const Address& from, uint64_t now_ns);
  std::array<Row, kRowsMax> rows_{};
  Row others_;
};

}  // namespace drey
