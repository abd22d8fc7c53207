#include "backup/backup_op.h"

#include "backup/head_body.h"
#include "codec/head.h"
#include "crypto/hash.h"

namespace drey {

void BackupOp::start(BackupContext* context, std::span<const FileIdentity> skip) {
  context_ = context;
  std::copy(skip.begin(), skip.end(), skip_.begin());
  bind(context->ready);
  for (SealTransfer& transfer : transfers_) transfer.start(context, this);
  page_transfer_.start(context, this);
  loader_.start(context);
  scan_.store = number_job_.store = held_job_.store = context->store;
  scan_.keyring = context->keyring;
  scan_.self = context->self;
  head_job_.context = context;
  head_job_.info = &info_;
  scanned_.set(context->ready, this, &BackupOp::scanned);
  numbered_.set(context->ready, this, &BackupOp::numbered);
  maker_ran_.set(context->ready, this, &BackupOp::maker_ran);
  held_answered_.set(context->ready, this, &BackupOp::held_answered);
  page_fetched_.set(context->ready, this, &BackupOp::page_fetched);
  page_opened_.set(context->ready, this, &BackupOp::page_opened);
  flushed_.set(context->ready, this, &BackupOp::flushed);
  head_sealed_.set(context->ready, this, &BackupOp::head_sealed);
  published_.set(context->ready, this, &BackupOp::published);
}

const char* BackupOp::state_name() const {
  switch (state_) {
    case State::kIdle:
      return "idle";
    case State::kWaiting:
      return "waiting";
    case State::kFindingPrevious:
      return "finding_previous";
    case State::kWalking:
      return "walking";
    case State::kFlushing:
      return "flushing";
    case State::kWaitingForKeys:
      return "waiting_for_keys";
    case State::kSealingHead:
      return "sealing_head";
    case State::kPublishing:
      return "publishing";
  }
  return "?";
}

// ---- Beginning ----

Status BackupOp::begin(const BackupRequest& request, bool waits, Op* done) {
  if (running()) return Status::kBusy;
  DREY_TRY(sources_.copy(request));
  maker_ = &walk_;
  options_ = {};
  options_.walk.one_file_system = request.one_file_system;
  options_.walk.exclude_caches = request.exclude_caches;
  info_ = {};
  sources_.describe(&info_);
  return enter(waits, done);
}

Status BackupOp::enter(bool waits, Op* done) {
  DREY_TRY(context_->records->may_sign());
  if (!waits) DREY_TRY(context_->slots.enter(kUser, kReserve));
  done_ = done;
  state_ = State::kWaiting;
  cancelled_ = maker_busy_ = maker_waits_ = walked_ = resolved_ = has_previous_ = false;
  need_ = Maker::Need::kPause;
  failure_ = Status::kOk;
  sent_bytes_ = sent_records_ = keyless_ns_ = 0;
  progress_ = {};
  result_ = {};
  error_count_ = 0;
  file_result_ = {};
  table_count_ = 0;
  maker_job_.maker = maker_;
  recent_.reset();
  if (!waits) look_for_previous();
  return Status::kOk;
}

void BackupOp::go() {
  if (state_ != State::kWaiting) return;
  if (cancelled_) return finish(Status::kCancelled);
  Status status = context_->slots.enter(kUser, kReserve);
  if (!ok(status)) return finish(status);
  look_for_previous();
}

void BackupOp::look_for_previous() {
  state_ = State::kFindingPrevious;
  scan_.begin(nullptr);
  context_->submit(Lane::kStore, &scan_, &scanned_);
}

// The newest snapshot of the same set is the one to compare with; a device's own ones come before
// those of a device that it replaced.
void BackupOp::scanned(Status status) {
  if (!ok(status) || cancelled_) return finish(cancelled_ ? Status::kCancelled : status);
  for (size_t i = 0; i < scan_.count; ++i) {
    const SnapshotInfo& info = scan_.infos[i];
    if (info.set() != info_.set() || !context_->is_own(info.node)) continue;
    if (info.node == context_->self) ++table_count_;
    if (has_previous_ && previous_.node == context_->self && info.node != context_->self) continue;
    previous_ = info;
    has_previous_ = true;
  }
  if (!scan_.ended) {
    context_->submit(Lane::kStore, &scan_, &scanned_);
  } else {
    context_->submit(Lane::kStore, &number_job_, &numbered_);
  }
}

void BackupOp::numbered(Status) {
  if (cancelled_) return finish(Status::kCancelled);
  number_ = number_job_.number;
  chunker_.emplace(context_->keyring->k_cdc().bytes(), context_->chunk_sizes);
  Status status = Status::kOk;
  if (maker_ == &walk_) {
    start_walk();
  } else {
    status = start_table();
  }
  if (!ok(status)) return finish(status);
  state_ = State::kWalking;
  poke();
}

void BackupOp::start_walk() {
  options_.tree = context_->tree;
  options_.clock = context_->clock;
  options_.chunker = &*chunker_;
  options_.sizes = context_->chunk_sizes;
  options_.walk.roots = sources_.roots();
  options_.walk.excludes = sources_.excludes();
  options_.walk.skip = skip_;
  options_.has_previous = has_previous_;
  if (has_previous_) options_.previous = {previous_.root_d, previous_.root_c, previous_.root_level};
  options_.sparse = has_previous_ && previous_.id == sparse_of_ ? &sparse_ : nullptr;
  options_.check_held = context_->records->records_missing();
  walk_.start(options_);
}

void BackupOp::cancel() {
  if (!running() || cancelled_) return;
  cancelled_ = true;
  fail(Status::kCancelled);
  poke();
}

void BackupOp::fail(Status status) {
  if (ok(failure_)) failure_ = status;
}

// ---- Walking: maker_ and its needs ----

void BackupOp::step(Status) {
  if (state_ == State::kWaitingForKeys) return seal_head();
  pump();
}

void BackupOp::pump() {
  if (state_ != State::kWalking) return;
  pump_transfers();
  pump_maker();
  if (!walked_ || !all_idle()) return;
  release_maker_slots();
  if (!ok(failure_)) return finish(failure_);
  if (maker_ == &table_ && !table_.publishes())
    return finish(table_.not_found() ? Status::kNotFound : Status::kOk);
  flush();
}

bool BackupOp::all_idle() const {
  return !maker_busy_ && !maker_waits_ && !loader_.busy() && transfers_free();
}

bool BackupOp::transfers_free() const {
  for (const SealTransfer& transfer : transfers_)
    if (!transfer.free()) return false;
  return page_transfer_.free();
}

void BackupOp::pump_maker() {
  if (maker_busy_ || maker_waits_ || walked_) return;
  if (!ok(failure_)) {
    maker_->stop();
    copy_progress();
    walked_ = true;
    return;
  }
  if (!serve_need()) return;
  need_ = Maker::Need::kPause;
  maker_busy_ = true;
  context_->submit(Lane::kWork, &maker_job_, &maker_ran_);
}

void BackupOp::maker_ran(Status) {
  maker_busy_ = false;
  need_ = maker_job_.need;
  copy_progress();
  if (wants_input() && !input_->is_queued()) input_->complete(Status::kOk);
  poke();
}

void BackupOp::copy_progress() {
  progress_ = maker_->progress();
  progress_.added_bytes = sent_bytes_;
  progress_.added_records = sent_records_;
  if (maker_ == &walk_) error_count_ = walk_.errors().size();
}

// True when the maker can run again.
bool BackupOp::serve_need() {
  using Need = Maker::Need;
  switch (need_) {
    case Need::kPause:
      return true;
    case Need::kSlot:
      return give_slot();
    case Need::kChunk:
      return send_chunk();
    case Need::kPage:
      return send_page();
    case Need::kPrevious:
      return fetch_previous_page();
    case Need::kHeld:
      maker_waits_ = true;
      held_job_.question = walk_.held_question();
      context_->submit(Lane::kStore, &held_job_, &held_answered_);
      return false;
    case Need::kInput:
      return !wants_input();
    case Need::kWait:
      DREY_CHECK(resolved_ || !transfers_free());
      if (!resolved_) return false;
      resolved_ = false;
      return true;
    case Need::kDone:
      walked_ = true;
      return false;
    case Need::kFailed:
      fail(maker_->status());
      if (maker_ == &walk_) result_.root = walk_.root_error();
      walked_ = true;
      return false;
  }
  return false;
}

// A slot for plaintext is only lent while another one is left, or in use, for records: else open
// chunks could take all slots and none could be sealed.
bool BackupOp::give_slot() {
  bool sealing = false;
  for (const SealTransfer& transfer : transfers_) sealing = sealing || transfer.holds_record();
  sealing = sealing || page_transfer_.holds_record();
  if (context_->slots.available(kUser) < (sealing ? 1u : 2u)) return false;
  OriginBuffer* slot = context_->slots.take(kUser);
  if (slot == nullptr) return false;
  size_t index = context_->slots.index_of(slot);
  maker_slots_[index] = slot;
  maker_->give_slot(static_cast<uint16_t>(index), slot->room().first(limits::kChunkBytesMax));
  return true;
}

bool BackupOp::send_chunk() {
  for (SealTransfer& transfer : transfers_) {
    if (!transfer.free()) continue;
    transfer.begin(ChunkType::kData, maker_->take_chunk(), number_, &recent_);
    return true;
  }
  return false;
}

bool BackupOp::send_page() {
  if (!page_transfer_.free()) return false;
  Bytes page = maker_->page();
  FilledChunk chunk;
  // The transfer only reads it.
  chunk.buffer = {const_cast<uint8_t*>(page.data()), page.size()};
  chunk.size = page.size();
  page_transfer_.begin(ChunkType::kPage, chunk, number_, &recent_);
  return true;
}

Status BackupOp::HeldJob::run() {
  all = true;
  for (const ChunkId& c : question) {
    RecordState state;
    Status status = store->find(c, &state);
    if (!ok(status) && status != Status::kNotFound) return status;
    all = all && ok(status) && state.mine && (state.held || state.holders != 0);
  }
  return Status::kOk;
}

void BackupOp::held_answered(Status status) {
  maker_waits_ = false;
  if (!ok(status)) fail(status);
  walk_.held_answer(ok(status) && held_job_.all);
  need_ = Maker::Need::kPause;
  poke();
}

bool BackupOp::fetch_previous_page() {
  page_record_ = context_->slots.take(kUser);
  if (page_record_ == nullptr) return false;
  maker_waits_ = true;
  const PageRef& page = maker_->previous().wants();
  loader_.fetch(page.d, page.c, ChunkType::kPage, page_record_, &page_fetched_);
  return false;
}

void BackupOp::page_fetched(Status status) {
  if (!ok(status)) return page_opened(status);
  loader_.open(maker_->previous().room(), &page_opened_);
}

void BackupOp::page_opened(Status status) {
  context_->slots.give(kUser, page_record_);
  maker_waits_ = false;
  if (ok(status)) {
    maker_->previous_loaded(loader_.size());
  } else {
    if (context_->log != nullptr)
      context_->log->warning("backup: a page of the previous snapshot is missing (%s)",
                             status_name(status));
    maker_->previous_lost(status);
  }
  need_ = Maker::Need::kPause;
  poke();
}

// ---- Transfers ----

void BackupOp::pump_transfers() {
  pump_transfer(page_transfer_);
  for (SealTransfer& transfer : transfers_) pump_transfer(transfer);
}

void BackupOp::pump_transfer(SealTransfer& transfer) {
  if (transfer.free()) return;
  if (transfer.has_result() && !maker_busy_) {
    ResolvedChunk result = transfer.take_result();
    resolved_ = true;
    if (transfer.is_page()) {
      if (!walked_) maker_->resolve_page(result.d, result.c);
    } else {
      maker_->resolve(result);
    }
  }
  if (transfer.plain_done() && transfer.has_plain()) {
    context_->slots.give(kUser, maker_slots_[transfer.plain_slot()]);
    transfer.forget_plain();
  }
  if (transfer.state() == SealTransfer::State::kWantsRecord) {
    if (may_seal()) {
      OriginBuffer* record = transfer.take_record();
      if (record == nullptr) record = context_->slots.take(kUser);
      if (record != nullptr) transfer.give_record(record);
    } else if (!ok(failure_)) {
      transfer.give_up(failure_);
    }
  }
  if (transfer.state() != SealTransfer::State::kEnded || transfer.has_result()) return;
  if (!ok(transfer.status())) fail(transfer.status());
  if (transfer.added_bytes() > 0) {
    sent_bytes_ += transfer.added_bytes();
    ++sent_records_;
  }
  OriginBuffer* record = transfer.take_record();
  if (record != nullptr) context_->slots.give(kUser, record);
  transfer.end();
}

// The slots the maker still had when it ended.
void BackupOp::release_maker_slots() {
  for (OriginBuffer*& slot : maker_slots_)
    if (slot != nullptr) context_->slots.give(kUser, slot);
}

// ---- Ending ----

void BackupOp::flush() {
  copy_progress();
  state_ = State::kFlushing;
  flush_ = FlushRequest{};
  flush_.op = &flushed_;
  context_->records->flush(&flush_);
}

void BackupOp::flushed(Status status) {
  if (!ok(status) || cancelled_) return finish(cancelled_ ? Status::kCancelled : status);
  seal_head();
}

// After a revocation nothing is sealed until an epoch is there that knows of it: the backup waits.
// False also when it waited too long or this device is out: then it has failed.
bool BackupOp::may_seal() {
  if (context_->keyring->current_epoch() != 0) {
    keyless_ns_ = 0;
    return true;
  }
  uint64_t now_ns = context_->clock->up_ns();
  if (keyless_ns_ == 0) keyless_ns_ = now_ns;
  if (now_ns - keyless_ns_ >= kKeysNs) fail(Status::kTimeout);
  if (Status status = context_->records->may_sign(); !ok(status)) fail(status);
  return false;
}

void BackupOp::seal_head() {
  state_ = State::kWaitingForKeys;
  if (Status status = context_->records->may_sign(); !ok(status)) fail(status);
  bool ready = may_seal();
  if (!ok(failure_)) return finish(failure_);
  if (!ready) return;  // looked at again with each tick
  state_ = State::kSealingHead;
  uint64_t newest = 0;
  head_job_.previous = {};
  (void)context_->records->newest_head(context_->self, &newest, &head_job_.previous);
  const PageRef& root = maker_->root();
  info_.node = context_->self;
  info_.sequence = newest + 1;
  info_.time_ns = context_->clock->wall_ns();
  info_.files = progress_.files;
  info_.bytes = progress_.bytes;
  info_.added_bytes = progress_.added_bytes;
  info_.errors = progress_.errors;
  info_.root_d = root.d;
  info_.root_c = root.c;
  info_.root_level = root.level;
  context_->submit(Lane::kWork, &head_job_, &head_sealed_);
}

Status BackupOp::HeadJob::run() {
  std::array<uint8_t, kHeadBodyBytes> body;
  std::array<uint8_t, kHeadBodyBytes + kHeadOverheadBytes> sealed;
  static_assert(sealed.size() <= kHeadSealedBytesMax);
  encode_head_body(*info, body);
  Head head;
  head.owner = info->node;
  head.sequence = info->sequence;
  head.previous = previous;
  head.epoch = context->keyring->current_epoch();
  HeadPlace place{head.owner, head.sequence, head.epoch};
  DREY_TRY(drey::seal_head(*context->keyring, *context->random, place, body, sealed));
  head.sealed = sealed;
  Result<size_t> encoded =
      encode_head(*context->sign_key, context->keyring->mesh(), &head, statement);
  if (!encoded.ok()) return encoded.status();
  size = encoded.value();
  info->id.raw = sha256(Bytes(statement).first(size));
  return Status::kOk;
}

void BackupOp::head_sealed(Status status) {
  if (status == Status::kNotFound) return seal_head();  // the epoch went in that moment
  if (!ok(status)) return finish(status);
  state_ = State::kPublishing;
  publish_ = StatementRequest{};
  publish_.kind = StatementKind::kHead;
  publish_.statement = Bytes(head_job_.statement).first(head_job_.size);
  publish_.op = &published_;
  context_->records->publish(&publish_);
}

void BackupOp::published(Status status) {
  if (ok(status)) {
    result_.snapshot = info_.id;
  }
  if (ok(status) && maker_ == &walk_) {
    sparse_of_ = info_.id;
    walk_.bundle_life().find_sparse(&sparse_);
  }
  finish(status);
}

void BackupOp::finish(Status status) {
  context_->slots.leave(kUser);
  chunker_.reset();
  if (maker_ == &table_) finish_table(status);
  result_.status = status;
  result_.progress = progress_;
  state_ = State::kIdle;
  Op* done = done_;
  done_ = input_ = nullptr;
  done->complete(result_.status);
}

}  // namespace drey
