// Disk in memory, for tests: it knows what is synced and what is not, loses power on command, fails
// the n-th call, fills up, turns read-only, rots. Single thread. Copyable by copy_from(), so that
// many crash images can be made from one moment.
//
// The model: write_at() and truncate() of a file are pending until sync(file); make_dir, create,
// remove and rename are pending until sync_dir() of the directory they changed (both, for a rename
// across two). A crash keeps of the pending data what the policy says, and of the pending names a
// prefix in time (file systems journal those in order).
#pragma once

#include <array>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "drey/ports.h"
#include "sim/sim_rng.h"

namespace drey {

class SimDisk final : public Disk {
 public:
  enum class Keep : uint8_t {
    kNothing,  // all that was not synced is gone
    kAll,      // all of it happens to be there
    kPrefix,   // what came first is there, up to a random moment
    kSome,     // a random subset, torn at `tear_bytes`; later writes may survive earlier ones
  };
  struct Crash {
    Keep keep = Keep::kNothing;
    uint64_t seed = 0;
    size_t tear_bytes = 512;
  };
  // kRead counts listings too, kSync sync_dir(), kNames creation, removal, renaming, truncation.
  enum class Call : uint8_t { kRead, kWrite, kSync, kOpen, kNames, kCount };
  enum class Cut : uint8_t { kBefore, kAfter, kTorn };
  enum class SyncFailure : uint8_t {
    kKept,      // reads still see the data, a later sync says fine, a crash loses it (Linux, ext4)
    kReverted,  // reads see the old data at once (XFS-like)
  };

  // ---- what a test does to it ----
  // Applies power loss: pending state is resolved, handles and locks are gone, faults are cleared.
  void crash(const Crash& how);
  // Files, pending state and limits of `other`; no handles, no faults.
  void copy_from(const SimDisk& other);
  // The nth call (from 1, counted from now) of this kind fails with `status`, and so do the
  // `times - 1` after it. times = 0: forever.
  void fail_nth(Call call, uint64_t nth, Status status, uint64_t times = 1);
  void clear_faults();
  SyncFailure sync_failure = SyncFailure::kKept;
  // Power ends at the nth mutating call from now (0: at none): before it, after it, or with half of
  // a write done. From then on every call fails with kIo until crash() or restart().
  void cut_at(uint64_t nth, Cut cut);
  std::function<void()> on_cut;  // may be empty; called in the midst of the call that ends it
  void cut_now() { cut_ = true; }
  bool is_cut() const { return cut_; }
  // The process died, the machine did not: handles and locks are gone, data stays, cut is cleared.
  void restart();
  uint64_t mutation_count() const { return mutations_; }  // writes, syncs, truncates, names
  uint64_t call_count(Call call) const { return calls_[static_cast<size_t>(call)]; }
  uint64_t bytes_written() const { return bytes_written_; }
  std::function<void(uint64_t mutation)> before_mutation;  // may be empty; runs before each
  // May be empty; runs before each call of any kind with its number among its kind. What it arms by
  // fail_nth(call, 1, ...) strikes this very call.
  std::function<void(Call call, uint64_t number)> before_call;
  // Inside before_mutation: does the first half of the write that is about to happen to `copy`,
  // made by copy_from(*this). False when it is no write.
  bool tear_into(SimDisk* copy) const;
  // Syncs of a file under `log/` through a handle whose sync had failed before: Linux would say
  // "fine" to them without having kept the data.
  uint64_t repeated_syncs() const { return repeated_syncs_; }
  uint64_t capacity_bytes = 64ull << 30;
  bool read_only = false;
  // May be empty; memory that rots: sees, and may change, what is about to be written to a segment,
  // after whoever wrote it has hashed it.
  std::function<void(MutBytes)> touch_log_write;
  // A write that fails by fail_nth() leaves its first half behind, as a real one may.
  bool failed_write_tears = true;
  // Rot: inverts the bits of `mask` in one byte of the file. False when there is no such byte.
  bool flip(const std::string& name, uint64_t offset, uint8_t mask);
  // Views and replaces content past all faults, as an external tool would, synced.
  const std::vector<uint8_t>* peek(const std::string& name) const;
  void put(const std::string& name, Bytes content);
  std::vector<std::string> names() const;  // every file, sorted
  uint64_t used_bytes() const;
  uint64_t content_hash() const;  // over names and bytes as they are now
  size_t open_count() const;

  // ---- Disk ----
  static constexpr size_t kFilesMax = 64;
  Result<File> open(std::string_view name, uint32_t flags) override;
  void close(File file) override;
  Result<size_t> read_at(File file, uint64_t offset, MutBytes to) override;
  Status write_at(File file, uint64_t offset, Bytes from) override;
  Status sync(File file) override;
  Result<uint64_t> size(File file) override;
  Status truncate(File file, uint64_t size) override;
  Status remove(std::string_view name) override;
  Status rename(std::string_view from, std::string_view to) override;
  Status make_dir(std::string_view name) override;
  Status sync_dir(std::string_view name) override;
  Status list(std::string_view dir, void (*visit)(void*, std::string_view), void* context) override;
  Status lock(std::string_view name) override;
  Result<Space> space() override;

 private:
  using Inode = uint64_t;  // 0 = none; directories have inode kDirInode
  static constexpr Inode kDirInode = 1;
  // One change of a file, with what it takes to undo and to redo it.
  struct Change {
    uint64_t order = 0;
    bool is_truncate = false;
    uint64_t offset = 0;  // or the new size
    std::vector<uint8_t> bytes;
    uint64_t old_size = 0;
    std::vector<uint8_t> old_bytes;  // what was overwritten or cut off
    bool synced = false;             // redone in every crash
    bool doomed = false;             // its sync failed: lost in every crash
  };
  struct Content {
    std::vector<uint8_t> data;
    std::vector<Change> pending;
  };
  // One change of names: `name` now means `now`, before it meant `before` (0 = nothing). A rename
  // is two of these with one order: both or none survive.
  struct NameChange {
    uint64_t order = 0;
    std::string name;
    Inode before = 0;
    Inode now = 0;
  };
  struct Handle {
    Inode inode = 0;
    bool writable = false;
    bool is_log = false;
    bool sync_failed = false;
  };
  struct Upcoming {
    Inode inode = 0;  // 0 = no write is about to happen
    uint64_t offset = 0;
    Bytes bytes;
  };
  struct Fault {
    uint64_t nth = 0;  // 0 = none
    uint64_t times = 0;
    Status status = Status::kOk;
  };
  // What power does to the mutation that is beginning.
  struct Fate {
    bool torn = false;
    bool cut_after = false;
  };
  Status enter(Call call);  // counts, applies faults
  Status begin_mutation(Call call, Fate* fate);
  Status end_mutation(const Fate& fate);
  Status write_some(Content* content, uint64_t offset, Bytes from);
  void set_name(const std::string& name, Inode inode, uint64_t order);
  Result<std::string> checked(std::string_view name) const;
  bool is_dir(const std::string& name) const;
  bool has_parent(const std::string& name) const;
  bool has_children(const std::string& name) const;
  Content* content_of(File file);
  void commit_names(const std::string& dir);
  void collect_garbage();
  static void apply_write(std::vector<uint8_t>* data, uint64_t offset, Bytes from);
  static void undo(std::vector<uint8_t>* data, const Change& change);
  // With `rng` the change may be lost or torn, without it is whole.
  static void redo(std::vector<uint8_t>* data, const Change& change, const Crash& how, SimRng* rng);
  void crash_content(Content* content, const Crash& how, uint64_t prefix_order, SimRng* rng);
  void crash_names(const Crash& how, uint64_t prefix_order);

  std::map<std::string, Inode> names_;
  std::map<Inode, Content> contents_;
  std::vector<NameChange> pending_names_;
  std::array<Handle, kFilesMax> handles_{};
  std::set<std::string> locks_;
  std::array<Fault, static_cast<size_t>(Call::kCount)> faults_{};
  std::array<uint64_t, static_cast<size_t>(Call::kCount)> calls_{};
  Inode next_inode_ = 2;
  uint64_t order_ = 0;
  uint64_t mutations_ = 0;
  uint64_t bytes_written_ = 0;
  Upcoming upcoming_;
  uint64_t repeated_syncs_ = 0;
  uint64_t cut_nth_ = 0;
  Cut cut_kind_ = Cut::kBefore;
  bool cut_ = false;
};

}  // namespace drey
