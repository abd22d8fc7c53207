// Disk on one directory: a root descriptor and openat(). Owned by the composition, in static
// storage. Any thread: the file table is claimed with atomics, and a File belongs to who opened it.
// After a crash: what sync() and sync_dir() confirmed is there, of the rest anything may be.
#pragma once

#include <array>
#include <atomic>

#include "drey/ports.h"

namespace drey {

class PosixDisk final : public Disk {
 public:
  static constexpr size_t kFilesMax = 64;
  static constexpr size_t kLocksMax = 4;
  PosixDisk();
  ~PosixDisk() override;
  // Opens `path` (absolute or relative to the working directory; links are followed) as the root.
  // With `create` a missing last component is made with mode 0700. kNotFound, kDenied, kChanged
  // (not a directory), kTooLarge.
  Status open_root(std::string_view path, bool create);
  bool is_open() const { return root_ >= 0; }
  // Closes everything, locks included. Nobody may be using the disk.
  void close_root();
  // errno of the newest failed call of any thread, for the log line; 0 when none failed.
  int last_errno() const { return last_errno_.load(std::memory_order_relaxed); }

  // kBusy: 64 files are open. kInvalid: a name of a wrong form; kTooLarge: too long a name.
  // kDirect drops the range's clean pages before a read instead of O_DIRECT, which would demand
  // aligned buffers: the bytes then come from the device as well.
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
  static constexpr int kFree = -1;
  static constexpr int kClaimed = -2;
  int fd_of(File file) const;
  Status failed(int error);  // remembers errno, maps it
  Result<int> open_dir_fd(std::string_view name);

  int root_ = -1;
  std::array<std::atomic<int>, kFilesMax> fds_;
  std::array<std::atomic<bool>, kFilesMax> direct_;
  std::array<std::atomic<int>, kLocksMax> locks_;
  std::atomic<int> last_errno_{0};
};

}  // namespace drey
