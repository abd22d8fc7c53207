// How tests make and change the files of a simulated tree.
#include <algorithm>

#include "sim/sim_tree.h"

namespace drey {
namespace {

constexpr uint64_t kBlockBytes = 512;

// "/a/b" -> {"a", "b"}.
std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  for (size_t at = 0; at < path.size();) {
    size_t end = std::min(path.find('/', at), path.size());
    if (end > at) parts.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

}  // namespace

SimTree::SimTree() { root_ = make_node(FileKind::kDir, 0755); }

SimTree::NodePtr SimTree::make_node(FileKind kind, uint32_t mode) {
  auto node = std::make_shared<Node>();
  node->stat.kind = kind;
  node->stat.mode = mode;
  node->stat.uid = node->stat.gid = 1000;
  node->stat.inode = next_inode_++;
  node->stat.device = 1;
  node->stat.link_count = 1;
  stamp(node.get(), true);
  return node;
}

void SimTree::stamp(Node* node, bool modified) {
  // Strictly rising without a clock, so that every change is visible.
  int64_t now = clock ? clock() : (fallback_time_ += 1'000'000);
  node->stat.ctime_ns = now;
  if (modified) node->stat.mtime_ns = now;
}

SimTree::NodePtr SimTree::find(const std::string& path) const {
  NodePtr node = root_;
  for (const std::string& part : parts_of(path)) {
    auto found = node->children.find(part);
    if (found == node->children.end()) return nullptr;
    node = found->second;
  }
  return node;
}

SimTree::NodePtr SimTree::find_parent(const std::string& path, std::string* leaf, bool create) {
  std::vector<std::string> parts = parts_of(path);
  if (parts.empty()) return nullptr;
  *leaf = parts.back();
  parts.pop_back();
  NodePtr node = root_;
  for (const std::string& part : parts) {
    auto found = node->children.find(part);
    if (found == node->children.end()) {
      if (!create) return nullptr;
      NodePtr made = make_node(FileKind::kDir, 0755);
      made->parent = node;
      found = node->children.emplace(part, made).first;
      stamp(node.get(), true);
    }
    node = found->second;
    if (node->stat.kind != FileKind::kDir) return nullptr;
  }
  return node;
}

SimTree::NodePtr SimTree::put_node(const std::string& path, FileKind kind, uint32_t mode) {
  std::string leaf;
  NodePtr parent = find_parent(path, &leaf, true);
  if (parent == nullptr || parent->children.contains(leaf)) return nullptr;
  NodePtr node = make_node(kind, mode);
  node->parent = parent;
  parent->children[leaf] = node;
  stamp(parent.get(), true);
  return node;
}

bool SimTree::make_dir(const std::string& path) {
  NodePtr found = find(path);
  if (found != nullptr) return found->stat.kind == FileKind::kDir;
  return put_node(path, FileKind::kDir, 0755) != nullptr;
}

bool SimTree::write_file(const std::string& path, Bytes content) {
  NodePtr node = find(path);
  if (node == nullptr) node = put_node(path, FileKind::kFile, 0644);
  if (node == nullptr || node->stat.kind != FileKind::kFile) return false;
  node->data.assign(content.begin(), content.end());
  node->holes.clear();
  node->stat.size = content.size();
  node->stat.blocks = (content.size() + kBlockBytes - 1) / kBlockBytes;
  stamp(node.get(), true);
  return true;
}

bool SimTree::punch_hole(const std::string& path, uint64_t begin, uint64_t end) {
  NodePtr node = find(path);
  if (node == nullptr || begin >= end || end > node->data.size()) return false;
  auto is_zero = [](uint8_t byte) { return byte == 0; };
  if (!std::all_of(node->data.begin() + static_cast<std::ptrdiff_t>(begin),
                   node->data.begin() + static_cast<std::ptrdiff_t>(end), is_zero))
    return false;
  node->holes.emplace_back(begin, end);
  std::sort(node->holes.begin(), node->holes.end());
  uint64_t saved = (end - begin) / kBlockBytes;
  node->stat.blocks -= std::min(node->stat.blocks, saved);
  return true;
}

bool SimTree::make_symlink(const std::string& path, const std::string& target) {
  NodePtr node = put_node(path, FileKind::kSymlink, 0777);
  if (node == nullptr) return false;
  node->target = target;
  node->stat.size = target.size();
  return true;
}

bool SimTree::make_special(const std::string& path, FileKind kind, uint32_t major, uint32_t minor) {
  NodePtr node = put_node(path, kind, 0644);
  if (node == nullptr) return false;
  node->stat.rdev_major = major;
  node->stat.rdev_minor = minor;
  return true;
}

bool SimTree::make_hardlink(const std::string& path, const std::string& existing) {
  NodePtr node = find(existing);
  std::string leaf;
  NodePtr parent = find_parent(path, &leaf, true);
  if (node == nullptr || node->stat.kind == FileKind::kDir || parent == nullptr) return false;
  if (!parent->children.emplace(leaf, node).second) return false;
  ++node->stat.link_count;
  stamp(node.get(), false);
  stamp(parent.get(), true);
  return true;
}

bool SimTree::set_xattr(const std::string& path, const std::string& key, const std::string& value) {
  NodePtr node = find(path);
  if (node == nullptr) return false;
  node->xattrs[key] = value;
  stamp(node.get(), false);
  return true;
}

bool SimTree::set_file_system(const std::string& path, uint64_t magic, uint64_t device) {
  NodePtr node = find(path);
  if (node == nullptr || node->stat.kind != FileKind::kDir) return false;
  node->file_system = magic;
  node->stat.device = device;
  return true;
}

bool SimTree::edit_stat(const std::string& path, const std::function<void(FileStat*)>& edit) {
  NodePtr node = find(path);
  if (node == nullptr) return false;
  stamp(node.get(), false);
  edit(&node->stat);
  return true;
}

bool SimTree::remove(const std::string& path) {
  std::string leaf;
  NodePtr parent = find_parent(path, &leaf, false);
  if (parent == nullptr || !parent->children.contains(leaf)) return false;
  NodePtr node = parent->children[leaf];
  if (node->stat.link_count > 0) --node->stat.link_count;
  stamp(node.get(), false);
  parent->children.erase(leaf);
  stamp(parent.get(), true);
  return true;
}

bool SimTree::rename(const std::string& from, const std::string& to) {
  std::string old_leaf;
  std::string new_leaf;
  NodePtr source = find_parent(from, &old_leaf, false);
  NodePtr target = find_parent(to, &new_leaf, false);
  if (source == nullptr || target == nullptr || !source->children.contains(old_leaf)) return false;
  NodePtr node = source->children[old_leaf];
  source->children.erase(old_leaf);
  target->children[new_leaf] = node;
  node->parent = target;
  stamp(node.get(), false);
  stamp(source.get(), true);
  stamp(target.get(), true);
  return true;
}

const std::vector<uint8_t>* SimTree::peek(const std::string& path) const {
  NodePtr node = find(path);
  return node == nullptr || node->stat.kind != FileKind::kFile ? nullptr : &node->data;
}

void SimTree::before_read(uint64_t nth, std::function<void()> action) {
  read_hook_nth_ = nth;
  read_hook_ = std::move(action);
}

void SimTree::fail_path(const std::string& path, Status status) {
  NodePtr node = find(path);
  if (node != nullptr) node->failure = status;
}

uint64_t SimTree::open_count() const {
  auto dirs = std::count_if(dirs_.begin(), dirs_.end(),
                            [](const DirHandle& handle) { return handle.node != nullptr; });
  auto files = std::count_if(files_.begin(), files_.end(),
                             [](const NodePtr& node) { return node != nullptr; });
  return static_cast<uint64_t>(dirs + files);
}

void SimTree::drop_handles() {
  dirs_.fill(DirHandle());
  files_.fill(nullptr);
}

}  // namespace drey
