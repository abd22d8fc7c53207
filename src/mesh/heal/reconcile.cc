#include "mesh/heal/reconcile.h"

#include <algorithm>

#include "crypto/hash.h"

namespace drey {
namespace {

// The greatest id before the bucket.
ChunkId before_bucket(uint8_t bucket) {
  ChunkId id;
  if (bucket == 0) return id;
  id.raw.fill(0xff);
  id.raw[0] = static_cast<uint8_t>(bucket - 1);
  return id;
}

}  // namespace

void Reconciler::start(DataContext* context, Unpinner* unpinner, Cosigning* cosigning) {
  context_ = context;
  unpinner_ = unpinner;
  cosigning_ = cosigning;
  sign_job_.draft = compare_job_.draft = &draft_;
  sign_job_.identity = context->options.identity;
  sign_job_.mesh = context->options.mesh;
  signed_.set(context->options.ready, this, &Reconciler::on_signed);
  expect_job_.store = context->options.store;
  compare_job_.store = context->options.store;
  expected_.set(context->options.ready, this, &Reconciler::on_expected);
  compared_.set(context->options.ready, this, &Reconciler::on_compared);
}

void Reconciler::move(State to) {
  state_ = to;
  since_ns_ = context_->now();
}

bool Reconciler::all_reconciled() {
  for (DataPeer& peer : context_->peers.all()) {
    if (!peer.is_open() || !peer.member || peer.reconciled) continue;
    // Two sessions of one member: the newest is asked.
    if (context_->peers.find_member(peer.id) == &peer) return false;
  }
  return true;
}

void Reconciler::recheck() {
  for (DataPeer& peer : context_->peers.all()) {
    peer.reconciled = false;
    peer.reconcile_due_ns = 0;
  }
  if (state_ != State::kIdle) asked_again_ = true;
}

void Reconciler::recheck(DataPeer& peer) {
  peer.reconciled = false;
  if (state_ != State::kIdle && peer_.is(peer)) asked_again_ = true;
  // However often it says so, it is not asked more often than a peer that does not answer.
  peer.reconcile_due_ns = std::min(peer.reconcile_due_ns, peer.reconcile_asked_ns + kRetryNs);
}

void Reconciler::pick(uint64_t now_ns) {
  for (DataPeer& peer : context_->peers.all()) {
    if (!peer.is_open() || !peer.member || now_ns < peer.reconcile_due_ns) continue;
    if (context_->peers.find_member(peer.id) != &peer) continue;
    size_t member = context_->members.find(peer.id);
    if (member == DataMembers::kNone || context_->members.bit(member) == 0) continue;
    peer_ = PeerRef(&peer);
    peer.reconcile_asked_ns = now_ns;
    expect_job_.bit = compare_job_.bit = context_->members.bit(member);
    corrected_ = surplus_ = unpinned_ = 0;
    asked_again_ = false;
    // A number that did not take everything is not tried twice on one session.
    unpin_number_ = context_->options.identity != nullptr ? unpinner_->allowed() : 0;
    if (unpin_number_ == peer.unpinned_number) unpin_number_ = 0;
    compare_job_.unpins = unpin_number_ != 0;
    draft_.begin(peer.id, unpin_number_);
    move(State::kAsking);
    return send();
  }
}

// The question of the present state.
void Reconciler::send() {
  DataPeer* peer = peer_.get();
  if (peer == nullptr) return end(false);
  request_ = context_->peers.new_request();
  Status status = Status::kOk;
  if (state_ == State::kAsking) {
    DigestMessage message;
    message.request = request_;
    message.owner = context_->options.self;
    status = peer->send(message);
  } else if (state_ == State::kUnpinning && now_) {
    status = peer->send(UnpinNowMessage{request_, cosigning_->signature(), draft_.bytes()});
  } else if (state_ == State::kUnpinning) {
    status = peer->send(UnpinMessage{request_, draft_.bytes()});
  } else {
    PinnedListMessage message;
    message.request = request_;
    message.owner = context_->options.self;
    message.bucket = static_cast<uint8_t>(bucket_);
    message.after = after_;
    status = peer->send(message);
  }
  unsent_ = status == Status::kBusy;
  if (!ok(status) && !unsent_) end(false);
}

void Reconciler::on_digests(DataPeer& peer, const DigestsMessage& message) {
  if (state_ != State::kAsking || !peer_.is(peer) || message.request != request_) return;
  told_ = message.buckets;
  expect_job_.after = {};
  expect_job_.digests = {};
  move(State::kExpecting);
  context_->submit(Lane::kStore, &expect_job_, &expected_);
}

Status Reconciler::ExpectJob::run() {
  size_t count = 0;
  DREY_TRY(store->scan_records(after, rows, &count));
  for (size_t i = 0; i < count; ++i)
    if (rows[i].state.mine && (rows[i].state.holders & bit) != 0)
      digests[rows[i].c.raw[0]].add(rows[i].c);
  ended = count < rows.size();
  if (count > 0) after = rows[count - 1].c;
  return Status::kOk;
}

void Reconciler::on_expected(Status status) {
  if (!ok(status) || peer_.get() == nullptr) return end(false);
  if (!expect_job_.ended) return context_->submit(Lane::kStore, &expect_job_, &expected_);
  if (settled_mark() == mark()) return end(true);
  bucket_ = settled_row().resume;
  settled_row().resume = 0;
  pages_ = 0;
  next_bucket();
}

// What both sides said, in one number; never 0.
uint64_t Reconciler::mark() const {
  Sha256 hash;
  for (size_t i = 0; i < kBucketCount; ++i) {
    const BucketDigest& ours = expect_job_.digests[i];
    std::array<uint8_t, 40> row;
    ByteWriter to(row);
    to.u32(told_[i].count);
    to.u64(told_[i].sum_hi);
    to.u64(told_[i].sum_lo);
    to.u32(ours.count);
    to.u64(ours.sum_hi);
    to.u64(ours.sum_lo);
    DREY_CHECK(to.size() == row.size());
    hash.update(row);
  }
  // Listed again when what is beyond our claims may be unpinned.
  std::array<uint8_t, 8> number;
  store_le(number.data(), unpin_number_);
  hash.update(number);
  return load_le<uint64_t>(hash.finish().data()) | 1;
}

Reconciler::Settled& Reconciler::settled_row() {
  DataPeer* peer = peer_.get();
  DREY_CHECK(peer != nullptr);
  Settled& row = settled_[static_cast<size_t>(peer - context_->peers.all().data())];
  if (row.serial != peer->serial) row = {peer->serial, 0, 0};
  return row;
}

// Lists the next bucket, from bucket_ on, whose digests differ.
void Reconciler::next_bucket() {
  while (bucket_ < kBucketCount) {
    const BucketDigest& ours = expect_job_.digests[bucket_];
    if (told_[bucket_] != PinDigest{ours.count, ours.sum_hi, ours.sum_lo}) break;
    ++bucket_;
  }
  if (bucket_ == kBucketCount) {
    if (draft_.count() > 0) return begin_unpin();
    settled_mark() = corrected_ == 0 && unpinned_ == 0 ? mark() : 0;
    return end(true);
  }
  after_ = {};
  bucket_pages_ = 0;
  move(State::kListing);
  send();
}

void Reconciler::on_chunks(DataPeer& peer, const PinnedChunksMessage& message) {
  if (state_ != State::kListing || !peer_.is(peer) || message.request != request_) return;
  // A page that says "more" without a step forward would be asked for ever; honest ones are full.
  bool thin = message.more && message.chunks.size() < limits::kPinnedChunksMax;
  bool stuck = message.more && (thin || message.chunks.back() <= after_);
  if (message.bucket != bucket_ || stuck || ++bucket_pages_ > kPagesMax) {
    peer.link->close(Status::kInvalid);
    return end(false);
  }
  compare_job_.bucket = static_cast<uint8_t>(bucket_);
  compare_job_.after = after_;
  compare_job_.more = message.more;
  compare_job_.count = message.chunks.size();
  std::copy(message.chunks.begin(), message.chunks.end(), compare_job_.chunks.begin());
  move(State::kComparing);
  context_->submit(Lane::kStore, &compare_job_, &compared_);
}

Status Reconciler::CompareJob::run() {
  corrected = 0;
  surplus = 0;
  size_t listed = 0;
  ChunkId at = after.is_zero() ? before_bucket(bucket) : after;
  for (bool ended = false; !ended;) {
    size_t row_count = 0;
    DREY_TRY(store->scan_records(at, rows, &row_count));
    if (row_count > 0) at = rows[row_count - 1].c;
    ended = row_count < rows.size();
    DREY_TRY(correct(row_count, &listed, &ended));
  }
  while (listed < count) note_surplus(chunks[listed++]);
  return Status::kOk;
}

void Reconciler::CompareJob::note_surplus(const ChunkId& c) {
  ++surplus;
  if (unpins && !draft->full()) draft->add(c);
}

// Both sides are sorted: one walk. *listed = how many of the listed ids lie behind us.
Status Reconciler::CompareJob::correct(size_t row_count, size_t* listed, bool* ended) {
  size_t add_count = 0;
  size_t clear_count = 0;
  for (size_t i = 0; i < row_count; ++i) {
    const RecordRow& row = rows[i];
    bool beyond = row.c.raw[0] != bucket || (more && row.c > chunks[count - 1]);
    if (beyond) {
      *ended = true;
      break;
    }
    while (*listed < count && chunks[*listed] < row.c) note_surplus(chunks[(*listed)++]);
    bool has = *listed < count && chunks[*listed] == row.c;
    if (has) ++*listed;
    if (has && !row.state.mine) note_surplus(row.c);
    bool believed = (row.state.holders & bit) != 0;
    if (!row.state.mine || has == believed) continue;
    if (has) {
      add[add_count++] = row.c;
    } else {
      clear[clear_count++] = row.c;
    }
  }
  corrected += add_count + clear_count;
  if (add_count > 0)
    DREY_TRY(store->update_holders(std::span<const ChunkId>(add).first(add_count), bit, 0));
  if (clear_count > 0)
    DREY_TRY(store->update_holders(std::span<const ChunkId>(clear).first(clear_count), 0, bit));
  return Status::kOk;
}

void Reconciler::on_compared(Status status) {
  corrected_ += compare_job_.corrected;
  if (!ok(status) || peer_.get() == nullptr) return end(false);
  if (!compare_job_.unpins) surplus_ += compare_job_.surplus;
  // The same page is listed again when it is through: what goes is not listed any more.
  if (draft_.full()) return begin_unpin();
  after_page();
}

void Reconciler::after_page() {
  if (compare_job_.more) {
    after_ = compare_job_.chunks[compare_job_.count - 1];
    move(State::kListing);
    return send();
  }
  ++bucket_;
  pages_ += bucket_pages_;
  if (pages_ < kPagesMax || bucket_ == kBucketCount || draft_.count() > 0) return next_bucket();
  settled_row().resume = bucket_;
  end(false);
}

void Reconciler::begin_unpin() {
  move(State::kSigning);
  context_->submit(Lane::kWork, &sign_job_, &signed_);
}

void Reconciler::on_signed(Status status) {
  if (!ok(status) || peer_.get() == nullptr) return end(false);
  if (!cosigning_->is_open(context_->now())) return say_unpin(false);
  cosigning_->offer(draft_.bytes());
  move(State::kCosigning);
}

// However it ends, the UNPIN goes out.
void Reconciler::tick_cosigning(uint64_t now_ns) {
  if (cosigning_->is_signed()) return say_unpin(true);
  if (!cosigning_->is_open(now_ns)) say_unpin(false);
}

void Reconciler::say_unpin(bool now) {
  now_ = now;
  if (!now) cosigning_->withdraw();
  move(State::kUnpinning);
  send();
}

void Reconciler::on_unpinned(DataPeer& peer, const UnpinnedMessage& message) {
  if (state_ != State::kUnpinning || !peer_.is(peer) || message.request != request_) return;
  // Its membership may know another phrase by now: what it does not take at once it may take later.
  if (now_ && message.answer == Answer::kRefused) return say_unpin(false);
  if (now_ && message.answer == Answer::kDurable) cosigning_->note_taken();
  cosigning_->withdraw();
  if (message.answer != Answer::kDurable) {
    // Busy: soon again. Else this one takes none of us for now: like a number that took nothing.
    if (message.answer != Answer::kBusy) peer.unpinned_number = unpin_number_;
    return end(message.answer != Answer::kBusy);
  }
  unpinned_ += draft_.count();
  bool page_again = draft_.full();
  draft_.begin(peer.id, unpin_number_);
  if (!page_again) {
    peer.unpinned_number = unpin_number_;
    return end(true);
  }
  move(State::kListing);
  send();
}

void Reconciler::end(bool done) {
  move(State::kIdle);
  unsent_ = false;
  cosigning_->withdraw();
  corrected_total_ += corrected_;
  unpinned_total_ += unpinned_;
  DataPeer* peer = peer_.get();
  // No sweep has said what of it may go, or what it said did not suffice.
  uint64_t approved = unpinner_->approved();
  bool tried = peer != nullptr && peer->unpinned_number == approved;
  if (done && surplus_ > 0 && (approved == 0 || tried)) unpinner_->want_sweep();
  if (peer != nullptr && !asked_again_) {
    bool first = done && !peer->reconciled;
    peer->reconciled = peer->reconciled || done;
    peer->reconcile_due_ns = context_->now() + (done ? kAgainNs : kRetryNs);
    if (first) context_->changed.wake();
  }
  peer_ = {};
  if (corrected_ > 0) {
    context_->changed.wake();
    if (context_->options.log != nullptr)
      context_->options.log->info("a holder's list differed from ours in %zu records", corrected_);
  }
  if (unpinned_ > 0 && context_->options.log != nullptr)
    context_->options.log->info("a holder was told to give up %zu records", unpinned_);
}

void Reconciler::on_closed(const DataPeer& peer) {
  if ((waits_for_peer() || state_ == State::kCosigning) && peer_.is(peer)) end(false);
}

bool Reconciler::waits_for_peer() const {
  return state_ == State::kAsking || state_ == State::kListing || state_ == State::kUnpinning;
}

void Reconciler::tick(uint64_t now_ns) {
  if (state_ == State::kIdle) return pick(now_ns);
  if (state_ == State::kCosigning) return tick_cosigning(now_ns);
  if (!waits_for_peer()) return;
  DataPeer* peer = peer_.get();
  uint64_t moved_ns = std::max(since_ns_, peer != nullptr ? peer->moved_ns : 0);
  if (now_ns - moved_ns >= kAnswerNs) {
    // It may be obeyed yet: nothing this link told may be believed after it.
    if (state_ == State::kUnpinning && peer != nullptr) peer->link->close(Status::kTimeout);
    return end(false);
  }
  if (unsent_) send();
}

}  // namespace drey
