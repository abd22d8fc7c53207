// Whom to call, and what is remembered of where they live.
#include <algorithm>

#include "base/text.h"
#include "mesh/mesh.h"

namespace drey {
namespace {

// State log: "peer/" ‖ the first 24 bytes of the id in hex -> address, capacity, up-time unseen,
// habit, 1 while two devices have its identity.
constexpr std::string_view kPrefix = "peer/";
constexpr size_t kIdBytes = 24;
constexpr size_t kValueBytes = 16 + 2 + 4 + 4 + 8 + 8 + 8 + 1;
// How much unseen up-time a crash may forget: writes cost the card, precision buys nothing.
constexpr uint64_t kUnseenStepNs = 6ull * 3600 * 1'000'000'000;

size_t peer_key(const NodeId& id, std::span<char> to) {
  TextWriter out(to);
  out.text(kPrefix).hex(id.bytes().first(kIdBytes));
  return out.ok() ? out.size() : 0;
}

}  // namespace

void Mesh::dial(uint64_t now_ns) {
  if (!is_member()) return;
  for (Peer& peer : peers_.all())
    if (peer.session == nullptr) dial_member(peer, now_ns);
  dial_fixed(now_ns);
}

// Both sides may call at once; sessions settle which call stays.
void Mesh::dial_member(Peer& peer, uint64_t now_ns) {
  if (sessions_.find(peer.id) != nullptr) return;
  const Candidate* heard = discovery_.find(peer.id);
  std::array<Address, 2> places = {heard != nullptr ? heard->address : peer.address, peer.address};
  for (const Address& place : places) {
    if (!discovery_.may_try(place, now_ns)) continue;
    // Busy: the next try comes.
    bool was_heard = heard != nullptr && place == heard->address;
    uint32_t number = was_heard ? heard->key_number : key_to_call(&peer.dial_turn);
    (void)sessions_.connect_member(place, peer.id, number);
    return;
  }
}

void Mesh::dial_fixed(uint64_t now_ns) {
  for (size_t i = 0; i < fixed_count_; ++i) {
    FixedAddress& fixed = fixed_[i];
    if (fixed.id == self_) continue;
    const Peer* peer = peers_.find(fixed.id);
    if (peer != nullptr && peer->session != nullptr) continue;
    // Another device may live there by now: whoever answers is welcome.
    if (discovery_.may_try(fixed.address, now_ns))
      (void)sessions_.connect_member(fixed.address, NodeId{}, key_to_call(&fixed.dial_turn));
  }
}

void Mesh::note_fixed(const Address& address, const NodeId& id) {
  for (size_t i = 0; i < fixed_count_; ++i)
    if (fixed_[i].address == address) fixed_[i].id = id;
}

void Mesh::add_peer_address(const Address& address) {
  if (fixed_count_ == fixed_.size()) return;
  fixed_addresses_[fixed_count_] = address;
  fixed_[fixed_count_++] = {address, NodeId{}, 0};
}

void Mesh::load_peers() {
  if (options_.state == nullptr) return;
  for (Peer& peer : peers_.all()) {
    std::array<char, 56> key;
    std::array<uint8_t, 64> value;
    size_t size = 0;
    size_t key_size = peer_key(peer.id, key);
    if (!ok(options_.state->get({key.data(), key_size}, value, &size))) continue;
    if (size != kValueBytes && size != kValueBytes - 1)
      continue;  // written before there was a flag
    ByteReader in(Bytes(value).first(size));
    in.copy(peer.address.ip);
    peer.address.port = in.u16();
    peer.address.scope = in.u32();
    peer.capacity_bytes = uint64_t{in.u32()} << 30;
    peer.unseen_before_ns = in.u64();
    peer.longest_away_ns = in.u64();
    peer.watched_ns = in.u64();
    peer.saved_unseen_ns = peer.unseen_before_ns;
    peer.cloned = size == kValueBytes && in.u8() != 0;
  }
}

void Mesh::save_peers(uint64_t now_ns) {
  if (options_.state == nullptr || saving_ || save_clones()) return;
  for (Peer& peer : peers_.all()) {
    uint64_t unseen = peers_.unseen_ns(peer, now_ns);
    bool moved = unseen / kUnseenStepNs != peer.saved_unseen_ns / kUnseenStepNs;
    if (!peer.address_unsaved && !moved) continue;
    peer.address_unsaved = false;
    peer.saved_unseen_ns = unseen;
    save_.state = options_.state;
    save_.key_size = peer_key(peer.id, save_.key);
    ByteWriter out(save_.value);
    out.bytes(peer.address.ip);
    out.u16(peer.address.port);
    out.u32(peer.address.scope);
    out.u32(static_cast<uint32_t>(peer.capacity_bytes >> 30));
    out.u64(unseen);
    out.u64(peer.longest_away_ns);
    out.u64(peer.watched_ns);
    out.u8(peer.cloned ? 1 : 0);
    save_.size = out.size();
    saving_ = true;
    return options_.lanes->submit(Lane::kStore, &save_);
  }
}

Status Mesh::SavePeerJob::run() {
  return state->put({key.data(), key_size}, Bytes(value).first(size));
}

void Mesh::peers_saved(Status status) {
  saving_ = false;
  if (!ok(status) && options_.log != nullptr)
    options_.log->warning("mesh: a peer's address could not be remembered: %s",
                          status_name(status));
}

}  // namespace drey
