#include "mesh/transfer/serve_pin.h"

namespace drey {

void PinServer::start(DataContext* context, PutServer* puts, Quota* quota) {
  context_ = context;
  puts_ = puts;
  quota_ = quota;
  for (Batch& batch : batches_) {
    batch.server = this;
    batch.store = context->options.store;
    batch.done.set(context->options.ready, &batch, &Batch::on_done);
    batch.committed.set(context->options.ready, &batch, &Batch::on_committed);
  }
}

void PinServer::answer(const Pin& pin, Answer answer) {
  DataPeer* peer = pin.peer.get();
  if (peer == nullptr) return;
  PinnedMessage message;
  message.request = pin.message.request;
  message.answer = answer;
  // An answer that finds no room is not given: the asker's deadline covers it.
  (void)peer->send(message);
}

void PinServer::on_pin(DataPeer& peer, const PinMessage& message) {
  Pin pin;
  pin.peer = PeerRef(&peer);
  pin.message = message;
  if (queued_ == kQueuePins) return answer(pin, Answer::kBusy);
  // Two devices with one identity: nothing new of either, until a person has put it right.
  size_t sender = context_->members.find(peer.id);
  if (sender != DataMembers::kNone && context_->members.at(sender).frozen)
    return answer(pin, Answer::kRefused);
  // A pin is taken from its owner, or from a member that heals for an owner who is one, too.
  bool known = context_->members.find(message.owner) != DataMembers::kNone;
  if (!peer.member || (message.owner != peer.id && !known)) return answer(pin, Answer::kRefused);
  if (message.size == 0 || message.size > limits::kRecordBytesMax)
    return answer(pin, Answer::kRefused);
  pin.charge = quota_->charge_for(peer.id, message.owner, message.size);
  queue_[(at_ + queued_++) % kQueuePins] = pin;
  pump();
}

void PinServer::settle(Pin& pin, bool stored) {
  if (pin.holds) quota_->settle(pin.charge, stored);
  pin.holds = false;
}

void PinServer::pump() {
  for (Batch& batch : batches_) {
    if (queued_ == 0) return;
    if (batch.busy) continue;
    batch.busy = true;
    batch.count = 0;
    batch.ticket = 0;
    while (queued_ > 0 && batch.count < kBatchPins) {
      Pin& pin = batch.pins[batch.count++];
      pin = queue_[at_];
      // Charged as if it were new until the job has looked.
      pin.holds = quota_->allows(pin.charge);
      if (pin.holds) quota_->hold(pin.charge);
      at_ = (at_ + 1) % kQueuePins;
      --queued_;
    }
    context_->submit(Lane::kStore, &batch, &batch.done);
  }
}

Status PinServer::Batch::run() {
  StoreStats stats = store->stats();
  for (size_t i = 0; i < count; ++i) look(pins[i], stats);
  // One append for each run of pins with the same owner and number.
  for (size_t begin = 0; begin < count;) {
    size_t end = begin + 1;
    while (end < count && pins[end].message.owner == pins[begin].message.owner &&
           pins[end].message.number == pins[begin].message.number)
      ++end;
    append_run(begin, end);
    begin = end;
  }
  return Status::kOk;
}

void PinServer::Batch::look(Pin& pin, const StoreStats& stats) {
  RecordState state;
  Status status = store->find(pin.message.c, &state);
  bool held = ok(status) && state.held;
  std::array<RecordPin, kNodeSlotsMax> known;
  size_t known_count = 0;
  if (held) status = store->pins_of(pin.message.c, known, &known_count);
  pin.fresh = true;
  for (size_t i = 0; i < known_count; ++i)
    if (known[i].owner == pin.message.owner) pin.fresh = false;
  // kFailed is not among these: the next append opens a new segment, and only its success ends it.
  bool full = stats.state == StoreState::kFull || stats.state == StoreState::kReadOnly ||
              stats.free_bytes < pin.message.size;
  if (held) full = pin.fresh && !pin.holds;  // beyond the quota; else PutServer asks it
  pin.outcome = full ? Outcome::kFull : held ? Outcome::kPinned : Outcome::kAbsent;
  if (!ok(status) && status != Status::kNotFound) pin.outcome = Outcome::kBusy;
}

void PinServer::Batch::append_run(size_t begin, size_t end) {
  std::array<ChunkId, kBatchPins> chunks;
  size_t held = 0;
  for (size_t i = begin; i < end; ++i)
    if (pins[i].outcome == Outcome::kPinned) chunks[held++] = pins[i].message.c;
  if (held == 0) return;
  const PinMessage& first = pins[begin].message;
  Ticket appended = 0;
  Status status = store->append_pins(first.owner, first.number,
                                     std::span<const ChunkId>(chunks).first(held), &appended);
  if (ok(status)) {
    if (appended > ticket) ticket = appended;
    return;
  }
  bool full = status == Status::kFull || status == Status::kReadOnly;
  Outcome outcome = full ? Outcome::kFull : Outcome::kBusy;
  for (size_t i = begin; i < end; ++i)
    if (pins[i].outcome == Outcome::kPinned) pins[i].outcome = outcome;
}

void PinServer::on_done(Batch& batch, Status status) {
  for (size_t i = 0; i < batch.count; ++i) {
    Pin& pin = batch.pins[i];
    bool pinned = ok(status) && pin.outcome == Outcome::kPinned && batch.ticket != 0;
    if (!pinned || !pin.fresh) settle(pin, false);
    if (!ok(status) || pin.outcome == Outcome::kBusy) {
      answer(pin, Answer::kBusy);
    } else if (pin.outcome == Outcome::kFull) {
      answer(pin, Answer::kFull);
    } else if (pin.outcome == Outcome::kAbsent && pin.peer.get() != nullptr) {
      if (!puts_->want(*pin.peer.get(), pin.message)) answer(pin, Answer::kBusy);
    }
  }
  if (ok(status) && batch.ticket != 0) {
    batch.waiter.op = &batch.committed;
    return context_->options.committer->wait(batch.ticket, &batch.waiter);
  }
  batch.busy = false;
  pump();
}

void PinServer::on_committed(Batch& batch, Status status) {
  for (size_t i = 0; i < batch.count; ++i) {
    settle(batch.pins[i], ok(status));
    if (batch.pins[i].outcome == Outcome::kPinned)
      answer(batch.pins[i], ok(status) ? Answer::kDurable : Answer::kBusy);
  }
  batch.busy = false;
  pump();
}

bool PinServer::idle() const {
  for (const Batch& batch : batches_)
    if (batch.busy) return false;
  return queued_ == 0;
}

}  // namespace drey
