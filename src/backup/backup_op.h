// One backup, or one change of the table of single files (files/table_backup.cc): the maker's job
// on a work lane, chunks and pages through seal transfers, then the head. The op is a pump:
// whatever ends completes it, and step() looks at everything anew. One object in BackupService,
// loop thread.
//
// The head is published only after every record is durable on another device or in the own log and
// the claims on them are on disk. A crash before that leaves records without a head, which the next
// backup finds by their contents.
#pragma once

#include <optional>

#include "backup/files/table_maker.h"
#include "backup/head_scan.h"
#include "backup/record_loader.h"
#include "backup/seal_transfer.h"
#include "backup/snapshot_maker.h"
#include "backup/source_list.h"

namespace drey {

class BackupOp final : public Op {
 public:
  static constexpr SlotShare::User kUser = 0;
  static constexpr size_t kReserve = 3;  // open bundle, chunk being filled, a record

  void start(BackupContext* context, std::span<const FileIdentity> skip);
  // See BackupService::backup(). `waits`: it begins with go().
  Status begin(const BackupRequest& request, bool waits, Op* done);
  // See BackupService::change_files(). `input`: completed when input_room() has become larger.
  Status change_files(const FileChange& change, bool waits, Op* input, Op* done);
  MutBytes input_room();
  void input_filled(size_t size);
  bool changes_files() const { return running() && maker_ == &table_; }
  const FileResult& file_result() const { return file_result_; }
  void go();
  void cancel();
  void tick() { poke(); }
  bool running() const { return state_ != State::kIdle; }

  // For whoever walks pages while no backup runs.
  PageCursor& spare_cursor() { return parts_.previous; }

  const BackupProgress& progress() const { return progress_; }
  const BackupResult& result() const { return result_; }
  // The maker's job may be adding to them: those that are counted here stand still.
  std::span<const BackupError> errors() const { return {walk_.errors().data(), error_count_}; }

  void step(Status status) override;
  const char* state_name() const override;

 private:
  enum class State : uint8_t {
    kIdle,
    kWaiting,  // for the sweep to end
    kFindingPrevious,
    kWalking,
    kFlushing,
    kWaitingForKeys,  // of the epoch that follows a revocation, for the head
    kSealingHead,
    kPublishing,
  };
  // A revocation's new keys come within seconds of the first full device that is connected.
  static constexpr uint64_t kKeysNs = 600ull * 1'000'000'000;
  static constexpr size_t kTransfers = limits::kOriginSlots;  // and one for pages

  struct MakerJob final : Job {
    Maker* maker = nullptr;
    Maker::Need need = Maker::Need::kPause;
    Status run() override {
      need = maker->run();
      return Status::kOk;
    }
  };
  struct NumberJob final : Job {
    Store* store = nullptr;
    uint64_t number = 0;
    Status run() override {
      number = store->next_number();
      return Status::kOk;
    }
  };
  struct HeldJob final : Job {
    Store* store = nullptr;
    std::span<const ChunkId> question;
    bool all = false;
    Status run() override;
  };
  struct HeadJob final : Job {
    BackupContext* context = nullptr;
    SnapshotInfo* info = nullptr;
    Key32 previous{};
    size_t size = 0;
    std::array<uint8_t, limits::kHeadBytesMax> statement;
    Status run() override;
  };

  void poke() {
    if (!is_queued() && running()) complete(Status::kOk);
  }
  Status enter(bool waits, Op* done);
  void look_for_previous();
  void pump();
  // Signals of single jobs and requests.
  void scanned(Status status);
  void numbered(Status status);
  void start_walk();
  Status start_table();
  void finish_table(Status status);
  bool wants_input();
  void maker_ran(Status status);
  void held_answered(Status status);
  void page_fetched(Status status);
  void page_opened(Status status);
  void flushed(Status status);
  void head_sealed(Status status);
  void published(Status status);

  void pump_transfers();
  void pump_transfer(SealTransfer& transfer);
  void pump_maker();
  bool serve_need();
  bool give_slot();
  bool send_chunk();
  bool send_page();
  bool fetch_previous_page();
  bool transfers_free() const;
  bool all_idle() const;
  void fail(Status status);
  void flush();
  bool may_seal();
  void seal_head();
  void release_maker_slots();
  void finish(Status status);
  void copy_progress();

  BackupContext* context_ = nullptr;
  Op* done_ = nullptr;
  State state_ = State::kIdle;
  bool cancelled_ = false;
  bool maker_busy_ = false;
  bool maker_waits_ = false;  // for a helper job or request of its own
  bool walked_ = false;
  bool resolved_ = false;  // something since the maker said kWait
  Maker::Need need_ = Maker::Need::kPause;
  Status failure_ = Status::kOk;
  uint64_t number_ = 0;
  uint64_t keyless_ns_ = 0;  // since when no epoch is in force; 0: one is
  SnapshotInfo info_;
  bool has_previous_ = false;
  SnapshotInfo previous_;
  uint64_t sent_bytes_ = 0;
  uint64_t sent_records_ = 0;

  MakerOptions options_;
  SourceList sources_;
  std::array<FileIdentity, 2> skip_;

  BackupProgress progress_;
  BackupResult result_;
  size_t error_count_ = 0;

  std::array<OriginBuffer*, limits::kOriginSlots> maker_slots_{};  // plain slots, by pool index
  OriginBuffer* page_record_ = nullptr;
  RecentContents recent_;
  SparseBundles sparse_;   // as the last backup found them
  StatementId sparse_of_;  // its snapshot
  std::array<SealTransfer, kTransfers> transfers_;
  SealTransfer page_transfer_;
  RecordLoader loader_;
  HeadScan scan_;
  MakerJob maker_job_;
  NumberJob number_job_;
  HeldJob held_job_;
  HeadJob head_job_;
  FlushRequest flush_;
  StatementRequest publish_;
  Signal<BackupOp> scanned_, numbered_, maker_ran_, held_answered_, page_fetched_, page_opened_;
  Signal<BackupOp> flushed_, head_sealed_, published_;
  std::optional<Chunker> chunker_;  // while a backup runs
  MakerParts parts_;
  SnapshotMaker walk_{parts_};
  TableMaker table_{parts_};
  Maker* maker_ = &walk_;  // whose turn it is
  Op* input_ = nullptr;
  uint64_t table_count_ = 0;  // heads of this device's tables that were found
  FileResult file_result_;
};

}  // namespace drey
