#include "backup/record_loader.h"

#include "codec/seal.h"

namespace drey {

void RecordLoader::start(BackupContext* context) {
  context_ = context;
  open_job_.loader = this;
  find_job_.loader = this;
  fetched_.set(context->ready, this, &RecordLoader::fetch_done);
  found_.set(context->ready, this, &RecordLoader::find_done);
  opened_.set(context->ready, this, &RecordLoader::open_done);
}

void RecordLoader::fetch(const ContentId& d, const ChunkId& c, ChunkType type, OriginBuffer* record,
                         Op* fetched) {
  DREY_CHECK(!busy_);
  busy_ = true;
  opening_ = second_ = false;
  d_ = d;
  c_ = c;
  type_ = type;
  record_ = record;
  op_ = fetched;
  request_ = FetchRequest{};
  request_.c = c_;
  request_.room = record_->room();
  request_.op = &fetched_;
  context_->records->fetch(&request_);
}

void RecordLoader::fetch_done(Status status) {
  record_->size = ok(status) ? request_.size : 0;
  if (!ok(status)) return look_up(status);
  if (!opening_) return tell(status);
  context_->submit(Lane::kWork, &open_job_, &opened_);
}

void RecordLoader::open(MutBytes plain, Op* opened) {
  DREY_CHECK(!busy_ && record_ != nullptr);
  busy_ = true;
  opening_ = true;
  op_ = opened;
  size_ = 0;
  open_job_.plain = plain;
  context_->submit(Lane::kWork, &open_job_, &opened_);
}

Status RecordLoader::OpenJob::run() {
  CompressorLease lease(*loader->context_->compressors);
  if (lease.get() == nullptr) return Status::kBusy;
  OriginBuffer& record = *loader->record_;
  return drey::open(*loader->context_->keyring, *lease.get(), loader->type_, loader->d_,
                    record.room().first(record.size), plain, &loader->size_);
}

void RecordLoader::open_done(Status status) {
  if (status == Status::kCorrupt) return look_up(status);
  tell(status);
}

void RecordLoader::look_up(Status why) {
  if (second_) return tell(first_failure_);
  second_ = true;
  first_failure_ = why;
  context_->submit(Lane::kStore, &find_job_, &found_);
}

Status RecordLoader::FindJob::run() {
  RecordState state;
  return loader->context_->store->find_content(loader->d_, &found, &state);
}

void RecordLoader::find_done(Status status) {
  if (!ok(status) || find_job_.found == c_) return tell(first_failure_);
  c_ = find_job_.found;
  request_ = FetchRequest{};
  request_.c = c_;
  request_.room = record_->room();
  request_.op = &fetched_;
  context_->records->fetch(&request_);
}

void RecordLoader::tell(Status status) {
  busy_ = false;
  Op* op = op_;
  op_ = nullptr;
  op->complete(status);
}

}  // namespace drey
