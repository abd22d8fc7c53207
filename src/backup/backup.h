// The facade of src/backup for src/node: one backup at a time, kStreamOps restore or listing
// streams, and the catalog of snapshots. Everything lies in one static BackupService; loop thread
// only. Blocking work (walking, sealing, opening, the store) is done by jobs of its ops on lanes.
//
// After a crash: an unfinished backup leaves records without a head (the next one finds them by
// content and uses them again); a snapshot exists exactly when its head was published.
#pragma once

#include "backup/adopt_op.h"
#include "backup/backup_op.h"
#include "backup/catalog_op.h"
#include "backup/forget_op.h"
#include "backup/stream_op.h"
#include "backup/sweep_op.h"
#include "backup/types.h"
#include "codec/chunker.h"
#include "codec/compress.h"
#include "codec/keyring.h"
#include "crypto/sign.h"

namespace drey {

class Mesh;

struct BackupOptions {
  Ports* ports = nullptr;  // clock, random, tree, lanes
  ReadyQueue* ready = nullptr;
  Log* log = nullptr;
  Store* store = nullptr;
  Mesh* mesh = nullptr;
  RecordSpace* records = nullptr;    // instead of mesh (tests)
  Committer* committer = nullptr;    // for adopt()
  const Keyring* keyring = nullptr;  // changed by the loop only while backup is idle(): see below
  CompressorSet* compressors = nullptr;
  OriginPool* origin = nullptr;
  const KeyPair* sign_key = nullptr;
  NodeId self;
  Compression compression;  // settings of the mesh
  ChunkSizes chunk_sizes;
  // DIR and the store's directory are never walked.
  struct Skip {
    uint64_t device = 0;
    uint64_t inode = 0;
  };
  std::array<Skip, 2> skip{};
};

class BackupService {
 public:
  // Call once, when the node is a full member and its keyring is known.
  void start(const BackupOptions& options);
  // Every 100 ms: retries for slots, deadlines.
  void tick(uint64_t now_ns);
  // True when no job of this module is in flight: only then the keyring may be replaced.
  bool idle() const;
  // Cancels everything; ops complete with kCancelled. Then tick() until idle().
  void stop();

  // ---- Backup. `done` completes with result().status; kBusy (one runs), kInvalid (a path is not
  // absolute or has "..", a pattern is malformed, no path), kTooLarge (kSourcesMax, kExcludesMax,
  // kTextBytesMax) are returned at once and leave `done` alone.
  Status backup(const BackupRequest& request, Op* done);
  void cancel_backup();
  bool backup_running() const;
  const char* backup_state() const;
  const BackupProgress& progress() const;
  const BackupResult& result() const;           // of the last backup
  std::span<const BackupError> errors() const;  // the first of the running or last backup
  static constexpr size_t kErrorsMax = 64;      // named; progress().errors counts all

  // ---- Single files (files/file_table.h): one change of this device's table at a time, and never
  // beside a backup (kBusy, returned at once; also kInvalid: the name). `done` completes with
  // file_result().status when the change is as durable as a backup would be: kOk; kNotFound: no
  // such version; kNotEnough: the table cannot be read in full, nothing was changed; kCancelled;
  // others as of a backup. The bytes of a new version, exactly `change.size`, are written to
  // input_room() (it may be empty) and told to input_filled(); `input` completes whenever the room
  // has become larger than nothing.
  Status change_files(const FileChange& change, Op* input, Op* done);
  MutBytes input_room() { return backup_.input_room(); }
  void input_filled(size_t size) { backup_.input_filled(size); }
  void cancel_change();
  bool changes_files() const { return backup_.changes_files(); }
  const FileResult& file_result() const { return backup_.file_result(); }

  // ---- Catalog. One query at a time (kBusy).
  // Delivers every snapshot of every owner to the sink, of tables of single files only each owner's
  // newest; `done` completes kOk or kIo. Heads that
  // cannot be opened (older than this node's keys) are skipped and counted in unreadable_heads().
  Status list_snapshots(SnapshotSink* sink, Op* done);
  // `text`: hex id or unique prefix (>= 4 digits), "latest" (this node's newest, or where it has
  // none the mesh's newest), "NODE:latest" (NODE = name, or id prefix); a table of single files is
  // "latest" only where there is nothing else. `done` completes kOk with
  // *to filled, kNotFound, kExists (the prefix is not unique) or kInvalid.
  Status resolve_snapshot(std::string_view text, SnapshotInfo* to, Op* done);
  uint64_t unreadable_heads() const;

  // ---- Forget: takes own snapshots out of the mesh. `done` completes with forget_result().status.
  // At once: kBusy (one runs, or no slot is free), kInvalid (the policy, or the name `at`),
  // kNotEnough (neither a snapshot nor a rule was given: nothing is removed), kTooLarge.
  Status forget(const ForgetRequest& request, Op* done) { return forget_.begin(request, done); }
  const ForgetResult& forget_result() const { return forget_.result(); }

  // ---- Sweep: takes this node's claims off all records that no kept snapshot needs. Ends with
  // kCancelled when a backup begins, with kNotEnough when a head or page could not be read: nothing
  // was removed (of a later pass, nothing more), try again. kBusy: a backup runs, or an adoption.
  Status sweep(Op* done);
  bool sweeping() const { return sweep_.running(); }
  const SweepResult& sweep_result() const { return sweep_.result(); }

  // ---- Streams. kBusy when all are taken or no slots are left for one with data. `done` completes
  // when the end frame was produced, or with the reason why it could not be (kCancelled,
  // kNotFound).
  Result<StreamNumber> open_stream(const StreamRequest& request, StreamSink* sink, Op* done);
  // The sink has room again.
  void resume_stream(StreamNumber stream);
  // `done` still completes (kCancelled) unless it has already. The sink is not touched any more.
  void cancel_stream(StreamNumber stream);
  const StreamResult& stream_result(StreamNumber stream) const;  // until the next open_stream

  // ---- recover --replace: claims again (store.own) every record of this owner's kept snapshots.
  // `done` completes kOk, kIo, or kNotEnough when pages were missing. Not beside a backup (kBusy).
  Status adopt(Op* done);

 private:
  bool started_ = false;
  MeshSpace mesh_space_;
  BackupContext context_;
  BackupOp backup_;
  AdoptOp adopt_;
  CatalogOp catalog_;
  ForgetOp forget_;
  SweepOp sweep_;
  std::array<StreamOp, kStreamOps> streams_;
};

// Of limits::kTableBytes; the rest is the mesh's and the control API's.
static_assert(sizeof(BackupService) <= limits::kTableBytes, "see `make budget`");

}  // namespace drey
