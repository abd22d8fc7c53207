// Tree on descriptors and *at() calls: never follows a link below the root, reads directories with
// getdents64 into buffers of its own (opendir allocates). Owned by the composition, in static
// storage. Any thread: tables are claimed with atomics, a Dir or File belongs to who opened it.
// Writes nothing, so a crash leaves nothing behind.
#pragma once

#include <array>
#include <atomic>

#include "drey/ports.h"

namespace drey {

class PosixTree final : public Tree {
 public:
  static constexpr size_t kDirsMax = 1024;  // a walk keeps one per level; deeper: open_parent()
  static constexpr size_t kFilesMax = 64;
  static constexpr size_t kListingsMax = 8;  // directories being listed at once
  static constexpr size_t kListingBytes = 32 * 1024;
  PosixTree();
  ~PosixTree() override;

  Result<Dir> open_root(std::string_view path) override;
  // kChanged: `name` is no directory (any more), e.g. a link. kBusy: no handle or descriptor left.
  Result<Dir> open_dir(Dir parent, std::string_view name) override;
  Result<Dir> open_parent(Dir dir) override;
  void close_dir(Dir dir) override;
  // kBusy: kListingsMax listings run. A listing's buffer is given back at kEnd, at an error, by
  // close_dir() or the next rewind().
  Status rewind(Dir dir) override;
  Status next_name(Dir dir, std::string_view* name) override;
  Status stat(Dir dir, std::string_view name, FileStat* to) override;
  Result<size_t> read_link(Dir dir, std::string_view name, MutBytes to) override;
  // kChanged: `name` is a link. Fifos and devices open without waiting; ask stat_file() first.
  Result<File> open_file(Dir dir, std::string_view name) override;
  Status stat_file(File file, FileStat* to) override;
  Result<size_t> read_at(File file, uint64_t offset, MutBytes to) override;
  Status next_data(File file, uint64_t offset, uint64_t* begin, uint64_t* end) override;
  void close_file(File file) override;
  Result<size_t> list_xattrs(Dir dir, std::string_view name, MutBytes to) override;
  Result<size_t> get_xattr(Dir dir, std::string_view name, const char* key, MutBytes to) override;
  Result<uint64_t> file_system(Dir dir) override;
  // errno of the newest failed call of any thread, for the log line.
  int last_errno() const { return last_errno_.load(std::memory_order_relaxed); }

 private:
  static constexpr int kFree = -1;
  static constexpr int kClaimed = -2;
  struct Listing {
    std::atomic<bool> used{false};
    size_t at = 0;
    size_t size = 0;
    alignas(8) std::array<char, kListingBytes> bytes;
  };
  struct DirSlot {
    std::atomic<int> fd{kFree};
    int listing = -1;  // only the owner of the Dir reads and writes it
  };
  int dir_fd(Dir dir) const;
  int file_fd(File file) const;
  Status failed(int error);
  Result<Dir> open_dir_at(int parent, const char* name, int flags);
  void release_listing(DirSlot& slot);

  std::array<DirSlot, kDirsMax> dirs_;
  std::array<std::atomic<int>, kFilesMax> files_;
  std::array<Listing, kListingsMax> listings_;
  std::atomic<int> last_errno_{0};
};

}  // namespace drey
