#include "mesh/transfer/serve_get.h"

namespace drey {

void GetServer::start(DataContext* context) {
  context_ = context;
  for (Serving& serving : servings_) {
    serving.server = this;
    serving.store = context->options.store;
    serving.send.owner = &serving;
    serving.read.set(context->options.ready, &serving, &Serving::on_read);
  }
}

void GetServer::refuse(const Asked& asked, Answer answer) {
  DataPeer* peer = asked.peer.get();
  if (peer == nullptr) return;
  MissingMessage message;
  message.request = asked.message.request;
  message.answer = answer;
  (void)peer->send(message);  // without room: the asker's deadline covers it
}

void GetServer::on_get(DataPeer& peer, const GetMessage& message) {
  Asked asked{PeerRef(&peer), message};
  if (queued_ == kQueueMax) return refuse(asked, Answer::kBusy);
  queue_[(at_ + queued_++) % kQueueMax] = asked;
  pump();
}

void GetServer::pump() {
  for (Serving& serving : servings_) {
    if (serving.buffer != nullptr) continue;
    while (queued_ > 0 && queue_[at_].peer.get() == nullptr) {  // the asker is gone
      at_ = (at_ + 1) % kQueueMax;
      --queued_;
    }
    if (queued_ == 0) return;
    serving.buffer = context_->serve_pool.take();
    if (serving.buffer == nullptr) return;  // a heal has it: the next tick looks again
    serving.asked = queue_[at_];
    at_ = (at_ + 1) % kQueueMax;
    --queued_;
    context_->submit(Lane::kStore, &serving, &serving.read);
  }
}

Status GetServer::Serving::run() {
  buffer->size = 0;
  return store->read_record(asked.message.c, buffer->room(), &buffer->size);
}

void GetServer::on_read(Serving& serving, Status status) {
  DataPeer* peer = serving.asked.peer.get();
  if (!ok(status)) {
    Answer answer = status == Status::kNotFound  ? Answer::kNotFound
                    : status == Status::kCorrupt ? Answer::kCorrupt
                                                 : Answer::kBusy;
    refuse(serving.asked, answer);
    return end(serving);
  }
  if (peer == nullptr) return end(serving);
  DataHead head;
  head.request = serving.asked.message.request;
  head.c = serving.asked.message.c;
  serving.send.set(head, serving.buffer->bytes());
  ++context_->counts.served;
  context_->counts.served_bytes += serving.buffer->size;
  peer->send_bulk(&serving.send);
}

void GetServer::end(Serving& serving) {
  context_->serve_pool.give(serving.buffer);
  pump();
}

bool GetServer::idle() const {
  for (const Serving& serving : servings_)
    if (serving.buffer != nullptr) return false;
  return true;
}

}  // namespace drey
