// What turns something into a page tree of rows and chunks to be sealed: the walk of source
// directories (snapshot_maker.h), or a change of the table of single files (files/table_maker.h). A
// machine without any waiting of its own: run() works until it needs something from outside and
// says what; the backup op (or a test) provides it and runs it again. run() is blocking work for
// one job at a time; everything else is called between two runs. It writes nothing; unfinished, it
// leaves nothing behind.
#pragma once

#include "backup/content_reader.h"
#include "backup/page_builder.h"
#include "backup/page_cursor.h"
#include "backup/types.h"

namespace drey {

// The large members of a maker. One set serves all makers of a backup op: one of them runs at a
// time.
struct MakerParts {
  RowDraft draft;
  RowQueue queue;
  PageBuilder builder;
  PageCursor previous;
};

class Maker {
 public:
  enum class Need : uint8_t {
    kSlot,      // a buffer for a chunk: give_slot()
    kChunk,     // take_chunk(): to be sealed; resolve() when its (D, C) is known
    kPage,      // page() is to be sealed: resolve_page(); other work goes on meanwhile
    kPrevious,  // a page of the previous snapshot: previous().wants() and room(), then
                // previous_loaded() or previous_lost()
    kHeld,      // are the records held_question() kept somewhere: held_answer()
    kInput,     // bytes of an upload: TableMaker::input()
    kWait,      // for some resolve() or resolve_page() under way
    kPause,     // nothing: run again, when others had their turn
    kDone,      // root() is the snapshot
    kFailed,    // status()
  };

  explicit Maker(MakerParts& parts)
      : draft_(parts.draft),
        queue_(parts.queue),
        builder_(parts.builder),
        previous_(parts.previous) {}
  Maker(const Maker&) = delete;
  Maker& operator=(const Maker&) = delete;
  virtual ~Maker() = default;

  Need run();
  // Gives up: closes what is open. The lender takes its slots back.
  virtual void stop() = 0;

  virtual void give_slot(uint16_t slot, MutBytes buffer) = 0;
  virtual FilledChunk take_chunk() = 0;
  void resolve(const ResolvedChunk& chunk);

  Bytes page() const { return builder_.page(); }
  void resolve_page(const ContentId& d, const ChunkId& c);

  PageCursor& previous() { return previous_; }
  void previous_loaded(size_t size) { previous_status_ = previous_.loaded(size); }
  virtual void previous_lost(Status why) = 0;

  const PageRef& root() const { return builder_.root(); }
  Status status() const { return status_; }
  const BackupProgress& progress() const { return progress_; }

 protected:
  // A phase went on (nothing needed), or what it needs.
  struct Step {
    bool needs = false;
    Need need = Need::kPause;
  };
  static Step go() { return {}; }
  static Step need(Need what) { return {true, what}; }

  void begin();
  virtual Step step() = 0;
  virtual bool has_chunk() const = 0;
  virtual uint64_t read_bytes() const = 0;
  // A complete row has gone into a page.
  virtual void row_done(const RowKey& key, Bytes body) { (void)key, (void)body; }
  // Every row is in the queue: the last pages. needs kDone when root() is known.
  Step finish_pages();

  Status status_ = Status::kOk;
  BackupProgress progress_;
  Status previous_status_ = Status::kOk;
  RowDraft& draft_;
  RowQueue& queue_;
  PageBuilder& builder_;
  PageCursor& previous_;

 private:
  void drain();
  bool page_told_ = false;
};

}  // namespace drey
