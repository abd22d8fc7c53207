// A Net of two stream sockets, 0 and 1, joined by memory: for channels in one thread. Everything
// that is not a stream's read or write fails.
#pragma once

#include <algorithm>
#include <deque>
#include <vector>

#include "drey/ports.h"

namespace drey {

class PipeNet final : public Net {
 public:
  struct End {
    std::deque<uint8_t> inbox;
    std::vector<uint8_t> sent;  // all bytes this end ever wrote
    bool closed = false;
  };
  End ends[2];
  size_t write_max = 1 << 20;  // bytes one try_write takes
  size_t window = 1 << 20;     // bytes an inbox holds

  Result<size_t> try_read(Socket socket, MutBytes to) override {
    End& end = ends[socket];
    if (end.inbox.empty()) {
      if (ends[1 - socket].closed) return Status::kClosed;
      return Status::kAgain;
    }
    size_t count = std::min(to.size(), end.inbox.size());
    for (size_t i = 0; i < count; ++i) {
      to[i] = end.inbox.front();
      end.inbox.pop_front();
    }
    return count;
  }
  Result<size_t> try_write(Socket socket, Bytes from) override {
    End& peer = ends[1 - socket];
    if (peer.closed) return Status::kClosed;
    size_t count = std::min({from.size(), write_max, window - peer.inbox.size()});
    if (count == 0) return Status::kAgain;
    peer.inbox.insert(peer.inbox.end(), from.begin(), from.begin() + static_cast<long>(count));
    ends[socket].sent.insert(ends[socket].sent.end(), from.begin(),
                             from.begin() + static_cast<long>(count));
    return count;
  }
  void close(Socket socket) override { ends[socket].closed = true; }

  Result<Socket> listen_tcp(const Address&) override { return Status::kUnsupported; }
  Result<Socket> listen_unix(std::string_view, uint32_t) override { return Status::kUnsupported; }
  Result<Socket> connect_tcp(const Address&) override { return Status::kUnsupported; }
  Result<Socket> connect_unix(std::string_view) override { return Status::kUnsupported; }
  Status connect_result(Socket) override { return Status::kUnsupported; }
  Result<Socket> accept(Socket, Address*) override { return Status::kUnsupported; }
  Result<uint32_t> peer_uid(Socket) override { return Status::kUnsupported; }
  Result<Address> local_address(Socket) override { return Status::kUnsupported; }
  Result<Socket> open_multicast(const Address&) override { return Status::kUnsupported; }
  Status join_groups(Socket, const Address&) override { return Status::kUnsupported; }
  Status send_multicast(Socket, const Address&, Bytes) override { return Status::kUnsupported; }
  Result<size_t> receive(Socket, MutBytes, Address*) override { return Status::kUnsupported; }
  Status wait(Socket, uint8_t, Op*) override { return Status::kUnsupported; }
  void cancel_wait(Socket, uint8_t) override {}
  void shutdown_write(Socket) override {}
};

// Repeatable "randomness" of one seed (splitmix64).
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  Status fill(MutBytes to) override {
    if (fails) return Status::kIo;
    for (uint8_t& byte : to) byte = static_cast<uint8_t>(next());
    return Status::kOk;
  }
  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  bool fails = false;

 private:
  uint64_t state_;
};

}  // namespace drey
