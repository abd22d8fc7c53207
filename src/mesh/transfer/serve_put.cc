#include "mesh/transfer/serve_put.h"

#include <algorithm>

#include "crypto/hash.h"

namespace drey {

void PutServer::start(DataContext* context, Quota* quota) {
  context_ = context;
  quota_ = quota;
  for (Slot& slot : slots_) {
    slot.server = this;
    slot.store = context->options.store;
    slot.appended.set(context->options.ready, &slot, &Slot::on_appended);
    slot.committed.set(context->options.ready, &slot, &Slot::on_committed);
  }
}

void PutServer::move(Slot& slot, State to) {
  static constexpr State kNext[] = {State::kReserved, State::kReceiving, State::kAppending,
                                    State::kCommitting, State::kFree};
  static_assert(sizeof(kNext) == static_cast<size_t>(State::kCount));
  DREY_CHECK(to == State::kFree || kNext[static_cast<size_t>(slot.state)] == to);
  slot.state = to;
}

size_t PutServer::slots_of(const DataPeer& peer) const {
  size_t count = 0;
  for (const Slot& slot : slots_) count += slot.state != State::kFree && slot.peer.is(peer) ? 1 : 0;
  return count;
}

// Where several peers are connected one slot is always left for another, so that a peer that
// reserves and then sleeps delays itself alone.
size_t PutServer::slots_allowed() const {
  bool several = context_->peers.open_members() > 1 && limits::kReceiveSlots > 1;
  return several ? limits::kReceiveSlots - 1 : limits::kReceiveSlots;
}

// True when it was answered.
bool PutServer::reserve(DataPeer& peer, const PinMessage& pin) {
  Quota::Charge charge = quota_->charge_for(peer.id, pin.owner, pin.size);
  // Without room for the answer the asker's deadline covers it.
  if (!quota_->allows(charge)) return ok(peer.send(PinnedMessage{pin.request, Answer::kFull}));
  if (slots_of(peer) >= slots_allowed()) return false;
  for (Slot& slot : slots_) {
    if (slot.state != State::kFree) continue;
    if (!ok(peer.send(PinnedMessage{pin.request, Answer::kWant}))) return false;
    move(slot, State::kReserved);
    quota_->hold(charge);
    slot.charge = charge;
    slot.buffer = pool_.take();
    DREY_CHECK(slot.buffer != nullptr);
    slot.peer = PeerRef(&peer);
    slot.pin = pin;
    slot.order = ++order_;
    slot.since_ns = context_->now();
    return true;
  }
  return false;
}

bool PutServer::want(DataPeer& peer, const PinMessage& message) {
  bool waits = false;
  for (size_t i = 0; i < waiting_count_; ++i) waits = waits || waiting_[i].peer.is(peer);
  if (!waits && reserve(peer, message)) return true;
  if (waiting_count_ == kWaitingMax) return false;
  waiting_[waiting_count_++] = {PeerRef(&peer), message, context_->now()};
  return true;
}

void PutServer::drop_waiting(size_t index) {
  std::copy(waiting_.begin() + static_cast<ptrdiff_t>(index) + 1,
            waiting_.begin() + static_cast<ptrdiff_t>(waiting_count_),
            waiting_.begin() + static_cast<ptrdiff_t>(index));
  --waiting_count_;
}

void PutServer::grant() {
  for (size_t i = 0; i < waiting_count_;) {
    DataPeer* peer = waiting_[i].peer.get();
    if (peer == nullptr || reserve(*peer, waiting_[i].pin)) {
      drop_waiting(i);
    } else {
      ++i;
    }
  }
}

MutBytes PutServer::on_begin(DataPeer& peer, const PutHead& head, size_t size) {
  Slot* found = nullptr;
  for (Slot& slot : slots_)
    if (slot.state == State::kReserved && slot.peer.is(peer) && slot.pin.request == head.request)
      found = &slot;
  if (found == nullptr || size != found->pin.size || head.c != found->pin.c ||
      head.type != found->pin.type || head.owner != found->pin.owner ||
      head.number != found->pin.number)
    return {};
  // PUTs come in the order of their wants: earlier ones without a PUT were given up.
  for (Slot& slot : slots_)
    if (slot.state == State::kReserved && slot.peer.is(peer) && slot.order < found->order)
      release(slot);
  move(*found, State::kReceiving);
  found->buffer->size = size;
  peer.put_ns = context_->now();
  peer.inbound = DataPeer::Inbound::kReceive;
  peer.inbound_owner = found;
  return found->buffer->room().first(size);
}

void PutServer::on_end(DataPeer& peer, Status status) {
  Slot& slot = *static_cast<Slot*>(peer.inbound_owner);
  DREY_CHECK(slot.state == State::kReceiving);
  peer.put_ns = context_->now();
  if (!ok(status)) {
    release(slot);
    return grant();
  }
  move(slot, State::kAppending);
  slot.ticket = 0;
  context_->submit(Lane::kStore, &slot, &slot.appended);
  grant();
}

// The hash comes before anything else is believed: corruption cannot spread (DESIGN 5).
Status PutServer::Slot::run() {
  if (!equal(sha256(buffer->bytes()), pin.c.bytes())) return Status::kCorrupt;
  Status status =
      store->append_record(pin.c, pin.type, buffer->bytes(), pin.owner, pin.number, &ticket);
  return status == Status::kExists ? Status::kOk : status;
}

void PutServer::on_appended(Slot& slot, Status status) {
  if (ok(status)) {
    move(slot, State::kCommitting);
    slot.waiter.op = &slot.committed;
    return context_->options.committer->wait(slot.ticket, &slot.waiter);
  }
  switch (status) {
    case Status::kCorrupt:
      answer(slot, Answer::kCorrupt);
      break;
    case Status::kFull:
    case Status::kReadOnly:
      answer(slot, Answer::kFull);
      break;
    case Status::kTooLarge:
      answer(slot, Answer::kRefused);
      break;
    default:
      answer(slot, Answer::kBusy);
      break;
  }
  release(slot);
  grant();
}

void PutServer::on_committed(Slot& slot, Status status) {
  answer(slot, ok(status) ? Answer::kDurable : Answer::kBusy);
  release(slot, ok(status));
  grant();
}

void PutServer::answer(Slot& slot, Answer answer) {
  DataPeer* peer = slot.peer.get();
  if (peer == nullptr) return;
  StoredMessage message;
  message.request = slot.pin.request;
  message.answer = answer;
  (void)peer->send(message);  // without room: the asker's deadline covers it
}

void PutServer::release(Slot& slot, bool stored) {
  move(slot, State::kFree);
  quota_->settle(slot.charge, stored);
  pool_.give(slot.buffer);
  slot.peer = {};
}

void PutServer::on_closed(const DataPeer& peer) {
  for (Slot& slot : slots_) {
    // Receiving: the session has told on_end before; a link that has not writes no more.
    bool ends = slot.state == State::kReserved || slot.state == State::kReceiving;
    if (ends && slot.peer.is(peer)) release(slot);
  }
  grant();
}

void PutServer::tick(uint64_t now_ns) {
  for (Slot& slot : slots_) {
    if (slot.state != State::kReserved) continue;
    DataPeer* peer = slot.peer.get();
    uint64_t moved_ns = std::max(slot.since_ns, peer != nullptr ? peer->put_ns : 0);
    if (peer == nullptr || now_ns - moved_ns >= kReserveNs) release(slot);
  }
  for (size_t i = 0; i < waiting_count_;) {
    DataPeer* peer = waiting_[i].peer.get();
    bool late = now_ns - waiting_[i].since_ns >= kWaitNs;
    if (peer != nullptr && !late) {
      ++i;
      continue;
    }
    PinnedMessage message;
    message.request = waiting_[i].pin.request;
    message.answer = Answer::kBusy;
    if (peer != nullptr) (void)peer->send(message);
    drop_waiting(i);
  }
  grant();
}

bool PutServer::idle() const {
  for (const Slot& slot : slots_)
    if (slot.state == State::kAppending || slot.state == State::kCommitting) return false;
  return true;
}

}  // namespace drey
