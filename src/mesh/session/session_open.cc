// From a connected (or connecting) socket to an open session: knock, salt, handshake, admission.
#include "crypto/hash.h"
#include "drey/check.h"
#include "mesh/session/session.h"
#include "mesh/session/sessions.h"
#include "wire/identity.h"

namespace drey {

void Session::drive(Status status) {
  driver_waits_ = false;
  if (job_out_) {
    job_out_ = false;
    pool_->end_turn();
  }
  if (state_ == State::kClosing) {
    pool_->offer_turn();  // the one that may have been offered to this session
    return finish_if_quiet();
  }
  Status result = status;
  do {
    State before = state_;
    result = advance(result);
    // Whoever refuses a caller says so by closing, and by nothing else.
    if (result == Status::kOk) DREY_CHECK(state_ != before);
  } while (result == Status::kOk && state_ < State::kOpen);
  if (result != Status::kOk && result != Status::kAgain) close(result);
}

// The only switch over the states. `status`: of what the state waited for.
Status Session::advance(Status status) {
  switch (state_) {
    case State::kConnecting:
      DREY_TRY(status);
      DREY_TRY(pool_->options_.net->connect_result(socket_));
      return make_knock();
    case State::kKnockSending:
      DREY_TRY(send_exact());
      return knock_sent();
    case State::kSaltReading:
      DREY_TRY(read_exact());
      return take_salt();
    case State::kKnockReading:
      DREY_TRY(read_exact());
      return judge_knock();
    case State::kSaltSending:
      DREY_TRY(send_exact());
      return begin_handshake();
    case State::kHandshakeQueued:
      return ask_turn();
    case State::kHandshakeRunning:
      return handshake_step_done(status);
    case State::kHandshakeWaiting:
      DREY_TRY(status);
      move(State::kHandshakeQueued);
      return Status::kOk;
    case State::kFree:
    case State::kOpen:
    case State::kClosing:
      break;
  }
  DREY_CHECK(state_ == State::kConnecting);  // nothing completes the driver in the other states
  return Status::kInvalid;
}

Status Session::wait_for(uint8_t events) {
  DREY_TRY(pool_->options_.net->wait(socket_, events, &driver_));
  driver_waits_ = true;
  return Status::kAgain;
}

Status Session::send_exact() {
  while (small_at_ < small_size_) {
    auto sent = pool_->options_.net->try_write(socket_,
                                               Bytes(small_).first(small_size_).subspan(small_at_));
    if (sent.status() == Status::kAgain) return wait_for(Net::kWritable);
    if (!sent.ok()) return sent.status();
    small_at_ += sent.value();
  }
  return Status::kOk;
}

Status Session::read_exact() {
  while (small_at_ < small_size_) {
    auto got = pool_->options_.net->try_read(
        socket_, MutBytes(small_).first(small_size_).subspan(small_at_));
    if (got.status() == Status::kAgain) return wait_for(Net::kReadable);
    if (!got.ok()) return got.status();
    small_at_ += got.value();
  }
  return Status::kOk;
}

// ---- our knock ----

Status Session::make_knock() {
  Knock knock;
  knock.kind = kind_;
  if (kind_ == Kind::kMember) {
    Secret<32> key;
    SessionGate& gate = *pool_->options_.gate;
    bool known = key_number_ == 0 ? gate.newest_discovery_key(&key_number_, &key)
                                  : gate.discovery_key(key_number_, 0, &key);
    if (!known) return Status::kDenied;
    knock.key_number = key_number_;
    DREY_TRY(pool_->options_.random->fill(knock.nonce));
    knock.tag = knock_tag(key, knock, expected_);
  } else if (kind_ == Kind::kPairing) {
    knock.room = room_;
  } else {
    knock.recovery_id = sha256(recovery_.pub);
  }
  encode_knock(knock, &small_);
  small_at_ = 0;
  small_size_ = small_.size();
  move(State::kKnockSending);
  deadline_ns_ = now() + Sessions::kKnockNs;
  return Status::kOk;
}

Status Session::knock_sent() {
  if (kind_ != Kind::kPairing) return begin_handshake();
  small_at_ = 0;
  small_size_ = limits::kKnockAnswerBytes;
  move(State::kSaltReading);
  return Status::kOk;
}

Status Session::take_salt() {
  KnockAnswer answer;
  std::memcpy(answer.data(), small_.data(), answer.size());
  DREY_TRY(decode_knock_answer(answer, &salt_));
  return begin_handshake();
}

// ---- their knock ----

Status Session::judge_knock() {
  Knock knock;
  Status status = decode_knock(small_, &knock);
  if (ok(status)) {
    kind_ = knock.kind;
    switch (knock.kind) {
      case Kind::kMember:
        status = judge_member_knock(knock);
        break;
      case Kind::kPairing:
        status = judge_joiner_knock(knock);
        break;
      case Kind::kRecovery:
        if (!pool_->options_.gate->is_recovery_key(knock.recovery_id)) {
          status = Status::kDenied;
          break;
        }
        expected_ = NodeId::from(knock.recovery_id);
        status = begin_handshake();
        break;
    }
  }
  if (!ok(status)) ++pool_->counters_.refused_knocks;
  return status;
}

Status Session::judge_member_knock(const Knock& knock) {
  constexpr size_t kKeysTried = 8;  // of one number: one per partition that revoked on its own
  Secret<32> key;
  for (size_t i = 0; i < kKeysTried; ++i) {
    if (!pool_->options_.gate->discovery_key(knock.key_number, i, &key)) break;
    if (!knock_fits(key, knock, pool_->self_)) continue;
    key_number_ = knock.key_number;
    return begin_handshake();
  }
  return Status::kDenied;
}

Status Session::judge_joiner_knock(const Knock& knock) {
  Invitation invitation;
  if (!pool_->options_.gate->invitation(&invitation)) return Status::kDenied;
  if (invitation.room != knock.room) return Status::kDenied;
  // Each joiner on the way may turn out to be one more wrong code: parallel tries gain nothing.
  if (pool_->pairing_pending() > invitation.tries_left) return Status::kBusy;
  code_ = invitation.code;
  room_ = invitation.room;
  DREY_TRY(pool_->options_.random->fill(salt_));
  KnockAnswer answer;
  encode_knock_answer(salt_, &answer);
  std::memcpy(small_.data(), answer.data(), answer.size());
  small_at_ = 0;
  small_size_ = answer.size();
  move(State::kSaltSending);
  return Status::kOk;
}

// ---- handshake ----

Status Session::begin_handshake() {
  deadline_ns_ = now() + Sessions::kHandshakeNs;
  if (initiator_) {
    move(State::kHandshakeQueued);
    return Status::kOk;
  }
  // A replayed knock that nothing follows costs neither memory nor a turn.
  move(State::kHandshakeWaiting);
  return wait_for(Net::kReadable);
}

Status Session::ask_turn() {
  if (!pool_->take_turn()) return Status::kAgain;
  move(State::kHandshakeRunning);
  job_out_ = true;
  pool_->options_.lanes->submit(Lane::kWork, &job_);
  return Status::kAgain;
}

Status Session::HandshakeJob::run() { return session->run_handshake(); }

Status Session::take_certificate() {
  if (kind_ == Kind::kPairing) return Status::kOk;
  if (kind_ == Kind::kRecovery && initiator_) {
    DREY_TRY(make_certificate(recovery_, *pool_->options_.random, recovery_certificate_,
                              &recovery_certificate_size_));
    tls_.use_certificate(Bytes(recovery_certificate_).first(recovery_certificate_size_));
  } else {
    tls_.use_certificate(Bytes(pool_->certificate_).first(pool_->certificate_size_));
  }
  return Status::kOk;
}

// On the work lane: until the job comes home the loop touches neither channel nor secrets.
Status Session::run_handshake() {
  if (!channel_open_) {
    ChannelOptions options;
    options.net = pool_->options_.net;
    options.random = pool_->options_.random;
    options.socket = socket_;
    options.server = !initiator_;
    options.small_fragments = pool_->options_.small_fragments;
    options.expected = expected_;
    if (kind_ == Kind::kPairing) {
      pairing_psk(code_, salt_, &psk_);
      options.psk = psk_.bytes();
    } else {
      bool recovering = kind_ == Kind::kRecovery && initiator_;
      options.identity = recovering ? &recovery_ : pool_->options_.identity;
      if (options.identity == nullptr) return Status::kDenied;
    }
    DREY_TRY(take_certificate());
    DREY_TRY(channel_->open(options));
    channel_open_ = true;
  }
  return channel_->handshake();
}

Status Session::handshake_step_done(Status status) {
  if (status == Status::kAgain) {
    move(State::kHandshakeWaiting);
    return wait_for(channel_->wants());
  }
  if (!ok(status)) {
    ++pool_->counters_.refused_handshakes;
    if (!initiator_ && kind_ == Kind::kPairing && channel_->wrong_psk())
      pool_->options_.gate->wrong_code();
    // The inviter had answered our room with a salt and then closed: our code is not its code. Were
    // this "closed", a joiner would try again and use up the invitation's five tries.
    if (initiator_ && kind_ == Kind::kPairing && status == Status::kClosed) return Status::kDenied;
    return status;
  }
  return enter();
}

// An invitation that ended or was replaced while its code was being proved lets nobody in.
bool Session::still_invited() {
  Invitation now;
  return pool_->options_.gate->invitation(&now) && now.tries_left > 0 && now.room == room_ &&
         equal_constant_time(now.code.bytes(), code_.bytes());
}

Status Session::enter() {
  binding_ = channel_->binding();
  bool invited = kind_ != Kind::kPairing || initiator_ || still_invited();
  wipe(code_.mut());
  wipe(psk_.mut());
  wipe(recovery_.secret.mut());
  if (!invited) return Status::kDenied;
  if (kind_ != Kind::kPairing) {
    peer_key_ = channel_->peer_key();
    NodeId id;
    if (!pool_->options_.gate->admit(kind_, initiator_, key_number_, peer_key_, &id))
      return Status::kDenied;
    if (kind_ == Kind::kMember && !expected_.is_zero() && id != expected_) return Status::kDenied;
    peer_ = id;
  }
  open_io();
  return Status::kAgain;
}

}  // namespace drey
