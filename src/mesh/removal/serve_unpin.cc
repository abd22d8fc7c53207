#include "mesh/removal/serve_unpin.h"

#include <algorithm>

namespace drey {

void UnpinServer::start(DataContext* context) {
  context_ = context;
  const DataOptions& o = context->options;
  book_.start({o.store, o.state, o.clock, o.self, o.minimum_age_s});
  // What cannot be read now is not known: nobody can unpin before it announces again.
  if (!ok(book_.load(announced_, &announced_count_))) announced_count_ = 0;
  announce_job_.book = accept_job_.book = due_job_.book = save_job_.book = &book_;
  verify_job_.mesh = o.mesh;
  wake_.set(o.ready, this, &UnpinServer::step);
  due_.set(o.ready, this, &UnpinServer::on_due);
  due_done_.set(o.ready, this, &UnpinServer::on_due_done);
  saved_.set(o.ready, this, &UnpinServer::on_saved);
  save_ns_ = context->now() + kUptimeNs;
}

// Members only; and of two devices with one identity nobody knows which one speaks.
bool UnpinServer::may_remove(const NodeId& owner) const {
  size_t member = context_->members.find(owner);
  return member != DataMembers::kNone && !context_->members.at(member).frozen;
}

uint64_t UnpinServer::announced(const NodeId& owner) const {
  for (size_t i = 0; i < announced_count_; ++i)
    if (announced_[i].owner == owner) return announced_[i].number;
  return 0;
}

void UnpinServer::note(const NodeId& owner, uint64_t number) {
  for (size_t i = 0; i < announced_count_; ++i) {
    if (announced_[i].owner != owner) continue;
    announced_[i].number = std::max(announced_[i].number, number);
    return;
  }
  if (announced_count_ < announced_.size()) announced_[announced_count_++] = {owner, number};
}

void UnpinServer::on_announce(DataPeer& peer, const AnnounceMessage& message) {
  AnnouncedMessage reply{message.request, Answer::kBusy};
  bool known = announced(peer.id) >= message.number;
  bool room = announced(peer.id) != 0 || announced_count_ < announced_.size();
  if (known) reply.answer = Answer::kDurable;
  if (!peer.member || !may_remove(peer.id) || !room) reply.answer = Answer::kRefused;
  if (state_ != State::kIdle || reply.answer != Answer::kBusy) {
    (void)peer.send(reply);
    return;
  }
  peer_ = PeerRef(&peer);
  request_ = message.request;
  owner_ = announce_job_.owner = peer.id;
  announce_job_.number = message.number;
  state_ = State::kAnnouncing;
  context_->submit(Lane::kStore, &announce_job_, &wake_);
}

void UnpinServer::on_unpin(DataPeer& peer, const UnpinMessage& message) {
  take_up(peer, message.request, message.statement, nullptr);
}

void UnpinServer::on_unpin_now(DataPeer& peer, const UnpinNowMessage& message) {
  take_up(peer, message.request, message.statement, &message.cosignature);
}

void UnpinServer::take_up(DataPeer& peer, uint32_t request, Bytes statement,
                          const Signature* cosignature) {
  UnpinnedMessage reply{request, Answer::kBusy};
  bool fits = statement.size() <= statement_.size();
  if (!peer.member || !may_remove(peer.id) || !fits) reply.answer = Answer::kRefused;
  if (state_ != State::kIdle || reply.answer != Answer::kBusy) {
    (void)peer.send(reply);
    return;
  }
  peer_ = PeerRef(&peer);
  request_ = request;
  owner_ = accept_job_.from = peer.id;
  std::copy(statement.begin(), statement.end(), statement_.begin());
  accept_job_.statement = verify_job_.statement = Bytes(statement_).first(statement.size());
  accept_job_.now = verify_job_.now = cosignature != nullptr;
  if (cosignature != nullptr) verify_job_.cosignature = *cosignature;
  verify_job_.recovery = context_->recovery_key;
  state_ = State::kVerifying;
  context_->submit(Lane::kWork, &verify_job_, &wake_);
}

void UnpinServer::answer(Answer answer) {
  bool number = state_ == State::kAnnouncing || state_ == State::kKeeping;
  state_ = State::kIdle;
  DataPeer* peer = peer_.get();
  if (peer == nullptr) return;
  // An answer that finds no room is not given: the asker's deadline covers it.
  if (number) {
    (void)peer->send(AnnouncedMessage{request_, answer});
  } else {
    (void)peer->send(UnpinnedMessage{request_, answer});
  }
}

void UnpinServer::refuse(Status status) {
  bool full = status == Status::kFull || status == Status::kReadOnly;
  bool wrong = status == Status::kDenied || status == Status::kInvalid ||
               status == Status::kTooLarge || status == Status::kUnsupported;
  answer(full ? Answer::kFull : wrong ? Answer::kRefused : Answer::kBusy);
}

void UnpinServer::commit(State state, Ticket ticket) {
  state_ = state;
  waiter_.op = &wake_;
  context_->options.committer->wait(ticket, &waiter_);
}

void UnpinServer::step(Status status) {
  if (!ok(status)) return refuse(status);
  switch (state_) {
    case State::kIdle:
      return;
    case State::kAnnouncing:
      return commit(State::kKeeping, announce_job_.ticket);
    case State::kKeeping:
      note(owner_, announce_job_.number);
      return answer(Answer::kDurable);
    case State::kVerifying:
      // Its session may be over, and the owner may be asking anew what it has here.
      if (peer_.get() == nullptr || !may_remove(owner_)) return answer(Answer::kRefused);
      accept_job_.announced = announced(owner_);
      accept_job_.marks = false;
      state_ = State::kAppending;
      return context_->submit(Lane::kStore, &accept_job_, &wake_);
    case State::kAppending:
      if (accept_job_.ticket == 0) return answer(Answer::kDurable);
      return commit(State::kCommitting, accept_job_.ticket);
    case State::kCommitting:
      if (accept_job_.now) {
        ++done_;
        return answer(Answer::kDurable);
      }
      accept_job_.marks = true;
      state_ = State::kMarking;
      return context_->submit(Lane::kStore, &accept_job_, &wake_);
    case State::kMarking:
      ++waiting_;
      run_ns_ = std::min(run_ns_, context_->now() + kDataSecondNs);
      return answer(Answer::kDurable);
  }
}

// ---- What is old enough ----

void UnpinServer::tick(uint64_t now_ns) {
  if (!running_ && now_ns >= run_ns_) run_due();
  if (saving_ || now_ns < save_ns_) return;
  saving_ = true;
  save_ns_ = now_ns + kUptimeNs;
  context_->submit(Lane::kStore, &save_job_, &saved_);
}

void UnpinServer::run_due() {
  due_job_.count = 0;
  for (size_t i = 0; i < context_->members.count(); ++i) {
    const DataMember& member = context_->members.at(i);
    if (!member.frozen) due_job_.owners[due_job_.count++] = member.id;
  }
  running_ = true;
  context_->submit(Lane::kStore, &due_job_, &due_);
}

void UnpinServer::on_due(Status status) {
  if (!ok(status) || due_job_.ticket == 0) return on_due_done(status);
  due_waiter_.op = &due_done_;
  context_->options.committer->wait(due_job_.ticket, &due_waiter_);
}

void UnpinServer::on_due_done(Status status) {
  running_ = false;
  const UnpinBook::Due& due = due_job_.due;
  uint64_t wait_ns = kRunNs;
  if (ok(status)) {
    waiting_ = due.waiting;
    done_ += due.done;
    if (due.next_s != 0) wait_ns = std::min(kRunNs, due.next_s * kDataSecondNs);
    if (due.done > 0 && due.next_s != 0) wait_ns = 0;
  }
  run_ns_ = context_->now() + wait_ns;
}

}  // namespace drey
