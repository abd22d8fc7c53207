// Net on plain sockets and uv_poll. Owned by the composition, in static storage. Loop thread, but
// try_read, try_write and receive, which any thread may call that was handed the socket.
//
// A Socket is an index into a table of kSocketsMax. Waits are one-shot: the table remembers who
// waits, flush() arms libuv before the loop sleeps. An op that waits again for what it just waited
// for costs no system call.
#pragma once

#include <sys/socket.h>
#include <uv.h>

#include <array>

#include "drey/ports.h"
#include "posix/multicast.h"

namespace drey {

class UvNet final : public Net {
 public:
  static constexpr size_t kSocketsMax = 256;
  UvNet();
  ~UvNet() override = default;
  void open(uv_loop_t* loop) { loop_ = loop; }
  // Closes every socket; pending waiters are forgotten. Before the loop is closed.
  void close_all();
  // Arms the sockets whose waiters changed. Called by the host before the loop sleeps.
  void flush();
  size_t open_count() const { return open_count_; }
  // errno of the newest failed open, listen or connect, for the log line.
  int last_errno() const { return last_errno_; }
  // In all our protocols the caller speaks first: one that connects to a later listener and says
  // nothing is not accepted for about so long. 0: at once.
  void set_silent_seconds(int seconds) { silent_seconds_ = seconds; }

  // Each open returns kBusy when the table or the process is out of sockets.
  // kExists: the address is in use; kNotFound: it is not ours; kDenied: a privileged port.
  Result<Socket> listen_tcp(const Address& at) override;
  // A stale socket file is replaced, but only when nobody answers on it; kExists when one does.
  Result<Socket> listen_unix(std::string_view path, uint32_t mode) override;
  Result<Socket> connect_tcp(const Address& to) override;
  Result<Socket> connect_unix(std::string_view path) override;
  // kOk, kClosed (refused, unreachable), kTimeout, kDenied.
  Status connect_result(Socket socket) override;
  // kBusy: no socket or descriptor left. The listener stays readable, so try again after a tick,
  // not after wait().
  Result<Socket> accept(Socket listener, Address* from) override;
  Result<uint32_t> peer_uid(Socket socket) override;
  Result<Address> local_address(Socket socket) override;
  Result<Socket> open_multicast(const Address& group) override;
  Status join_groups(Socket socket, const Address& group) override;
  Status send_multicast(Socket socket, const Address& group, Bytes datagram) override;
  // kTooLarge: a datagram did not fit and is gone; read on.
  Result<size_t> receive(Socket socket, MutBytes to, Address* from) override;
  Result<size_t> try_read(Socket socket, MutBytes to) override;
  Result<size_t> try_write(Socket socket, Bytes from) override;
  Status wait(Socket socket, uint8_t events, Op* op) override;
  void cancel_wait(Socket socket, uint8_t events) override;
  void close(Socket socket) override;
  void shutdown_write(Socket socket) override;

 private:
  enum class Use : uint8_t { kFree, kOpen, kClosing };
  struct Slot {
    UvNet* net = nullptr;
    uv_poll_t poll;
    int fd = -1;
    Use use = Use::kFree;
    bool has_poll = false;
    bool dirty = false;  // on the list that flush() looks through
    uint8_t armed = 0;   // what libuv watches
    Op* reader = nullptr;
    Op* writer = nullptr;
  };
  Slot* slot_of(Socket socket);
  int fd_of(Socket socket) { return slot_of(socket)->fd; }
  Status failed(int error);
  Result<Socket> adopt(int fd);  // takes the descriptor; closes it when the table is full
  Result<Socket> connect_fd(int fd, const sockaddr* to, socklen_t size);
  void mark_dirty(Slot* slot);
  void fire(Slot* slot, uint8_t events, Status status);
  static void on_poll(uv_poll_t* handle, int status, int events);
  static void on_closed(uv_handle_t* handle);

  uv_loop_t* loop_ = nullptr;
  std::array<Slot, kSocketsMax> slots_;
  std::array<uint16_t, kSocketsMax> dirty_{};
  size_t dirty_count_ = 0;
  size_t open_count_ = 0;
  Interfaces interfaces4_;  // as of the last join
  Interfaces interfaces6_;
  int silent_seconds_ = 5;
  int last_errno_ = 0;
};

}  // namespace drey
