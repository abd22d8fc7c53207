// Address as the kernel's sockaddr and back. v4-mapped addresses become AF_INET, so that they work
// where IPv6 is switched off. Lives for one call.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include "drey/ports.h"

namespace drey {

inline constexpr uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

inline bool is_ipv4(const Address& address) {
  return std::memcmp(address.ip.data(), kMappedPrefix, sizeof kMappedPrefix) == 0;
}

class SocketAddress {
 public:
  SocketAddress() = default;  // room for an answer
  explicit SocketAddress(const Address& from) {
    if (is_ipv4(from)) {
      ipv4()->sin_family = AF_INET;
      ipv4()->sin_port = htons(from.port);
      std::memcpy(&ipv4()->sin_addr, from.ip.data() + sizeof kMappedPrefix, 4);
    } else {
      ipv6()->sin6_family = AF_INET6;
      ipv6()->sin6_port = htons(from.port);
      std::memcpy(&ipv6()->sin6_addr, from.ip.data(), 16);
      ipv6()->sin6_scope_id = from.scope;
    }
  }
  int family() const { return storage_.ss_family; }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage_); }
  sockaddr_in* ipv4() { return reinterpret_cast<sockaddr_in*>(&storage_); }
  sockaddr_in6* ipv6() { return reinterpret_cast<sockaddr_in6*>(&storage_); }
  socklen_t size() const {
    return family() == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  }
  static constexpr socklen_t kRoom = sizeof(sockaddr_storage);

  Address address() {
    Address to;
    if (family() == AF_INET) {
      std::memcpy(to.ip.data(), kMappedPrefix, sizeof kMappedPrefix);
      std::memcpy(to.ip.data() + sizeof kMappedPrefix, &ipv4()->sin_addr, 4);
      to.port = ntohs(ipv4()->sin_port);
    } else if (family() == AF_INET6) {
      std::memcpy(to.ip.data(), &ipv6()->sin6_addr, 16);
      to.port = ntohs(ipv6()->sin6_port);
      to.scope = ipv6()->sin6_scope_id;
    }
    return to;
  }

 private:
  sockaddr_storage storage_{};
};

}  // namespace drey
