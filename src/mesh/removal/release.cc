#include "mesh/removal/release.h"

#include <algorithm>

#include "mesh/heads/head.h"

namespace drey {

void Releaser::start(DataContext* context) {
  context_ = context;
  const DataOptions& o = context->options;
  scan_job_.store = drop_job_.store = grant_job_.store = o.store;
  scan_job_.self = drop_job_.self = o.self;
  wake_.set(o.ready, this, &Releaser::step);
  granted_.set(o.ready, this, &Releaser::on_granted);
  pass_ns_ = context->now() + kPassNs;
}

Status Releaser::read_pins(Store* store, const ChunkId& c, Pins* to) {
  std::array<RecordPin, kNodeSlotsMax> pins;
  size_t count = 0;
  DREY_TRY(store->pins_of(c, pins, &count));
  if (count > to->rows.size()) return Status::kTooLarge;
  std::copy_n(pins.begin(), count, to->rows.begin());
  to->count = count;
  return Status::kOk;
}

// ---- What may be too much ----

Status Releaser::ScanJob::run() {
  found = false;
  size_t count = 0;
  DREY_TRY(store->scan_records(after, rows, &count));
  size_t at = 0;
  for (; at < count && !found; ++at) {
    after = rows[at].c;
    if (rows[at].state.held && !rows[at].state.mine) DREY_TRY(look(rows[at]));
  }
  ended = count < rows.size() && at == count;
  return Status::kOk;
}

Status Releaser::ScanJob::look(const RecordRow& row) {
  Status status = read_pins(store, row.c, &pins);
  if (status == Status::kTooLarge || status == Status::kNotFound) return Status::kOk;
  DREY_TRY(status);
  c = row.c;
  found = pins.count > 0;
  std::array<uint8_t, limits::kMembersMax> order;
  for (size_t i = 0; found && i < pins.count; ++i) {
    const RecordPin& pin = pins.rows[i];
    found = !pin.leaving && pin.owner != self && homes_before(pin.owner, order) > 0;
  }
  return Status::kOk;
}

size_t Releaser::ScanJob::homes_before(const NodeId& owner, std::span<uint8_t> order) const {
  // Of an owner that is lost, or no member, nobody knows what it needs.
  bool known = false;
  for (size_t i = 0; i < node_count; ++i) known = known || nodes[i].id == owner;
  if (!known || need == 0) return 0;
  size_t count = homes(c, owner, std::span<const PlacementNode>(nodes).first(node_count), order);
  for (size_t i = 0; i < count; ++i)
    if (nodes[order[i]].id == self) return i >= need ? i : 0;
  return 0;
}

bool Releaser::ask(const NodeId& id) {
  for (size_t i = 0; i < asked_count_; ++i)
    if (asked_[i].id == id) return true;
  DataPeer* peer = context_->peers.find_member(id);
  if (peer == nullptr || asked_count_ == asked_.size()) return false;
  Asked& row = asked_[asked_count_++];
  row = {};
  row.peer = PeerRef(peer);
  row.id = id;
  return true;
}

void Releaser::look_around() {
  const DataMembers& members = context_->members;
  HolderNeed need = members.need();
  scan_job_.need = need.own_log || members.is_pending() ? 0 : need.others;
  scan_job_.node_count = 0;
  for (size_t i = 0; i < members.count(); ++i) {
    const DataMember& member = members.at(i);
    if (member.lost) continue;
    scan_job_.nodes[scan_job_.node_count++] = {member.id, member.capacity_gib, member.zone};
  }
  // With so few devices each is a home of whatever it holds: no record need be looked at.
  scan_job_.ended = scan_job_.need == 0 || scan_job_.node_count < scan_job_.need + 2;
}

// From the first question to the end of what follows from the answers.
bool Releaser::is_releasing(const ChunkId& c) const {
  return state_ != State::kIdle && state_ != State::kScanning && scan_job_.c == c;
}

// The homes before this node. False: one of them is away, so this record stays.
bool Releaser::ask_all() {
  asked_count_ = 0;
  std::array<StatementKey, kPinsMax> pins;
  std::array<uint8_t, limits::kMembersMax> order;
  size_t pin_count = scan_job_.pins.count;
  for (size_t i = 0; i < pin_count; ++i) {
    const RecordPin& pin = scan_job_.pins.rows[i];
    auto key = head_key(pin.owner, pin.number);
    size_t at = i;  // in order: a handful
    for (; at > 0 && key < pins[at - 1]; --at) pins[at] = pins[at - 1];
    pins[at] = key;
    if (scan_job_.homes_before(pin.owner, order) < scan_job_.need) return false;
    for (size_t k = 0; k < scan_job_.need; ++k)
      if (!ask(scan_job_.nodes[order[k]].id)) return false;
  }
  for (size_t i = 0; i < asked_count_; ++i) {
    Asked& row = asked_[i];
    row.request = context_->peers.new_request();
    KeepMessage message;
    message.request = row.request;
    message.c = scan_job_.c;
    message.pins = std::span<const StatementKey>(pins).first(pin_count);
    if (!ok(row.peer.get()->send(message))) return false;
    row.waits = true;
  }
  return true;
}

// As many as each owner needs, the owner itself never among them.
bool Releaser::is_granted() const {
  HolderNeed now = context_->members.need();
  size_t need = now.own_log ? 0 : std::max(now.others, scan_job_.need);
  for (size_t i = 0; i < scan_job_.pins.count; ++i) {
    const NodeId& owner = scan_job_.pins.rows[i].owner;
    size_t grants = 0;
    for (size_t k = 0; k < asked_count_; ++k) {
      if (asked_[k].id == owner) continue;
      grants += asked_[k].grants && asked_[k].peer.get() != nullptr ? 1 : 0;
    }
    if (grants < need) return false;
  }
  return need > 0 && scan_job_.pins.count > 0;
}

void Releaser::tick(uint64_t now_ns) {
  if (state_ == State::kIdle && now_ns >= pass_ns_) {
    scan_job_.after = {};
    look_around();
    pass_ns_ = now_ns + kPassNs;
    return next();
  }
  if (state_ == State::kAsking && now_ns - asked_ns_ >= kAnswerNs) {
    for (Asked& row : asked_) row.waits = false;
    decide();
  }
}

void Releaser::next() {
  if (scan_job_.ended) {
    state_ = State::kIdle;
    return;
  }
  state_ = State::kScanning;
  context_->submit(Lane::kStore, &scan_job_, &wake_);
}

void Releaser::step(Status status) {
  if (!ok(status)) {
    state_ = State::kIdle;
    return;
  }
  switch (state_) {
    case State::kScanning:
      if (!scan_job_.found) return next();
      // From here on this node grants nothing for it.
      state_ = State::kAsking;
      asked_ns_ = context_->now();
      if (!ask_all()) return next();
      return;
    case State::kDropping:
      if (drop_job_.ticket == 0) return next();
      state_ = State::kCommitting;
      waiter_.op = &wake_;
      return context_->options.committer->wait(drop_job_.ticket, &waiter_);
    case State::kCommitting:
      ++released_;
      return next();
    case State::kIdle:
    case State::kAsking:
      return;
  }
}

void Releaser::on_kept(DataPeer& peer, const KeptMessage& message) {
  if (state_ != State::kAsking) return;
  for (size_t i = 0; i < asked_count_; ++i) {
    Asked& row = asked_[i];
    if (!row.waits || !row.peer.is(peer) || row.request != message.request) continue;
    row.waits = false;
    row.grants = message.answer == Answer::kDurable;
    return decide();
  }
}

void Releaser::on_closed(const DataPeer& peer) {
  if (state_ != State::kAsking) return;
  for (size_t i = 0; i < asked_count_; ++i) {
    if (!asked_[i].peer.is(peer)) continue;
    asked_[i].waits = asked_[i].grants = false;
    return decide();
  }
}

void Releaser::decide() {
  for (size_t i = 0; i < asked_count_; ++i)
    if (asked_[i].waits) return;
  if (!is_granted()) return next();
  drop_job_.c = scan_job_.c;
  drop_job_.pins = scan_job_.pins;
  drop_job_.ticket = 0;
  state_ = State::kDropping;
  context_->submit(Lane::kStore, &drop_job_, &wake_);
}

// Only what the others were told of.
Status Releaser::DropJob::run() {
  RecordState state;
  DREY_TRY(store->find(c, &state));
  Pins now;
  DREY_TRY(read_pins(store, c, &now));
  if (state.mine || now.count != pins.count) return Status::kOk;
  for (size_t i = 0; i < now.count; ++i) {
    const RecordPin& pin = now.rows[i];
    bool same = false;
    for (size_t k = 0; k < pins.count; ++k)
      same = same || (pins.rows[k].owner == pin.owner && pins.rows[k].number == pin.number);
    if (!same || pin.owner == self) return Status::kOk;
  }
  for (size_t i = 0; i < pins.count; ++i)
    DREY_TRY(store->append_unpin(pins.rows[i].owner, pins.rows[i].number, {&c, 1}, &ticket));
  return Status::kOk;
}

// ---- Answering others ----

void Releaser::on_keep(DataPeer& peer, const KeepMessage& message) {
  KeptMessage reply{message.request, Answer::kBusy};
  bool fits = message.pins.size() <= kPinsMax;
  for (size_t i = 0; fits && i < message.pins.size(); ++i) {
    RecordPin& pin = grant_job_.pins[i];
    if (granting_) break;
    split_head_key(message.pins[i], &pin.owner, &pin.number);
    fits =
        context_->members.find(pin.owner) != DataMembers::kNone && pin.number <= limits::kNumberMax;
  }
  if (!peer.member || is_releasing(message.c) || !fits) reply.answer = Answer::kRefused;
  bool room = !granting_ && context_->serve_pool.free_count() >= 2;  // one is left for GETs
  if (!room || reply.answer != Answer::kBusy) {
    (void)peer.send(reply);
    return;
  }
  granting_ = true;
  grant_peer_ = PeerRef(&peer);
  grant_request_ = message.request;
  room_ = context_->serve_pool.take();
  grant_job_.c = message.c;
  grant_job_.count = message.pins.size();
  grant_job_.room = room_->room();
  grant_job_.merged = false;
  context_->submit(Lane::kStore, &grant_job_, &granted_);
}

Status Releaser::GrantJob::run() { return merged ? check() : merge(); }

// Read again, hash and all, and pinned as the asker's copy is.
Status Releaser::GrantJob::merge() {
  ticket = 0;
  size_t size = 0;
  DREY_TRY(store->read_record(c, room, &size));
  for (size_t i = 0; i < count; ++i) {
    Ticket appended = 0;
    DREY_TRY(store->append_pins(pins[i].owner, pins[i].number, {&c, 1}, &appended));
    ticket = std::max(ticket, appended);
  }
  return Status::kOk;
}

// kDenied: one of them is about to go here.
Status Releaser::GrantJob::check() {
  RecordState state;
  DREY_TRY(store->find(c, &state));
  Pins now;
  DREY_TRY(read_pins(store, c, &now));
  if (!state.held) return Status::kNotFound;
  for (size_t i = 0; i < count; ++i) {
    bool stands = false;
    for (size_t k = 0; k < now.count; ++k) {
      const RecordPin& pin = now.rows[k];
      stands =
          stands || (pin.owner == pins[i].owner && pin.number >= pins[i].number && !pin.leaving);
    }
    if (!stands) return Status::kDenied;
  }
  return Status::kOk;
}

void Releaser::on_granted(Status status) {
  if (!ok(status)) {
    return answer(status == Status::kNotFound  ? Answer::kNotFound
                  : status == Status::kCorrupt ? Answer::kCorrupt
                  : status == Status::kDenied  ? Answer::kRefused
                                               : Answer::kBusy);
  }
  if (grant_job_.merged) return answer(Answer::kDurable);
  // Committed first, then looked at: twice through here.
  if (grant_job_.ticket != 0) {
    grant_waiter_.op = &granted_;
    Ticket ticket = grant_job_.ticket;
    grant_job_.ticket = 0;
    return context_->options.committer->wait(ticket, &grant_waiter_);
  }
  grant_job_.merged = true;
  context_->submit(Lane::kStore, &grant_job_, &granted_);
}

void Releaser::answer(Answer answer) {
  granting_ = false;
  context_->serve_pool.give(room_);
  DataPeer* peer = grant_peer_.get();
  // It may have begun to ask about it itself in the meantime.
  if (is_releasing(grant_job_.c)) answer = Answer::kRefused;
  if (peer != nullptr) (void)peer->send(KeptMessage{grant_request_, answer});
}

}  // namespace drey
