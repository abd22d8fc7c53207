// Makes the next table of single files out of the newest one: all its rows in order, with the rows
// of one new version between them, or without those of one that goes. Runs and threads as maker.h
// says. A page of the table that cannot be had fails the whole change: no row is ever left out.
//
// The same name and the same bytes again are no new version: same() is true, and there is nothing
// to publish.
#pragma once

#include "backup/files/file_table.h"
#include "backup/files/input_reader.h"
#include "backup/maker.h"
#include "crypto/hash.h"

namespace drey {

struct TableOptions {
  const Chunker* chunker = nullptr;
  ChunkSizes sizes;
  bool has_previous = false;
  PageRef previous;     // the newest table
  int64_t time_ns = 0;  // told, of a new version
  uint64_t random = 0;  // the second half of its id
};

class TableMaker final : public Maker {
 public:
  explicit TableMaker(MakerParts& parts) : Maker(parts) {}
  // kInvalid: not a name.
  Status set_change(const FileChange& change);
  void start(const TableOptions& options);
  void stop() override;

  InputReader& input() { return input_; }
  void give_slot(uint16_t slot, MutBytes buffer) override { input_.give_slot(slot, buffer); }
  FilledChunk take_chunk() override { return input_.take_chunk(); }
  void previous_lost(Status why) override;

  // After kDone:
  const FileId& id() const { return id_; }
  bool same() const { return same_; }
  // There is a new table.
  bool publishes() const { return !same() && !not_found(); }
  // What was to go is not there.
  bool not_found() const { return !adds() && !gone_; }

 private:
  enum class Phase : uint8_t {
    kRow,
    kHeldName,
    kCopy,
    kNewName,
    kNewVersion,
    kRead,
    kPartRow,
    kLastRow,
    kCompare,
    kFinish,
    kDone
  };
  bool adds() const { return name_size_ > 0; }
  std::string_view name() const { return {path_.data(), name_size_}; }
  std::string_view path() const { return {path_.data(), path_size_}; }

  Step step() override;
  bool has_chunk() const override { return input_.has_chunk(); }
  uint64_t read_bytes() const override { return input_.received(); }
  void row_done(const RowKey& key, Bytes body) override;

  Step next_row();
  Step take_row();
  bool is_removed(std::string_view path);
  void note_version(std::string_view path);
  Step push(Phase then);
  void make_name();
  void make_version();
  Step read();
  Step compare();

  TableOptions options_;
  Phase phase_ = Phase::kDone;
  bool name_held_ = false;   // the draft is the row of a name whose versions were not seen yet
  bool name_there_ = false;  // the row of the new version's name is in the table
  bool added_ = false;
  bool gone_ = false;
  bool same_ = false;
  bool has_older_ = false;  // a version of the same name
  uint64_t older_key_ = 0;  // its id's first half
  FileId older_id_;
  uint64_t older_size_ = 0;
  FileId id_;
  uint64_t size_ = 0;
  size_t name_size_ = 0;
  size_t path_size_ = 0;
  std::array<char, kFilePathMax> path_;
  Sha256 older_contents_;
  Sha256 contents_;
  InputReader input_;
};

}  // namespace drey
