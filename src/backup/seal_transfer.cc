#include "backup/seal_transfer.h"

#include "codec/seal.h"

namespace drey {

bool RecentContents::find(const ContentId& d, ChunkId* c) const {
  const Row& row = rows_[d.raw[0] % rows_.size()];
  if (row.d != d || row.c.is_zero()) return false;
  *c = row.c;
  return true;
}

void RecentContents::add(const ContentId& d, const ChunkId& c) {
  rows_[d.raw[0] % rows_.size()] = {d, c};
}

void SealTransfer::start(BackupContext* context, Op* owner) {
  context_ = context;
  owner_ = owner;
  digest_job_.transfer = find_job_.transfer = seal_job_.transfer = this;
  signal_.set(context->ready, this, &SealTransfer::on_step);
}

void SealTransfer::begin(ChunkType type, const FilledChunk& chunk, uint64_t number,
                         RecentContents* recent) {
  DREY_CHECK(free());
  type_ = type;
  chunk_ = chunk;
  number_ = number;
  recent_ = recent;
  status_ = Status::kOk;
  has_plain_ = type == ChunkType::kData;
  plain_done_ = has_result_ = false;
  added_bytes_ = 0;
  record_ = nullptr;
  state_ = State::kDigesting;
  context_->submit(Lane::kWork, &digest_job_, &signal_);
}

void SealTransfer::on_step(Status status) {
  switch (state_) {
    case State::kDigesting:
      digested();
      break;
    case State::kFinding:
      found(status);
      break;
    case State::kSealing:
      sealed(status);
      break;
    case State::kPushing:
      if (ok(status)) added_bytes_ = push_.record.size();
      if (ok(status)) recent_->add(d_, c_);
      finish(status);
      break;
    default:
      DREY_CHECK(false);
  }
  if (!owner_->is_queued()) owner_->complete(Status::kOk);
}

Status SealTransfer::DigestJob::run() {
  SealTransfer& t = *transfer;
  t.d_ = content_id(*t.context_->keyring, t.type_, t.chunk_.plain());
  return Status::kOk;
}

void SealTransfer::digested() {
  if (recent_->find(d_, &c_)) {
    resolve();
    return finish(Status::kOk);
  }
  state_ = State::kFinding;
  context_->submit(Lane::kStore, &find_job_, &signal_);
}

// Known means: this node has claimed it and somebody holds it. A claim nobody holds any more is
// made good by pushing the record again.
Status SealTransfer::FindJob::run() {
  RecordState state;
  Status status = transfer->context_->store->find_content(transfer->d_, &transfer->c_, &state);
  known = ok(status) && state.mine && (state.held || state.holders != 0);
  return status;
}

void SealTransfer::found(Status status) {
  if (!ok(status) && status != Status::kNotFound) return finish(status);
  if (!find_job_.known) {
    state_ = State::kWantsRecord;
    return;
  }
  resolve();
  finish(Status::kOk);
}

void SealTransfer::give_record(OriginBuffer* record) {
  DREY_CHECK(state_ == State::kWantsRecord);
  record_ = record;
  state_ = State::kSealing;
  context_->submit(Lane::kWork, &seal_job_, &signal_);
}

Status SealTransfer::SealJob::run() {
  SealTransfer& t = *transfer;
  CompressorLease lease(*t.context_->compressors);
  if (lease.get() == nullptr) return Status::kBusy;
  return seal(*t.context_->keyring, *lease.get(), t.context_->compression, t.type_, t.d_,
              t.chunk_.plain(), t.record_->room(), &size, &t.c_);
}

void SealTransfer::sealed(Status status) {
  if (status == Status::kNotFound) {
    // A revocation came between the look at the keyring and the job: until a new epoch is there.
    state_ = State::kWantsRecord;
    return;
  }
  if (!ok(status)) return finish(status);
  record_->size = seal_job_.size;
  resolve();
  push_ = PushRequest{};
  push_.c = c_;
  push_.d = d_;
  push_.type = type_;
  push_.record = record_->bytes();
  push_.number = number_;
  push_.op = &signal_;
  state_ = State::kPushing;
  context_->records->push(&push_);
}

void SealTransfer::resolve() {
  has_result_ = true;
  plain_done_ = true;
}

void SealTransfer::finish(Status status) {
  status_ = status;
  plain_done_ = true;
  state_ = State::kEnded;
}

ResolvedChunk SealTransfer::take_result() {
  has_result_ = false;
  return {chunk_.number, d_, c_, static_cast<uint32_t>(chunk_.size)};
}

OriginBuffer* SealTransfer::take_record() {
  OriginBuffer* record = record_;
  record_ = nullptr;
  return record;
}

}  // namespace drey
