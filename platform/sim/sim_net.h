// Net between the nodes of a world: streams with latency and a window, unix sockets inside a node,
// multicast to all. Single thread. A dead peer, a cut path and a full window look as TCP shows
// them: closed, silence, kAgain.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "drey/ports.h"

namespace drey {

class SimNode;
class SimWorld;

class SimNet final : public Net {
 public:
  explicit SimNet(SimNode* node) : node_(node) {}
  static constexpr size_t kSocketsMax = 256;
  uint32_t unix_uid = 0;    // what peer_uid() tells of connections this node's processes make
  uint64_t bytes_sent = 0;  // by try_write over TCP, and datagrams
  uint64_t datagrams_sent = 0;
  uint64_t streams_closed = 0;  // by this end
  size_t open_count() const;
  Address address() const;  // 10.0.0.(index + 1), v4-mapped, port 0

  // ---- what a test does to it ----
  enum class Call : uint8_t { kListen, kAccept, kConnect, kCount };  // unix sockets count too
  // The nth call (from 1, counted from now) of this kind fails with `status`, and so do the
  // `times - 1` after it. times = 0: forever. A connection that was not accepted stays waiting.
  void fail_nth(Call call, uint64_t nth, Status status, uint64_t times = 1);
  void clear_faults() { faults_.fill(Fault()); }
  uint64_t call_count(Call call) const { return calls_[static_cast<size_t>(call)]; }
  // May be empty; runs before each such call with its number among its kind.
  std::function<void(Call call, uint64_t number)> before_call;
  // How often try_read() and try_write() do less than they could: a byte, a part, or kAgain.
  uint32_t whims_ppm = 0;
  // May be empty; sees, and may change, what try_write() is about to send over TCP.
  std::function<void(MutBytes)> touch_sent;

  Result<Socket> listen_tcp(const Address& at) override;
  Result<Socket> listen_unix(std::string_view path, uint32_t mode) override;
  Result<Socket> connect_tcp(const Address& to) override;
  Result<Socket> connect_unix(std::string_view path) override;
  Status connect_result(Socket socket) override;
  Result<Socket> accept(Socket listener, Address* from) override;
  Result<uint32_t> peer_uid(Socket socket) override;
  Result<Address> local_address(Socket socket) override;
  Result<Socket> open_multicast(const Address& group) override;
  Status join_groups(Socket socket, const Address& group) override;
  Status send_multicast(Socket socket, const Address& group, Bytes datagram) override;
  Result<size_t> receive(Socket socket, MutBytes to, Address* from) override;
  Result<size_t> try_read(Socket socket, MutBytes to) override;
  Result<size_t> try_write(Socket socket, Bytes from) override;
  Status wait(Socket socket, uint8_t events, Op* op) override;
  void cancel_wait(Socket socket, uint8_t events) override;
  void close(Socket socket) override;
  void shutdown_write(Socket socket) override;

 private:
  friend class SimNode;
  friend class SimWorld;
  enum class Kind : uint8_t { kListener, kStream, kMulticast };
  struct Datagram {
    Address from;
    std::vector<uint8_t> bytes;
  };
  // Bytes that arrived and were not read.
  struct Inbox {
    std::vector<uint8_t> bytes;
    size_t head = 0;
    bool empty() const { return head == bytes.size(); }
    void put(Bytes from) { bytes.insert(bytes.end(), from.begin(), from.end()); }
    size_t take(MutBytes to);
  };
  struct Parcel {
    uint64_t arrival_ns = 0;
    std::function<void()> action;
  };
  // One end of a stream, a listener, or a multicast socket. Two ends hold each other until both are
  // closed, so that what is on the way still has somewhere to arrive.
  struct End {
    Kind kind = Kind::kStream;
    SimNet* net = nullptr;
    bool open = true;     // the socket has not been closed
    bool silent = false;  // closed by loss of power: answers nothing until the node is up again
    bool is_unix = false;
    Address local;
    Address remote;
    std::string path;
    uint32_t peer_uid = 0;
    // Stream.
    std::shared_ptr<End> peer;
    bool connecting = false;
    Status connect_status = Status::kOk;
    Inbox inbox;
    size_t unread_by_peer = 0;  // sent by us, not yet read by the peer's process
    bool ended = false;         // the peer will send no more
    bool reset = false;
    bool write_shut = false;
    std::deque<Parcel> outbox;  // on the way to the peer, in order
    uint64_t last_arrival_ns = 0;
    bool pump_planned = false;
    unsigned tries = 0;  // of the first parcel, on a cut path
    // Listener.
    std::deque<std::shared_ptr<End>> backlog;
    // Multicast.
    Address group;
    std::deque<Datagram> datagrams;
    // Waiters.
    Op* reader = nullptr;
    Op* writer = nullptr;
    bool wake_planned = false;
  };
  using EndPtr = std::shared_ptr<End>;

  struct Fault {
    uint64_t nth = 0;  // 0 = none
    uint64_t times = 0;
    Status status = Status::kOk;
  };
  Status enter(Call call);
  // How many of `size` bytes go this time; 0: kAgain.
  size_t whim(size_t size);
  Result<Socket> adopt(EndPtr end);
  const EndPtr& end_of(Socket socket) const;
  EndPtr make_end(Kind kind);
  bool is_own(const Address& address) const;
  EndPtr find_listener(const Address& to) const;
  EndPtr find_unix(const std::string& path) const;
  // A second end, linked to `client`, in the backlog of `listener`.
  EndPtr make_server_end(const EndPtr& client, const EndPtr& listener);
  static void knock(const EndPtr& client, SimNet* target, unsigned attempt);
  static void answer(const EndPtr& client, Status status);

  static bool readable(const End& end);
  static bool writable(const End& end);
  static void wake(const EndPtr& end);  // plans the completion of waiters whose condition holds
  static void fire(const EndPtr& end, uint8_t events, Status status);
  // `action` happens at the peer, after the latency and in order; a cut path delays it.
  static void send_to_peer(const EndPtr& end, size_t bytes, std::function<void()> action);
  static void plan_pump(const EndPtr& end);
  static void pump(const EndPtr& end);
  static void try_later(const EndPtr& end);
  static void arrive(const EndPtr& to, Bytes bytes);
  static void close_end(const EndPtr& end);
  static void part(const EndPtr& end);  // lets go of the peer once both are closed
  void hear(const Address& group, const Datagram& datagram);
  void drop_all(bool peers_notice);  // the process is gone
  void forget_all();                 // the world ends

  SimNode* node_;
  std::vector<EndPtr> sockets_;
  std::set<std::string> unix_paths_;  // socket files; they outlive the process
  uint16_t next_port_ = 40000;
  std::array<Fault, static_cast<size_t>(Call::kCount)> faults_{};
  std::array<uint64_t, static_cast<size_t>(Call::kCount)> calls_{};
};

}  // namespace drey
