// One restore or listing under way: the stream maker, its pages, its chunks. A pump like BackupOp.
// Loop thread; reads only.
#pragma once

#include "backup/chunk_cache.h"

namespace drey {

class StreamOp final : public Op {
 public:
  void start(BackupContext* context, SlotShare::User user);
  // kBusy: too few slots beside what else runs; kInvalid, kTooLarge: the path.
  Status begin(const StreamRequest& request, StreamSink* sink, Op* done);
  void resume() { poke(); }
  void cancel();
  void tick();
  bool running() const { return state_ != State::kIdle; }
  const StreamResult& result() const { return result_; }

  void step(Status status) override;
  const char* state_name() const override;

 private:
  enum class State : uint8_t { kIdle, kStreaming, kAsking, kLoadingPage, kEnding };
  // Would one of the survivors have it?
  struct AskJob final : Job {
    Store* store = nullptr;
    Survivors survivors;
    ContentId d;
    ChunkId c;
    bool page = false;
    bool present = false;
    Status run() override;
    Status look(const ChunkId& id);
  };
  static constexpr size_t kAhead = 3;

  void poke() {
    if (!is_queued() && running()) complete(Status::kOk);
  }
  void stream();
  bool serve(StreamMaker::Need need);
  void ask(const ContentId& d, const ChunkId& c, bool page);
  void answered(Status status);
  bool load_page();
  void page_fetched(Status status);
  void page_opened(Status status);
  void prefetch();
  void end(Status status);
  void try_to_end();

  BackupContext* context_ = nullptr;
  SlotShare::User user_ = 0;
  Op* done_ = nullptr;
  StreamSink* sink_ = nullptr;
  State state_ = State::kIdle;
  Status status_ = Status::kOk;
  bool cancelled_ = false;
  bool with_data_ = false;
  int lost_level_ = -1;  // of the page whose subtree would be lost; -1: none
  AskJob ask_job_;
  Signal<StreamOp> answered_;
  StreamResult result_;
  OriginBuffer* page_record_ = nullptr;
  RecordLoader loader_;
  Signal<StreamOp> page_fetched_;
  Signal<StreamOp> page_opened_;
  ChunkCache cache_;
  StreamMaker maker_;
};

}  // namespace drey
