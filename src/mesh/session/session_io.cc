// An open session: frames in, frames out, PING and PONG, silence and stalls.
#include <algorithm>

#include "drey/check.h"
#include "mesh/session/session.h"
#include "mesh/session/sessions.h"

namespace drey {

void Session::open_io() {
  in_.reset(kind_);
  out_.reset();
  heard_ns_ = wrote_ns_ = pinged_ns_ = now();
  deadline_ns_ = heard_ns_ + Sessions::kGreetingNs;
  move(State::kOpen);
  ++pool_->counters_.opened;
  // TLS may hold bytes already that no readiness will announce: read before waiting.
  reader_.complete(Status::kOk);
  pool_->options_.handler->on_open(*this);
}

// ---- in ----

void Session::read_step(Status status) {
  reader_.waiting = false;
  if (state_ != State::kOpen) return finish_if_quiet();
  size_t budget = Sessions::kTurnBytes;
  while (ok(status) && budget > 0 && state_ == State::kOpen) status = read_some(&budget);
  if (state_ != State::kOpen) return;
  if (ok(status)) {
    reader_.complete(Status::kOk);  // the others' turn
    return;
  }
  if (status == Status::kAgain)
    status = pool_->options_.net->wait(socket_, Net::kReadable, &reader_);
  reader_.waiting = ok(status);
  if (!ok(status)) close(status);
}

Status Session::read_some(size_t* budget) {
  MutBytes want = in_.want();
  Result<size_t> got = channel_->read(want.first(std::min(want.size(), *budget)));
  if (!got.ok()) return got.status();
  *budget -= got.value();
  pool_->counters_.received_bytes += got.value();
  heard_ns_ = now();
  Result<FrameParser::Event> event = in_.advance(got.value());
  if (!event.ok()) return event.status();
  return frame_event(event.value());
}

Status Session::frame_event(FrameParser::Event event) {
  switch (event) {
    case FrameParser::Event::kMore:
      return Status::kOk;
    case FrameParser::Event::kControl:
      return control_frame(in_.header().type, in_.head());
    case FrameParser::Event::kBulkHead:
      return bulk_begin();
    case FrameParser::Event::kBulk:
      if (!in_.bulk_dropped()) {
        pool_->options_.handler->on_bulk_end(*this, in_.header().type, in_.head(), in_.bulk(),
                                             Status::kOk);
      }
      return Status::kOk;
  }
  return Status::kInvalid;
}

Status Session::control_frame(MessageType type, Bytes body) {
  if (type != MessageType::kPing && type != MessageType::kPong) {
    pool_->options_.handler->on_message(*this, type, body);
    return Status::kOk;
  }
  PingMessage ping;
  DREY_TRY(PingMessage::decode(body, &ping));
  if (type == MessageType::kPing) {
    // A full ring is a sign of life as well: then the answer may be missing.
    Status sent = send(MessageType::kPong, body);
    return sent == Status::kBusy || sent == Status::kClosed ? Status::kOk : sent;
  }
  if (probing_ && ping.nonce == probe_nonce_) pool_->probe_answered(*this);
  return Status::kOk;
}

Status Session::bulk_begin() {
  drop_bulk_ = false;
  MutBytes room =
      pool_->options_.handler->on_bulk_begin(*this, in_.header().type, in_.head(), in_.bulk_size());
  if (room.empty() && !drop_bulk_) return Status::kInvalid;
  in_.place_bulk(drop_bulk_ ? MutBytes{} : room);
  return Status::kOk;
}

// ---- out ----

void Session::kick_writer() {
  if (!writer_.waiting && !writer_.is_queued()) writer_.complete(Status::kOk);
}

void Session::write_step(Status status) {
  writer_.waiting = false;
  if (state_ != State::kOpen) return finish_if_quiet();
  size_t budget = Sessions::kTurnBytes;
  while (ok(status) && budget > 0 && !out_.empty()) {
    Bytes front = out_.front();
    // The length is not cut to the budget: after kAgain TLS must get no fewer bytes than before.
    Result<size_t> sent = channel_->write(front);
    status = sent.status();
    if (!sent.ok()) break;
    wrote_ns_ = now();
    pool_->counters_.sent_bytes += sent.value();
    budget -= std::min(budget, sent.value());
    out_.pop(sent.value());
  }
  if (status == Status::kAgain) {
    status = pool_->options_.net->wait(socket_, Net::kWritable, &writer_);
    writer_.waiting = ok(status);
  } else if (ok(status) && !out_.empty()) {
    writer_.complete(Status::kOk);
  } else if (ok(status) && linger_ && !shut_) {
    shut_ = true;
    pool_->options_.net->shutdown_write(socket_);
  }
  if (!ok(status)) close(status);
}

// ---- time ----

void Session::tick(uint64_t now_ns) {
  if (state_ == State::kFree || state_ == State::kClosing) return;
  if (state_ == State::kOpen) return tick_open(now_ns);
  bool crowded =
      state_ == State::kKnockReading && pool_->pending(false, nullptr) >= Sessions::kPendingMax;
  uint64_t spared = crowded ? Sessions::kKnockNs - Sessions::kKnockCrowdedNs : 0;
  if (now_ns + spared < deadline_ns_) return;
  ++pool_->counters_.timeouts;
  close(Status::kTimeout);
}

void Session::tick_open(uint64_t now_ns) {
  // The clock may have been read before the last byte came: compare sums, not differences.
  bool unnamed = kind_ == Kind::kMember && !greeted_ && now_ns >= deadline_ns_;
  bool silent = now_ns >= heard_ns_ + Sessions::kSilenceNs;
  bool stalled = !out_.empty() && now_ns >= wrote_ns_ + Sessions::kStallNs;
  bool lingered = linger_ && now_ns >= deadline_ns_;
  if (silent || stalled || lingered || unnamed) {
    if (!lingered) ++pool_->counters_.timeouts;
    return close(Status::kTimeout);
  }
  if (probing_ && now_ns >= probe_deadline_ns_) return pool_->probe_failed(*this);
  // Asked when nothing was heard, and also when nothing was said: who receives a long bulk over a
  // slow line is silent otherwise, and its PONG would wait behind our bulk.
  uint64_t idle_since = std::min(heard_ns_, wrote_ns_);
  if (now_ns >= idle_since + Sessions::kPingNs && now_ns >= pinged_ns_ + Sessions::kPingNs) {
    pinged_ns_ = now_ns;
    Status sent = send(PingMessage{});
    DREY_CHECK(sent != Status::kInvalid && sent != Status::kTooLarge);
  }
}

}  // namespace drey
