#include "mesh/discovery/discovery.h"

#include <algorithm>

namespace drey {

void Discovery::start(const Options& options, std::span<const Address> groups) {
  options_ = options;
  start_ns_ = options_.clock->up_ns();
  group_count_ = 0;
  for (const Address& address : groups) {
    if (group_count_ == groups_.size()) break;
    Group& group = groups_[group_count_++];
    group.discovery = this;
    group.address = address;
    group.readable.set(options_.ready, &group, &Group::on_readable);
    open(group);
  }
  next_join_ns_ = start_ns_ + kJoinGroupsNs;
}

void Discovery::open(Group& group) {
  Result<Net::Socket> socket = options_.net->open_multicast(group.address);
  if (!socket.ok()) {
    if (options_.log != nullptr)
      options_.log->debug("discovery: a multicast group cannot be opened: %s",
                          status_name(socket.status()));
    return;
  }
  group.socket = socket.value();
  wait(group);
}

void Discovery::wait(Group& group) {
  if (ok(options_.net->wait(group.socket, Net::kReadable, &group.readable))) {
    group.waiting = true;
    return;
  }
  options_.net->close(group.socket);
  group.socket = Net::kNone;
}

void Discovery::Group::on_readable(Status status) {
  waiting = false;
  std::array<uint8_t, kBeaconBytes + 1> datagram;  // one more byte shows what is too long
  Net& net = *discovery->options_.net;
  if (discovery->stopping_) status = Status::kCancelled;
  for (size_t i = 0; ok(status) && i < kReceiveMax; ++i) {
    Address from;
    Result<size_t> got = net.receive(socket, datagram, &from);
    status = got.status();
    if (got.ok()) discovery->hear(Bytes(datagram).first(got.value()), from);
  }
  if (ok(status)) ++discovery->counters_.flooded;
  if (ok(status) || status == Status::kAgain) return discovery->wait(*this);
  net.close(socket);
  socket = Net::kNone;
}

void Discovery::hear(Bytes datagram, const Address& from) {
  Beacon beacon;
  bool readable = ok(decode_beacon(datagram, &beacon));
  // The own beacons come back from every group: they say nothing about the network.
  bool own = readable && beacon.node == sent_as_;
  if (!own) ++counters_.heard;
  Address address = from;
  address.port = beacon.listen_port;
  if (!readable || !options_.side->judge_beacon(datagram, beacon, address)) {
    if (!own) ++counters_.refused;
    return;
  }
  if (beacon.leaving) return forget(beacon.node);
  keep(beacon, address);
}

void Discovery::keep(const Beacon& beacon, const Address& from) {
  uint64_t now_ns = options_.clock->up_ns();
  Candidate* row = nullptr;
  for (Candidate& candidate : candidates_) {
    if (candidate.used && candidate.node == beacon.node) {
      row = &candidate;
      break;
    }
    if (!candidate.used && row == nullptr) row = &candidate;
  }
  if (row == nullptr) {
    ++counters_.flooded;
    return;
  }
  // A device has several addresses and is heard on each: the one in use stays while it is heard.
  bool other_address = row->used && row->boot_id == beacon.boot_id && row->address != from &&
                       now_ns - row->heard_ns < 2 * kIntervalNs;
  if (!other_address) row->address = from;
  if (!other_address || !row->used) row->heard_ns = now_ns;
  bool same_start = row->used && row->boot_id == beacon.boot_id;
  row->key_number = std::max(same_start ? row->key_number : 0, beacon.key_number);
  row->used = true;
  row->node = beacon.node;
  row->boot_id = beacon.boot_id;
  row->inviting = beacon.inviting;
  row->room = beacon.room;
}

const Candidate* Discovery::find(const NodeId& node) const {
  for (const Candidate& candidate : candidates_)
    if (candidate.used && candidate.node == node) return &candidate;
  return nullptr;
}

void Discovery::forget(const NodeId& node) {
  for (Candidate& candidate : candidates_)
    if (candidate.used && candidate.node == node) candidate = {};
}

bool Discovery::may_try(const Address& address, uint64_t now_ns) {
  if (address.port == 0) return false;
  Try* oldest = &tries_[0];
  for (Try& row : tries_) {
    if (row.address == address && row.at_ns != 0) {
      if (now_ns - row.at_ns < kTryNs) return false;
      row.at_ns = now_ns;
      return true;
    }
    if (row.at_ns < oldest->at_ns) oldest = &row;
  }
  // Full of recent tries: somebody invents addresses. Wait, honest ones are tried again later.
  if (oldest->at_ns != 0 && now_ns - oldest->at_ns < kTryNs) return false;
  *oldest = {address, now_ns};
  return true;
}

uint64_t Discovery::jitter(uint64_t interval_ns) {
  std::array<uint8_t, 4> bytes{};
  if (!ok(options_.random->fill(bytes))) return interval_ns;
  // Between 0.8 and 1.2 of it, so that nodes that start together do not stay together.
  uint64_t part = load_le<uint32_t>(bytes.data()) % 401 + 800;
  return interval_ns / 1000 * part;
}

void Discovery::send(uint64_t now_ns) {
  BeaconContent content;
  if (!options_.side->beacon_content(&content)) return;
  Beacon beacon;
  beacon.inviting = content.inviting;
  beacon.room = content.inviting ? content.room : uint16_t{0};
  beacon.leaving = stopping_;
  beacon.listen_port = content.listen_port;
  beacon.node = sent_as_ = content.node;
  beacon.boot_id = content.boot_id;
  beacon.key_number = content.key_number;
  std::memcpy(beacon.membership_digest.data(), content.membership_digest.data(), 16);
  std::memcpy(beacon.heads_digest.data(), content.heads_digest.data(), 16);
  std::array<uint8_t, 8> nonce{};
  if (!ok(options_.random->fill(nonce))) return;
  beacon.nonce = load_le<uint64_t>(nonce.data());
  std::array<uint8_t, kBeaconBytes> datagram;
  encode_beacon(&beacon, content.key, content.recovery_id, datagram);
  for (size_t i = 0; i < group_count_; ++i) {
    if (groups_[i].socket == Net::kNone) continue;
    // A failure is a network that is not there now; the next beacon tries again.
    if (ok(options_.net->send_multicast(groups_[i].socket, groups_[i].address, datagram)))
      ++counters_.sent;
  }
  uint64_t interval = now_ns - start_ns_ < kFastNs ? kFastIntervalNs : kIntervalNs;
  next_send_ns_ = now_ns + jitter(interval);
}

void Discovery::tick(uint64_t now_ns) {
  if (stopping_) return;
  for (Candidate& candidate : candidates_)
    if (candidate.used && now_ns - candidate.heard_ns > kForgetNs) candidate = {};
  if (now_ns >= next_join_ns_) {
    next_join_ns_ = now_ns + kJoinGroupsNs;
    for (size_t i = 0; i < group_count_; ++i) {
      if (groups_[i].socket == Net::kNone) {
        open(groups_[i]);
      } else if (!ok(options_.net->join_groups(groups_[i].socket, groups_[i].address)) &&
                 options_.log != nullptr) {
        options_.log->debug("discovery: no interface takes part in multicast now");
      }
    }
  }
  if (now_ns >= next_send_ns_) send(now_ns);
}

void Discovery::stop() {
  if (stopping_) return;
  stopping_ = true;
  send(options_.clock->up_ns());  // "leaving": the others need not wait for silence
  for (size_t i = 0; i < group_count_; ++i) {
    Group& group = groups_[i];
    if (group.socket == Net::kNone) continue;
    if (group.waiting) {
      options_.net->cancel_wait(group.socket, Net::kReadable);
    } else {
      options_.net->close(group.socket);
      group.socket = Net::kNone;
    }
  }
}

bool Discovery::stopped() const {
  for (size_t i = 0; i < group_count_; ++i)
    if (groups_[i].socket != Net::kNone) return false;
  return true;
}

}  // namespace drey
