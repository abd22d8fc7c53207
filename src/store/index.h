// The index: what the chunk log says, in SQLite, for looking up. A cache: any doubt about it ends
// in remove() and a rebuild from the log. Knows rows, not segments' bytes.
//
// One object inside Store; store lane. One transaction is always open; reads see it. What commit()
// wrote is there after a crash, as a whole, or an earlier whole (synchronous=NORMAL): the rows of
// `segments` tell up to where the log is in it.
//
// Every method: kCorrupt = damage, rebuild; kBusy = no memory; kFull, kReadOnly, kIo = the device.
// An error may roll the open transaction back (rolled_back()): then the log's tail is replayed.
#pragma once

#include <sqlite3.h>

#include <array>
#include <span>

#include "drey/ports.h"
#include "store/index_vfs.h"
#include "store/types.h"

namespace drey {

struct IndexPin {
  uint8_t slot = 0;
  uint64_t number = 0;
  bool leaving = false;  // an UNPIN that waits will take it (Store::mark_leaving)
};

struct IndexRow {
  static constexpr uint8_t kHeld = 1;
  static constexpr uint8_t kMine = 2;
  uint64_t place = 0;  // Place::packed; meaningful when held, and of the damaged copy when not
  uint32_t size = 0;
  uint8_t flags = 0;
  ChunkType type = ChunkType::kData;
  uint64_t holders = 0;
  uint8_t pin_count = 0;
  std::array<IndexPin, kNodeSlotsMax> pins{};

  bool held() const { return (flags & kHeld) != 0; }
  // Keeps the highest number; true when that changed something.
  bool merge_pin(uint8_t slot, uint64_t number);
  // Takes the pin of `slot` away when its number is not above `number`; true when there was one.
  bool remove_pin(uint8_t slot, uint64_t number);
  bool pinned_by(uint8_t slot) const;
  // And no UNPIN waits for it.
  bool stays_pinned_by(uint8_t slot) const;
  // Somebody needs the record.
  bool wanted() const { return pin_count != 0 || (flags & kMine) != 0; }
  RecordState state() const;
};

// One segment file, as far as the index has followed it.
struct IndexSegment {
  enum State : uint8_t {
    kActive = 0,
    kSealed = 1,
    kSuspect = 2,  // retired after a failed write or sync, to be re-read
    kRetired = 3,  // re-read
    kEmptied = 4,  // compacted: nothing in it counts, its file is to be removed
    kKept = 5,     // holds what this version cannot move: never compacted
  };
  uint32_t number = 0;
  uint64_t salt = 0;
  uint64_t indexed = 0;  // entries before this offset are in the index
  uint64_t mark = 0;     // an entry boundary at least kMarkBytes before `indexed`, or the first
  State state = kActive;
  // Of records without pin and claim, or replaced, and of statements that went. A hint: it chooses
  // what is compacted, never what is dropped. put_segment() leaves it alone.
  uint64_t dead = 0;
};

enum class MetaKey : uint8_t {
  kStoreId = 1,
  kRecords = 2,         // held ones
  kNumber = 3,          // highest own number that may have been given out
  kCounterSegment = 4,  // where the log says so, last
};

class Index {
 public:
  static constexpr int kSchemaVersion = 3;

  Index() = default;
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;
  ~Index() { close(); }

  // Opens what is there. kNotFound: no index. kCorrupt: damaged, foreign or another version.
  // *clean: it was closed by close_clean().
  Status open(Disk* disk, bool* clean);
  // Removes what is there and begins an empty one, without any sync until finish_build().
  Status create(Disk* disk, const StoreId& store);
  Status finish_build();
  // Everything is checkpointed and the file marked clean.
  Status close_clean();
  void close();  // whatever is not committed is lost
  bool is_open() const { return db_ != nullptr; }
  Status check();  // PRAGMA quick_check: structure, not content

  Status commit();  // and begins the next transaction
  // The same, and a power cut does not undo it: log files it has left may be removed.
  Status commit_durably();
  bool rolled_back() const { return db_ != nullptr && sqlite3_get_autocommit(db_) != 0; }
  Status begin_again();  // after rolled_back()
  bool dirty() const { return dirty_ != 0; }
  size_t changes() const { return dirty_; }
  bool sync_failed() const { return vfs_.sync_failed(); }
  uint64_t written_bytes() const { return vfs_.written_bytes(); }
  int last_code() const { return last_code_; }  // of SQLite, for the log

  Status get(const ChunkId& c, IndexRow* row);
  Status insert(const ChunkId& c, const IndexRow& row);
  Status update(const ChunkId& c, const IndexRow& row);
  Status remove(const ChunkId& c);
  Status get_content(const ContentId& d, ChunkId* c);
  Status remove_content(const ContentId& d);
  Status put_content(const ContentId& d, const ChunkId& c);
  Status get_statement(StatementKind kind, std::span<const uint8_t, kStatementKeyBytes> key,
                       uint64_t* place, uint32_t* size);
  Status put_statement(StatementKind kind, std::span<const uint8_t, kStatementKeyBytes> key,
                       uint64_t place, uint32_t size);
  Status remove_statement(StatementKind kind, std::span<const uint8_t, kStatementKeyBytes> key);
  Status scan_statements(StatementKind kind, std::span<const uint8_t, kStatementKeyBytes> after,
                         std::span<StatementRow> rows, size_t* count);

  // Calls visit(context, c, row) in C order for rows above `after` and up to `last` until it
  // returns false. visit must not write to the index.
  using Visit = bool (*)(void* context, const ChunkId& c, const IndexRow& row);
  Status scan(const ChunkId& after, const ChunkId& last, Visit visit, void* context);

  Status get_segment(uint32_t number, IndexSegment* segment);
  Status put_segment(const IndexSegment& segment);
  Status remove_segment(uint32_t number);
  // The first segment at or above `number` (state < 0: any). kNotFound.
  Status next_segment(uint32_t number, int state, IndexSegment* segment);
  // The first sealed or retired one at or above `number` with dead * `times` >= indexed.
  Status next_dead(uint32_t number, uint64_t times, IndexSegment* segment);
  // Adds to `dead`, not below 0. A segment that has no row yet gets one.
  Status add_dead(uint32_t number, int64_t bytes);
  Status set_dead(uint32_t number, uint64_t bytes);
  struct Segments {
    uint64_t count = 0;
    uint64_t bytes = 0;  // the sum of `indexed`
    uint32_t last = 0;
    uint64_t dead = 0;
  };
  Status sum_segments(Segments* sum);
  // `segment`: the newest one that names the node, 0 = none does.
  Status get_node(uint8_t slot, NodeId* node, uint32_t* segment);
  Status put_node(uint8_t slot, const NodeId& node, uint32_t segment);
  Status get_number(MetaKey key, uint64_t* value);  // 0 when it was never put
  Status put_number(MetaKey key, uint64_t value);
  Status get_store_id(StoreId* id);

 private:
  enum Query : uint8_t {
    kGet,
    kInsert,
    kUpdate,
    kRemove,
    kScan,
    kGetContent,
    kPutContent,
    kRemoveContent,
    kGetStatement,
    kPutStatement,
    kRemoveStatement,
    kScanStatements,
    kGetSegment,
    kPutSegment,
    kRemoveSegment,
    kNextSegment,
    kNextDead,
    kAddDead,
    kSetDead,
    kSumSegments,
    kGetNode,
    kPutNode,
    kGetMeta,
    kPutMeta,
    kQueryCount,
  };
  class Bound;
  static const char* const kSql[kQueryCount];

  Status open_file(int flags);
  Status settle();  // page cache, journal and the like: the pragmas of every connection
  Status prepare_all();
  Status execute(const char* sql);
  Status status_of(int code);
  Status set_clean(bool clean);
  Status read_mark(bool* exists, bool* clean);
  Status remove_files();
  Status write_row(Query query, const ChunkId& c, const IndexRow& row);

  Disk* disk_ = nullptr;
  IndexVfs vfs_;
  sqlite3* db_ = nullptr;
  std::array<sqlite3_stmt*, kQueryCount> statements_{};
  size_t dirty_ = 0;  // rows changed since the last commit
  int last_code_ = SQLITE_OK;
};

}  // namespace drey
