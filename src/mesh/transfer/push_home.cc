#include "mesh/transfer/push_home.h"

#include <algorithm>

#include "mesh/transfer/push.h"

namespace drey {
namespace {

constexpr uint64_t kFullNs = 60 * kDataSecondNs;  // how long a full peer is not asked again
constexpr uint64_t kPauseNs = kDataSecondNs / 5;  // doubles with each busy answer

using State = PushHome::State;
// Allowed moves: row = from, bit = to.
constexpr uint8_t bit_of(State state) {
  return static_cast<uint8_t>(1u << static_cast<int>(state));
}
constexpr uint8_t kMoves[] = {
    bit_of(State::kPinning),                                                   // kFree
    bit_of(State::kFree) | bit_of(State::kPausing) | bit_of(State::kSending),  // kPinning
    bit_of(State::kFree) | bit_of(State::kPinning),                            // kPausing
    bit_of(State::kFree) | bit_of(State::kStoring),                            // kSending
    bit_of(State::kFree) | bit_of(State::kPausing),                            // kStoring
};
static_assert(sizeof(kMoves) == static_cast<size_t>(State::kCount));

}  // namespace

void PushHome::move(State to) {
  DREY_CHECK((kMoves[static_cast<size_t>(state_)] & bit_of(to)) != 0);
  state_ = to;
  since_ns_ = context_->now();
}

void PushHome::start(DataPeer& peer, uint64_t bit) {
  peer_ = PeerRef(&peer);
  bit_ = bit;
  busy_count_ = 0;
  started_ns_ = context_->now();
  move(State::kPinning);
  pin();
}

void PushHome::pin() {
  const PushRequest& record = op_->request();
  PinMessage message;
  request_ = message.request = context_->peers.new_request();
  message.c = record.c;
  message.type = record.type;
  message.size = static_cast<uint32_t>(record.record.size());
  message.owner = context_->options.self;
  message.number = number_ = std::max(record.number, context_->number_floor);
  DataPeer* peer = peer_.get();
  Status status = peer == nullptr ? Status::kClosed : peer->send(message);
  if (status == Status::kBusy) return pause();
  if (!ok(status)) end(false);
}

void PushHome::pause() {
  if (++busy_count_ > kBusyMax) return end(false);
  move(State::kPausing);
}

bool PushHome::on_pinned(DataPeer& peer, const PinnedMessage& message) {
  if (state_ != State::kPinning || !peer_.is(peer) || request_ != message.request) return false;
  switch (message.answer) {
    case Answer::kDurable:
      end(true);
      break;
    case Answer::kWant:
      put();
      break;
    case Answer::kBusy:
      pause();
      break;
    case Answer::kFull:
      peer.full_until_ns = context_->now() + kFullNs;
      end(false);
      break;
    default:
      end(false);
      break;
  }
  return true;
}

void PushHome::put() {
  const PushRequest& record = op_->request();
  PutHead head;
  head.request = request_;
  head.c = record.c;
  head.type = record.type;
  head.owner = context_->options.self;
  head.number = number_;
  send_.set(head, record.record);
  answered_ = false;
  move(State::kSending);
  peer_.get()->send_bulk(&send_);
}

void PushHome::on_bulk_sent(BulkSend&, Status status) {
  if (state_ != State::kSending) return;
  if (!ok(status)) return end(false);
  move(State::kStoring);
  if (answered_) take_answer();
}

bool PushHome::on_stored(DataPeer& peer, const StoredMessage& message) {
  bool waits = state_ == State::kSending || state_ == State::kStoring;
  if (!waits || !peer_.is(peer) || request_ != message.request) return false;
  answer_ = message.answer;
  answered_ = true;
  // The answer may overtake our own notice that the last byte went out.
  if (state_ == State::kStoring) take_answer();
  return true;
}

void PushHome::take_answer() {
  answered_ = false;
  if (answer_ == Answer::kBusy) return pause();
  DataPeer* peer = peer_.get();
  if (answer_ == Answer::kFull && peer != nullptr) peer->full_until_ns = context_->now() + kFullNs;
  end(answer_ == Answer::kDurable);
}

void PushHome::end(bool durable) {
  uint64_t bit = bit_;
  move(State::kFree);
  op_->home_ended(bit, durable);
}

void PushHome::on_closed(const DataPeer& peer) {
  // While the record is on its way the link tells us when it is ours again.
  if (is_live() && peer_.is(peer) && send_.state == BulkSend::State::kIdle) end(false);
}

bool PushHome::abandon() {
  if (!is_live() || holds_record()) return false;
  if (send_.state == BulkSend::State::kQueued) {
    DataPeer* peer = peer_.get();
    DREY_CHECK(peer != nullptr && peer->withdraw(&send_));
  }
  end(false);
  return true;
}

void PushHome::tick(uint64_t now_ns) {
  if (!is_live()) return;
  DataPeer* peer = peer_.get();
  uint64_t moved_ns = std::max(since_ns_, peer != nullptr ? peer->moved_ns : 0);
  switch (state_) {
    case State::kPausing:
      if (now_ns - since_ns_ < (kPauseNs << (busy_count_ - 1))) return;
      move(State::kPinning);
      pin();
      return;
    case State::kPinning:
      // Behind a long PUT on a slow link the answer is late, not absent.
      if (now_ns - moved_ns < kPinNs && now_ns - since_ns_ < kStoreNs) return;
      break;
    case State::kSending:
      // Only what goes out counts here: a peer may talk and yet read nothing.
      moved_ns = std::max(since_ns_, peer != nullptr ? peer->sent_ns : 0);
      if (now_ns - moved_ns < kSendNs) return;
      break;
    default:
      if (now_ns - moved_ns < kStoreNs && now_ns - since_ns_ < kAnswerNs) return;
      break;
  }
  // Too late: it counts as away. A record half handed over comes back only with its link.
  if (!abandon() && peer != nullptr) peer->link->close(Status::kTimeout);
}

}  // namespace drey
