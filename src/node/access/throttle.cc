#include "node/access/throttle.h"

#include <algorithm>

#include "base/text.h"

namespace drey {

std::array<uint8_t, 16> LoginThrottle::network_of(const Address& from) {
  std::array<uint8_t, 16> network = from.ip;
  if (!is_ipv4(from)) std::fill(network.begin() + 8, network.end(), uint8_t{0});
  return network;
}

uint64_t LoginThrottle::until_ns(const Row& row) {
  if (row.wrong < kFree) return 0;
  uint32_t doublings = std::min<uint32_t>(row.wrong - kFree, 20);
  return row.last_ns + std::min(kLongestNs, kSecondNs << doublings);
}

LoginThrottle::Row* LoginThrottle::find(const Address& from) {
  std::array<uint8_t, 16> network = network_of(from);
  for (Row& row : rows_)
    if (row.wrong != 0 && row.network == network) return &row;
  return nullptr;
}

LoginThrottle::Row* LoginThrottle::find_or_take(const Address& from, uint64_t now_ns) {
  if (Row* row = find(from)) return row;
  for (Row& row : rows_) {
    if (row.wrong != 0 && now_ns - row.last_ns < kForgetNs) continue;
    row = Row{network_of(from), 0, now_ns};
    return &row;
  }
  return &others_;
}

uint64_t LoginThrottle::wait_s(const Address& from, uint64_t now_ns) {
  const Row* row = find(from);
  if (row == nullptr) {
    bool full = std::all_of(rows_.begin(), rows_.end(), [&](const Row& each) {
      return each.wrong != 0 && now_ns - each.last_ns < kForgetNs;
    });
    if (!full) return 0;
    row = &others_;
  }
  uint64_t until = until_ns(*row);
  return until > now_ns ? (until - now_ns + kSecondNs - 1) / kSecondNs : 0;
}

void LoginThrottle::wrong(const Address& from, uint64_t now_ns) {
  Row* row = find_or_take(from, now_ns);
  if (now_ns - row->last_ns >= kForgetNs) row->wrong = 0;
  ++row->wrong;
  row->last_ns = now_ns;
}

void LoginThrottle::right(const Address& from) {
  if (Row* row = find(from)) *row = Row{};
}

}  // namespace drey
