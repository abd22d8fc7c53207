// The sweep: walks the pages of every kept snapshot of this node (and of a device it replaced), and
// takes this node's claims off all records that none of them needs. Then the own log's compaction
// frees their bytes, and the mesh unpins them at the holders.
//
// It never runs beside a backup: one that begins ends it, and it is run again later. Until the
// whole tree of every kept snapshot was read, nothing is removed: a head or a page that is missing
// or unreadable ends it with kNotEnough. A crash anywhere leaves some claims too many, never one
// too few. Loop thread; one object in BackupService.
#pragma once

#include "backup/head_scan.h"
#include "backup/kept_set.h"
#include "backup/page_cursor.h"
#include "backup/record_loader.h"
#include "mesh/heads/forget.h"
#include "store/commit.h"

namespace drey {

struct SweepResult {
  Status status = Status::kOk;
  uint64_t number = 0;  // of the unpins: higher ones stand
  uint64_t kept = 0;    // own records that stay
  uint64_t removed = 0;
  // Needed records without an own claim (the card is older than it was, or claims were damaged).
  // They are claimed again; while there were any, nothing may be unpinned at the holders.
  uint64_t unclaimed = 0;
};

class SweepOp final : public Op {
 public:
  static constexpr SlotShare::User kUser = 0;  // the backup's: never beside one

  // `cursor` is lent by the backup op.
  void start(BackupContext* context, Committer* committer, PageCursor* cursor);
  // See BackupService::sweep().
  Status begin(Op* done);
  void cancel() { cancelled_ = true; }
  void tick();
  bool running() const { return state_ != State::kIdle; }
  const SweepResult& result() const { return result_; }

  void step(Status status) override;
  const char* state_name() const override;

 private:
  enum class State : uint8_t {
    kIdle,
    kCounting,
    kOpeningOwner,
    kScanning,
    kWalking,
    kWaitingForSlot,
    kFetching,
    kOpening,
    kLookingUp,
    kChoosing,
    kCommitting,
    kClearing,
    kPausing,
  };
  static constexpr size_t kRowsPerJob = 128;
  using Rows = std::array<RecordRow, kRowsPerJob>;  // of one job at a time
  // Counts the own claims, and draws the number.
  struct CountJob final : Job {
    Store* store = nullptr;
    ChunkId after;
    bool ended = false;
    uint64_t number = 0;
    uint64_t mine = 0;
    Rows* rows = nullptr;
    Status run() override;
  };
  // The FORGET of an owner whose heads are to be walked.
  struct OwnerJob final : Job {
    Store* store = nullptr;
    NodeId owner;
    uint64_t number = 0;  // 0: it has none
    Forget forget;
    std::array<uint8_t, limits::kStatementBytesMax> bytes;
    Status run() override;
  };
  // Adds what a snapshot names to the set: C, and the record that D stands for now.
  struct LookUpJob final : Job {
    static constexpr size_t kRowsMax = 64;
    struct Row {
      ContentId d;
      ChunkId c;
      ChunkType type = ChunkType::kData;
    };
    Store* store = nullptr;
    KeptSet* kept = nullptr;
    uint64_t number = 0;     // of new claims
    uint64_t unclaimed = 0;  // of all rows so far
    Ticket ticket = 0;       // of the last claim that was made again
    size_t count = 0;
    std::array<Row, kRowsMax> rows;
    Status run() override;
    Status claim(const Row& row, bool other);
  };
  // Unpins what is not in the set.
  struct ChooseJob final : Job {
    Store* store = nullptr;
    const KeptSet* kept = nullptr;
    NodeId self;
    uint64_t number = 0;
    ChunkId after;
    bool ended = false;
    bool busy = false;  // too many appends are open: the same rows are to be looked at again
    uint64_t kept_count = 0;
    uint64_t removed_count = 0;
    size_t clear_count = 0;
    Ticket claimed = 0;  // claims made again become durable with what goes
    Ticket ticket = 0;
    Rows* rows = nullptr;
    std::array<ChunkId, kRowsPerJob> clear;  // whose holders are to be forgotten
    Status run() override;
  };
  // What is claimed anew later must not trust pins that are on their way out.
  struct ClearJob final : Job {
    Store* store = nullptr;
    const ChooseJob* choose = nullptr;
    Status run() override;
  };

  void begin_pass();
  void open_owner();
  void owner_opened();
  bool take_heads();
  bool is_removed(uint64_t first, uint64_t last) const;
  void next_head();
  void next_owner();
  void walk();
  bool note_row();
  void note(const ContentId& d, const ChunkId& c, ChunkType type);
  bool walked_before(const PageRef& page);
  void look_up();
  void load_page();
  void page_done(Status status);
  void choose();
  void end_pass();
  void finish(Status status);

  BackupContext* context_ = nullptr;
  Committer* committer_ = nullptr;
  PageCursor* cursor_ = nullptr;
  Op* done_ = nullptr;
  State state_ = State::kIdle;
  bool cancelled_ = false;
  uint32_t pass_ = 0;
  uint32_t pass_count_ = 1;
  uint64_t salt_ = 0;
  NodeId owner_;
  uint64_t sequence_ = 0;  // the last head of the owner that was seen
  bool walked_ = false;    // every head of every owner
  size_t head_at_ = 0;
  size_t extent_at_ = 0;
  Status cursor_status_ = Status::kOk;
  OriginBuffer* filter_ = nullptr;
  OriginBuffer* record_ = nullptr;
  SweepResult result_;
  RecordLoader loader_;
  HeadScan scan_;
  KeptSet kept_;
  Rows rows_;
  CountJob count_;
  OwnerJob owner_job_;
  LookUpJob look_up_;
  ChooseJob choose_;
  ClearJob clear_;
  CommitWaiter waiter_;
  // Leaves and pages right above them that were walked in this pass, and records that were looked
  // up: compared in full, since what is skipped wrongly would be lost.
  std::array<ChunkId, 256> pages_;
  std::array<ChunkId, 256> seen_;
};

}  // namespace drey
