// Tree in memory, for tests: a user's files with times, owners, links, holes and attributes, the
// same in every run. Single thread. Paths given by tests are absolute; the root exists.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "drey/ports.h"

namespace drey {

class SimTree final : public Tree {
 public:
  SimTree();
  // ---- what a test does to it; false when the path makes no sense ----
  std::function<int64_t()> clock;  // stamps mtime and ctime; the node's wall clock by default
  bool make_dir(const std::string& path);                   // and its parents
  bool write_file(const std::string& path, Bytes content);  // and its parents; replaces content
  bool write_file(const std::string& path, const std::string& content) {
    return write_file(path, as_bytes(content));
  }
  // `content` with a hole at [begin, end), whose bytes must be 0.
  bool punch_hole(const std::string& path, uint64_t begin, uint64_t end);
  bool make_symlink(const std::string& path, const std::string& target);
  bool make_special(const std::string& path, FileKind kind, uint32_t major = 0, uint32_t minor = 0);
  bool make_hardlink(const std::string& path, const std::string& existing);
  bool set_xattr(const std::string& path, const std::string& key, const std::string& value);
  // Makes a directory look like a mount point of its own.
  bool set_file_system(const std::string& path, uint64_t magic, uint64_t device);
  // Changes any field but kind, size and inode; ctime is stamped unless `edit` sets it.
  bool edit_stat(const std::string& path, const std::function<void(FileStat*)>& edit);
  bool remove(const std::string& path);  // with everything beneath
  bool rename(const std::string& from, const std::string& to);
  const std::vector<uint8_t>* peek(const std::string& path) const;
  // Runs before the nth read_at from now: to change a file while it is read.
  void before_read(uint64_t nth, std::function<void()> action);
  // open_file and read_at of this path fail with `status`; kOk takes it back.
  void fail_path(const std::string& path, Status status);
  uint64_t open_count() const;  // handles not closed yet
  void drop_handles();          // the process is gone

  // ---- Tree ----
  static constexpr size_t kDirsMax = 1024;
  static constexpr size_t kFilesMax = 64;
  Result<Dir> open_root(std::string_view path) override;
  Result<Dir> open_dir(Dir parent, std::string_view name) override;
  Result<Dir> open_parent(Dir dir) override;
  void close_dir(Dir dir) override;
  Status rewind(Dir dir) override;
  Status next_name(Dir dir, std::string_view* name) override;
  Status stat(Dir dir, std::string_view name, FileStat* to) override;
  Result<size_t> read_link(Dir dir, std::string_view name, MutBytes to) override;
  Result<File> open_file(Dir dir, std::string_view name) override;
  Status stat_file(File file, FileStat* to) override;
  Result<size_t> read_at(File file, uint64_t offset, MutBytes to) override;
  Status next_data(File file, uint64_t offset, uint64_t* begin, uint64_t* end) override;
  void close_file(File file) override;
  Result<size_t> list_xattrs(Dir dir, std::string_view name, MutBytes to) override;
  Result<size_t> get_xattr(Dir dir, std::string_view name, const char* key, MutBytes to) override;
  Result<uint64_t> file_system(Dir dir) override;

 private:
  struct Node;
  using NodePtr = std::shared_ptr<Node>;
  struct Node {
    FileStat stat;
    std::vector<uint8_t> data;
    std::string target;
    std::vector<std::pair<uint64_t, uint64_t>> holes;
    std::map<std::string, std::string> xattrs;
    std::map<std::string, NodePtr> children;
    std::weak_ptr<Node> parent;
    Status failure = Status::kOk;
    uint64_t file_system = 0;  // 0 = the usual one
  };
  struct DirHandle {
    NodePtr node;
    bool listing = false;
    std::string last;  // name given last; the listing goes on behind it
    bool started = false;
  };
  NodePtr find(const std::string& path) const;
  NodePtr find_parent(const std::string& path, std::string* leaf, bool create);
  NodePtr make_node(FileKind kind, uint32_t mode);
  NodePtr put_node(const std::string& path, FileKind kind, uint32_t mode);
  void stamp(Node* node, bool modified);
  DirHandle& handle_of(Dir dir);
  Node& file_of(File file);
  Result<NodePtr> child(Dir dir, std::string_view name);
  Result<NodePtr> child_or_self(Dir dir, std::string_view name);  // "" = the directory itself
  Result<Dir> open_node(NodePtr node);

  NodePtr root_;
  uint64_t next_inode_ = 2;
  int64_t fallback_time_ = 1735689600ll * 1000000000;
  std::array<DirHandle, kDirsMax> dirs_;
  std::array<NodePtr, kFilesMax> files_;
  uint64_t read_hook_nth_ = 0;
  std::function<void()> read_hook_;
};

}  // namespace drey
