#include "node/http_server.h"

namespace drey {

void HttpServer::start(const Options& options) {
  options_ = options;
  control_.server = page_.server = this;
  control_.control = true;
  control_.bind(options.ready);
  page_.bind(options.ready);
}

Status HttpServer::listen_control(std::string_view path) {
  // Everybody may connect: the caller's uid decides what it may ask.
  Result<Net::Socket> socket = options_.ports->net->listen_unix(path, 0666);
  if (!socket.ok()) return socket.status();
  control_.socket = socket.value();
  await(control_);
  return Status::kOk;
}

Status HttpServer::listen_page(const Address& address) {
  Result<Net::Socket> socket = options_.ports->net->listen_tcp(address);
  if (!socket.ok()) return socket.status();
  page_.socket = socket.value();
  Result<Address> local = options_.ports->net->local_address(socket.value());
  page_address_ = local.ok() ? local.value() : address;
  lan_ = !is_loopback(page_address_);
  await(page_);
  return Status::kOk;
}

void HttpServer::await(Acceptor& acceptor) {
  acceptor.waiting = ok(options_.ports->net->wait(acceptor.socket, Net::kReadable, &acceptor));
}

void HttpServer::Acceptor::step(Status status) {
  waiting = false;
  if (server->stopped_ || status == Status::kCancelled) return;
  if (server->free_connection(*this) == nullptr) {
    Connection* slow = server->slowest();
    if (slow == nullptr) return;  // callers wait in the kernel's queue; tick() asks again
    slow->close();
    // It is free once Net has let go of it: that is queued in front of us.
    if (server->free_connection(*this) == nullptr) return complete(Status::kOk);
  }
  server->accept_all(*this);
  if (server->free_connection(*this) != nullptr || server->slowest() != nullptr)
    server->await(*this);
}

Connection* HttpServer::slowest() {
  Connection* slow = nullptr;
  for (Connection& connection : connections_)
    if (connection.waits_for_request() && !connection.control() &&
        (slow == nullptr || connection.request_since_ns() < slow->request_since_ns()))
      slow = &connection;
  return slow;
}

Connection* HttpServer::free_connection(const Acceptor& acceptor) {
  size_t kept = acceptor.control ? 0 : kReservedForControl;
  for (Connection& connection : connections_)
    if (connection.free() && kept-- == 0) return &connection;
  return nullptr;
}

void HttpServer::accept_all(Acceptor& acceptor) {
  Net* net = options_.ports->net;
  for (Connection* connection; (connection = free_connection(acceptor)) != nullptr;) {
    Connection::Caller caller;
    caller.control = acceptor.control;
    caller.lan = !acceptor.control && lan_;
    Result<Net::Socket> socket =
        net->accept(acceptor.socket, acceptor.control ? nullptr : &caller.from);
    if (!socket.ok()) return;
    if (acceptor.control) {
      Result<uint32_t> uid = net->peer_uid(socket.value());
      caller.trusted = uid.ok() && (uid.value() == 0 || uid.value() == options_.own_uid);
    }
    connection->start({net, options_.ports->clock, options_.router}, options_.ready, socket.value(),
                      caller);
  }
}

void HttpServer::tick(uint64_t now_ns) {
  for (Connection& connection : connections_) connection.tick(now_ns);
  if (stopped_) return;
  for (Acceptor* acceptor : {&control_, &page_})
    if (acceptor->socket != Net::kNone && !acceptor->waiting && !acceptor->is_queued() &&
        (free_connection(*acceptor) != nullptr || slowest() != nullptr))
      await(*acceptor);
}

void HttpServer::stop() {
  stopped_ = true;
  for (Acceptor* acceptor : {&control_, &page_}) {
    if (acceptor->socket == Net::kNone) continue;
    if (acceptor->waiting) options_.ports->net->cancel_wait(acceptor->socket, Net::kReadable);
    options_.ports->net->close(acceptor->socket);
    acceptor->socket = Net::kNone;
  }
  for (Connection& connection : connections_) connection.close();
}

size_t HttpServer::open_count() const {
  size_t count = 0;
  for (const Connection& connection : connections_) count += connection.free() ? 0 : 1;
  return count;
}

}  // namespace drey
