#include "mesh/heal/replication.h"

#include <algorithm>
#include <bit>

namespace drey {

void Replication::start(DataContext* context, ClaimLedger* claims, PushService* push,
                        FetchService* fetch, Reconciler* reconciler) {
  context_ = context;
  claims_ = claims;
  push_ = push;
  fetch_ = fetch;
  reconciler_ = reconciler;
  ReadyQueue* ready = context->options.ready;
  scan_job_.store = context->options.store;
  settled_.set(ready, this, &Replication::on_settled);
  scanned_.set(ready, this, &Replication::on_scanned);
  for (Heal& heal : heals_) {
    heal.replication = this;
    heal.fetched.set(ready, &heal, &Heal::on_fetched);
    heal.pushed.set(ready, &heal, &Heal::on_pushed);
  }
}

ReplicationSummary Replication::summary() const {
  ReplicationSummary summary = summary_;
  summary.counted =
      summary_.pass_number > 0 && counted_changes_ == changes_ && !context_->members.is_pending();
  summary.settled = summary.counted && reconciler_->all_reconciled();
  return summary;
}

void Replication::tick(uint64_t now_ns) {
  if (state_ == State::kHealing) walk();
  if (state_ != State::kIdle || context_->members.count() == 0 || now_ns < next_ns_) return;
  bool retry = retry_ns_ != 0 && now_ns >= retry_ns_;
  if (changes_ != counted_changes_ || retry || now_ns >= slow_ns_) begin(now_ns);
}

void Replication::begin(uint64_t now_ns) {
  state_ = State::kSettling;
  begun_ns_ = now_ns;
  pass_changes_ = changes_;
  retry_ns_ = 0;
  failed_ = false;
  aborted_ = false;
  running_ = {};
  scan_job_.after = {};
  flush_.op = &settled_;
  claims_->settle(&flush_);  // rows of claims are visible once they are durable
}

void Replication::on_settled(Status) { scan(); }

void Replication::scan() {
  state_ = State::kScanning;
  context_->submit(Lane::kStore, &scan_job_, &scanned_);
}

Status Replication::ScanJob::run() {
  count = 0;
  number = store->highest_number();
  DREY_TRY(store->scan_records(after, rows, &count));
  if (count > 0) after = rows[count - 1].c;
  return Status::kOk;
}

void Replication::on_scanned(Status status) {
  if (!ok(status)) {
    // Without its index a node knows nothing of its records: tried again, and never "settled".
    ++changes_;
    next_ns_ = context_->now() + kRetryNs;
    state_ = State::kDraining;
    aborted_ = true;
    if (live_ == 0) end();
    return;
  }
  at_ = 0;
  number_ = scan_job_.number;
  walk();
}

// Who is there, and who takes records: once per batch of rows.
void Replication::look_around() {
  open_mask_ = 0;
  room_mask_ = 0;
  uint64_t now_ns = context_->now();
  all_asked_ = reconciler_->all_reconciled();
  for (size_t i = 0; i < context_->members.count(); ++i) {
    const DataMember& member = context_->members.at(i);
    DataPeer* peer = context_->peers.find_member(member.id);
    if (peer == nullptr) continue;
    uint64_t bit = context_->members.bit(i);
    open_mask_ |= bit;
    bool counts = (bit & context_->members.counting_mask()) != 0;
    if (counts && !member.full && peer->full_until_ns <= now_ns) room_mask_ |= bit;
  }
}

bool Replication::lacks(const RecordState& state, bool* others, bool* own_log) const {
  HolderNeed need = context_->members.need();
  uint64_t counting = state.holders & context_->members.counting_mask();
  *others = static_cast<size_t>(std::popcount(counting)) < need.others;
  *own_log = need.own_log && !state.held;
  return *others || *own_log;
}

bool Replication::can_heal(const RecordRow& row) const {
  bool others = false;
  bool own_log = false;
  if (!lacks(row.state, &others, &own_log)) return false;
  bool source = row.state.held || (row.state.holders & open_mask_) != 0;
  // Nobody pins it for us, but somebody may hold it for another owner: so it is with everything
  // that a device adopted from the one it replaced. Not before the holders told what they know.
  source = source || (row.state.holders == 0 && all_asked_ && open_mask_ != 0);
  bool target = own_log || (room_mask_ & ~row.state.holders) != 0;
  return source && target && row.state.size <= limits::kRecordBytesMax;
}

void Replication::count(const RecordState& state) {
  bool others = false;
  bool own_log = false;
  ++running_.records;
  running_.under_replicated += lacks(state, &others, &own_log) ? 1 : 0;
  if ((state.holders & context_->members.counting_mask()) != 0) return;
  (state.held ? running_.at_risk : running_.missing) += 1;
}

// Goes through the rows of the job; stops where a record to heal finds no room.
void Replication::walk() {
  look_around();
  for (; at_ < scan_job_.count; ++at_) {
    const RecordRow& row = scan_job_.rows[at_];
    if (!row.state.mine) continue;
    if (!can_heal(row)) {
      count(row.state);
    } else if (!heal(row)) {
      state_ = State::kHealing;
      return;
    }
  }
  if (scan_job_.count == kRowsPerJob) return scan();
  state_ = State::kDraining;
  if (live_ == 0) end();
}

bool Replication::heal(const RecordRow& row) {
  if (live_ == heals_.size()) return false;
  // Of a record that was never here the size is unknown.
  size_t size = row.state.size > 0 ? row.state.size : limits::kRecordBytesMax;
  if (live_ > 0 && arena_used_ + size > limits::kRecordBytesMax) return false;
  if (arena_ == nullptr) {
    if (context_->serve_pool.free_count() < 2) return false;  // one is left for others
    arena_ = context_->serve_pool.take();
    arena_used_ = 0;
  }
  for (Heal& heal : heals_) {
    if (heal.busy) continue;
    heal.busy = true;
    ++live_;
    heal.row = row;
    heal.fetch.c = row.c;
    heal.fetch.room = arena_->room().subspan(arena_used_, size);
    heal.fetch.op = &heal.fetched;
    arena_used_ += size;
    fetch_->fetch(&heal.fetch);
    return true;
  }
  return false;
}

void Replication::on_fetched(Heal& heal, Status status) {
  // What nobody gave us now is counted as the row says; a wrong row was corrected by the fetch.
  if (!ok(status)) return end_heal(heal, true);
  heal.push.c = heal.row.c;
  heal.push.type = heal.row.state.type;
  heal.push.record = Bytes(heal.fetch.room).first(heal.fetch.size);
  // A pin without its number would be older than an unpin that spares it: the highest is safe.
  heal.push.number = number_;
  heal.push.op = &heal.pushed;
  heal.push.known_holders = heal.row.state.holders;
  heal.push.held = heal.row.state.held;
  if (!ok(push_->heal(&heal.push))) end_heal(heal, true);
}

void Replication::on_pushed(Heal& heal, Status status) {
  heal.row.state.holders |= heal.push.holders;
  heal.row.state.held = heal.push.in_own_log;
  bool others = false;
  bool own_log = false;
  bool failed = !ok(status) || lacks(heal.row.state, &others, &own_log);
  end_heal(heal, failed);
}

void Replication::end_heal(Heal& heal, bool failed) {
  count(heal.row.state);
  healed_ += failed ? 0 : 1;
  failed_ = failed_ || failed;
  heal.busy = false;
  if (--live_ == 0) {
    context_->serve_pool.give(arena_);
    arena_used_ = 0;
  }
  if (state_ == State::kHealing) walk();
  if (state_ == State::kDraining && live_ == 0) end();
}

void Replication::end() {
  uint64_t now_ns = context_->now();
  state_ = State::kIdle;
  uint64_t pause_ns = 4 * (now_ns - begun_ns_);
  next_ns_ = std::max(next_ns_, now_ns + std::clamp(pause_ns, kPauseNsMin, kPauseNsMax));
  slow_ns_ = now_ns + kSlowPassNs;
  if (failed_) retry_ns_ = now_ns + kRetryNs;
  if (aborted_) return;
  uint64_t number = summary_.pass_number + 1;
  summary_ = running_;
  summary_.pass_number = number;
  counted_changes_ = pass_changes_;
}

}  // namespace drey
