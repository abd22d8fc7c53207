// Walks the sources of a backup depth first in path order: every directory's names sorted, at most
// kOpenDirsMax directories open, memory constant for any width and depth. Blocking: runs inside a
// job, one thread at a time, and reads only. It decides what belongs to the backup (excludes, file
// systems, caches, the own DIR) and says what could not be read.
#pragma once

#include "backup/entry.h"
#include "backup/name_windows.h"

namespace drey {

struct FileIdentity {
  uint64_t device = 0;
  uint64_t inode = 0;
  bool operator==(const FileIdentity&) const = default;
};

struct WalkOptions {
  // Source paths without the leading '/' ("" = the whole root), sorted, none beneath another.
  std::span<const std::string_view> roots;
  std::span<const std::string_view> excludes;  // path_match() patterns; see is_excluded()
  std::span<const FileIdentity> skip;          // directories never entered: DIR and the store
  bool one_file_system = false;
  bool exclude_caches = false;
};

// Hears of entries that could not be read. The walk goes on with the next.
class WalkErrors {
 public:
  virtual ~WalkErrors() = default;
  virtual void failed(std::string_view path, Status why) = 0;
};

struct WalkItem {
  std::string_view path;  // without the leading '/'
  Tree::Dir dir = Tree::kNone;
  std::string_view name;  // within dir; "" = dir itself
  FileStat stat;
  bool root = false;   // a source root
  bool mount = false;  // a source root on another file system than its parent directory
};

class TreeWalker {
 public:
  static constexpr size_t kOpenDirsMax = 64;

  // `options` and what it points to, and `errors`, live until stop() or the end.
  void start(Tree* tree, const WalkOptions* options, WalkErrors* errors);
  // kOk: the next entry; its views and dir are valid until the next call. kEnd. Else a source root
  // is not there (kNotFound), cannot be read (kDenied, kIo), is empty although it must not be
  // (kChanged) or never walked (kUnsupported): item->path names it and the walk is over.
  Status next(WalkItem* item);
  // The root just delivered held something in the previous snapshot: an empty one is an error now.
  void root_must_not_be_empty() { must_not_be_empty_ = true; }
  // Closes everything that is open.
  void stop();

 private:
  struct Level {
    Tree::Dir dir = Tree::kNone;
    uint16_t path_size = 0;
    FileIdentity identity;
    NameWindows::Window window;
  };
  static constexpr size_t kLevelsMax = limits::kPathLevelsMax;

  Status next_root(WalkItem* item);
  void next_ancestor(WalkItem* item, bool* found);
  Result<Tree::Dir> open_path(std::string_view path);
  Status open_source(WalkItem* item);
  Status next_name(WalkItem* item);
  Status stat_name(std::string_view name, WalkItem* item);
  Status descend();
  Status enter(Tree::Dir dir, const FileStat& stat);
  bool is_barred(Tree::Dir dir, const FileStat& stat);
  bool is_cache(Tree::Dir dir);
  bool is_excluded(std::string_view path) const;
  Status open_window(size_t at, std::string_view last);
  void refill();
  void leave();
  void reopen(size_t level, Tree::Dir child);
  Result<Tree::Dir> reopen_from_root(size_t level);
  void close_held();
  void remember(std::string_view name);
  std::string_view path() const { return {path_.data(), path_size_}; }
  void report(Status why) { errors_->failed(path(), why); }

  Tree* tree_ = nullptr;
  const WalkOptions* options_ = nullptr;
  WalkErrors* errors_ = nullptr;
  size_t root_at_ = 0;        // the root being walked
  size_t ancestor_size_ = 0;  // of the root's path delivered so far, as ancestors
  bool in_root_ = false;
  bool descend_next_ = false;  // the item just delivered is a directory to enter
  bool must_not_be_empty_ = false;
  Tree::Dir held_ = Tree::kNone;  // the directory of an ancestor or root item
  FileStat item_stat_;
  size_t level_count_ = 0;
  size_t first_open_ = 0;  // levels below it had to be closed
  size_t path_size_ = 0;
  size_t base_size_ = 0;  // of the path that is the root's
  size_t last_size_ = 0;
  std::array<char, kEntryPathMax> path_;
  std::array<char, limits::kFileNameBytesMax> last_;  // the name handled last
  std::array<char, limits::kPathBytesMax> absolute_;
  std::array<Level, kLevelsMax> levels_;
  NameWindows names_;
};

}  // namespace drey
