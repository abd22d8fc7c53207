// Sockets and bytes of the simulated network. How connections come to be is in sim_connect.cc.
#include "sim/sim_net.h"

#include <algorithm>

#include "drey/check.h"
#include "sim/sim_world.h"

namespace drey {

size_t SimNet::Inbox::take(MutBytes to) {
  size_t count = std::min(to.size(), bytes.size() - head);
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(head), count, to.begin());
  head += count;
  if (empty()) {
    bytes.clear();
    head = 0;
  }
  return count;
}

// ---- the table ----

Result<Net::Socket> SimNet::adopt(EndPtr end) {
  for (size_t i = 0; i < kSocketsMax; ++i) {
    if (i == sockets_.size()) sockets_.push_back(nullptr);
    if (sockets_[i] != nullptr) continue;
    sockets_[i] = std::move(end);
    return static_cast<Socket>(i);
  }
  close_end(end);
  return Status::kBusy;
}

const SimNet::EndPtr& SimNet::end_of(Socket socket) const {
  DREY_CHECK(socket >= 0 && static_cast<size_t>(socket) < sockets_.size());
  const EndPtr& end = sockets_[static_cast<size_t>(socket)];
  DREY_CHECK(end != nullptr);
  return end;
}

SimNet::EndPtr SimNet::make_end(Kind kind) {
  auto end = std::make_shared<End>();
  end->kind = kind;
  end->net = this;
  return end;
}

size_t SimNet::open_count() const {
  return static_cast<size_t>(std::count_if(sockets_.begin(), sockets_.end(),
                                           [](const EndPtr& e) { return e != nullptr; }));
}

// ---- the path to the peer ----

void SimNet::send_to_peer(const EndPtr& end, size_t bytes, std::function<void()> action) {
  SimWorld& world = end->net->node_->world();
  uint64_t travel = end->is_unix ? 20 * kMicrosecond : world.latency_ns();
  if (!end->is_unix && world.net.stream_loss_ppm > 0)
    for (uint64_t again = 200 * kMillisecond;
         again <= 6400 * kMillisecond && world.rng().chance_ppm(world.net.stream_loss_ppm);
         again *= 2)
      travel += again;
  uint64_t arrival = std::max(end->last_arrival_ns, world.now_ns() + travel);
  if (!end->is_unix && world.net.bytes_per_second > 0)
    arrival += bytes * kSecond / world.net.bytes_per_second;
  end->last_arrival_ns = arrival;
  end->outbox.push_back({arrival, std::move(action)});
  plan_pump(end);
}

void SimNet::plan_pump(const EndPtr& end) {
  if (end->pump_planned || end->outbox.empty()) return;
  end->pump_planned = true;
  SimWorld& world = end->net->node_->world();
  uint64_t now = world.now_ns();
  uint64_t arrival = end->outbox.front().arrival_ns;
  // Not owned by the node: what a process sent arrives although the process has ended.
  world.after(arrival > now ? arrival - now : 0, nullptr, [end] { pump(end); });
}

void SimNet::pump(const EndPtr& end) {
  end->pump_planned = false;
  if (end->outbox.empty() || end->peer == nullptr) return;
  SimWorld& world = end->net->node_->world();
  size_t from = end->net->node_->index();
  size_t to = end->peer->net->node_->index();
  bool asleep = end->net->node_->is_asleep() || end->peer->net->node_->is_asleep();
  if (world.is_cut(from, to) || asleep) return try_later(end);
  end->tries = 0;
  Parcel parcel = std::move(end->outbox.front());
  end->outbox.pop_front();
  parcel.action();
  plan_pump(end);
}

// TCP tries again until the path is mended; for a closed socket the kernel does so only for a
// while.
void SimNet::try_later(const EndPtr& end) {
  constexpr unsigned kOften = 50;
  constexpr unsigned kOrphanTries = 80;
  if (++end->tries > kOrphanTries && !end->open) return end->outbox.clear();
  end->pump_planned = true;
  uint64_t wait = end->tries < kOften ? 100 * kMillisecond : 2 * kSecond;
  end->net->node_->world().after(wait, nullptr, [end] { pump(end); });
}

void SimNet::arrive(const EndPtr& to, Bytes bytes) {
  constexpr size_t kPingBytes = 16;
  if (bytes.size() > kPingBytes && !to->is_unix) to->net->node_->host.stir();
  if (to->open) {
    to->net->node_->world().trace_bytes("bytes", bytes);
    to->inbox.put(bytes);
    return wake(to);
  }
  // Without power nobody answers; a machine that is up says that there is no such connection.
  if (to->silent && !to->net->node_->is_up()) return;
  EndPtr from = to->peer;
  if (from == nullptr) return;
  send_to_peer(to, 0, [from] {
    from->reset = true;
    wake(from);
  });
}

void SimNet::close_end(const EndPtr& end) {
  if (!end->open) return;
  end->open = false;
  if (end->kind == Kind::kStream) ++end->net->streams_closed;
  end->reader = end->writer = nullptr;
  for (const EndPtr& waiting : end->backlog) close_end(waiting);
  end->backlog.clear();
  EndPtr peer = end->peer;
  if (peer == nullptr) return;
  bool unread = !end->inbox.empty();
  end->inbox = Inbox();
  if (peer->open) {
    send_to_peer(end, 0, [peer, unread] {
      peer->ended = true;
      if (unread) peer->reset = true;
      wake(peer);
    });
  }
  part(end);
}

void SimNet::part(const EndPtr& end) {
  EndPtr peer = end->peer;
  if (peer == nullptr || end->open || peer->open) return;
  end->outbox.clear();
  peer->outbox.clear();
  end->peer = nullptr;
  peer->peer = nullptr;
}

void SimNet::close(Socket socket) {
  EndPtr end = end_of(socket);
  DREY_CHECK(end->reader == nullptr && end->writer == nullptr);
  if (end->kind == Kind::kListener && end->is_unix) unix_paths_.insert(end->path);
  close_end(end);
  sockets_[static_cast<size_t>(socket)] = nullptr;
}

void SimNet::shutdown_write(Socket socket) {
  EndPtr end = end_of(socket);
  if (end->peer == nullptr || end->write_shut) return;
  end->write_shut = true;
  EndPtr peer = end->peer;
  send_to_peer(end, 0, [peer] {
    peer->ended = true;
    wake(peer);
  });
}

void SimNet::drop_all(bool peers_notice) {
  std::vector<EndPtr> ends;
  ends.swap(sockets_);
  for (const EndPtr& end : ends) {
    if (end == nullptr) continue;
    if (peers_notice || end->is_unix) {
      close_end(end);
      continue;
    }
    auto fall_silent = [](const EndPtr& lost) {
      lost->open = false;
      lost->silent = true;
      lost->reader = lost->writer = nullptr;
      lost->outbox.clear();
      part(lost);
    };
    for (const EndPtr& waiting : end->backlog) fall_silent(waiting);
    end->backlog.clear();
    fall_silent(end);
  }
}

void SimNet::forget_all() {
  auto forget = [](const EndPtr& end) {
    if (end == nullptr) return;
    if (end->peer != nullptr) {
      end->peer->outbox.clear();
      end->peer->peer = nullptr;
    }
    end->outbox.clear();
    end->peer = nullptr;
  };
  for (const EndPtr& end : sockets_) {
    if (end == nullptr) continue;
    for (const EndPtr& waiting : end->backlog) forget(waiting);
    forget(end);
  }
  sockets_.clear();
}

// ---- waiting ----

bool SimNet::readable(const End& end) {
  if (end.kind == Kind::kListener) return !end.backlog.empty();
  if (end.kind == Kind::kMulticast) return !end.datagrams.empty();
  return !end.connecting && (!end.inbox.empty() || end.ended || end.reset);
}

bool SimNet::writable(const End& end) {
  if (end.kind == Kind::kListener) return false;
  if (end.kind == Kind::kMulticast) return true;
  size_t window = end.net->node_->world().net.window_bytes;
  return !end.connecting && (end.reset || end.unread_by_peer < window);
}

void SimNet::wake(const EndPtr& end) {
  if (end->wake_planned || !end->open) return;
  bool due =
      (end->reader != nullptr && readable(*end)) || (end->writer != nullptr && writable(*end));
  if (!due) return;
  end->wake_planned = true;
  // Later, never at once: an op that waits for what already holds must not stop time.
  end->net->node_->world().after(kMicrosecond, end->net->node_, [end] {
    end->wake_planned = false;
    if (!end->open) return;
    uint8_t events = 0;
    if (readable(*end)) events |= kReadable;
    if (writable(*end)) events |= kWritable;
    fire(end, events, Status::kOk);
  });
}

void SimNet::fire(const EndPtr& end, uint8_t events, Status status) {
  Op* reader = (events & kReadable) != 0 ? end->reader : nullptr;
  Op* writer = (events & kWritable) != 0 ? end->writer : nullptr;
  if (reader != nullptr && end->writer == reader) writer = reader;
  if (writer != nullptr && end->reader == writer) reader = writer;
  if (reader != nullptr) end->reader = nullptr;
  if (writer != nullptr) end->writer = nullptr;
  if (reader != nullptr) reader->complete(status);
  if (writer != nullptr && writer != reader) writer->complete(status);
}

Status SimNet::wait(Socket socket, uint8_t events, Op* op) {
  const EndPtr& end = end_of(socket);
  DREY_CHECK(events != 0 && op != nullptr);
  if ((events & kReadable) != 0) {
    DREY_CHECK(end->reader == nullptr);
    end->reader = op;
  }
  if ((events & kWritable) != 0) {
    DREY_CHECK(end->writer == nullptr);
    end->writer = op;
  }
  wake(end);
  return Status::kOk;
}

void SimNet::cancel_wait(Socket socket, uint8_t events) {
  fire(end_of(socket), events, Status::kCancelled);
}

// ---- bytes ----

size_t SimNet::whim(size_t size) {
  SimRng& rng = node_->world().rng();
  if (whims_ppm == 0 || !rng.chance_ppm(whims_ppm)) return size;
  return std::min<size_t>(size, rng.below(3) == 0 ? 0 : rng.between(1, size));
}

Result<size_t> SimNet::try_read(Socket socket, MutBytes to) {
  EndPtr end = end_of(socket);
  if (to.empty()) return Status::kInvalid;
  if (end->kind != Kind::kStream) return Status::kClosed;  // ENOTCONN
  if (end->inbox.empty()) {
    bool gone = end->ended || end->reset || !ok(end->connect_status);
    return gone ? Status::kClosed : Status::kAgain;
  }
  size_t wanted = whim(to.size());
  if (wanted == 0) return Status::kAgain;
  size_t count = end->inbox.take(to.first(wanted));
  EndPtr peer = end->peer;
  if (peer != nullptr && peer->open) {
    send_to_peer(end, 0, [peer, count] {
      peer->unread_by_peer -= std::min(count, peer->unread_by_peer);
      wake(peer);
    });
  }
  return count;
}

Result<size_t> SimNet::try_write(Socket socket, Bytes from) {
  EndPtr end = end_of(socket);
  if (from.empty()) return Status::kInvalid;
  if (end->kind != Kind::kStream || end->reset || end->write_shut) return Status::kClosed;
  if (end->connecting) return Status::kAgain;
  EndPtr peer = end->peer;
  if (peer == nullptr) return Status::kClosed;
  size_t window = node_->world().net.window_bytes;
  if (end->unread_by_peer >= window) return Status::kAgain;
  size_t count = whim(std::min(from.size(), window - end->unread_by_peer));
  if (count == 0) return Status::kAgain;
  std::vector<uint8_t> sent(from.begin(), from.begin() + static_cast<ptrdiff_t>(count));
  if (touch_sent && !end->is_unix) touch_sent(sent);
  end->unread_by_peer += count;
  if (!end->is_unix) bytes_sent += count;
  send_to_peer(end, count, [peer, bytes = std::move(sent)] { arrive(peer, bytes); });
  return count;
}

}  // namespace drey
