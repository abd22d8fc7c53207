// How sockets come to be: listeners, connections, multicast.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "posix/posix_status.h"
#include "posix/socket_address.h"
#include "posix/uv_net.h"

namespace drey {
namespace {

// Whoever comes while all connections are taken waits here, at the kernel's expense.
constexpr int kBacklog = 256;
constexpr int kStream = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

void set_option(int fd, int level, int name, int value) {
  // Improvements only; the connection works without them.
  (void)::setsockopt(fd, level, name, &value, sizeof value);
}

bool is_any(const Address& address) {
  for (uint8_t byte : address.ip)
    if (byte != 0) return false;
  return true;
}

struct UnixAddress {
  // False when the path is empty or too long for the kernel (107 bytes).
  bool set(std::string_view path) {
    if (path.empty() || path.size() >= sizeof address.sun_path) return false;
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    return true;
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
  sockaddr_un address{};
};

// True when a process answers on the socket file.
bool is_answered(const UnixAddress& at) {
  int fd = ::socket(AF_UNIX, kStream, 0);
  if (fd < 0) return true;  // unknown: leave the file alone
  bool refused = ::connect(fd, at.get(), sizeof at.address) != 0 && errno == ECONNREFUSED;
  ::close(fd);
  return !refused;
}

bool is_socket_file(const char* path) {
  struct stat info {};
  return ::lstat(path, &info) == 0 && S_ISSOCK(info.st_mode);
}

}  // namespace

Result<Net::Socket> UvNet::listen_tcp(const Address& at) {
  SocketAddress address(at);
  int fd = ::socket(address.family(), kStream, 0);
  if (fd < 0 && errno == EAFNOSUPPORT && is_any(at)) {
    // A kernel without IPv6: every IPv4 address is what is left of "::".
    Address any = at;
    std::memcpy(any.ip.data(), kMappedPrefix, sizeof kMappedPrefix);
    address = SocketAddress(any);
    fd = ::socket(AF_INET, kStream, 0);
  }
  if (fd < 0) return failed(errno);
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (address.family() == AF_INET6) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, is_any(at) ? 0 : 1);
  set_option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, silent_seconds_);
  if (::bind(fd, address.get(), address.size()) != 0 || ::listen(fd, kBacklog) != 0) {
    int error = errno;
    ::close(fd);
    return failed(error);
  }
  return adopt(fd);
}

Result<Net::Socket> UvNet::listen_unix(std::string_view path, uint32_t mode) {
  UnixAddress at;
  if (path.empty()) return Status::kInvalid;
  if (!at.set(path)) return Status::kTooLarge;
  int fd = ::socket(AF_UNIX, kStream, 0);
  if (fd < 0) return failed(errno);
  // Before bind(): the file never exists with more rights than asked for. After: without the umask.
  (void)::fchmod(fd, mode);
  int result = ::bind(fd, at.get(), sizeof at.address);
  if (result != 0 && errno == EADDRINUSE && is_socket_file(at.address.sun_path)) {
    if (is_answered(at)) {
      ::close(fd);
      return failed(EADDRINUSE);
    }
    ::unlink(at.address.sun_path);
    result = ::bind(fd, at.get(), sizeof at.address);
  }
  if (result != 0 || ::chmod(at.address.sun_path, mode) != 0 || ::listen(fd, kBacklog) != 0) {
    int error = errno;
    ::close(fd);
    return failed(error);
  }
  return adopt(fd);
}

Result<Net::Socket> UvNet::connect_fd(int fd, const sockaddr* to, socklen_t size) {
  if (fd < 0) return failed(errno);
  int result = ::connect(fd, to, size);
  // EINTR: a connect goes on in the background, exactly as with EINPROGRESS.
  if (result != 0 && errno != EINPROGRESS && errno != EINTR) {
    int error = errno;
    ::close(fd);
    // A unix listener with a full backlog; a non-blocking connect cannot queue for it.
    if (error == EAGAIN) error = ENOBUFS;
    return failed(error);
  }
  return adopt(fd);
}

Result<Net::Socket> UvNet::connect_tcp(const Address& to) {
  SocketAddress address(to);
  int fd = ::socket(address.family(), kStream, 0);
  // Frames are written whole: waiting for more to send only delays them.
  if (fd >= 0) set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  return connect_fd(fd, address.get(), address.size());
}

Result<Net::Socket> UvNet::connect_unix(std::string_view path) {
  UnixAddress to;
  if (path.empty()) return Status::kInvalid;
  if (!to.set(path)) return Status::kTooLarge;
  return connect_fd(::socket(AF_UNIX, kStream, 0), to.get(), sizeof to.address);
}

Result<Net::Socket> UvNet::accept(Socket listener, Address* from) {
  SocketAddress peer;
  int fd = -1;
  while (true) {
    socklen_t size = SocketAddress::kRoom;
    fd = ::accept4(fd_of(listener), peer.get(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) break;
    // ECONNABORTED: that one hung up while waiting; the next one may not have.
    if (errno != EINTR && errno != ECONNABORTED) return failed(errno);
  }
  if (peer.family() == AF_INET || peer.family() == AF_INET6)
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (from != nullptr) *from = peer.address();
  return adopt(fd);
}

Result<Net::Socket> UvNet::open_multicast(const Address& group) {
  int family = is_ipv4(group) ? AF_INET : AF_INET6;
  int fd = ::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return failed(errno);
  Status status = prepare_multicast(fd, group);
  if (!ok(status)) {
    last_errno_ = errno;
    ::close(fd);
    return status;
  }
  Result<Socket> socket = adopt(fd);
  // No interface yet is no failure: join_groups() is repeated.
  if (socket.ok()) (void)join_groups(socket.value(), group);
  return socket;
}

Status UvNet::join_groups(Socket socket, const Address& group) {
  int fd = fd_of(socket);
  Interfaces& interfaces = is_ipv4(group) ? interfaces4_ : interfaces6_;
  find_interfaces(fd, is_ipv4(group), &interfaces);
  return join_multicast(fd, group, interfaces);
}

Status UvNet::send_multicast(Socket socket, const Address& group, Bytes datagram) {
  const Interfaces& interfaces = is_ipv4(group) ? interfaces4_ : interfaces6_;
  return send_multicast_on(fd_of(socket), group, interfaces, datagram);
}

}  // namespace drey
