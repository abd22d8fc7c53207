#include "mesh/data/data_peers.h"

namespace drey {

void DataPeer::send_bulk(BulkSend* send) {
  DREY_CHECK(is_open());
  DREY_CHECK(send->state == BulkSend::State::kIdle);
  send->state = BulkSend::State::kQueued;
  send->next = nullptr;
  (tail_ != nullptr ? tail_->next : head_) = send;
  tail_ = send;
  pump();
}

bool DataPeer::withdraw(BulkSend* send) {
  if (send->state != BulkSend::State::kQueued) return false;
  BulkSend* before = nullptr;
  for (BulkSend* at = head_; at != send; at = at->next) before = at;
  (before != nullptr ? before->next : head_) = send->next;
  if (tail_ == send) tail_ = before;
  send->state = BulkSend::State::kIdle;
  return true;
}

void DataPeer::pump() {
  while (is_open() && sending_ == nullptr && head_ != nullptr) {
    BulkSend* send = head_;
    Bytes head = Bytes(send->head).first(send->head_size);
    Status status = link->send_bulk(send->type, head, send->bulk, &sent_);
    if (status == Status::kBusy) return;  // tried again from the tick
    head_ = send->next;
    if (head_ == nullptr) tail_ = nullptr;
    if (ok(status)) {
      send->state = BulkSend::State::kSending;
      sending_ = send;
      return;
    }
    send->state = BulkSend::State::kIdle;
    send->owner->on_bulk_sent(*send, status);
  }
}

void DataPeer::on_sent(Status status) {
  BulkSend* send = sending_;
  DREY_CHECK(send != nullptr);
  sending_ = nullptr;
  send->state = BulkSend::State::kIdle;
  if (ok(status)) moved_ns = sent_ns = clock_->up_ns();
  send->owner->on_bulk_sent(*send, status);
  pump();
}

void DataPeer::abandon() {
  while (head_ != nullptr) {
    BulkSend* send = head_;
    head_ = send->next;
    if (head_ == nullptr) tail_ = nullptr;
    send->state = BulkSend::State::kIdle;
    send->owner->on_bulk_sent(*send, Status::kClosed);
  }
}

void DataPeers::start(const DataOptions& options) {
  for (DataPeer& slot : slots_) {
    slot.clock_ = options.clock;
    slot.sent_.set(options.ready, &slot, &DataPeer::on_sent);
  }
}

DataPeer* DataPeers::open(const void* key, const NodeId& id, bool member) {
  for (DataPeer& slot : slots_) {
    if (slot.is_open() || slot.sending_ != nullptr) continue;
    slot.key = key;
    slot.id = id;
    slot.member = member;
    slot.serial = ++serial_;
    slot.moved_ns = slot.clock_->up_ns();
    slot.sent_ns = 0;
    slot.put_ns = 0;
    slot.bytes_owed = 0;
    slot.slow_waits = 0;
    slot.slow_until_ns = 0;
    slot.full_until_ns = 0;
    slot.reconciled = false;
    slot.reconcile_due_ns = 0;
    slot.inbound = DataPeer::Inbound::kNone;
    slot.inbound_owner = nullptr;
    return &slot;
  }
  return nullptr;
}

void DataPeers::tick() {
  for (DataPeer& slot : slots_) slot.pump();
}

void DataPeers::close(DataPeer* peer) {
  peer->link = nullptr;
  peer->key = nullptr;
  peer->abandon();
}

DataPeer* DataPeers::find_key(const void* key) {
  for (DataPeer& slot : slots_)
    if (slot.is_open() && slot.key == key) return &slot;
  return nullptr;
}

DataPeer* DataPeers::find_member(const NodeId& id) {
  DataPeer* newest = nullptr;
  for (DataPeer& slot : slots_) {
    if (!slot.is_open() || !slot.member || slot.id != id) continue;
    if (newest == nullptr || newest->serial < slot.serial) newest = &slot;
  }
  return newest;
}

size_t DataPeers::open_members() const {
  size_t count = 0;
  for (const DataPeer& slot : slots_) count += slot.is_open() && slot.member ? 1 : 0;
  return count;
}

}  // namespace drey
