#include "mesh/heal/serve_digest.h"

#include <algorithm>

namespace drey {

static_assert(kBucketCount == limits::kPinBuckets);

void DigestServer::start(DataContext* context, UnpinServer* unpins) {
  context_ = context;
  unpins_ = unpins;
  job_.book = &unpins->book();
  job_.store = context->options.store;
  read_.set(context->options.ready, this, &DigestServer::on_read);
}

void DigestServer::on_digest(DataPeer& peer, const DigestMessage& message) {
  Question question;
  question.peer = PeerRef(&peer);
  question.request = message.request;
  question.owner = message.owner;
  ask(question);
}

void DigestServer::on_list(DataPeer& peer, const PinnedListMessage& message) {
  Question question;
  question.peer = PeerRef(&peer);
  question.lists = true;
  question.request = message.request;
  question.owner = message.owner;
  question.bucket = message.bucket;
  question.after = message.after;
  ask(question);
}

void DigestServer::ask(const Question& question) {
  if (queued_ == kQueueMax) return;  // the asker's deadline covers it
  queue_[(at_ + queued_++) % kQueueMax] = question;
  pump();
}

void DigestServer::pump() {
  while (state_ == State::kIdle && queued_ > 0) {
    // What an UNPIN is about to take must not be told as kept.
    if (unpins_->is_taking(queue_[at_].owner)) return;
    job_.question = queue_[at_];
    at_ = (at_ + 1) % kQueueMax;
    --queued_;
    if (job_.question.peer.get() == nullptr) continue;
    state_ = State::kReading;
    context_->submit(Lane::kStore, &job_, &read_);
  }
}

Status DigestServer::ReadJob::run() {
  DREY_TRY(book->refresh());
  if (!question.lists) return store->pin_digests(question.owner, digests);
  count = 0;
  return store->scan_pinned(question.owner, question.bucket, question.after, chunks, &count);
}

void DigestServer::on_read(Status status) {
  state_ = ok(status) ? State::kSending : State::kIdle;
  since_ns_ = context_->now();
  if (ok(status)) return send();
  pump();
}

void DigestServer::send() {
  DataPeer* peer = job_.question.peer.get();
  Status status = Status::kClosed;
  if (peer != nullptr) status = job_.question.lists ? send_list(*peer) : send_digests(*peer);
  // These answers are large: they may have to wait for room.
  if (status == Status::kBusy && context_->now() - since_ns_ < kSendNs) return;
  state_ = State::kIdle;
  pump();
}

Status DigestServer::send_digests(DataPeer& peer) {
  DigestsMessage message;
  message.request = job_.question.request;
  for (size_t i = 0; i < kBucketCount; ++i) {
    const BucketDigest& from = job_.digests[i];
    message.buckets[i] = {from.count, from.sum_hi, from.sum_lo};
  }
  return peer.send(message);
}

Status DigestServer::send_list(DataPeer& peer) {
  size_t count = std::min(job_.count, limits::kPinnedChunksMax);
  PinnedChunksMessage message;
  message.request = job_.question.request;
  message.bucket = job_.question.bucket;
  message.more = job_.count > count;
  message.chunks = std::span<const ChunkId>(job_.chunks).first(count);
  return peer.send(message);
}

void DigestServer::tick(uint64_t) {
  if (state_ == State::kSending) send();
  pump();
}

}  // namespace drey
