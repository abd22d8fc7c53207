// Two devices with one identity: a copied card, or a stolen one. Each of them would number its
// pins, snapshots and removals without knowing of the other's, so nothing of that identity is
// removed while both are about, nothing new of it is taken, and none of the two signs anything new.
//
// A beacon of our own id from another start may be an old one that somebody says again, so it only
// freezes removals, until the next start, and makes us call whoever sent it. A session is proof:
// only who has the key can open one. Proofs are remembered in the state log ("clone" of ourselves,
// a byte of each peer's row), over restarts, until a person says that one of the two is gone.
// Whoever says so while both are still there finds the alarm back within seconds.
#include "mesh/mesh.h"

namespace drey {
namespace {

constexpr std::string_view kKey = "clone";
constexpr uint64_t kCallNs = 10ull * 1'000'000'000;

}  // namespace

void Mesh::load_clones() {
  if (options_.state == nullptr || !is_node_) return;
  uint8_t value = 0;
  size_t size = 0;
  cloned_ = ok(options_.state->get(kKey, {&value, 1}, &size)) && size == 1 && value != 0;
}

// True: there was something to write, and it is on its way.
bool Mesh::save_clones() {
  if (!clone_unsaved_) return false;
  clone_unsaved_ = false;
  save_.state = options_.state;
  save_.key_size = kKey.size();
  std::copy(kKey.begin(), kKey.end(), save_.key.begin());
  save_.value[0] = cloned_ ? 1 : 0;
  save_.size = 1;
  saving_ = true;
  options_.lanes->submit(Lane::kStore, &save_);
  return true;
}

// Our own id from another start of it. Twice, with different nonces: one could be an echo.
void Mesh::heard_self(const Beacon& beacon, const Address& from) {
  if (beacon.boot_id == boot_id_ || cloned_ || beacon.leaving) return;
  bool again = clone_boot_ == beacon.boot_id && clone_nonce_ != beacon.nonce;
  clone_boot_ = beacon.boot_id;
  clone_nonce_ = beacon.nonce;
  if (!again) return;
  if (!clone_heard_ && options_.log != nullptr)
    options_.log->warning("mesh: beacons of another device with this node's identity are heard");
  data_stale_ = data_stale_ || !clone_heard_;
  clone_heard_ = true;
  uint64_t now_ns = options_.clock->up_ns();
  if (clone_call_ns_ != 0 && now_ns - clone_call_ns_ < kCallNs) return;
  clone_call_ns_ = now_ns;
  (void)sessions_.connect_member(from, self_, beacon.key_number);  // busy: at a later beacon
}

// The other side has our key. With our boot id it is this very process, met at an address of its
// own; else the proof.
void Mesh::met_self(Session& session, const HelloMessage& hello) {
  bool other = hello.boot_id != boot_id_;
  session.close(Status::kExists);
  if (!other || cloned_) return;
  cloned_ = clone_unsaved_ = data_stale_ = true;
  if (options_.log != nullptr)
    options_.log->error(
        "mesh: another device runs with this node's identity; turn one of them off for good "
        "(drey doctor says how to go on)");
}

void Mesh::on_clone(Session& one, Session&) {
  Peer* peer = peers_.find(one.peer());
  if (peer == nullptr) return;
  data_stale_ = true;
  if (peer->cloned) return;
  peer->cloned = peer->address_unsaved = true;
  if (options_.log != nullptr)
    options_.log->error(
        "mesh: two devices run with the identity of one node; turn one of them off for good "
        "(drey doctor says how to go on)");
}

Status Mesh::end_clone_alarm(const NodeId& id) {
  Peer* peer = peers_.find(id);
  bool own = id == self_ && cloned();
  if (!own && (peer == nullptr || !peer->cloned)) return Status::kNotFound;
  data_stale_ = true;
  if (own) {
    cloned_ = clone_heard_ = false;
    clone_boot_ = 0;
    clone_unsaved_ = true;
  } else {
    peer->cloned = false;
    peer->address_unsaved = true;
  }
  return Status::kOk;
}

}  // namespace drey
