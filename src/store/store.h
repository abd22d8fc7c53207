// The store: the chunk log (truth) and its SQLite index (cache). DESIGN 7; bytes: FORMAT.md.
//
// One object per node, in static storage of the composition. Blocking; every method runs on the
// `store` lane (or before the loop runs), except sync_group(), which runs on the `sync` lane.
//
// After a crash open() finds every entry whose ticket was reported durable, and perhaps some that
// were not. The index follows behind; its tail is replayed, or all of it rebuilt, without a person.
//
// Appends are visible to find(), read_*() and scan_*() only after their group finished: what these
// methods show is durable.
#pragma once

#include <span>

#include "base/log.h"
#include "drey/ports.h"
#include "store/commit_group.h"
#include "store/entry_walk.h"
#include "store/index.h"
#include "store/segment_reader.h"
#include "store/segment_writer.h"
#include "store/types.h"

namespace drey {

struct StoreOptions {
  Disk* disk = nullptr;      // DIR: marker, lock, index, state log
  Disk* log_disk = nullptr;  // segments; often the same object
  Clock* clock = nullptr;
  Random* random = nullptr;
  Log* log = nullptr;  // may be null
  NodeId self;
  uint64_t capacity_bytes = 0;  // for the log; 0 = as much as the file system has
};

class Store {
 public:
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  // Creates an empty store, or opens one: replays the tail, or rebuilds the index.
  // kUnsupported: written by a newer version, nothing was touched. kBusy: another process has it.
  // kNotFound: DIR knows a store, but the log's disk carries none (not mounted?): refuse to start.
  // kInvalid: the log's disk carries another store than DIR knows. kIo, kFull, kReadOnly: device.
  // sqlite_runtime_start() must have been called in this process.
  Status open(const StoreOptions& options);
  // Commits what is open and marks the store clean. The object may be opened again.
  Status close();
  bool is_open() const { return open_; }
  const StoreId& store_id() const { return id_; }

  // Appends a record (C = SHA-256 of its bytes, which the caller has verified) with its first pin.
  // kExists: already held (or in flight): only the pin was added; *ticket is valid.
  // kFull: the reserve begins here: nothing was appended. kBusy: too many appends in flight: commit
  // first. kTooLarge, kReadOnly, kIo.
  Status append_record(const ChunkId& c, ChunkType type, Bytes record, const NodeId& pin_owner,
                       uint64_t pin_number, Ticket* ticket);
  // Pins on held records, at the holder. kNotFound: one of them is not held; nothing was appended.
  // kFull: those of others, when half of the reserve is used up.
  Status append_pins(const NodeId& owner, uint64_t number, std::span<const ChunkId> chunks,
                     Ticket* ticket);
  // My own claims, at the owner: C, D, size and type, so that a rebuilt index finds D again.
  Status own(std::span<const OwnedRecord> records, uint64_t number, Ticket* ticket);
  // kExists: this key is there (or in flight); *ticket is valid. kTooLarge: kStatementBytesMax.
  Status append_statement(StatementKind kind, std::span<const uint8_t, kStatementKeyBytes> key,
                          Bytes statement, Ticket* ticket);

  // Takes away `owner`'s pins on `chunks` that are numbered up to `number`; of the own node also
  // the claims (own()). What is appended later stands again. A record without pin and claim stays
  // held, and a new pin revives it, until compaction passes. Chunks without such a pin cost
  // nothing; kOk also when none has one. May use the reserve. kBusy, kFull, kReadOnly, kIo.
  Status append_unpin(const NodeId& owner, uint64_t number, std::span<const ChunkId> chunks,
                      Ticket* ticket);
  // Pins of `owner` on `chunks` with numbers up to `number` are about to go: scan_pinned() and
  // pin_digests() leave them out from now on, so that their owner does not count on them. In the
  // index only, like the holder masks: to be said again after a start, and whenever stats().replays
  // has changed. A pin with a higher number ends it. *fresh: how many were not marked before.
  Status mark_leaving(const NodeId& owner, uint64_t number, std::span<const ChunkId> chunks,
                      size_t* fresh);
  // How many pins mark_leaving() would mark.
  Status count_leaving(const NodeId& owner, uint64_t number, std::span<const ChunkId> chunks,
                       size_t* fresh);
  // Who pins it; at most kNodeSlotsMax rows. kNotFound: nothing is known of it.
  Status pins_of(const ChunkId& c, std::span<RecordPin, kNodeSlotsMax> pins, size_t* count);
  // Takes a statement out. May use the reserve. kNotFound: it is not there (or going already).
  Status remove_statement(StatementKind kind, std::span<const uint8_t, kStatementKeyBytes> key,
                          Ticket* ticket);

  // kNotFound; kTooLarge (*size = what is needed); kCorrupt.
  Status read_statement(StatementKind kind, std::span<const uint8_t, kStatementKeyBytes> key,
                        MutBytes to, size_t* size);
  // Statements found damaged since open() that were not taken yet, to be asked for again; how many.
  // More than kLostMax at once are only counted: the next start tells the mesh that they are
  // absent.
  size_t take_lost_statements(std::span<LostStatement> to);
  // Rows with a key above `after`, in key order; *count < rows.size() means the end was reached.
  Status scan_statements(StatementKind kind, std::span<const uint8_t, kStatementKeyBytes> after,
                         std::span<StatementRow> rows, size_t* count);

  // kNotFound: nothing is known of it. A found record need not be held.
  Status find(const ChunkId& c, RecordState* state);
  Status find_content(const ContentId& d, ChunkId* c, RecordState* state);
  // The record's bytes, SHA-256 verified. kNotFound: not held. kCorrupt: it was, and is not any
  // more (counted; a new append_record heals it). kTooLarge: *size tells the room it needs.
  Status read_record(const ChunkId& c, MutBytes room, size_t* size);

  // A stable small number for a node, assigned at the first call; it survives an index rebuild.
  // kTooLarge: all kNodeSlotsMax are taken.
  Status node_slot(const NodeId& node, uint8_t* slot);
  Result<NodeId> slot_node(uint8_t slot) const;  // kNotFound
  // holders = (holders & ~clear) | add, for each. Unknown chunks get a row when add is not zero.
  // A rebuild of the index forgets all masks; at run time stats().rebuilds tells: ask everybody.
  Status update_holders(std::span<const ChunkId> chunks, uint64_t add_mask, uint64_t clear_mask);

  // Every row above `after` in C order; *count < rows.size() means the end was reached.
  Status scan_records(const ChunkId& after, std::span<RecordRow> rows, size_t* count);
  // Held records pinned by `owner` with first byte `bucket`, above `after` (zero id: from the
  // start), in C order.
  Status scan_pinned(const NodeId& owner, uint8_t bucket, const ChunkId& after,
                     std::span<ChunkId> chunks, size_t* count);
  Status pin_digests(const NodeId& owner, std::span<BucketDigest, kBucketCount> digests);

  // Adds to `bytes`, by node slot, what held records take in the log, in full for each node that
  // pins one: the next `row_count` rows above *after, which moves on. *ended: there are no more.
  Status sum_pinned(ChunkId* after, size_t row_count, std::span<uint64_t, kNodeSlotsMax> bytes,
                    bool* ended);

  // The counter of the own pin and claim numbers. next_number() never repeats, not even after a
  // power cut: it gives out only what has been reserved durably, which costs a sync when there is
  // none left (the first after a start). raise_number(n): continue above n.
  uint64_t next_number();
  uint64_t highest_number() const { return number_; }
  void raise_number(uint64_t at_least);

  // Frees the space of what nobody needs: one step, at most about `budget_bytes` read or written,
  // one sync. *more: worth calling again at once. kOk also when there is nothing to do. kBusy: a
  // group is in flight, try again soon. Anything else: logged, and tried again later by itself.
  Status compact(CompactMode mode, uint64_t budget_bytes, bool* more);

  // Reads one piece of the log again, past the page cache, and moves *at on; {} is the beginning.
  // What does not verify is no longer held. About `budget_bytes`, one entry at least.
  Status scrub(ScrubPosition* at, uint64_t budget_bytes, ScrubPiece* piece);
  // Each second, from a job: commits the index, re-reads retired segments, retries what failed.
  Status maintain();
  // Another limit for the log. Before the loop, or on the store lane.
  void set_capacity(uint64_t bytes) { options_.capacity_bytes = bytes; }
  StoreStats stats();
  uint64_t replays() const { return stats_.replays; }

  // Group commit, used by Committer (store/commit.h).
  Status close_group(CommitGroup* group);         // store lane; kEnd: nothing to sync
  static Status sync_group(CommitGroup* group);   // sync lane: touches the group and its disk only
  void finish_group(CommitGroup* group, Status);  // store lane; sets the group's outcome
  // All of it in one blocking call, for set-up and tests: kOk = `ticket` is durable. kBusy: a group
  // is in flight (a Committer is at work: use it).
  Status commit(Ticket ticket);

 private:
  static constexpr size_t kWindowBytes = 64 * 1024;
  static constexpr size_t kLostMax = 64;
  static constexpr size_t kPendingMax = 256;  // appends between two commits
  static constexpr size_t kOpenSegmentsMax = CommitGroup::kFilesMax;
  static constexpr size_t kRowsPerCommit = 2500;  // index rows: 1,000 records or more
  static constexpr size_t kRowsPerBuildStep = 50'000;
  static constexpr uint64_t kNewestBytes = 8ull << 20;  // re-hashed after an unclean start
  static constexpr uint64_t kNumberBlock = 256;         // numbers reserved by one entry
  static constexpr uint32_t kRebuildsMax = 8;           // at run time, then wait for a restart
  static constexpr uint32_t kUnreadTriesMax = 5;    // half a minute, then without what is unread
  static constexpr uint32_t kSuspectTriesMax = 10;  // 17 minutes, then unreadable is lost
  static constexpr size_t kGivenUpMax = 64;         // then no rebuild at run time either
  static constexpr size_t kAvoidedMax = 16;         // segments that could not be compacted lately
  static constexpr uint8_t kNoSlot = 0xff;

  // A segment whose file is open because a group still needs it, or because it is written.
  struct OpenSegment {
    Disk::File file = -1;  // -1: free
    SegmentHeader header;
    uint64_t durable_end = 0;  // up to here entries are acknowledged, or were there at open()
    uint64_t tail = 0;         // up to here entries were written
    bool sealed = false;
    bool retired = false;
    struct Range {
      uint64_t from = 0;
      uint64_t to = 0;
      bool empty() const { return from == to; }
    };
    Range open;    // of the open group
    Range flight;  // of the group that is being synced
    bool in_open = false;
    bool in_flight = false;
  };
  // A segment given up in this process: what stands behind its durable end was refused, and may
  // still be read.
  struct GivenUp {
    uint32_t number = 0;
    uint64_t durable_end = 0;
  };
  // An append that is not in the index yet.
  struct Pending {
    Ticket ticket = 0;
    EntryType type = EntryType::kRecord;
    uint8_t kind = 0;
    StatementKey key{};  // C and zeros, or the statement's key
  };
  // Rows on their way into batch entries, collected in batch_.
  struct RowBatch {
    EntryHeader header;
    uint8_t slot = kNoSlot;
    Ticket* ticket = nullptr;  // of the last entry that was written
    size_t used = 0;
  };
  struct LogFiles {  // what lies in `log`
    uint32_t first = 0;
    uint32_t last = 0;
    uint64_t count = 0;
  };
  struct GapRows;
  // The segment that is being emptied.
  struct Victim {
    uint32_t number = 0;  // 0: none
    uint64_t salt = 0;
    uint64_t indexed = 0;
    IndexSegment::State state = IndexSegment::kSealed;
    uint64_t at = kSegmentHeaderBytes;  // entries before it have been moved or let go
    bool examined = false;
    bool wrote = false;     // something of it was appended again
    bool counted = false;   // the counter was, by this step
    uint32_t restarts = 0;  // because something in it counted again
  };
  struct Avoided {
    uint32_t number = 0;
    uint64_t until_ns = 0;
  };

  // store_open.cc
  Status lock_disks();
  Status read_markers(bool* fresh);
  Status settle_markers(bool fresh);
  Status adopt_id(bool fresh, bool marker_ok);
  Status check_newest_version();
  Status list_log();
  Status open_parts(bool fresh);
  Status open_index(bool* clean);
  Status match_index();
  Status match_segments(uint32_t last);
  Status load_memory();
  Status resume_writer();
  void forget();

  // store_compact.cc
  Status compact_step(CompactMode mode, uint64_t budget_bytes, bool* more);
  Status choose_victim(CompactMode mode);
  bool is_avoided(uint32_t number);
  void compact_failed(Status status);
  Status examine_victim(CompactMode mode, bool* worth);
  Status keep_victim();
  Status move_entries(uint64_t budget_bytes, bool* done);
  Status check_empty(bool* empty);
  Status finish_victim(bool* more);
  Status free_segment(uint32_t number, bool dead);

  // store_move.cc: what of an entry still counts is appended again.
  bool is_needed_kind(const EntryHeader& header) const;
  Status placed_here(const SegmentEntry& entry, IndexRow* row, bool* here);
  Status move_entry(const SegmentEntry& entry, EntryWalk& walk);
  Status move_record(const SegmentEntry& entry, EntryWalk& walk);
  Status copy_record(const EntryHeader& header, const SegmentEntry& entry, EntryWalk& walk);
  Status move_pins(const EntryHeader& header, MutBytes body);
  Status move_own(const EntryHeader& header, MutBytes body);
  Status move_own_shadowed(const EntryHeader& header, Bytes row);
  Status move_unpin(const EntryHeader& header, const SegmentEntry& entry, EntryWalk& walk);
  Status move_statement(const SegmentEntry& entry, EntryWalk& walk);
  Status move_drop(const EntryHeader& header);
  Status move_node(const EntryHeader& header);
  Status move_counter();
  Status origin_of(const EntryHeader& header, uint32_t* origin);

  // store_replay.cc
  Status rebuild();
  Status build_index();
  Status replay_tail(bool direct);
  Status replay_segment(uint32_t number, uint64_t from, bool direct);
  Status replay_table(SegmentReader& reader);
  Status replay_scan(SegmentReader& reader, uint64_t from);
  Status cut_tail(uint32_t number, uint64_t size, uint64_t end);
  Status sync_segment(uint32_t number);
  Status pass_over(uint32_t number, bool unreadable);
  const OpenSegment* open_segment_of(uint32_t number) const;
  const GivenUp* given_up(uint32_t number) const;
  Status follow(uint32_t number, uint64_t salt, uint64_t indexed, IndexSegment::State state);
  Status commit_index();
  Status maybe_commit(uint32_t number, uint64_t salt, uint64_t indexed);
  Status recover_index();

  // store_apply.cc
  Status apply(uint32_t number, const SegmentEntry& entry, SegmentReader& reader);
  Status apply_record(uint32_t number, const SegmentEntry& entry);
  Status apply_batch(const SegmentEntry& entry, SegmentReader& reader);
  Status apply_pins(const EntryHeader& header, Bytes body);
  Status apply_statement(uint32_t number, const SegmentEntry& entry);
  Status apply_own(Bytes body);
  Status apply_node(uint32_t number, const EntryHeader& header);
  Status apply_counter(uint32_t number, const EntryHeader& header);
  // A row before a change, as far as the dead bytes need it.
  struct DeadShift {
    explicit DeadShift(const IndexRow& row)
        : place(row.place),
          bytes(static_cast<int64_t>(entry_bytes(row.size))),
          live(row.held() && row.wanted()) {}
    uint64_t place;
    int64_t bytes;
    bool live;
  };
  Status shift_dead(const DeadShift& before, const IndexRow& row);
  bool is_self_slot(uint8_t slot) const;

  // store_append.cc
  Status append_entry(EntryHeader header, Bytes body, uint8_t slot);
  Status ensure_room(uint64_t bytes);
  Status open_segment();
  Status seal_segment();
  Status write_entry(const EntryHeader& header, Bytes body);
  Status begin_entry(uint64_t body_bytes, uint8_t slot);
  void note_written(uint64_t from, uint64_t body_bytes);
  OpenSegment* writing();
  OpenSegment* free_open_segment();
  void on_write_failed(Status status);
  void drop_open_group(Status status);
  uint64_t free_in_log();
  uint64_t free_for_records();
  bool record_pending(const ChunkId& c) const;
  Status add_row(RowBatch& batch, Bytes row);
  Status flush_rows(RowBatch& batch);
  const Pending* last_pending_statement(StatementKind kind, const StatementKey& key) const;
  void add_pending(EntryType type, uint8_t kind, const StatementKey& key);
  Status assign_slot(const NodeId& node, uint8_t* slot);
  uint8_t slot_of(const NodeId& node) const;
  Status reserve_numbers();
  Status save_numbers();

  // store_forget.cc
  Status apply_unpin(const EntryHeader& header, Bytes body);
  Status apply_drop(const EntryHeader& header);
  bool unpin_pending() const { return unpin_ticket_ > settled_; }
  bool anything_pending() const;

  // store_wait.cc
  void wait_for_disk(Status status);
  Status probe_disks();
  Status disk_writable(bool probe_now);
  void check_disks_present();
  void give_room();
  void keep_room();
  Status make_room();

  // store_group.cc
  Status apply_range(OpenSegment& segment);
  Status apply_group();
  Status find_statements();
  void fail_flight(CommitGroup* group, Status status);
  void release_segments();
  void retire(OpenSegment& segment);

  // store_scrub.cc
  Status scrub_piece(ScrubPosition* at, uint64_t budget_bytes, ScrubPiece* piece);

  // store_heal.cc
  Status verify_newest();
  Status verify_range(const IndexSegment& segment, uint64_t from, uint64_t to, bool insist,
                      uint64_t* reached);
  Status verify_entry(uint32_t number, const SegmentEntry& entry, SegmentReader& reader,
                      bool insist);
  Status lose_place(const ChunkId& c, uint64_t place);
  Status lose_gap(uint32_t number, uint64_t from, uint64_t to);
  Status forget_statement(StatementKind kind, const StatementKey& key);
  Status lose_statement(uint32_t number, const SegmentEntry& entry);
  Status verify_suspects();
  bool index_failed(Status status);
  // Runs `work` on the index; when that fails of the index, mends it and runs it once more.
  template <class Work>
  Status with_index(Work work) {
    Status status = index_usable();
    if (ok(status)) status = work();
    if (!index_failed(status) || !ok(index_usable())) return status;
    status = work();
    if (!ok(status) && index_.is_open() && index_.rolled_back()) index_behind_ = true;
    return status;
  }
  Status index_usable();

  bool open_ = false;
  bool locked_ = false;
  StoreOptions options_;
  Disk* locked_disk_ = nullptr;
  StoreId id_{};
  Index index_;
  SegmentWriter writer_;
  std::array<OpenSegment, kOpenSegmentsMax> segments_{};
  std::array<GivenUp, kGivenUpMax> given_up_{};
  size_t given_up_count_ = 0;  // may exceed kGivenUpMax
  LogFiles files_;
  uint64_t slots_written_ = 0;  // node slots named in the segment that is being written
  uint32_t mark_number_ = 0;    // of the segment whose next IndexSegment::mark is known
  uint64_t next_mark_ = 0;

  Ticket open_ticket_ = 1;
  Ticket settled_ = 0;  // tickets up to it are done, well or badly
  bool group_in_flight_ = false;
  FailedTickets failed_;
  std::array<Pending, kPendingMax> pending_{};
  size_t pending_count_ = 0;
  Ticket unpin_ticket_ = 0;  // of the newest unpin entry

  Victim victim_;
  std::array<Avoided, kAvoidedMax> avoided_{};
  uint64_t compact_after_ns_ = 0;
  uint32_t compact_failures_ = 0;  // in a row

  std::array<NodeId, kNodeSlotsMax> nodes_{};
  std::array<uint32_t, kNodeSlotsMax> node_segments_{};  // the newest that names each, 0: none
  uint8_t node_count_ = 0;
  uint32_t counter_segment_ = 0;  // the newest that holds a counter entry
  uint64_t number_ = 0;
  uint64_t number_reserved_ = 0;  // up to here by an entry of the log, perhaps not synced yet
  uint64_t number_durable_ = 0;   // up to here durably
  uint64_t records_ = 0;
  uint64_t log_bytes_ = 0;
  StoreState state_ = StoreState::kOk;
  StoreStats stats_{};
  std::array<LostStatement, kLostMax> lost_{};
  size_t lost_count_ = 0;
  uint64_t suspect_at_ = 0;     // position of the re-reading inside the first suspect segment
  uint32_t unread_ = 0;         // a segment that could not be read in full at open(), 0: none
  uint32_t suspect_tries_ = 0;  // that met unreadable places, in a row
  uint64_t suspect_after_ns_ = 0;
  bool index_behind_ = false;  // the log's tail must be replayed before the index is trusted
  bool index_broken_ = false;  // it must be rebuilt
  bool building_ = false;
  uint32_t recoveries_ = 0;  // since the last commit that succeeded
  uint64_t recover_after_ns_ = 0;
  Status disk_wait_ = Status::kOk;  // kReadOnly, kFull: commits wait until probe_disks() works
  uint64_t probe_after_ns_ = 0;
  bool room_kept_ = false;
  uint64_t room_after_ns_ = 0;  // the next keep_room() that tries
  bool disk_gone_ = false;
  uint64_t present_after_ns_ = 0;  // the next check_disks_present()

  alignas(64) std::array<uint8_t, kWindowBytes> window_{};
  alignas(64) std::array<uint8_t, kBatchBytesMax> batch_{};
};

}  // namespace drey
