#include "mesh/joining/joiner.h"

#include "base/text.h"

namespace drey {

void Joiner::start(const Options& options) {
  options_ = options;
  signed_.set(options_.ready, this, &Joiner::say_hello);
  accepted_.set(options_.ready, this, &Joiner::accepted);
  sign_.op = &signed_;
  check_.op = &accepted_;
}

Status Joiner::join(JoinRequest* request) {
  if (request_ != nullptr || busy_) return Status::kBusy;
  if (request->op == nullptr || request->identity == nullptr || !is_name(request->name))
    return Status::kInvalid;
  request_ = request;
  request_->keyring.size = 0;
  step_ = Step::kFinding;
  accepted_yet_ = proved_ = saw_mesh_ = saw_room_ = false;
  begin_ns_ = options_.clock->up_ns();
  progress();
  return Status::kOk;
}

void Joiner::progress() {
  if (request_ != nullptr) deadline_ns_ = options_.clock->up_ns() + request_->timeout_ns;
}

void Joiner::end(Status status) {
  if (request_ == nullptr) return;
  JoinRequest* request = request_;
  request_ = nullptr;
  step_ = Step::kFree;
  if (session_ != nullptr && !ok(status)) session_->close(status);
  session_ = nullptr;
  request->op->complete(status);
}

bool Joiner::wants(const Beacon& beacon) {
  if (request_ == nullptr) return false;
  saw_mesh_ = true;
  bool room = beacon.inviting && beacon.room == request_->room;
  saw_room_ = saw_room_ || room;
  return room;
}

void Joiner::tick(uint64_t now_ns, std::span<const Address> fixed) {
  if (request_ == nullptr) return;
  if (step_ == Step::kFinding) find(now_ns, fixed);
  if (step_ == Step::kReceiving) receive();
  if (request_ == nullptr) return;
  // Nobody knows this room although nodes are there: no reason to let the person wait longer.
  bool no_room = step_ == Step::kFinding && saw_mesh_ && !saw_room_;
  if (no_room && now_ns - begin_ns_ > kNoRoomNs) return end(Status::kDenied);
  if (now_ns > deadline_ns_) end(Status::kTimeout);
}

void Joiner::find(uint64_t now_ns, std::span<const Address> fixed) {
  for (const Candidate& candidate : options_.discovery->candidates())
    if (candidate.used && candidate.inviting && candidate.room == request_->room)
      connect(candidate.address, now_ns);
  for (const Address& address : fixed) connect(address, now_ns);
}

void Joiner::connect(const Address& to, uint64_t now_ns) {
  if (step_ != Step::kFinding || !options_.discovery->may_try(to, now_ns)) return;
  if (ok(options_.sessions->connect_pairing(to, request_->room, request_->code)))
    step_ = Step::kConnecting;
}

void Joiner::on_connect_failed(const ConnectFailure& failure) {
  if (request_ == nullptr || step_ != Step::kConnecting) return;
  if (failure.why == Status::kDenied) return end(Status::kDenied);  // the code was wrong
  // Closed on our knock: a node, but not (or no longer) this room; or no node at all.
  if (failure.why == Status::kClosed) saw_mesh_ = true;
  step_ = Step::kFinding;
}

void Joiner::on_open(Session& session) {
  if (request_ == nullptr || session_ != nullptr) return session.close(Status::kCancelled);
  session_ = &session;
  saw_room_ = true;
  step_ = Step::kSigning;
  progress();
  sign_.identity = request_->identity;
  sign_.binding = session.binding();
  sign_.hello = {};
  sign_.hello.sign_key = request_->identity->pub;
  sign_.hello.wrap_key = request_->wrap_key;
  sign_.hello.capacity_gib = request_->capacity_gib;
  sign_.hello.name = request_->name;
  sign_.card = {};
  sign_.card.wrap_key = request_->wrap_key;
  sign_.card.name = request_->name;
  busy_ = true;
  options_.lanes->submit(Lane::kWork, &sign_);
}

Status Joiner::SignJob::run() {
  DREY_TRY(sign_card(*identity, &card));
  return sign_pair_hello(*identity, binding, &hello);
}

void Joiner::say_hello(Status status) {
  busy_ = false;
  if (request_ == nullptr || session_ == nullptr) return;
  if (ok(status)) status = session_->send(sign_.hello);
  if (ok(status)) {
    StatementMessage card;
    card.kind = static_cast<uint8_t>(StatementKind::kMembership);
    card.bytes = sign_.card.signature;
    status = session_->send(card);
  }
  if (!ok(status)) return end(status);
  step_ = Step::kReceiving;
}

void Joiner::on_message(Session& session, MessageType type, Bytes body) {
  if (request_ == nullptr || session_ != &session || step_ != Step::kReceiving) return;
  progress();
  if (type == MessageType::kPairAccept && !accepted_yet_) return on_accept(body);
  if (!accepted_yet_) return end(Status::kInvalid);
  if (type == MessageType::kPairKeyring) return on_keyring(body);
  options_.sync->on_message(session, type, body);
}

void Joiner::on_accept(Bytes body) {
  if (!ok(PairAcceptMessage::decode(body, &check_.accept))) return end(Status::kInvalid);
  const PairAcceptMessage& accept = check_.accept;
  if (accept.role != 1 && accept.role != 2) return end(Status::kInvalid);
  accepted_yet_ = true;
  request_->mesh = accept.mesh;
  request_->role = static_cast<Role>(accept.role);
  request_->inviter = node_id(accept.sign_key);
  request_->discovery.number = accept.disc_number;
  request_->discovery.key = accept.disc_key;
  // The statements follow at once; only the genesis with this id founds our mesh.
  options_.membership->reset(accept.mesh);
  options_.sync->open(*session_);
  check_.binding = session_->binding();
  busy_ = true;
  options_.lanes->submit(Lane::kWork, &check_);
}

Status Joiner::CheckJob::run() { return verify_pair_accept(binding, accept); }

void Joiner::accepted(Status status) {
  busy_ = false;
  if (request_ == nullptr) return;
  if (!ok(status)) return end(status);
  proved_ = true;
}

void Joiner::on_keyring(Bytes body) {
  PairKeyringMessage message;
  if (!ok(PairKeyringMessage::decode(body, &message))) return end(Status::kInvalid);
  if (message.blob.size() > request_->keyring.room().size()) return end(Status::kTooLarge);
  std::memcpy(request_->keyring.data.data(), message.blob.data(), message.blob.size());
  request_->keyring.size = message.blob.size();
}

// Is what we were given what an honest inviter gives?
Status Joiner::judge() const {
  const Membership& mesh = *options_.membership;
  if (!mesh.has_genesis() || mesh.mesh() != request_->mesh) return Status::kDenied;
  const Member* self = mesh.find(node_id(request_->identity->pub));
  const Member* inviter = mesh.find(request_->inviter);
  if (self == nullptr || !self->is_active() || self->role != request_->role) return Status::kDenied;
  if (inviter == nullptr || !inviter->is_active() || inviter->role != Role::kFull)
    return Status::kDenied;
  if (request_->role == Role::kFull && request_->keyring.size == 0) return Status::kDenied;
  return mesh.feature_level() > limits::kFeatureLevel ? Status::kUnsupported : Status::kOk;
}

void Joiner::receive() {
  if (session_ == nullptr || !proved_) return;
  if (!options_.sync->heard_all(*session_, StatementKind::kMembership)) return;
  if (!options_.intake->idle()) return;
  if (options_.intake->has_lost()) return end(Status::kIo);
  Status status = judge();
  if (!ok(status)) return end(status);
  PairDoneMessage done;
  if (!ok(session_->send(done))) return;
  session_->close_after_sending();
  step_ = Step::kEnding;
}

void Joiner::on_closed(Session& session, Status why) {
  if (session_ != &session) return;
  session_ = nullptr;
  if (request_ == nullptr) return;
  // DONE may or may not have arrived: we are a member by what we hold.
  if (step_ == Step::kEnding) return end(Status::kOk);
  end(why == Status::kOk ? Status::kClosed : why);
}

}  // namespace drey
