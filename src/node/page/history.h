// The newest snapshots and what a month of backups added: kept ready for the page, so that a look
// at it asks nobody. Filled by one listing whenever the mesh's heads change. Part of the Api, loop
// thread; days are of told times, for people only.
#pragma once

#include <array>
#include <span>

#include "backup/types.h"
#include "mesh/data/data_signal.h"

namespace drey {

class BackupService;

class SnapshotHistory : private SnapshotSink {
 public:
  static constexpr size_t kRowsMax = 10;
  static constexpr size_t kDays = 31;

  struct Row {
    std::array<uint8_t, StatementId::kSize> id{};
    NodeId node;
    int64_t time_ns = 0;
    uint64_t files = 0, bytes = 0, added_bytes = 0, errors = 0;
    bool own = false;
    uint8_t set_size = 0;
    std::array<char, limits::kNameBytesMax> set_data{};
    std::string_view set() const { return {set_data.data(), set_size}; }
  };
  struct Day {
    uint32_t snapshots = 0;
    uint64_t added_bytes = 0;
  };

  void start(ReadyQueue* ready, BackupService* backup, const NodeId& self);
  // Lists anew when `changes` (of the heads) is another number than last time.
  void tick(uint64_t changes, int64_t wall_ns);
  bool idle() const { return !listing_; }

  std::span<const Row> rows() const { return {rows_.data(), row_count_}; }  // newest first
  std::span<const Day> days() const { return days_; }                       // oldest first
  int64_t first_day() const { return first_day_; }                          // since 1970
  size_t count() const { return count_; }

  // For tests, and for the listing: one snapshot more.
  void begin(int64_t wall_ns);
  void add(const SnapshotInfo& info);

 private:
  bool row(const SnapshotInfo& info) override;
  void listed(Status status);

  BackupService* backup_ = nullptr;
  NodeId self_;
  bool listing_ = false;
  uint64_t seen_changes_ = UINT64_MAX;
  int64_t first_day_ = 0;
  size_t count_ = 0, row_count_ = 0;
  std::array<Row, kRowsMax> rows_{};
  std::array<Day, kDays> days_{};
  DataSignal<SnapshotHistory> listed_;
};

}  // namespace drey
