#include "posix/multicast.h"

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "posix/posix_status.h"
#include "posix/socket_address.h"

namespace drey {
namespace {

bool takes_multicast(int fd, const char* name) {
  ifreq request{};
  std::snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
  if (::ioctl(fd, SIOCGIFFLAGS, &request) != 0) return false;
  int flags = request.ifr_flags;
  return (flags & IFF_UP) != 0 && (flags & (IFF_MULTICAST | IFF_LOOPBACK)) != 0;
}

void find_ipv4(int fd, Interfaces* to) {
  ifreq entries[64];
  ifconf request{};
  request.ifc_len = sizeof entries;
  request.ifc_req = entries;
  if (::ioctl(fd, SIOCGIFCONF, &request) != 0) return;
  size_t count = static_cast<size_t>(request.ifc_len) / sizeof entries[0];
  for (size_t i = 0; i < count; ++i) {
    if (!takes_multicast(fd, entries[i].ifr_name)) continue;
    ifreq index{};
    std::memcpy(index.ifr_name, entries[i].ifr_name, sizeof index.ifr_name);
    if (::ioctl(fd, SIOCGIFINDEX, &index) == 0) to->add(index.ifr_ifindex);
  }
}

// Lines of /proc/net/if_inet6: address, index, prefix length, scope, flags (all hex), name.
void find_ipv6(int fd, Interfaces* to) {
  int file = ::open("/proc/net/if_inet6", O_RDONLY | O_CLOEXEC);
  if (file < 0) return;  // a kernel without IPv6
  char text[8192];
  size_t size = 0;
  while (size < sizeof text - 1) {
    ssize_t count = ::read(file, text + size, sizeof text - 1 - size);
    if (count <= 0) break;
    size += static_cast<size_t>(count);
  }
  ::close(file);
  text[size] = '\0';
  char* rest = text;
  while (char* end = std::strchr(rest, '\n')) {
    *end = '\0';
    unsigned index = 0;
    char name[IFNAMSIZ] = {};
    int fields = std::sscanf(rest, "%*32s %x %*x %*x %*x %15s", &index, name);
    if (fields == 2 && takes_multicast(fd, name)) to->add(static_cast<int>(index));
    rest = end + 1;
  }
}

int set_option(int fd, int level, int name, int value) {
  return ::setsockopt(fd, level, name, &value, sizeof value);
}

int join_ipv4(int fd, const in_addr& group, int interface) {
  ip_mreqn request{};
  request.imr_multiaddr = group;
  request.imr_ifindex = interface;
  return ::setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request);
}

int join_ipv6(int fd, const in6_addr& group, int interface) {
  ipv6_mreq request{};
  request.ipv6mr_multiaddr = group;
  request.ipv6mr_interface = static_cast<unsigned>(interface);
  return ::setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request, sizeof request);
}

// The interface is named per datagram, not per socket: no state to race for.
int send_on(int fd, SocketAddress to, int interface, Bytes datagram) {
  iovec part{const_cast<uint8_t*>(datagram.data()), datagram.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(in_pktinfo))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (to.family() == AF_INET) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = IPPROTO_IP;
    header->cmsg_type = IP_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
    in_pktinfo info{};
    info.ipi_ifindex = interface;
    std::memcpy(CMSG_DATA(header), &info, sizeof info);
  } else {
    to.ipv6()->sin6_scope_id = static_cast<uint32_t>(interface);
  }
  message.msg_name = to.get();
  message.msg_namelen = to.size();
  while (::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

}  // namespace

void Interfaces::add(int interface) {
  for (size_t i = 0; i < count; ++i)
    if (index[i] == interface) return;
  if (count < kInterfacesMax) index[count++] = interface;
}

void find_interfaces(int fd, bool ipv4, Interfaces* to) {
  to->count = 0;
  if (ipv4) {
    find_ipv4(fd, to);
  } else {
    find_ipv6(fd, to);
  }
}

Status prepare_multicast(int fd, const Address& group) {
  // Both options: every process of the host hears every datagram, whoever started first.
  int failures = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  failures |= set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  SocketAddress to(group);
  if (to.family() == AF_INET) {
    failures |= set_option(fd, IPPROTO_IP, IP_MULTICAST_TTL, 1);
    failures |= set_option(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 1);
  } else {
    failures |= set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    failures |= set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1);
    failures |= set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1);
    // A link-local group cannot be bound without an interface; any would shut out the others.
    to.ipv6()->sin6_addr = in6addr_any;
    // Then only groups this socket joined may come in.
    failures |= set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
  }
  if (failures != 0) return socket_status(errno);
  return ::bind(fd, to.get(), to.size()) == 0 ? Status::kOk : socket_status(errno);
}

Status join_multicast(int fd, const Address& group, const Interfaces& interfaces) {
  SocketAddress address(group);
  size_t joined = 0;
  for (size_t i = 0; i < interfaces.count; ++i) {
    int result = address.family() == AF_INET
                     ? join_ipv4(fd, address.ipv4()->sin_addr, interfaces.index[i])
                     : join_ipv6(fd, address.ipv6()->sin6_addr, interfaces.index[i]);
    if (result == 0 || errno == EADDRINUSE) ++joined;
  }
  return joined > 0 ? Status::kOk : Status::kNotFound;
}

Status send_multicast_on(int fd, const Address& group, const Interfaces& interfaces,
                         Bytes datagram) {
  SocketAddress to(group);
  size_t sent = 0;
  Status last = Status::kNotFound;
  for (size_t i = 0; i < interfaces.count; ++i) {
    int error = send_on(fd, to, interfaces.index[i], datagram);
    if (error == 0) {
      ++sent;
    } else {
      last = socket_status(error);
    }
  }
  return sent > 0 ? Status::kOk : last;
}

}  // namespace drey
