#include "backup/tree_walker.h"

#include <algorithm>

#include "base/text.h"
#include "drey/check.h"

namespace drey {
namespace {

// File systems that hold no files of anybody: statfs f_type as in linux/magic.h.
constexpr uint64_t kPseudoFileSystems[] = {
    0x9fa0,      // proc
    0x62656572,  // sysfs
    0x27e0eb,    // cgroup
    0x63677270,  // cgroup2
    0x64626720,  // debugfs
    0x74726163,  // tracefs
    0x73636673,  // securityfs
    0x62656570,  // configfs
    0xcafe4a11,  // bpf
    0x1cd1,      // devpts
    0x19800202,  // mqueue
    0x6165676c,  // pstore
    0xde5e81e4,  // efivarfs
    0x42494e4d,  // binfmt_misc
    0x65735543,  // fusectl
    0x958458f6,  // hugetlbfs
    0x67596969,  // rpc_pipefs
    0x187,       // autofs: entering it would mount
    0x6e736673,  // nsfs
};

constexpr std::string_view kCacheTagName = "CACHEDIR.TAG";
constexpr std::string_view kCacheTag = "Signature: 8a477f597d28d172789f06886806bc55";

std::string_view parent_of(std::string_view path) {
  size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}
std::string_view name_of(std::string_view path) {
  size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace

void TreeWalker::start(Tree* tree, const WalkOptions* options, WalkErrors* errors) {
  tree_ = tree;
  options_ = options;
  errors_ = errors;
  root_at_ = ancestor_size_ = level_count_ = first_open_ = path_size_ = last_size_ = 0;
  in_root_ = descend_next_ = must_not_be_empty_ = false;
  held_ = Tree::kNone;
  names_.reset();
}

void TreeWalker::stop() {
  close_held();
  for (size_t i = 0; i < level_count_; ++i)
    if (levels_[i].dir != Tree::kNone) tree_->close_dir(levels_[i].dir);
  level_count_ = 0;
  root_at_ = options_ != nullptr ? options_->roots.size() : 0;
}

void TreeWalker::close_held() {
  if (held_ != Tree::kNone) tree_->close_dir(held_);
  held_ = Tree::kNone;
}

Status TreeWalker::next(WalkItem* item) {
  if (descend_next_) {
    descend_next_ = false;
    Status status = descend();
    if (!ok(status)) {
      item->path = path();
      stop();
      return status;
    }
  }
  close_held();
  while (true) {
    if (level_count_ == 0) {
      if (in_root_) {
        in_root_ = false;
        ++root_at_;
      }
      if (root_at_ == options_->roots.size()) return Status::kEnd;
      Status status = next_root(item);
      if (status != Status::kAgain) return status;
      continue;
    }
    Status status = next_name(item);
    if (ok(status)) return status;
    leave();
  }
}

Result<Tree::Dir> TreeWalker::open_path(std::string_view path) {
  absolute_[0] = '/';
  std::copy(path.begin(), path.end(), absolute_.begin() + 1);
  return tree_->open_root({absolute_.data(), path.size() + 1});
}

// kAgain: "/" was entered, which has no entry of its own.
Status TreeWalker::next_root(WalkItem* item) {
  std::string_view root = options_->roots[root_at_];
  *item = {};
  bool found = false;
  next_ancestor(item, &found);
  if (found) return Status::kOk;
  std::copy(root.begin(), root.end(), path_.begin());
  path_size_ = base_size_ = root.size();
  ancestor_size_ = 0;
  in_root_ = true;
  must_not_be_empty_ = false;
  item->path = path();
  DREY_TRY(open_source(item));
  item_stat_ = item->stat;
  if (!root.empty()) return Status::kOk;
  descend_next_ = false;
  DREY_TRY(descend());
  return Status::kAgain;
}

// The directories above a source, each once: what lies between them is not part of the backup. One
// that cannot be read is left out.
void TreeWalker::next_ancestor(WalkItem* item, bool* found) {
  std::string_view root = options_->roots[root_at_];
  std::string_view before = root_at_ > 0 ? options_->roots[root_at_ - 1] : std::string_view();
  while (true) {
    size_t slash = root.find('/', ancestor_size_ == 0 ? 0 : ancestor_size_ + 1);
    if (slash == std::string_view::npos) return;
    ancestor_size_ = slash;
    std::string_view ancestor = root.substr(0, slash);
    if (root_at_ > 0 && is_beneath(before, ancestor)) continue;
    Result<Tree::Dir> dir = open_path(ancestor);
    if (!dir.ok()) continue;
    close_held();
    held_ = dir.value();
    if (!ok(tree_->stat(held_, "", &item->stat))) continue;
    item->path = ancestor;
    item->dir = held_;
    *found = true;
    return;
  }
}

// A source that is a link to a directory is walked as if it were that directory.
Status TreeWalker::open_source(WalkItem* item) {
  std::string_view root = options_->roots[root_at_];
  Result<Tree::Dir> parent = open_path(parent_of(root));
  Result<Tree::Dir> dir = open_path(root);
  item->root = true;
  FileStat above;
  if (parent.ok() && !ok(tree_->stat(parent.value(), "", &above))) above.device = 0;
  if (dir.ok()) {
    if (parent.ok()) tree_->close_dir(parent.value());
    held_ = dir.value();
    item->dir = held_;
    DREY_TRY(tree_->stat(held_, "", &item->stat));
    item->mount = above.device != 0 && above.device != item->stat.device;
    descend_next_ = true;
    return Status::kOk;
  }
  if (!parent.ok()) return parent.status();
  held_ = parent.value();
  item->dir = held_;
  item->name = name_of(path());
  DREY_TRY(tree_->stat(held_, item->name, &item->stat));
  if (item->stat.kind == FileKind::kDir) return dir.status();
  return Status::kOk;
}

// The next entry of the topmost level; kEnd when there is none.
Status TreeWalker::next_name(WalkItem* item) {
  while (true) {
    Level& level = levels_[level_count_ - 1];
    if (level.window.exhausted()) {
      if (!level.window.more) return Status::kEnd;
      refill();
      if (level.window.exhausted()) return Status::kEnd;
    }
    std::string_view name = names_.take(level.window);
    remember(name);
    path_size_ = level.path_size;
    size_t need = path_size_ + (path_size_ > 0 ? 1 : 0) + name.size();
    if (need > kEntryPathMax) {
      report(Status::kTooLarge);
      continue;
    }
    if (path_size_ > 0) path_[path_size_++] = '/';
    std::copy(name.begin(), name.end(), path_.begin() + static_cast<ptrdiff_t>(path_size_));
    path_size_ = need;
    if (is_excluded(path())) continue;
    Status status = stat_name({last_.data(), last_size_}, item);
    if (ok(status)) return status;
    // Gone since it was listed: that is no error.
    if (status != Status::kNotFound && status != Status::kUnsupported) report(status);
  }
}

// kUnsupported: nothing a backup keeps.
Status TreeWalker::stat_name(std::string_view name, WalkItem* item) {
  *item = {};
  item->path = path();
  item->dir = levels_[level_count_ - 1].dir;
  item->name = name;
  DREY_TRY(tree_->stat(item->dir, name, &item->stat));
  if (item->stat.kind == FileKind::kSocket || item->stat.kind == FileKind::kOther)
    return Status::kUnsupported;
  item_stat_ = item->stat;
  descend_next_ = item->stat.kind == FileKind::kDir;
  return Status::kOk;
}

void TreeWalker::remember(std::string_view name) {
  std::copy(name.begin(), name.end(), last_.begin());
  last_size_ = name.size();
}

// Patterns with a leading '/' see the whole path, the others what lies beneath the source: a source
// inside a directory called "cache" is not excluded by "cache".
bool TreeWalker::is_excluded(std::string_view path) const {
  std::string_view inside = path.substr(base_size_);
  for (std::string_view pattern : options_->excludes) {
    if (path_match(pattern, pattern.starts_with('/') ? path : inside)) return true;
  }
  return false;
}

// Only the failure of a source is returned; others are reported and the walk goes on beside them.
Status TreeWalker::descend() {
  bool source = level_count_ == 0;
  Tree::Dir dir = held_;
  if (source) {
    held_ = Tree::kNone;
  } else {
    Result<Tree::Dir> opened =
        tree_->open_dir(levels_[level_count_ - 1].dir, {last_.data(), last_size_});
    if (!opened.ok()) {
      if (opened.status() != Status::kNotFound) report(opened.status());
      return Status::kOk;
    }
    dir = opened.value();
  }
  FileStat stat;
  Status status = tree_->stat(dir, "", &stat);
  if (ok(status) && (level_count_ == kLevelsMax)) status = Status::kTooLarge;
  bool barred = ok(status) && is_barred(dir, stat);
  if (source && barred) status = Status::kUnsupported;  // asked for, yet never walked
  if (!ok(status) || barred || (options_->exclude_caches && is_cache(dir))) {
    tree_->close_dir(dir);
    if (ok(status) || source) return status;
    report(status);
    return Status::kOk;
  }
  status = enter(dir, stat);
  bool empty = levels_[level_count_ - 1].window.count == 0;
  if (source && ok(status) && empty && must_not_be_empty_) return Status::kChanged;
  if (ok(status)) return status;
  if (source && empty) return status;
  report(status);
  return Status::kOk;
}

// The own DIR and store, file systems without files, and with one_file_system those of others.
bool TreeWalker::is_barred(Tree::Dir dir, const FileStat& stat) {
  FileIdentity identity{stat.device, stat.inode};
  for (const FileIdentity& skip : options_->skip)
    if (skip == identity) return true;
  bool source = level_count_ == 0;
  if (!source && levels_[level_count_ - 1].identity.device == stat.device) return false;
  if (options_->one_file_system && !source) return true;
  Result<uint64_t> magic = tree_->file_system(dir);
  return magic.ok() && std::find(std::begin(kPseudoFileSystems), std::end(kPseudoFileSystems),
                                 magic.value()) != std::end(kPseudoFileSystems);
}

bool TreeWalker::is_cache(Tree::Dir dir) {
  Result<Tree::File> file = tree_->open_file(dir, kCacheTagName);
  if (!file.ok()) return false;
  std::array<uint8_t, kCacheTag.size()> head{};
  FileStat stat;
  bool found = ok(tree_->stat_file(file.value(), &stat)) && stat.kind == FileKind::kFile;
  if (found) {
    Result<size_t> size = tree_->read_at(file.value(), 0, head);
    found = size.ok() && size.value() == head.size() && as_text(head) == kCacheTag;
  }
  tree_->close_file(file.value());
  return found;
}

// The level stands even when listing it failed midway: what was listed is walked.
Status TreeWalker::enter(Tree::Dir dir, const FileStat& stat) {
  if (level_count_ - first_open_ == kOpenDirsMax) {
    tree_->close_dir(levels_[first_open_].dir);
    levels_[first_open_++].dir = Tree::kNone;
  }
  Level& level = levels_[level_count_];
  level.dir = dir;
  level.path_size = static_cast<uint16_t>(path_size_);
  level.identity = {stat.device, stat.inode};
  if (level_count_++ == 0) first_open_ = 0;
  return open_window(level_count_ - 1, {});
}

Status TreeWalker::open_window(size_t at, std::string_view last) {
  Level& level = levels_[at];
  if (names_.tight()) {
    for (size_t i = 0; i < at; ++i) NameWindows::drop(levels_[i].window);
    names_.reset();
  }
  return names_.open(*tree_, level.dir, last, &level.window);
}

void TreeWalker::refill() {
  Level& level = levels_[level_count_ - 1];
  names_.close(level.window);
  path_size_ = level.path_size;
  Status status = open_window(level_count_ - 1, {last_.data(), last_size_});
  if (!ok(status)) report(status);
}

void TreeWalker::leave() {
  Level level = levels_[--level_count_];
  names_.close(level.window);
  path_size_ = level.path_size;
  if (level_count_ > 0) {
    remember(name_of(path()));
    if (levels_[level_count_ - 1].dir == Tree::kNone) reopen(level_count_ - 1, level.dir);
  }
  if (level.dir != Tree::kNone) tree_->close_dir(level.dir);
}

// A level whose handle was closed for want of handles. The parent of a directory that was moved
// meanwhile is another: then it is looked for from the source on, and given up if it is not there.
void TreeWalker::reopen(size_t at, Tree::Dir child) {
  Level& level = levels_[at];
  first_open_ = at;
  if (level.window.exhausted() && !level.window.more) return;
  auto is_it = [&](const Result<Tree::Dir>& dir) {
    FileStat stat;
    if (!dir.ok()) return false;
    if (ok(tree_->stat(dir.value(), "", &stat)) &&
        level.identity == FileIdentity{stat.device, stat.inode}) {
      level.dir = dir.value();
      return true;
    }
    tree_->close_dir(dir.value());
    return false;
  };
  if (child != Tree::kNone && is_it(tree_->open_parent(child))) return;
  if (is_it(reopen_from_root(at))) return;
  size_t size = path_size_;
  path_size_ = level.path_size;
  report(Status::kChanged);
  path_size_ = size;
  level.window.at = level.window.count;
  level.window.more = false;
}

Result<Tree::Dir> TreeWalker::reopen_from_root(size_t at) {
  Result<Tree::Dir> dir = open_path({path_.data(), base_size_});
  for (size_t i = 1; i <= at && dir.ok(); ++i) {
    std::string_view name = name_of({path_.data(), levels_[i].path_size});
    Result<Tree::Dir> next = tree_->open_dir(dir.value(), name);
    tree_->close_dir(dir.value());
    dir = next;
  }
  return dir;
}

}  // namespace drey
