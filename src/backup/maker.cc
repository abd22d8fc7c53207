#include "backup/maker.h"

namespace drey {
namespace {

// A job goes on for so many steps or bytes, then others on its lane have their turn.
constexpr size_t kStepsPerRun = 512;
constexpr uint64_t kBytesPerRun = 4 * limits::kRecordBytesMax;

}  // namespace

void Maker::begin() {
  status_ = previous_status_ = Status::kOk;
  progress_ = {};
  page_told_ = false;
  queue_.reset();
  builder_.start();
}

Maker::Need Maker::run() {
  uint64_t read_before = read_bytes();
  for (size_t i = 0; i < kStepsPerRun; ++i) {
    drain();
    if (!ok(status_)) {
      stop();
      return Need::kFailed;
    }
    if (builder_.ready() && !page_told_) {
      page_told_ = true;
      return Need::kPage;
    }
    if (has_chunk()) return Need::kChunk;
    Step next = step();
    progress_.read_bytes = read_bytes();
    if (next.needs) return next.need;
    if (progress_.read_bytes - read_before > kBytesPerRun) break;
  }
  return Need::kPause;
}

void Maker::resolve(const ResolvedChunk& chunk) {
  queue_.resolve(chunk);
  draft_.resolve(chunk);
}

void Maker::resolve_page(const ContentId& d, const ChunkId& c) {
  page_told_ = false;
  Status status = builder_.resolve(d, c);
  if (ok(status_)) status_ = status;
}

// Complete rows go into pages, until one waits for its chunk or a page for its place.
void Maker::drain() {
  RowKey key;
  Bytes body;
  while (ok(status_) && !builder_.ready() && ok(queue_.front(&key, &body))) {
    Status status = builder_.add(key, body);
    if (status == Status::kAgain) return;
    if (ok(status)) {
      row_done(key, body);
      queue_.pop();
    } else {
      status_ = status;
    }
  }
}

Maker::Step Maker::finish_pages() {
  if (!queue_.empty()) return need(Need::kWait);
  Status status = builder_.finish();
  if (status == Status::kAgain) return page_told_ ? need(Need::kWait) : go();
  if (!ok(status)) {
    status_ = status;
    return go();
  }
  return need(Need::kDone);
}

}  // namespace drey
