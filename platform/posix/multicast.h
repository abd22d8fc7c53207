// Which interfaces multicast goes out of, and the socket options for it. Without getifaddrs() and
// if_nameindex(), which allocate: SIOCGIFCONF for IPv4, /proc/net/if_inet6 for IPv6. Loop thread.
#pragma once

#include <array>

#include "drey/ports.h"

namespace drey {

// Indexes of interfaces that are up, have an address of the family, and take multicast (or are the
// loopback). Beyond kInterfacesMax the rest is left out: a household's device has a handful.
struct Interfaces {
  static constexpr size_t kInterfacesMax = 32;
  std::array<int, kInterfacesMax> index{};
  size_t count = 0;
  void add(int interface);  // once each
};

// Any datagram socket will do to ask. An empty list when nothing is up.
void find_interfaces(int fd, bool ipv4, Interfaces* to);
// Options of a fresh socket: shared port, hop limit 1, loop back. Then bound to group and port.
Status prepare_multicast(int fd, const Address& group);
// Joins on each interface; those already joined count as joined. kNotFound when none could be.
Status join_multicast(int fd, const Address& group, const Interfaces& interfaces);
// One datagram out of each interface. kOk when one left, else the last failure.
Status send_multicast_on(int fd, const Address& group, const Interfaces& interfaces,
                         Bytes datagram);

}  // namespace drey
