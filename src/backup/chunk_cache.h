// The chunks of one stream: fetched ahead, opened when needed, kept while slots allow, so that a
// bundle shared by many small files is fetched once. Works with two slots (slower) and uses up to
// one per entry and one more. One object per stream op, loop thread.
#pragma once

#include "backup/record_loader.h"
#include "backup/stream_maker.h"

namespace drey {

class ChunkCache {
 public:
  static constexpr size_t kEntries = 4;

  void start(BackupContext* context, SlotShare::User user, Op* owner);
  // kOk: *plain holds the chunk until the next call on the cache; kAgain: on its way, or no slot is
  // free: the owner is completed when it is worth asking again (or asks at the next tick). Any
  // other status: nobody has it. Others may be thrown out for it.
  Status get(const ChunkRef& chunk, Bytes* plain);
  // Starts fetching, as far as slots are free; throws nothing out.
  void prefetch(std::span<const ChunkRef> chunks);
  // A slot for something else of this stream; throws out what was fetched ahead or kept, but not
  // `keep`. Null: none yet.
  OriginBuffer* take_slot(const ChunkRef* keep);
  // Gives back what nobody is using but `keep` (may be null). True when nothing is left.
  bool shrink(const ChunkRef* keep);

 private:
  enum class State : uint8_t { kFree, kFetching, kFetched, kOpening, kPlain, kFailed };
  struct Entry {
    ChunkCache* cache = nullptr;
    State state = State::kFree;
    ChunkRef chunk;
    Status status = Status::kOk;
    uint64_t used = 0;
    OriginBuffer* record = nullptr;
    OriginBuffer* plain = nullptr;
    size_t size = 0;
    RecordLoader loader;
    Signal<Entry> fetched;
    Signal<Entry> opened;
    void on_fetched(Status result);
    void on_opened(Status result);
    bool in_use() const { return state == State::kFetching || state == State::kOpening; }
  };
  Entry* find(const ChunkRef& chunk);
  Entry* free_entry(const ChunkRef* keep);
  Entry* victim(const ChunkRef* keep);
  void drop(Entry& entry);
  bool fetch(Entry& entry, const ChunkRef& chunk, const ChunkRef* keep);
  bool open(Entry& entry);
  void tell();

  BackupContext* context_ = nullptr;
  SlotShare::User user_ = 0;
  Op* owner_ = nullptr;
  uint64_t clock_ = 0;  // of uses
  std::array<Entry, kEntries> entries_;
};

}  // namespace drey
