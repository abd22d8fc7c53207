#include "mesh/session/session.h"

#include "drey/check.h"
#include "mesh/session/sessions.h"

namespace drey {
namespace {

constexpr const char* kStateNames[] = {
    "free",         "connecting",       "knock_sending",     "salt_reading",      "knock_reading",
    "salt_sending", "handshake_queued", "handshake_running", "handshake_waiting", "open",
    "closing",
};

}  // namespace

const char* Session::name_of(State state) { return kStateNames[static_cast<size_t>(state)]; }
const char* Session::state_name() const { return name_of(state_); }

// The table of allowed moves: for each state, a mask of the ones that may follow.
void Session::move(State to) {
  static_assert(std::size(kStateNames) == kStateCount);
  constexpr auto bit = [](State state) { return 1u << static_cast<unsigned>(state); };
  constexpr uint32_t kClose = bit(State::kClosing);
  constexpr std::array<uint32_t, kStateCount> kMoves = {
      /* kFree */ bit(State::kConnecting) | bit(State::kKnockReading),
      /* kConnecting */ bit(State::kKnockSending) | kClose,
      /* kKnockSending */ bit(State::kSaltReading) | bit(State::kHandshakeQueued) | kClose,
      /* kSaltReading */ bit(State::kHandshakeQueued) | kClose,
      /* kKnockReading */ bit(State::kSaltSending) | bit(State::kHandshakeWaiting) | kClose,
      /* kSaltSending */ bit(State::kHandshakeWaiting) | kClose,
      /* kHandshakeQueued */ bit(State::kHandshakeRunning) | kClose,
      /* kHandshakeRunning */ bit(State::kHandshakeWaiting) | bit(State::kOpen) | kClose,
      /* kHandshakeWaiting */ bit(State::kHandshakeQueued) | kClose,
      /* kOpen */ kClose,
      /* kClosing */ bit(State::kFree),
  };
  DREY_CHECK((kMoves[static_cast<size_t>(state_)] & bit(to)) != 0);
  state_ = to;
}

uint64_t Session::now() const { return pool_->options_.clock->up_ns(); }

void Session::prepare(Sessions* pool, size_t slot) {
  pool_ = pool;
  slot_ = slot;
  driver_.session = reader_.session = writer_.session = this;
  job_.session = this;
  job_.op = &driver_;
  ReadyQueue* ready = pool->options_.ready;
  driver_.bind(ready);
  reader_.bind(ready);
  writer_.bind(ready);
  channel_ = pool->options_.plain ? static_cast<Channel*>(&plain_) : &tls_;
}

void Session::begin(Kind kind, Net::Socket socket, const Address& remote, bool initiator) {
  clear();
  kind_ = kind;
  socket_ = socket;
  remote_ = remote;
  initiator_ = initiator;
  number_ = pool_->next_number_++;
  bytes_outstanding = 0;
  small_size_ = limits::kKnockBytes;
  move(initiator ? State::kConnecting : State::kKnockReading);
  deadline_ns_ = now() + (initiator ? Sessions::kConnectNs : Sessions::kKnockNs);
}

// What a session knew about its peer is gone; secrets are overwritten.
void Session::clear() {
  peer_ = expected_ = NodeId{};
  peer_key_ = {};
  binding_ = {};
  boot_id_ = rival_number_ = probe_nonce_ = 0;
  greeted_ = was_open_ = drop_bulk_ = linger_ = shut_ = probing_ = channel_open_ = false;
  why_ = Status::kOk;
  small_at_ = small_size_ = 0;
  room_ = 0;
  key_number_ = 0;
  salt_ = {};
  recovery_certificate_size_ = 0;
  wipe(code_.mut());
  wipe(psk_.mut());
  wipe(recovery_.secret.mut());
}

Status Session::send(MessageType type, Bytes body) {
  if (state_ != State::kOpen || linger_) return Status::kClosed;
  const MessageRule* rule = message_rule(static_cast<uint16_t>(type));
  if (rule == nullptr || is_bulk(type) || !rule->allowed_in(kind_)) return Status::kInvalid;
  if (body.size() < rule->bytes_min || body.size() > rule->bytes_max) return Status::kInvalid;
  bool idle = out_.empty();
  DREY_TRY(out_.push(type, body));
  if (idle) wrote_ns_ = now();
  kick_writer();
  return Status::kOk;
}

Status Session::send_bulk(MessageType type, Bytes head, Bytes bulk, Op* sent) {
  if (state_ != State::kOpen || linger_) return Status::kClosed;
  const MessageRule* rule = message_rule(static_cast<uint16_t>(type));
  if (rule == nullptr || !is_bulk(type) || !rule->allowed_in(kind_)) return Status::kInvalid;
  if (head.size() < rule->bytes_min || head.size() > rule->bytes_max) return Status::kInvalid;
  if (bulk.empty() || bulk.size() > limits::kBulkBytesMax) return Status::kInvalid;
  bool idle = out_.empty();
  DREY_TRY(out_.push_bulk(type, head, bulk, sent));
  if (idle) wrote_ns_ = now();
  kick_writer();
  return Status::kOk;
}

Status Session::greet(uint64_t boot_id) {
  if (state_ != State::kOpen) return Status::kClosed;
  boot_id_ = boot_id;
  if (kind_ != Kind::kMember || greeted_) return Status::kOk;
  return pool_->greet(*this);
}

void Session::set_peer(const PublicKey& key) {
  DREY_CHECK(kind_ == Kind::kPairing);
  peer_key_ = key;
  peer_ = node_id(key);
}

void Session::close(Status why) {
  if (state_ == State::kFree || state_ == State::kClosing) return;
  why_ = why;
  was_open_ = state_ == State::kOpen;
  move(State::kClosing);
  if (driver_waits_ || reader_.waiting || writer_.waiting)
    pool_->options_.net->cancel_wait(socket_, Net::kReadable | Net::kWritable);
  // The driver ends the session, now or when what is still out has come home.
  if (!driver_waits_ && !job_out_ && !driver_.is_queued()) driver_.complete(Status::kOk);
}

void Session::close_after_sending() {
  if (state_ != State::kOpen || linger_) return;
  linger_ = true;
  deadline_ns_ = now() + Sessions::kLingerNs;
  kick_writer();
}

bool Session::is_quiet() const {
  return !driver_waits_ && !job_out_ && !driver_.is_queued() && !reader_.waiting &&
         !reader_.is_queued() && !writer_.waiting && !writer_.is_queued();
}

void Session::finish_if_quiet() {
  if (state_ != State::kClosing || !is_quiet()) return;
  channel_->close();
  pool_->options_.net->close(socket_);
  socket_ = Net::kNone;
  SessionHandler* handler = pool_->options_.handler;
  if (was_open_) {
    out_.abandon(why_);
    if (in_.in_bulk() && !in_.bulk_dropped()) {
      MessageType type = in_.header().type;
      handler->on_bulk_end(*this, type, in_.head(), in_.bulk(), why_);
    }
    in_.reset(kind_);
    handler->on_closed(*this, why_);
  } else if (initiator_) {
    handler->on_connect_failed({kind_, remote_, expected_, why_});
  }
  clear();
  move(State::kFree);
}

}  // namespace drey
