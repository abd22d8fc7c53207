// Turns source directories into a page tree of rows and chunks to be sealed: walk, comparison with
// the previous snapshot, reading, rows, pages. Runs and threads as maker.h says.
#pragma once

#include "backup/bundle_life.h"
#include "backup/maker.h"
#include "backup/tree_walker.h"

namespace drey {

struct MakerOptions {
  Tree* tree = nullptr;
  Clock* clock = nullptr;  // wall_ns: only to doubt entries that changed just now
  const Chunker* chunker = nullptr;
  ChunkSizes sizes;
  WalkOptions walk;
  bool has_previous = false;
  PageRef previous;                       // of the same set
  const SparseBundles* sparse = nullptr;  // files in these are read anew; may be null
  bool check_held = false;  // some record is missing: ask before a file is taken over unread
};

class SnapshotMaker final : public Maker, private WalkErrors {
 public:
  static constexpr size_t kErrorsMax = 64;

  explicit SnapshotMaker(MakerParts& parts) : Maker(parts) {}
  // After kFailed status() tells why; for a source root also root_error().
  void start(const MakerOptions& options);
  void stop() override;

  void give_slot(uint16_t slot, MutBytes buffer) override { reader_.give_slot(slot, buffer); }
  FilledChunk take_chunk() override { return reader_.take_chunk(); }
  // What it covered is read anew.
  void previous_lost(Status why) override;

  std::span<const ChunkId> held_question() const { return {held_.data(), held_count_}; }
  void held_answer(bool all) { held_state_ = all ? Held::kYes : Held::kNo; }

  const BundleLife& bundle_life() const { return life_; }
  const BackupError& root_error() const { return root_error_; }
  std::span<const BackupError> errors() const { return {errors_.data(), error_count_}; }

 private:
  enum class Phase : uint8_t {
    kNext,
    kLookup,
    kPeekRoot,
    kCompare,
    kOther,
    kCheckHeld,
    kCopy,
    kCopyNext,
    kOpen,
    kRead,
    kPartRow,
    kLastRow,
    kFinish,
    kDone
  };
  enum class Held : uint8_t { kUnknown, kYes, kNo };

  void failed(std::string_view path, Status why) override;
  void fail(Status why, std::string_view root);
  Step step() override;
  bool has_chunk() const override { return reader_.has_chunk(); }
  uint64_t read_bytes() const override { return reader_.read_bytes(); }
  Step next_item();
  Step lookup();
  bool previous_found();
  Step peek_root();
  Step compare();
  Step check_held();
  Step copy_row();
  Step copy_next();
  Step read_rest();
  Step open();
  Step read();
  Step push_row(Phase then);
  Step finish();
  Step make_other();
  Status make_entry(const FileStat& stat, Entry* entry);
  Status read_xattrs(Entry* entry);
  bool is_unchanged() const;
  bool is_in_sparse_bundle() const;
  void gather_held();
  void begin_draft();
  void skip_file(Status why);
  Step end_file(bool unchanged);
  Step wait();

  MakerOptions options_;
  Phase phase_ = Phase::kDone;
  BackupError root_error_;
  size_t error_count_ = 0;
  bool previous_on_ = false;  // there is one, and it has not ended
  bool found_ = false;        // it stands on the row of the current item
  WalkItem item_;
  FileStat stat_;
  int64_t opened_wall_ns_ = 0;
  size_t held_count_ = 0;
  size_t checked_at_ = 0;
  Held held_state_ = Held::kUnknown;
  std::array<ChunkId, kExtentsPerRow> held_;
  std::array<ChunkId, 16> checked_;  // found held a moment ago
  std::array<uint8_t, kLinkBytesMax> link_;
  std::array<char, std::min<size_t>(kRowXattrBytesMax, 16 * 1024)> xattr_names_;
  std::array<uint8_t, kRowXattrBytesMax> xattrs_;
  std::array<BackupError, kErrorsMax> errors_;
  BundleLife life_;
  TreeWalker walker_;
  ContentReader reader_;
};

}  // namespace drey
