#include "mesh/joining/inviter.h"

#include <algorithm>

#include "base/text.h"

namespace drey {

void Inviter::start(const Options& options) {
  options_ = options;
  checked_.set(options_.ready, this, &Inviter::checked);
  published_.set(options_.ready, this, &Inviter::published);
  wrapped_.set(options_.ready, this, &Inviter::wrapped);
  check_.op = &checked_;
  check_.identity = options_.identity;
  wrap_.op = &wrapped_;
  wrap_.identity = options_.identity;
  wrap_.courier = options_.courier;
  publish_.op = &published_;
}

Status Inviter::open(InviteRequest* request) {
  if (request_ != nullptr || busy_) return Status::kBusy;
  if (request->op == nullptr || request->uses == 0) return Status::kInvalid;
  request_ = request;
  request_->joined_count = 0;
  deadline_ns_ = options_.clock->up_ns() + kOpenNs;
  tries_left_ = kTries;
  bound_ = false;
  return Status::kOk;
}

void Inviter::end(Status status) {
  if (request_ == nullptr) return;
  InviteRequest* request = request_;
  request_ = nullptr;
  if (session_ != nullptr && !ok(status)) session_->close(status);
  request->op->complete(status);
}

// One device at a time: while it is being served the room is closed to others.
bool Inviter::invitation(Invitation* to) const {
  if (request_ == nullptr || busy_ || session_ != nullptr) return false;
  to->room = request_->room;
  to->code = request_->code;
  to->tries_left = tries_left_;
  return tries_left_ > 0;
}

void Inviter::wrong_code() {
  if (request_ == nullptr || tries_left_ == 0) return;
  if (--tries_left_ > 0) return;
  if (options_.log != nullptr)
    options_.log->warning("invite: five wrong codes, the invitation is over");
  end(Status::kDenied);
}

void Inviter::tick(uint64_t now_ns, const DiscoveryKey* newest) {
  if (newest != nullptr) newest_ = *newest;
  if (session_ != nullptr && now_ns > session_deadline_ns_) session_->close(Status::kTimeout);
  // Whoever has proved the code before the end may finish.
  if (request_ != nullptr && now_ns > deadline_ns_ && session_ == nullptr && !busy_)
    end(Status::kTimeout);
}

void Inviter::on_open(Session& session) {
  if (request_ == nullptr || session_ != nullptr || busy_) return session.close(Status::kBusy);
  session_ = &session;
  number_ = session.number();
  session_deadline_ns_ = options_.clock->up_ns() + kServeNs;
  step_ = Step::kHello;
}

void Inviter::on_closed(Session& session) {
  if (is_ours(session)) free_session();
}

void Inviter::free_session() {
  session_ = nullptr;
  number_ = 0;
  step_ = Step::kFree;
}

void Inviter::refuse(Status status) {
  if (session_ != nullptr) session_->close(status);
}

void Inviter::on_message(Session& session, MessageType type, Bytes body) {
  if (!is_ours(session)) return;
  if (type == MessageType::kPairHello && step_ == Step::kHello) return on_hello(body);
  if (type == MessageType::kStatement && step_ == Step::kCard) return on_card(body);
  if (type == MessageType::kPairDone && step_ == Step::kTaking) return on_done(body);
  if (type == MessageType::kStatementGet && step_ == Step::kTaking)
    return options_.sync->on_message(session, type, body);
  refuse(Status::kInvalid);
}

void Inviter::on_hello(Bytes body) {
  PairHelloMessage hello;
  if (!ok(PairHelloMessage::decode(body, &hello)) || !is_name(hello.name))
    return refuse(Status::kInvalid);
  // The first right code bound the invitation to a key; that device may come back, no other.
  if (bound_ && bound_key_ != hello.sign_key) return refuse(Status::kDenied);
  const Member* known = options_.membership->find(node_id(hello.sign_key));
  if (known != nullptr && !known->is_active()) return refuse(Status::kDenied);
  check_.hello = hello;
  std::copy(hello.name.begin(), hello.name.end(), check_.name.begin());
  check_.hello.name = {check_.name.data(), hello.name.size()};
  step_ = Step::kCard;
}

// The card's signature, as one STATEMENT; what it signs came with HELLO.
void Inviter::on_card(Bytes body) {
  StatementMessage message;
  if (!ok(StatementMessage::decode(body, &message)) || message.bytes.size() != check_.card.size() ||
      request_ == nullptr)
    return refuse(Status::kInvalid);
  std::copy(message.bytes.begin(), message.bytes.end(), check_.card.begin());
  check_.binding = session_->binding();
  check_.mesh = options_.membership->mesh();
  check_.role = request_->role;
  check_.parent_count = options_.membership->tips(check_.parents);
  step_ = Step::kChecking;
  busy_ = true;
  options_.lanes->submit(Lane::kWork, &check_);
}

Status Inviter::CheckJob::run() {
  DREY_TRY(verify_pair_hello(binding, hello));
  AddBody body;
  body.role = role;
  body.card.sign_key = hello.sign_key;
  body.card.wrap_key = hello.wrap_key;
  body.card.name = hello.name;
  body.card.signature = card;
  DREY_TRY(verify_digest(hello.sign_key, card_digest(body.card), card));
  DREY_TRY(check_public_key(hello.wrap_key));
  Result<size_t> built =
      build_add({identity, false}, mesh, Parents(parents.data(), parent_count), body, statement);
  DREY_TRY(built.status());
  size = built.value();
  return Status::kOk;
}

void Inviter::checked(Status status) {
  busy_ = false;
  if (session_ == nullptr || request_ == nullptr) return;
  if (!ok(status)) return refuse(status);
  bound_ = true;
  bound_key_ = check_.hello.sign_key;
  publish_.kind = StatementKind::kMembership;
  publish_.statement = Bytes(check_.statement).first(check_.size);
  step_ = Step::kPublishing;
  busy_ = true;
  options_.intake->publish(&publish_);
}

void Inviter::published(Status status) {
  busy_ = false;
  if (session_ == nullptr || request_ == nullptr) return;
  if (!ok(status)) return refuse(status);
  // The table may be full of members: the statement is there, but it made nobody one.
  NodeId id = node_id(bound_key_);
  if (!options_.membership->is_active(id)) return refuse(Status::kFull);
  wrap_.binding = session_->binding();
  wrap_.wrap_key = check_.hello.wrap_key;
  wrap_.accept.role = static_cast<uint8_t>(request_->role);
  wrap_.accept.mesh = options_.membership->mesh();
  wrap_.accept.sign_key = options_.identity->pub;
  wrap_.accept.add = StatementId::from(Bytes(publish_.key).first(StatementId::kSize));
  wrap_.accept.disc_number = newest_.number;
  wrap_.accept.disc_key = newest_.key;
  step_ = Step::kWrapping;
  busy_ = true;
  options_.lanes->submit(Lane::kWork, &wrap_);
}

Status Inviter::WrapJob::run() {
  blob.size = 0;
  if (accept.role == static_cast<uint8_t>(Role::kFull)) {
    if (courier == nullptr) return Status::kUnsupported;
    DREY_TRY(courier->export_for(wrap_key, blob.room(), &blob.size));
  }
  return sign_pair_accept(*identity, binding, &accept);
}

void Inviter::wrapped(Status status) {
  busy_ = false;
  if (session_ == nullptr || request_ == nullptr) return;
  if (!ok(status)) return refuse(status);
  step_ = Step::kTaking;
  accept();
}

void Inviter::accept() {
  session_->set_peer(bound_key_);
  Status status = session_->send(wrap_.accept);
  if (ok(status) && wrap_.blob.size > 0) {
    PairKeyringMessage keyring;
    keyring.blob = wrap_.blob.bytes();
    status = session_->send(keyring);
  }
  wipe(wrap_.accept.disc_key.mut());
  if (!ok(status)) return refuse(status);
  options_.sync->open(*session_);
  options_.sync->list(*session_, true, false);
}

void Inviter::on_done(Bytes body) {
  PairDoneMessage done;
  if (!ok(PairDoneMessage::decode(body, &done)) || done.status != 0 || request_ == nullptr)
    return refuse(Status::kInvalid);
  NodeId id = node_id(bound_key_);
  session_->close_after_sending();
  bound_ = false;
  request_->joined = id;
  if (++request_->joined_count >= request_->uses) end(Status::kOk);
}

}  // namespace drey
