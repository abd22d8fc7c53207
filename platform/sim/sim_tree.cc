// The Tree port itself. How tests make and change files is in sim_tree_edit.cc.
#include "sim/sim_tree.h"

#include <algorithm>

#include "drey/check.h"
#include "drey/limits.h"

namespace drey {
namespace {

// Stands for ext4, which a user's files usually lie on.
constexpr uint64_t kFileSystemMagic = 0xef53;

Status check_name(std::string_view name) {
  if (name.empty() || name == "." || name == "..") return Status::kInvalid;
  if (name.find('/') != std::string_view::npos) return Status::kInvalid;
  if (name.find('\0') != std::string_view::npos) return Status::kInvalid;
  return name.size() > limits::kFileNameBytesMax ? Status::kTooLarge : Status::kOk;
}

}  // namespace

// ---- handles ----

Result<Tree::Dir> SimTree::open_node(NodePtr node) {
  if (node->stat.kind != FileKind::kDir) return Status::kChanged;
  if (!ok(node->failure)) return node->failure;
  for (size_t i = 0; i < kDirsMax; ++i) {
    if (dirs_[i].node != nullptr) continue;
    dirs_[i] = DirHandle();
    dirs_[i].node = std::move(node);
    return static_cast<Dir>(i);
  }
  return Status::kBusy;
}

SimTree::DirHandle& SimTree::handle_of(Dir dir) {
  DREY_CHECK(dir >= 0 && static_cast<size_t>(dir) < kDirsMax);
  DirHandle& handle = dirs_[static_cast<size_t>(dir)];
  DREY_CHECK(handle.node != nullptr);
  return handle;
}

SimTree::Node& SimTree::file_of(File file) {
  DREY_CHECK(file >= 0 && static_cast<size_t>(file) < kFilesMax);
  DREY_CHECK(files_[static_cast<size_t>(file)] != nullptr);
  return *files_[static_cast<size_t>(file)];
}

Result<SimTree::NodePtr> SimTree::child(Dir dir, std::string_view name) {
  DirHandle& handle = handle_of(dir);
  DREY_TRY(check_name(name));
  auto found = handle.node->children.find(std::string(name));
  if (found == handle.node->children.end()) return Status::kNotFound;
  return found->second;
}

Result<SimTree::NodePtr> SimTree::child_or_self(Dir dir, std::string_view name) {
  if (name.empty()) return handle_of(dir).node;
  return child(dir, name);
}

// ---- directories ----

Result<Tree::Dir> SimTree::open_root(std::string_view path) {
  if (path.empty() || path[0] != '/') return Status::kInvalid;
  if (path.size() >= limits::kPathBytesMax) return Status::kTooLarge;
  NodePtr node = find(std::string(path));
  if (node == nullptr) return Status::kNotFound;
  // Links on the way to a root are followed; a chain of a few is enough here.
  for (int hops = 0; hops < 8 && node->stat.kind == FileKind::kSymlink; ++hops) {
    node = find(node->target);
    if (node == nullptr) return Status::kNotFound;
  }
  return open_node(node);
}

Result<Tree::Dir> SimTree::open_dir(Dir parent, std::string_view name) {
  Result<NodePtr> node = child(parent, name);
  DREY_TRY(node.status());
  return open_node(node.value());
}

Result<Tree::Dir> SimTree::open_parent(Dir dir) {
  NodePtr parent = handle_of(dir).node->parent.lock();
  return open_node(parent == nullptr ? handle_of(dir).node : parent);
}

void SimTree::close_dir(Dir dir) { handle_of(dir) = DirHandle(); }

Status SimTree::rewind(Dir dir) {
  DirHandle& handle = handle_of(dir);
  handle.listing = true;
  handle.started = false;
  return Status::kOk;
}

Status SimTree::next_name(Dir dir, std::string_view* name) {
  DirHandle& handle = handle_of(dir);
  if (!handle.listing) return Status::kEnd;
  auto& children = handle.node->children;
  auto next = handle.started ? children.upper_bound(handle.last) : children.begin();
  if (next == children.end()) {
    handle.listing = false;
    return Status::kEnd;
  }
  handle.started = true;
  handle.last = next->first;
  *name = handle.last;
  return Status::kOk;
}

Status SimTree::stat(Dir dir, std::string_view name, FileStat* to) {
  Result<NodePtr> node = child_or_self(dir, name);
  DREY_TRY(node.status());
  *to = node.value()->stat;
  return Status::kOk;
}

Result<size_t> SimTree::read_link(Dir dir, std::string_view name, MutBytes to) {
  Result<NodePtr> node = child(dir, name);
  DREY_TRY(node.status());
  if (node.value()->stat.kind != FileKind::kSymlink) return Status::kInvalid;
  const std::string& target = node.value()->target;
  if (target.size() >= to.size()) return Status::kTooLarge;
  std::copy(target.begin(), target.end(), to.begin());
  return target.size();
}

Result<uint64_t> SimTree::file_system(Dir dir) {
  return handle_of(dir).node->file_system != 0 ? handle_of(dir).node->file_system
                                               : kFileSystemMagic;
}

// ---- files ----

Result<Tree::File> SimTree::open_file(Dir dir, std::string_view name) {
  Result<NodePtr> node = child(dir, name);
  DREY_TRY(node.status());
  DREY_TRY(node.value()->failure);
  if (node.value()->stat.kind == FileKind::kSymlink) return Status::kChanged;
  if (node.value()->stat.kind == FileKind::kSocket) return Status::kUnsupported;
  for (size_t i = 0; i < kFilesMax; ++i) {
    if (files_[i] != nullptr) continue;
    files_[i] = node.value();
    return static_cast<File>(i);
  }
  return Status::kBusy;
}

Status SimTree::stat_file(File file, FileStat* to) {
  *to = file_of(file).stat;
  return Status::kOk;
}

Result<size_t> SimTree::read_at(File file, uint64_t offset, MutBytes to) {
  if (read_hook_nth_ > 0 && --read_hook_nth_ == 0) {
    auto hook = std::move(read_hook_);
    hook();
  }
  Node& node = file_of(file);
  DREY_TRY(node.failure);
  if (node.stat.kind == FileKind::kDir) return Status::kInvalid;
  if (node.stat.kind != FileKind::kFile) return Status::kUnsupported;
  if (offset >= node.data.size()) return size_t{0};
  size_t count = std::min<size_t>(to.size(), node.data.size() - offset);
  std::copy_n(node.data.begin() + static_cast<std::ptrdiff_t>(offset), count, to.begin());
  return count;
}

Status SimTree::next_data(File file, uint64_t offset, uint64_t* begin, uint64_t* end) {
  Node& node = file_of(file);
  uint64_t size = node.data.size();
  for (const auto& [from, to] : node.holes)
    if (offset >= from && offset < to) offset = to;
  if (offset >= size) return Status::kEnd;
  *begin = offset;
  *end = size;
  for (const auto& [from, to] : node.holes)
    if (from > offset) *end = std::min(*end, from);
  return Status::kOk;
}

void SimTree::close_file(File file) {
  (void)file_of(file);
  files_[static_cast<size_t>(file)] = nullptr;
}

// ---- attributes ----

Result<size_t> SimTree::list_xattrs(Dir dir, std::string_view name, MutBytes to) {
  Result<NodePtr> node = child_or_self(dir, name);
  DREY_TRY(node.status());
  ByteWriter writer(to);
  for (const auto& [key, value] : node.value()->xattrs) {
    writer.text(key);
    writer.u8(0);
  }
  if (!writer.ok()) return Status::kTooLarge;
  return writer.size();
}

Result<size_t> SimTree::get_xattr(Dir dir, std::string_view name, const char* key, MutBytes to) {
  Result<NodePtr> node = child_or_self(dir, name);
  DREY_TRY(node.status());
  auto found = node.value()->xattrs.find(key);
  if (found == node.value()->xattrs.end()) return Status::kNotFound;
  if (found->second.size() > to.size()) return Status::kTooLarge;
  std::copy(found->second.begin(), found->second.end(), to.begin());
  return found->second.size();
}

}  // namespace drey
