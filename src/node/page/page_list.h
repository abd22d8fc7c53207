// The lists behind the page: the single files with their versions, and one folder of a snapshot.
// Written row by row as the entries come, so that a list may be of any length. Owned by who sends
// the list, loop thread; nothing survives a crash.
#pragma once

#include "backup/entry.h"
#include "backup/files/file_table.h"

namespace drey {

// The most that one call below writes; a test holds them. Who has so much room loses nothing.
inline constexpr size_t kListEndsBytesMax = 16 * 1024;  // a begin, an end: with style and script
inline constexpr size_t kListRowBytesMax = 8 * 1024;    // a row, whatever its names are

// ---- Single files ----

void write_files_begin(TextWriter& out, bool may_write);

// The versions of a name come oldest first, so each waits here until it is known whether a newer
// one follows: the newest stands for the name, those before it are folded away.
class VersionRows {
 public:
  struct Table {
    std::string_view node;  // whose; empty: this device's own, which alone can be changed here
    bool may_delete = false;
  };
  void begin() { held_ = in_name_ = in_older_ = false; }
  void add(TextWriter& out, const Table& table, std::string_view name, const FileId& id,
           uint64_t size, uint64_t age_s);
  // No version of this table is left.
  void finish(TextWriter& out, const Table& table);

 private:
  void write_held(TextWriter& out, const Table& table, bool newest);
  bool held_ = false;
  bool in_name_ = false, in_older_ = false;  // what was opened and not closed
  FileId id_;
  uint64_t size_ = 0, age_s_ = 0;
  size_t name_size_ = 0;
  std::array<char, kFileNameMax> name_{};
};

// ---- A folder of a snapshot; links are relative to it, its address ends in '/' ----

struct ListedFolder {
  Bytes snapshot;  // its id
  std::string_view node, path;
  uint64_t age_s = 0;
};
void write_folder_begin(TextWriter& out, const ListedFolder& folder);
void write_folder_row(TextWriter& out, std::string_view path, const Entry& entry, uint64_t age_s);

// `lost`: not all of it could be had. `empty`: no row was written.
void write_list_end(TextWriter& out, bool lost, bool empty);

}  // namespace drey
