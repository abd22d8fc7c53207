// One `forget`: finds this node's snapshots, decides which go (named ones, and what the rules do
// not keep), and publishes a FORGET that removes them. Space comes back later, by the sweep
// (sweep_op.h) and the store's compaction. One object in BackupService, loop thread.
//
// After a crash either nothing happened or the FORGET stands: then every node obeys it.
#pragma once

#include "backup/backup_context.h"
#include "backup/head_scan.h"
#include "backup/retention.h"
#include "mesh/heads/forget.h"

namespace drey {

class ForgetOp final : public Op {
 public:
  static constexpr SlotShare::User kUser = 3;
  static constexpr size_t kRowsMax = limits::kRecordBytesMax / sizeof(RetentionRow);

  void start(BackupContext* context);
  // See BackupService::forget().
  Status begin(const ForgetRequest& request, Op* done);
  void cancel() { cancelled_ = true; }
  bool running() const { return state_ != State::kIdle; }
  const ForgetResult& result() const { return result_; }

  void step(Status status) override;
  const char* state_name() const override;

 private:
  enum class State : uint8_t { kIdle, kScanning, kReading, kSigning, kPublishing };
  struct Wanted {
    bool latest = false;
    size_t digit_count = 0;
    std::array<char, 2 * StatementId::kSize> digits{};
    size_t found = 0;
    size_t found_row = 0;
    bool foreign = false;  // it is another device's
  };
  // The newest FORGET of this node, and a number for the next.
  struct ReadJob final : Job {
    Store* store = nullptr;
    NodeId owner;
    uint64_t known = 0;  // number of the FORGET there must be; 0: none
    uint64_t number = 0;
    size_t size = 0;
    std::array<uint8_t, limits::kStatementBytesMax> statement;
    Status run() override;
  };
  struct SignJob final : Job {
    BackupContext* context = nullptr;
    ReadJob* read = nullptr;  // its statement becomes the new one
    std::span<const RetentionRow> rows;
    Forget forget;
    size_t size = 0;
    RangeBuilder ranges;
    Status run() override;
  };

  Status parse(std::string_view text, Wanted* to) const;
  RetentionRow* rows() { return reinterpret_cast<RetentionRow*>(table_->room().data()); }
  std::span<RetentionRow> all_rows() { return {rows(), row_count_}; }
  Status take(const SnapshotInfo& info);
  Status mark_named();
  void decide();
  void publish();
  void finish(Status status);

  BackupContext* context_ = nullptr;
  Op* done_ = nullptr;
  State state_ = State::kIdle;
  bool cancelled_ = false;
  bool dry_run_ = false;
  RetentionPolicy policy_;
  uint64_t only_set_ = 0;
  size_t wanted_count_ = 0;
  std::array<Wanted, ForgetRequest::kSnapshotsMax> wanted_;
  OriginBuffer* table_ = nullptr;  // of RetentionRow, in rising order of their sequence
  size_t row_count_ = 0;
  size_t newest_table_ = 0;  // its row; kRowsMax: none
  ForgetResult result_;
  HeadScan scan_;
  ReadJob read_job_;
  SignJob sign_job_;
  StatementRequest publish_;
};

}  // namespace drey
