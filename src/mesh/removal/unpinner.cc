#include "mesh/removal/unpinner.h"

#include <algorithm>

namespace drey {

void Unpinner::start(DataContext* context) {
  context_ = context;
  raise_job_.store = context->options.store;
  raised_signal_.set(context->options.ready, this, &Unpinner::on_raised);
}

const Unpinner::Told* Unpinner::find(const NodeId& member) const {
  for (size_t i = 0; i < count_; ++i)
    if (told_[i].member == member) return &told_[i];
  return nullptr;
}

// Null when the table is full of members.
Unpinner::Told* Unpinner::row(const NodeId& member) {
  for (size_t i = 0; i < count_; ++i)
    if (told_[i].member == member) return &told_[i];
  Told* to = nullptr;
  if (count_ < told_.size()) to = &told_[count_++];
  for (size_t i = 0; to == nullptr && i < count_; ++i)
    if (context_->members.find(told_[i].member) == DataMembers::kNone) to = &told_[i];
  if (to != nullptr) *to = {member};
  return to;
}

void Unpinner::on_told(const NodeId& member, uint64_t number) {
  Told* to = row(member);
  // It may tell less than it did: its card may be older, too.
  if (to != nullptr) *to = {member, number};
  // A pin of a backup that runs already is made with a number above all of these, too.
  context_->number_floor = std::max(context_->number_floor, number + 1);
  raise();
}

void Unpinner::raise() {
  if (raising_ || context_->number_floor <= raised_) return;
  raising_ = true;
  raise_job_.number = context_->number_floor;
  context_->submit(Lane::kStore, &raise_job_, &raised_signal_);
}

void Unpinner::on_raised(Status) {
  raising_ = false;
  raised_ = raise_job_.number;
  raise();
}

void Unpinner::approve(uint64_t number) {
  approved_ = std::max(approved_, number);
  wants_sweep_ = false;
}

uint64_t Unpinner::allowed() const {
  if (approved_ == 0 || approved_ > limits::kNumberMax) return 0;
  if (context_->members.count() == 0) return 0;
  for (size_t i = 0; i < context_->members.count(); ++i) {
    const DataMember& member = context_->members.at(i);
    if (member.id == context_->options.self) {
      if (member.frozen) return 0;  // somebody runs with our identity
      continue;
    }
    if (member.lost) continue;
    const Told* told = find(member.id);
    if (told == nullptr || told->number < approved_) return 0;
  }
  return approved_;
}

void Unpinner::on_announced(DataPeer& peer, const AnnouncedMessage& message) {
  Told* told = row(peer.id);
  if (told == nullptr || told->request != message.request || told->announcing == 0) return;
  if (message.answer == Answer::kDurable) told->number = std::max(told->number, told->announcing);
  told->announcing = 0;
}

void Unpinner::tick(uint64_t now_ns) {
  if (approved_ == 0 || approved_ > limits::kNumberMax) return;
  for (DataPeer& peer : context_->peers.all()) {
    if (!peer.is_open() || !peer.member || context_->peers.find_member(peer.id) != &peer) continue;
    if (context_->members.find(peer.id) == DataMembers::kNone) continue;
    Told* told = row(peer.id);
    if (told == nullptr || told->number >= approved_) continue;
    // One that was busy, or refused, is asked again after a while.
    if (told->asked_ns != 0 && now_ns - told->asked_ns < kAnswerNs) continue;
    told->asked_ns = now_ns;
    told->request = context_->peers.new_request();
    told->announcing = approved_;
    (void)peer.send(AnnounceMessage{told->request, approved_});
  }
}

}  // namespace drey
