#include "mesh/heal/audit.h"

#include <algorithm>
#include <bit>

namespace drey {

void Auditor::start(DataContext* context, FetchService* fetch) {
  context_ = context;
  fetch_ = fetch;
  next_ns_ = context->now() + kPauseNs;
  choose_job_.store = context->options.store;
  chosen_.set(context->options.ready, this, &Auditor::on_chosen);
  fetched_.set(context->options.ready, this, &Auditor::on_fetched);
}

void Auditor::tick(uint64_t now_ns) {
  bool able = context_->options.random != nullptr && context_->members.count() > 0;
  if (able && state_ == State::kIdle && now_ns >= next_ns_) choose(now_ns);
}

// Nobody but us knows what is asked next, and whom.
void Auditor::choose(uint64_t now_ns) {
  next_ns_ = now_ns + kRetryNs;
  std::array<uint8_t, ChunkId::kSize + 16> draw;
  if (!ok(context_->options.random->fill(draw))) return;
  std::copy_n(draw.begin(), ChunkId::kSize, choose_job_.after.raw.begin());
  draw_ = load_le<uint64_t>(draw.data() + ChunkId::kSize);
  choose_job_.skip = load_le<uint64_t>(draw.data() + ChunkId::kSize + 8) % kWindow;
  choose_job_.open = 0;
  for (size_t i = 0; i < context_->members.count(); ++i)
    if (context_->peers.find_member(context_->members.at(i).id) != nullptr)
      choose_job_.open |= context_->members.bit(i);
  if (choose_job_.open == 0) return;
  state_ = State::kChoosing;
  context_->submit(Lane::kStore, &choose_job_, &chosen_);
}

Status Auditor::ChooseJob::run() {
  found = false;
  size_t seen = 0, all = 0;
  DREY_TRY(walk(skip, &seen));
  if (found) return Status::kOk;
  after = {};  // behind the last one follows the first
  size_t left = skip - seen;
  DREY_TRY(walk(left, &all));
  if (found || all == 0) return Status::kOk;
  after = {};
  return walk(left % all, &seen);
}

// To the end of the records at most. *seen: how many there were before the nth.
Status Auditor::ChooseJob::walk(size_t nth, size_t* seen) {
  *seen = 0;
  for (size_t count = kRows; count == kRows;) {
    DREY_TRY(store->scan_records(after, rows, &count));
    for (size_t i = 0; i < count; ++i) {
      if (!rows[i].state.mine || (rows[i].state.holders & open) == 0) continue;
      row = rows[i];
      found = *seen == nth;
      if (found) return Status::kOk;
      ++*seen;
    }
    if (count > 0) after = rows[count - 1].c;
  }
  return Status::kOk;
}

void Auditor::on_chosen(Status status) {
  bool room = context_->serve_pool.free_count() >= 2;  // one is left for others
  if (!ok(status) || !choose_job_.found || !room) return end(kRetryNs);
  uint64_t holders = choose_job_.row.state.holders & choose_job_.open;
  uint64_t skip = draw_ % static_cast<uint64_t>(std::popcount(holders));
  for (; skip > 0; --skip) holders &= holders - 1;
  uint64_t bit = holders & (~holders + 1);
  request_ = FetchRequest{};
  for (size_t i = 0; i < context_->members.count(); ++i)
    if (context_->members.bit(i) == bit) request_.only = context_->members.at(i).id;
  if (request_.only.is_zero()) return end(kRetryNs);
  slot_ = context_->serve_pool.take();
  request_.c = choose_job_.row.c;
  request_.room = slot_->room();
  request_.op = &fetched_;
  state_ = State::kFetching;
  fetch_->fetch(&request_);
}

// A device that is busy or went away has said nothing; one that says it has it not, or gives other
// bytes, was believed until now: the index is corrected by the fetch, and the copy made anew.
void Auditor::on_fetched(Status status) {
  context_->serve_pool.give(slot_);
  slot_ = nullptr;
  bool lacking = !ok(status) && request_.denied;
  if (!ok(status) && !lacking) return end(kRetryNs);
  ++asked_;
  if (lacking) note(request_.only);
  end(kPauseNs);
}

void Auditor::note(const NodeId& id) {
  ++failed_;
  if (context_->options.log != nullptr)
    context_->options.log->warning(
        "audit: a device does not give back a piece that it says it has; it is copied anew");
  for (size_t i = 0; i < suspect_count_; ++i) {
    if (suspects_[i].id != id) continue;
    ++suspects_[i].failed;
    return;
  }
  if (suspect_count_ < suspects_.size()) suspects_[suspect_count_++] = {id, 1};
}

void Auditor::end(uint64_t pause_ns) {
  state_ = State::kIdle;
  next_ns_ = context_->now() + pause_ns;
}

}  // namespace drey
