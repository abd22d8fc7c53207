// Lists snapshots and finds the one a person means: scans the stored heads, a few per job. One
// query at a time. Loop thread; reads only.
#pragma once

#include "backup/backup_context.h"
#include "backup/head_scan.h"

namespace drey {

class CatalogOp final : public Op {
 public:
  void start(BackupContext* context);
  // See BackupService. `sink` or `to` is used until `done` completes.
  Status list(SnapshotSink* sink, Op* done);
  Status resolve(std::string_view text, SnapshotInfo* to, Op* done);
  bool running() const { return query_ != Query::kNone; }
  void cancel();
  uint64_t unreadable_heads() const { return unreadable_; }

  void step(Status status) override;
  const char* state_name() const override { return running() ? "scanning" : "idle"; }

 private:
  enum class Query : uint8_t { kNone, kList, kPrefix, kLatest, kLatestOf };
  static constexpr size_t kPrefixDigitsMin = 4;

  Status parse(std::string_view text);
  void begin(Query query, Op* done);
  void take(const SnapshotInfo& info);
  void list_row(const SnapshotInfo& info);
  void list_table();
  bool has_prefix(const StatementId& id) const;
  int closeness(const NodeId& owner) const;
  void choose(const SnapshotInfo& info);
  void finish(Status status);

  BackupContext* context_ = nullptr;
  Query query_ = Query::kNone;
  Op* done_ = nullptr;
  SnapshotSink* sink_ = nullptr;
  SnapshotInfo* to_ = nullptr;
  NodeId owner_;
  size_t digit_count_ = 0;
  std::array<char, 2 * StatementId::kSize> digits_;
  bool enough_ = false;
  bool has_table_ = false;
  SnapshotInfo table_;  // listing: the newest one seen of the owner whose heads are being read
  bool cancelled_ = false;
  size_t found_ = 0;
  uint64_t unreadable_ = 0;
  HeadScan scan_;
};

}  // namespace drey
