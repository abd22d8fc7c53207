// Claims again every record of this owner's kept snapshots (and of a device it replaced): walks the
// pages of all own heads and tells the store (store.own). After `recover --replace`, when a fresh
// store knows none of them. Claims are only ever added, so it may be stopped and repeated at any
// time. Loop thread.
#pragma once

#include "backup/head_scan.h"
#include "backup/page_cursor.h"
#include "backup/record_loader.h"
#include "store/commit.h"

namespace drey {

class AdoptOp final : public Op {
 public:
  static constexpr SlotShare::User kUser = 0;  // the backup's: never beside one

  // `cursor` is lent by the backup op.
  void start(BackupContext* context, Committer* committer, PageCursor* cursor);
  Status begin(Op* done);
  void cancel() { cancelled_ = true; }
  void tick();
  bool running() const { return state_ != State::kIdle; }

  void step(Status status) override;
  const char* state_name() const override;

 private:
  enum class State : uint8_t {
    kIdle,
    kScanning,
    kWalking,
    kWaitingForSlot,
    kFetching,
    kOpening,
    kClaiming,
    kCommitting
  };
  struct OwnJob final : Job {
    static constexpr size_t kRowsMax = 64;
    Store* store = nullptr;
    size_t count = 0;
    std::array<OwnedRecord, kRowsMax> rows;
    Ticket ticket = 0;
    Status run() override;
  };

  void next_head();
  void walk();
  bool claim_row();
  bool claim(const ContentId& d, const ChunkId& c, ChunkType type);
  void load_page();
  void page_done(Status status);
  void write_claims();
  void commit();
  void finish(Status status);

  BackupContext* context_ = nullptr;
  Committer* committer_ = nullptr;
  PageCursor* cursor_ = nullptr;
  Op* done_ = nullptr;
  State state_ = State::kIdle;
  bool cancelled_ = false;
  bool walked_ = false;   // every head: the last claims are being written
  size_t head_at_ = 0;    // within scan_.infos
  size_t extent_at_ = 0;  // of the current row: claimed so far
  uint64_t missing_ = 0;
  Status cursor_status_ = Status::kOk;
  OriginBuffer* record_ = nullptr;
  RecordLoader loader_;
  HeadScan scan_;
  OwnJob own_;
  CommitWaiter waiter_;
  // Pages and records met before, by a part of C: shared ones are claimed and walked once. A clash
  // costs a repetition, nothing else.
  std::array<uint64_t, 2048> seen_;
};

}  // namespace drey
