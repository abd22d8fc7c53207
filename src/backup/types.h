// The words src/backup shares with src/node: requests, results, sinks. Plain data and interfaces,
// loop thread; views in requests live during the call only.
#pragma once
#include <array>
#include <span>
#include <string_view>

#include "backup/retention.h"
#include "drey/ids.h"
#include "drey/limits.h"
#include "drey/op.h"
#include "drey/pool.h"
#include "drey/ports.h"
#include "drey/status.h"

namespace drey {

// ---- Snapshots ----

// What a head says about its snapshot.
struct SnapshotInfo {
  static constexpr size_t kPathsBytesMax = 400;
  StatementId id;  // hex of it, or a unique prefix of at least 4 digits, names the snapshot
  NodeId node;     // the owner
  uint64_t sequence = 0;
  int64_t time_ns = 0;       // told time (wall clock of the owner), since 1970
  uint64_t files = 0;        // regular files
  uint64_t bytes = 0;        // of their contents
  uint64_t added_bytes = 0;  // sealed bytes this backup added to the mesh
  uint64_t errors = 0;  // entries that could not be read or changed while being read: partly done
  uint8_t set_size = 0;
  uint16_t paths_size = 0;
  bool paths_cut = false;  // more paths than fit below
  std::array<char, limits::kNameBytesMax> set_data{};
  std::array<char, kPathsBytesMax> paths_data{};  // absolute paths, each followed by a NUL
  // The page tree.
  ContentId root_d;
  ChunkId root_c;
  uint8_t root_level = 0;

  std::string_view set() const { return {set_data.data(), set_size}; }
  std::string_view paths() const { return {paths_data.data(), paths_size}; }
};

// Receives the rows of a listing, newest last per owner (owner, then sequence order).
class SnapshotSink {
 public:
  virtual ~SnapshotSink() = default;
  // False ends the listing early (no more room for this page): list again from `after`.
  virtual bool row(const SnapshotInfo& info) = 0;
};

// ---- Backup ----

// Views of the request need to live during the call only.
struct BackupRequest {
  static constexpr size_t kTextBytesMax = 16 * 1024;  // all paths and patterns together
  std::string_view set = "default";
  std::span<const std::string_view> paths;  // absolute; "." and ".." components are refused
  std::span<const std::string_view> excludes;
  bool one_file_system = false;
  bool exclude_caches = false;
};

struct BackupProgress {
  uint64_t files = 0;      // regular files seen
  uint64_t bytes = 0;      // their contents
  uint64_t entries = 0;    // of every kind
  uint64_t unchanged = 0;  // files taken over from the previous snapshot
  uint64_t read_bytes = 0;
  uint64_t added_bytes = 0;  // sealed bytes of records that were new
  uint64_t added_records = 0;
  uint64_t errors = 0;   // unreadable entries and files that changed while being read
  uint64_t changed = 0;  // ... of them the latter
};

struct BackupError {
  static constexpr size_t kPathBytesMax = 240;
  Status status = Status::kOk;  // kDenied, kNotFound, kIo, kChanged, kTooLarge, ...
  uint16_t path_size = 0;
  std::array<char, kPathBytesMax> path_data{};  // the beginning of a longer path
  std::string_view path() const { return {path_data.data(), path_size}; }
};

struct BackupResult {
  Status status = Status::kOk;  // kOk also when partly done: then progress.errors > 0
  StatementId snapshot;
  BackupProgress progress;
  // When status is kNotFound, kDenied, kChanged or kUnsupported: which source root was missing,
  // unreadable, had become empty / was no longer a mount, or is never walked.
  BackupError root;
};

// ---- Forget ----

// Views of the request need to live during the call only.
struct ForgetRequest {
  static constexpr size_t kSnapshotsMax = 32;
  std::span<const std::string_view> snapshots;  // ids, unique prefixes of them, "latest"
  RetentionPolicy policy;                       // for the others; empty: they stay
  uint64_t only_set = 0;  // set_tag() of the set the policy is for; 0: for each set
  bool dry_run = false;   // tell what would go, and nothing else
};

struct ForgetResult {
  static constexpr size_t kIdsMax = 64;  // named; `removed` counts all
  // kNotFound, kExists, kDenied (another device's), kInvalid, kUnsupported (the newest table of
  // single files): of the snapshot named `at`.
  // kTooLarge: see below.
  Status status = Status::kOk;
  size_t at = 0;
  uint64_t removed = 0;
  uint64_t kept = 0;
  bool too_many_snapshots = false;  // more than ForgetOp::kRowsMax of this node
  bool too_many_ranges = false;     // kForgetRangesMax: too many kept ones lie between removed ones
  std::array<StatementId, kIdsMax> ids;
};

// ---- Restore and listing ----

// Where a stream's bytes go (STREAM.md). Loop thread. Both are called by the service only.
class StreamSink {
 public:
  virtual ~StreamSink() = default;
  // Where the next bytes may be written; empty = none now: the stream pauses until
  // BackupService::resume_stream().
  virtual MutBytes room() = 0;
  // `size` bytes of the last room() were filled.
  virtual void produced(size_t size) = 0;
};

// A question instead of contents: what would be left if some devices were gone? As far as this
// device knows who holds its records.
struct Survivors {
  bool ask = false;
  bool self = true;      // this device is one of them
  uint64_t holders = 0;  // mask of the others' node slots
};

struct StreamRequest {
  SnapshotInfo snapshot;
  std::string_view path;  // "" or "/" = everything; else this entry and what lies beneath it
  bool with_data = true;  // false: entries only (ls, find, diff)
  bool one_level =
      false;  // entries only: the path itself and, for a directory, its direct children
  // Byte range of a single file (HTTP Range); offset 0 and length UINT64_MAX = all of it.
  uint64_t data_offset = 0;
  uint64_t data_length = UINT64_MAX;
  // survivors.ask: contents that they hold come as HOLE frames, what they lack as MISSING; behind
  // an entry whose page they lack, LOST. Nothing of the contents is fetched.
  Survivors survivors;
};

struct StreamResult {
  Status status = Status::kOk;  // kNotFound: no such path; kCorrupt/kNotFound pages: see missing
  uint64_t files = 0;
  uint64_t bytes = 0;
  uint64_t missing = 0;  // file ranges and page ranges that no reachable node holds
};

using StreamNumber = uint8_t;  // index of a stream op
inline constexpr size_t kStreamOps = 2;

}  // namespace drey
