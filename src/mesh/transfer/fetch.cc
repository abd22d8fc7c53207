#include "mesh/transfer/fetch.h"

#include <algorithm>

#include "crypto/hash.h"

namespace drey {
namespace {

using State = FetchOp::State;
constexpr uint8_t bit_of(State state) {
  return static_cast<uint8_t>(1u << static_cast<unsigned>(state));
}
constexpr uint8_t kGoOn = bit_of(State::kIdle) | bit_of(State::kAsking) | bit_of(State::kPausing) |
                          bit_of(State::kCorrecting);
// Allowed moves: row = from, bit = to.
constexpr uint8_t kMoves[] = {
    bit_of(State::kReading),            // kIdle
    kGoOn,                              // kReading
    kGoOn | bit_of(State::kReceiving),  // kAsking
    kGoOn | bit_of(State::kHashing),    // kReceiving
    kGoOn,                              // kHashing
    kGoOn,                              // kPausing
    bit_of(State::kIdle),               // kCorrecting
};
static_assert(sizeof(kMoves) == static_cast<size_t>(State::kCount));

}  // namespace

void FetchOp::start(FetchService* service, DataContext* context) {
  service_ = service;
  context_ = context;
  read_.set(context->options.ready, this, &FetchOp::on_read);
  hashed_.set(context->options.ready, this, &FetchOp::on_hashed);
  corrected_.set(context->options.ready, this, &FetchOp::on_corrected);
}

void FetchOp::move(State to) {
  DREY_CHECK((kMoves[static_cast<size_t>(state_)] & bit_of(to)) != 0);
  state_ = to;
  since_ns_ = context_->now();
}

const char* FetchOp::state_name() const {
  static constexpr const char* kNames[] = {"idle",    "reading", "asking",    "receiving",
                                           "hashing", "pausing", "correcting"};
  return kNames[static_cast<size_t>(state_)];
}

void FetchOp::begin(FetchRequest* request) {
  request_ = request;
  request_->size = 0;
  request_->denied = false;
  tried_count_ = 0;
  round_ = 0;
  any_busy_ = false;
  clear_ = 0;
  move(State::kReading);
  read_job_.store = context_->options.store;
  read_job_.c = request->c;
  read_job_.room = request->room;
  read_job_.row_only = !request->only.is_zero();
  read_job_.known = {};
  context_->submit(Lane::kStore, &read_job_, &read_);
}

Status FetchOp::ReadJob::run() {
  // Without a row nobody is known to hold it; it is looked for all the same.
  Status status = store->find(c, &known);
  if (!ok(status)) return status;
  return known.held && !row_only ? store->read_record(c, room, &size) : Status::kNotFound;
}

void FetchOp::on_read(Status status) {
  request_->size = read_job_.size;
  if (ok(status)) return finish(Status::kOk);
  if (status == Status::kTooLarge) return finish(status);
  ask_next();
}

// The least burdened of the known holders; without one the homes in their order; then anybody.
DataPeer* FetchOp::choose() {
  DataPeer* best = nullptr;
  size_t best_rank = 0;
  std::array<uint8_t, limits::kMembersMax> order;
  size_t count = context_->members.homes_of(request_->c, order);
  for (DataPeer& peer : context_->peers.all()) {
    if (!peer.is_open() || (!request_->only.is_zero() && peer.id != request_->only)) continue;
    bool tried = false;
    for (size_t i = 0; i < tried_count_; ++i) tried = tried || tried_[i].is(peer);
    if (tried) continue;
    size_t member = context_->members.find(peer.id);
    size_t rank = 2 * limits::kMembersMax;  // a stranger (recovery)
    if (member != DataMembers::kNone) {
      bool holds = (read_job_.known.holders & context_->members.bit(member)) != 0;
      size_t place = 0;
      while (place < count && order[place] != member) ++place;
      rank = holds ? 0 : 1 + place;
    }
    bool better = best == nullptr || rank < best_rank ||
                  (rank == best_rank && peer.bytes_owed < best->bytes_owed);
    if (!better) continue;
    best = &peer;
    best_rank = rank;
  }
  return best;
}

void FetchOp::ask_next() {
  while (true) {
    DataPeer* peer = tried_count_ < tried_.size() ? choose() : nullptr;
    if (peer == nullptr) break;
    tried_[tried_count_++] = PeerRef(peer);
    GetMessage message;
    asked_ = message.request = context_->peers.new_request();
    message.c = request_->c;
    Status status = peer->send(message);
    any_busy_ = any_busy_ || status == Status::kBusy;
    if (!ok(status)) continue;
    peer_ = PeerRef(peer);
    owed_ = read_job_.known.size != 0 ? read_job_.known.size : limits::kChunkBytesAverage;
    peer->bytes_owed += owed_;
    return move(State::kAsking);
  }
  if (any_busy_ && ++round_ < kRoundsMax) {
    any_busy_ = false;
    tried_count_ = 0;
    return move(State::kPausing);
  }
  // Whoever was asked is not asked again; who connects meanwhile is.
  if (!any_busy_ && service_->is_settling()) return move(State::kPausing);
  finish(any_busy_ ? Status::kBusy : Status::kNotFound);
}

void FetchOp::release_peer() {
  DataPeer* peer = peer_.get();
  if (peer != nullptr) peer->bytes_owed -= std::min(peer->bytes_owed, owed_);
}

void FetchOp::failed(bool has_it_not) {
  release_peer();
  size_t member =
      peer_.peer == nullptr ? DataMembers::kNone : context_->members.find(peer_.peer->id);
  if (has_it_not && member != DataMembers::kNone)
    clear_ |= context_->members.bit(member) & read_job_.known.holders;
  request_->denied = request_->denied || has_it_not;
  ask_next();
}

bool FetchOp::on_missing(DataPeer& peer, const MissingMessage& message) {
  if (state_ != State::kAsking || !peer_.is(peer) || message.request != asked_) return false;
  any_busy_ = any_busy_ || message.answer == Answer::kBusy;
  failed(message.answer == Answer::kNotFound || message.answer == Answer::kCorrupt);
  return true;
}

bool FetchOp::waits_for(const DataPeer& peer, const DataHead& head) const {
  return state_ == State::kAsking && peer_.is(peer) && head.request == asked_;
}

MutBytes FetchOp::on_data(size_t size) {
  move(State::kReceiving);
  return request_->room.first(size);
}

void FetchOp::on_data_end(size_t size, Status status) {
  if (!ok(status)) return failed(false);
  request_->size = size;
  hash_job_.c = request_->c;
  hash_job_.record = Bytes(request_->room).first(size);
  move(State::kHashing);
  context_->submit(Lane::kWork, &hash_job_, &hashed_);
}

Status FetchOp::HashJob::run() {
  return equal(sha256(record), c.bytes()) ? Status::kOk : Status::kCorrupt;
}

void FetchOp::on_hashed(Status status) {
  if (!ok(status)) return failed(true);
  release_peer();
  finish(Status::kOk);
}

Status FetchOp::CorrectJob::run() { return store->update_holders({&c, 1}, 0, clear); }

void FetchOp::on_corrected(Status) {
  // A mask that could not be corrected is corrected by the next digest.
  context_->changed.wake();
  clear_ = 0;
  finish(outcome_);
}

void FetchOp::finish(Status status) {
  if (clear_ != 0) {
    outcome_ = status;
    correct_job_.store = context_->options.store;
    correct_job_.c = request_->c;
    correct_job_.clear = clear_;
    move(State::kCorrecting);
    return context_->submit(Lane::kStore, &correct_job_, &corrected_);
  }
  TransferCounts& counts = context_->counts;
  bool from_peer = tried_count_ > 0;
  ++(!ok(status) ? counts.nowhere : from_peer ? counts.peer : counts.own_log);
  if (ok(status) && from_peer) counts.peer_bytes += request_->size;
  move(State::kIdle);
  FetchRequest* request = request_;
  request_ = nullptr;
  service_->ended(this);
  request->op->complete(status);
}

void FetchOp::on_closed(const DataPeer& peer) {
  if (!peer_.is(peer)) return;
  // The session has told on_data_end before; a link that has not is gone now, and writes no more.
  if (state_ == State::kAsking || state_ == State::kReceiving) failed(false);
}

void FetchOp::tick(uint64_t now_ns) {
  if (state_ == State::kPausing && now_ns - since_ns_ >= kPauseNs) return ask_next();
  if (state_ != State::kAsking && state_ != State::kReceiving) return;
  DataPeer* peer = peer_.get();
  if (peer == nullptr) return;
  uint64_t patience_ns = state_ == State::kAsking ? kProgressNs : kArrivalNs;
  if (now_ns - std::max(since_ns_, peer->moved_ns) < patience_ns) return;
  // An answer that comes after all is dropped (FetchService::on_data_begin) ...
  if (state_ == State::kAsking) return failed(false);
  // ... but one that is arriving has our room: the link must end, on_data_end follows.
  since_ns_ = now_ns;
  peer->link->close(Status::kTimeout);
}

// ---- the service ----

void FetchService::start(DataContext* context) {
  context_ = context;
  started_ns_ = context->now();
  for (size_t i = 0; i < kFetchesMax; ++i) ops_.at(i).start(this, context);
}

bool FetchService::is_settling() const {
  if (context_->now() - started_ns_ >= kSettleNs) return false;
  uint64_t here = 0;
  for (DataPeer& peer : context_->peers.all()) {
    if (!peer.is_open()) continue;
    size_t member = context_->members.find(peer.id);
    if (member != DataMembers::kNone) here |= context_->members.bit(member);
  }
  return (context_->members.counting_mask() & ~here) != 0;
}

void FetchService::fetch(FetchRequest* request) {
  FetchOp* op = ops_.take();
  if (op != nullptr) return op->begin(request);
  request->next = nullptr;
  (tail_ != nullptr ? tail_->next : head_) = request;
  tail_ = request;
}

void FetchService::ended(FetchOp* op) {
  ops_.give(op);
  if (head_ == nullptr) return;
  FetchRequest* request = head_;
  head_ = request->next;
  if (head_ == nullptr) tail_ = nullptr;
  fetch(request);
}

void FetchService::on_missing(DataPeer& peer, const MissingMessage& message) {
  for (size_t i = 0; i < kFetchesMax; ++i)
    if (ops_.used(i) && ops_.at(i).on_missing(peer, message)) return;
}

MutBytes FetchService::on_data_begin(DataPeer& peer, const DataHead& head, size_t size) {
  for (size_t i = 0; i < kFetchesMax; ++i) {
    if (!ops_.used(i) || !ops_.at(i).waits_for(peer, head)) continue;
    FetchOp& op = ops_.at(i);
    if (!op.fits(head, size)) return {};
    peer.inbound = DataPeer::Inbound::kFetch;
    peer.inbound_owner = &op;
    return op.on_data(size);
  }
  peer.link->drop_bulk();  // too late: nobody waits for it any more
  return {};
}

void FetchService::on_data_end(DataPeer& peer, size_t size, Status status) {
  static_cast<FetchOp*>(peer.inbound_owner)->on_data_end(size, status);
}

void FetchService::on_closed(DataPeer& peer) {
  for (size_t i = 0; i < kFetchesMax; ++i)
    if (ops_.used(i)) ops_.at(i).on_closed(peer);
}

void FetchService::tick(uint64_t now_ns) {
  for (size_t i = 0; i < kFetchesMax; ++i)
    if (ops_.used(i)) ops_.at(i).tick(now_ns);
}

}  // namespace drey
