// SQLite's file system for one store: the index and its WAL as files of a Disk port, so that the
// simulator injects faults there too. Pages of the index carry a CRC-32C in reserved bytes: a
// rotten or foreign page reads as damage, never as data.
//
// One object per Index, registered with SQLite while it is started; store lane.
#pragma once

#include <sqlite3.h>

#include <array>

#include "drey/ports.h"

namespace drey {

class IndexVfs {
 public:
  static constexpr size_t kPageBytes = 1024;
  static constexpr int kReservedBytes = 8;  // CRC-32C, 4 zero bytes
  static constexpr std::string_view kFileName = "drey.index";
  static constexpr std::string_view kWalName = "drey.index-wal";
  static constexpr std::string_view kJournalName = "drey.index-journal";

  IndexVfs() = default;
  IndexVfs(const IndexVfs&) = delete;
  IndexVfs& operator=(const IndexVfs&) = delete;
  ~IndexVfs() { stop(); }

  void start(Disk* disk);
  void stop();
  const char* name() const { return name_.data(); }
  uint64_t written_bytes() const { return written_bytes_; }
  // The last status the disk gave that was not kOk; the detail behind SQLite's error code.
  Status last_failure() const { return last_failure_; }
  // A sync failed: the files must be given up and made anew.
  bool sync_failed() const { return sync_failed_; }

 private:
  friend struct IndexFile;
  int failed(Status status, int code);

  sqlite3_vfs vfs_{};
  std::array<char, 32> name_{};
  Disk* disk_ = nullptr;
  uint64_t written_bytes_ = 0;
  Status last_failure_ = Status::kOk;
  bool sync_failed_ = false;
  bool started_ = false;
};

}  // namespace drey
