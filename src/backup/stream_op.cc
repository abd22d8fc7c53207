#include "backup/stream_op.h"

namespace drey {

void StreamOp::start(BackupContext* context, SlotShare::User user) {
  context_ = context;
  user_ = user;
  bind(context->ready);
  loader_.start(context);
  cache_.start(context, user, this);
  ask_job_.store = context->store;
  answered_.set(context->ready, this, &StreamOp::answered);
  page_fetched_.set(context->ready, this, &StreamOp::page_fetched);
  page_opened_.set(context->ready, this, &StreamOp::page_opened);
}

const char* StreamOp::state_name() const {
  switch (state_) {
    case State::kIdle:
      return "idle";
    case State::kStreaming:
      return "streaming";
    case State::kAsking:
      return "asking";
    case State::kLoadingPage:
      return "loading_page";
    case State::kEnding:
      return "ending";
  }
  return "?";
}

Status StreamOp::begin(const StreamRequest& request, StreamSink* sink, Op* done) {
  DREY_CHECK(!running());
  DREY_TRY(maker_.start(request));
  // A sealed record and an opened chunk; pages alone are opened into the cursor.
  ask_job_.survivors = request.survivors;
  with_data_ = request.with_data && !request.one_level && !request.survivors.ask;
  DREY_TRY(context_->slots.enter(user_, with_data_ ? 2 : 1));
  sink_ = sink;
  done_ = done;
  status_ = Status::kOk;
  cancelled_ = false;
  lost_level_ = -1;
  result_ = {};
  state_ = State::kStreaming;
  poke();
  return Status::kOk;
}

void StreamOp::cancel() {
  if (!running() || cancelled_) return;
  cancelled_ = true;
  sink_ = nullptr;
  poke();
}

// A stream whose reader stands still gives back what others wait for.
void StreamOp::tick() {
  if (!running()) return;
  if (context_->slots.over(user_)) (void)cache_.shrink(&maker_.chunk());
  poke();
}

void StreamOp::step(Status) {
  if (state_ == State::kStreaming) {
    if (cancelled_) {
      end(Status::kCancelled);
    } else {
      stream();
    }
  }
  if (state_ == State::kEnding) try_to_end();
}

void StreamOp::stream() {
  while (state_ == State::kStreaming) {
    StreamMaker::Need need = maker_.run(*sink_);
    if (!serve(need)) break;
  }
  result_ = maker_.result();
  if (state_ == State::kStreaming && with_data_) prefetch();
}

// True when the maker can run again at once.
bool StreamOp::serve(StreamMaker::Need need) {
  switch (need) {
    case StreamMaker::Need::kRoom:
      return false;
    case StreamMaker::Need::kPage:
      if (!ask_job_.survivors.ask) return load_page();
      ask(maker_.cursor().wants().d, maker_.cursor().wants().c, true);
      return false;
    case StreamMaker::Need::kDone:
      end(maker_.result().status);
      return false;
    case StreamMaker::Need::kChunk:
      break;
  }
  if (ask_job_.survivors.ask) {
    ask(maker_.chunk().d, maker_.chunk().c, false);
    return false;
  }
  Bytes plain;
  Status status = cache_.get(maker_.chunk(), &plain);
  if (status == Status::kAgain) return false;
  if (ok(status)) {
    maker_.give_chunk(plain);
  } else {
    maker_.chunk_missing(status);
  }
  return true;
}

void StreamOp::prefetch() {
  std::array<ChunkRef, kAhead> ahead;
  size_t count = maker_.upcoming(ahead);
  if (!context_->slots.over(user_)) cache_.prefetch(std::span(ahead).first(count));
}

void StreamOp::ask(const ContentId& d, const ChunkId& c, bool page) {
  state_ = State::kAsking;
  ask_job_.d = d;
  ask_job_.c = c;
  ask_job_.page = page;
  context_->submit(Lane::kStore, &ask_job_, &answered_);
}

Status StreamOp::AskJob::look(const ChunkId& id) {
  RecordState state;
  Status status = store->find(id, &state);
  if (status == Status::kNotFound) return Status::kOk;
  DREY_TRY(status);
  present = (survivors.self && state.held) || (state.holders & survivors.holders) != 0;
  return Status::kOk;
}

// As a restore does: the record that the page names, else another one of the same content.
Status StreamOp::AskJob::run() {
  present = false;
  DREY_TRY(look(c));
  if (present) return Status::kOk;
  ChunkId other;
  RecordState state;
  Status status = store->find_content(d, &other, &state);
  if (status == Status::kNotFound) return Status::kOk;
  DREY_TRY(status);
  return look(other);
}

void StreamOp::answered(Status status) {
  state_ = State::kStreaming;
  bool present = ok(status) && ask_job_.present;
  Status why = ok(status) ? Status::kNotFound : status;
  if (ask_job_.page) {
    // What stands beneath a page that is lost is lost, too, whoever has it.
    int level = maker_.cursor().wants().level;
    if (level >= lost_level_) lost_level_ = present ? -1 : level;
    maker_.set_list_lost(lost_level_ >= 0);
    // Read from wherever it is today. Without a slot for it the next tick asks again.
    (void)load_page();
    return;
  }
  if (present) {
    maker_.chunk_present();
  } else {
    maker_.chunk_missing(why);
  }
  poke();
}

bool StreamOp::load_page() {
  page_record_ = cache_.take_slot(&maker_.chunk());
  if (page_record_ == nullptr) return false;
  state_ = State::kLoadingPage;
  const PageRef& page = maker_.cursor().wants();
  loader_.fetch(page.d, page.c, ChunkType::kPage, page_record_, &page_fetched_);
  return false;
}

void StreamOp::page_fetched(Status status) {
  if (!ok(status)) return page_opened(status);
  loader_.open(maker_.cursor().room(), &page_opened_);
}

void StreamOp::page_opened(Status status) {
  context_->slots.give(user_, page_record_);
  state_ = State::kStreaming;
  if (ok(status)) {
    maker_.page_loaded(loader_.size());
  } else {
    maker_.page_lost(status);
  }
  poke();
}

void StreamOp::end(Status status) {
  status_ = status;
  result_ = maker_.result();
  result_.status = status;
  state_ = State::kEnding;
}

// Fetches under way end first: their buffers are ours.
void StreamOp::try_to_end() {
  if (!cache_.shrink(nullptr)) return;
  context_->slots.leave(user_);
  state_ = State::kIdle;
  Op* done = done_;
  done_ = nullptr;
  sink_ = nullptr;
  done->complete(status_);
}

}  // namespace drey
