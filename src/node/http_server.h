// Listens for HTTP on the page's address and on the control socket, and owns the connections.
//
// Part of the node's static composition; loop thread. The control socket takes orders from root and
// from the daemon's own user only (SO_PEERCRED); others may connect and read the verdict.
#pragma once

#include <array>

#include "drey/limits.h"
#include "node/connection.h"

namespace drey {

class HttpServer {
 public:
  struct Options {
    Ports* ports = nullptr;
    ReadyQueue* ready = nullptr;
    Router* router = nullptr;
    uint32_t own_uid = 0;
  };
  void start(const Options& options);
  // kExists: another process answers there; kDenied, kInvalid, kIo.
  Status listen_control(std::string_view path);
  Status listen_page(const Address& address);
  void tick(uint64_t now_ns);
  void stop();
  size_t open_count() const;
  bool started() const { return options_.router != nullptr; }
  const Address& page_address() const { return page_address_; }

 private:
  // Waits for callers of one listener.
  class Acceptor : public Op {
   public:
    void step(Status status) override;
    const char* state_name() const override { return "accept"; }
    HttpServer* server = nullptr;
    Net::Socket socket = Net::kNone;
    bool control = false;
    bool waiting = false;
  };
  void accept_all(Acceptor& acceptor);
  void await(Acceptor& acceptor);
  // The last connections are kept for the control socket: whoever holds the page's open must not
  // silence the owner's commands.
  static constexpr size_t kReservedForControl = 2;
  static_assert(limits::kHttpConnectionsMax > kReservedForControl);
  Connection* free_connection(const Acceptor& acceptor);
  // The page's connection that has waited longest for its request: it gives way to a new caller, so
  // that whoever opens many and says nothing keeps nobody out. Null: all have work.
  Connection* slowest();

  Options options_;
  Address page_address_;
  bool lan_ = false;  // the page's address is not loopback: whoever asks there must be known
  Acceptor control_, page_;
  bool stopped_ = false;
  std::array<Connection, limits::kHttpConnectionsMax> connections_;
};

}  // namespace drey
