// How simulated connections come to be, and multicast.
#include <algorithm>

#include "drey/check.h"
#include "sim/sim_net.h"
#include "sim/sim_world.h"

namespace drey {
namespace {

constexpr size_t kBacklogMax = 64;
constexpr size_t kDatagramsMax = 256;  // unread ones per socket; more are dropped
constexpr unsigned kKnocksMax = 7;     // 1 + 2 + 4 ... s: Linux gives up after about two minutes

bool is_any(const Address& address) {
  static constexpr std::array<uint8_t, 16> kAny4 = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return address.ip == std::array<uint8_t, 16>{} || address.ip == kAny4;
}

bool is_loopback(const Address& address) {
  static constexpr std::array<uint8_t, 16> kLoop6 = {0, 0, 0, 0, 0, 0, 0, 0,
                                                     0, 0, 0, 0, 0, 0, 0, 1};
  static constexpr std::array<uint8_t, 13> kLoop4 = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127};
  return address.ip == kLoop6 || std::equal(kLoop4.begin(), kLoop4.end(), address.ip.begin());
}

}  // namespace

Address SimNet::address() const {
  Address own;
  own.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 0};
  own.ip[15] = static_cast<uint8_t>(node_->index() + 1);
  return own;
}

bool SimNet::is_own(const Address& address) const {
  return is_loopback(address) || address.ip == this->address().ip;
}

// ---- listening ----

SimNet::EndPtr SimNet::find_listener(const Address& to) const {
  for (const EndPtr& end : sockets_) {
    if (end == nullptr || end->kind != Kind::kListener || end->is_unix) continue;
    if (end->local.port == to.port && (is_any(end->local) || end->local.ip == to.ip)) return end;
  }
  return nullptr;
}

SimNet::EndPtr SimNet::find_unix(const std::string& path) const {
  for (const EndPtr& end : sockets_) {
    if (end == nullptr || end->kind != Kind::kListener || !end->is_unix) continue;
    if (end->path == path) return end;
  }
  return nullptr;
}

Result<Net::Socket> SimNet::listen_tcp(const Address& at) {
  if (!is_any(at) && !is_own(at)) return Status::kNotFound;
  DREY_TRY(enter(Call::kListen));
  EndPtr end = make_end(Kind::kListener);
  end->local = at;
  while (end->local.port == 0) {
    end->local.port = next_port_++;
    if (next_port_ == 0) next_port_ = 40000;
    if (find_listener(end->local) != nullptr) end->local.port = 0;
  }
  for (const EndPtr& other : sockets_) {
    if (other == nullptr || other->kind != Kind::kListener || other->is_unix) continue;
    bool overlap = is_any(other->local) || is_any(at) || other->local.ip == at.ip;
    if (other->local.port == end->local.port && overlap) return Status::kExists;
  }
  return adopt(end);
}

Result<Net::Socket> SimNet::listen_unix(std::string_view path, uint32_t) {
  if (path.empty()) return Status::kInvalid;
  if (path.size() > 107) return Status::kTooLarge;
  EndPtr end = make_end(Kind::kListener);
  end->is_unix = true;
  end->path = path;
  if (find_unix(end->path) != nullptr) return Status::kExists;
  unix_paths_.insert(end->path);
  return adopt(end);
}

SimNet::EndPtr SimNet::make_server_end(const EndPtr& client, const EndPtr& listener) {
  EndPtr server = listener->net->make_end(Kind::kStream);
  server->is_unix = listener->is_unix;
  server->path = listener->path;
  server->local = client->remote;
  server->remote = client->local;
  server->peer_uid = client->net->unix_uid;
  client->peer_uid = listener->net->unix_uid;
  server->peer = client;
  client->peer = server;
  listener->backlog.push_back(server);
  wake(listener);
  return server;
}

Result<Net::Socket> SimNet::accept(Socket listener, Address* from) {
  EndPtr end = end_of(listener);
  if (end->kind != Kind::kListener) return Status::kIo;
  if (end->backlog.empty()) return Status::kAgain;
  DREY_TRY(enter(Call::kAccept));
  EndPtr server = end->backlog.front();
  end->backlog.pop_front();
  if (from != nullptr) *from = server->is_unix ? Address() : server->remote;
  return adopt(server);
}

// ---- connecting ----

void SimNet::fail_nth(Call call, uint64_t nth, Status status, uint64_t times) {
  faults_[static_cast<size_t>(call)] = {nth, times, status};
}

Status SimNet::enter(Call call) {
  auto kind = static_cast<size_t>(call);
  ++calls_[kind];
  if (before_call) before_call(call, calls_[kind]);
  Fault& fault = faults_[kind];
  if (fault.nth == 0) return Status::kOk;
  if (fault.nth > 1) {
    --fault.nth;
    return Status::kOk;
  }
  Status status = fault.status;
  if (fault.times > 0 && --fault.times == 0) fault.nth = 0;
  return status;
}

Result<Net::Socket> SimNet::connect_tcp(const Address& to) {
  DREY_TRY(enter(Call::kConnect));
  EndPtr end = make_end(Kind::kStream);
  end->connecting = true;
  end->remote = to;
  end->local = is_loopback(to) ? to : address();
  end->local.port = next_port_++;
  if (next_port_ == 0) next_port_ = 40000;
  SimWorld& world = node_->world();
  SimNet* target = is_loopback(to) ? this : nullptr;
  for (size_t i = 0; i < world.node_count(); ++i)
    if (world.node(i).net.address().ip == to.ip) target = &world.node(i).net;
  Result<Socket> socket = adopt(end);
  DREY_TRY(socket.status());
  if (target == nullptr) {
    world.after(3 * kSecond, node_, [end] { answer(end, Status::kClosed); });  // no such host
  } else {
    world.after(world.latency_ns(), nullptr, [end, target] { knock(end, target, 1); });
  }
  return socket;
}

// A SYN arrives, or does not.
void SimNet::knock(const EndPtr& client, SimNet* target, unsigned attempt) {
  if (!client->open) return;
  SimWorld& world = target->node_->world();
  size_t from = client->net->node_->index();
  size_t to = target->node_->index();
  EndPtr listener = target->find_listener(client->remote);
  bool full = listener != nullptr && listener->backlog.size() >= kBacklogMax;
  if (world.is_cut(from, to) || world.is_cut(to, from) || !target->node_->answers() || full) {
    if (attempt == kKnocksMax) return answer(client, Status::kTimeout);
    world.after(kSecond << (attempt - 1), nullptr,
                [client, target, attempt] { knock(client, target, attempt + 1); });
    return;
  }
  if (listener == nullptr) {
    world.after(world.latency_ns(), nullptr, [client] { answer(client, Status::kClosed); });
    return;
  }
  world.trace("connect", from, to);
  EndPtr server = target->make_server_end(client, listener);
  send_to_peer(server, 0, [client] { answer(client, Status::kOk); });
}

void SimNet::answer(const EndPtr& client, Status status) {
  if (!client->open) return;  // close_end() has told the other side
  client->connecting = false;
  client->connect_status = status;
  if (!ok(status)) client->reset = true;
  wake(client);
}

Result<Net::Socket> SimNet::connect_unix(std::string_view path) {
  if (path.empty()) return Status::kInvalid;
  if (path.size() > 107) return Status::kTooLarge;
  DREY_TRY(enter(Call::kConnect));
  EndPtr listener = find_unix(std::string(path));
  if (listener == nullptr)
    return unix_paths_.contains(std::string(path)) ? Status::kClosed : Status::kNotFound;
  if (listener->backlog.size() >= kBacklogMax) return Status::kBusy;
  EndPtr end = make_end(Kind::kStream);
  end->is_unix = true;
  Result<Socket> socket = adopt(end);
  DREY_TRY(socket.status());
  (void)make_server_end(end, listener);
  return socket;
}

Status SimNet::connect_result(Socket socket) { return end_of(socket)->connect_status; }

Result<uint32_t> SimNet::peer_uid(Socket socket) {
  const EndPtr& end = end_of(socket);
  if (!end->is_unix) return Status::kUnsupported;
  return end->peer_uid;
}

Result<Address> SimNet::local_address(Socket socket) { return end_of(socket)->local; }

// ---- multicast ----

Result<Net::Socket> SimNet::open_multicast(const Address& group) {
  EndPtr end = make_end(Kind::kMulticast);
  end->group = group;
  end->local = group;
  return adopt(end);
}

Status SimNet::join_groups(Socket socket, const Address& group) {
  end_of(socket)->group = group;
  return Status::kOk;
}

Status SimNet::send_multicast(Socket socket, const Address& group, Bytes datagram) {
  DREY_CHECK(end_of(socket)->kind == Kind::kMulticast);
  SimWorld& world = node_->world();
  ++datagrams_sent;
  bytes_sent += datagram.size();
  Datagram sent;
  sent.from = address();
  sent.from.port = group.port;
  sent.bytes.assign(datagram.begin(), datagram.end());
  for (size_t i = 0; i < world.node_count(); ++i) {
    SimNode& node = world.node(i);
    bool is_self = &node == node_;
    if (!is_self && !world.net.multicast) continue;
    if (!is_self && world.rng().chance_ppm(world.net.datagram_loss_ppm)) continue;
    unsigned copies = world.rng().chance_ppm(world.net.datagram_repeat_ppm) ? 2 : 1;
    for (unsigned copy = 0; copy < copies; ++copy) {
      world.after(world.latency_ns(), nullptr, [this, &node, group, sent] {
        bool cut = node_->world().is_cut(node_->index(), node.index());
        if (!cut && node.answers()) node.net.hear(group, sent);
      });
    }
  }
  return Status::kOk;
}

void SimNet::hear(const Address& group, const Datagram& datagram) {
  for (const EndPtr& end : std::vector<EndPtr>(sockets_)) {
    if (end == nullptr || end->kind != Kind::kMulticast) continue;
    if (end->group.ip != group.ip || end->group.port != group.port) continue;
    if (end->datagrams.size() >= kDatagramsMax) continue;
    node_->world().trace_bytes("datagram", datagram.bytes);
    end->datagrams.push_back(datagram);
    wake(end);
  }
}

Result<size_t> SimNet::receive(Socket socket, MutBytes to, Address* from) {
  EndPtr end = end_of(socket);
  if (end->datagrams.empty()) return Status::kAgain;
  Datagram datagram = std::move(end->datagrams.front());
  end->datagrams.pop_front();
  if (from != nullptr) *from = datagram.from;
  if (datagram.bytes.size() > to.size()) return Status::kTooLarge;
  std::copy(datagram.bytes.begin(), datagram.bytes.end(), to.begin());
  return datagram.bytes.size();
}

}  // namespace drey
