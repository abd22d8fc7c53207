// The one seam to the world (DESIGN 2.7). The platform implements these on libuv and POSIX, the
// simulator on one seed. Nothing in src/ reaches the world in another way. Every implementation
// passes the same conformance suite (test/conformance).
//
// Threads: Clock and Random from any thread. Disk and Tree from jobs (and before the loop runs).
// Net's try_* and send/recv from any thread, its wait/cancel/open/close on the loop thread only.
#pragma once

#include <array>
#include <string_view>

#include "drey/bytes.h"
#include "drey/op.h"
#include "drey/status.h"

namespace drey {

class Clock {
 public:
  virtual ~Clock() = default;
  // Nanoseconds of up-time, suspend included, never back (CLOCK_BOOTTIME). Decisions use this one.
  virtual uint64_t up_ns() = 0;
  // Nanoseconds since 1970; may be wrong or jump: only for people and calendar rules.
  virtual int64_t wall_ns() = 0;
  // How far local time is ahead of UTC at that wall time, in seconds: for calendar rules of people.
  virtual int32_t local_offset_s(int64_t wall_ns) {
    (void)wall_ns;
    return 0;
  }
};

class Random {
 public:
  virtual ~Random() = default;
  // Fills all of `to` from the system's CSPRNG; kIo when it cannot (the caller must not go on).
  virtual Status fill(MutBytes to) = 0;
};

// A directory of files: the node's DIR, or its store. Names are relative, without "..", at most
// kNameBytesMax, with at most one '/'. Blocking. A file number is small and reused after close.
class Disk {
 public:
  static constexpr size_t kNameBytesMax = 63;
  using File = int;
  enum OpenFlags : uint32_t {
    kRead = 1,
    kWrite = 2,
    kCreate = 4,     // create if missing (mode 0600)
    kExclusive = 8,  // with kCreate: kExists when there
    kDirect = 16,    // reads bypass the page cache where the kernel allows (scrub, re-reads)
  };
  virtual ~Disk() = default;
  virtual Result<File> open(std::string_view name, uint32_t flags) = 0;
  virtual void close(File file) = 0;
  // Reads up to to.size() bytes at `offset`; fewer only at the end of the file. Retries EINTR.
  virtual Result<size_t> read_at(File file, uint64_t offset, MutBytes to) = 0;
  // Writes all or fails: kFull (ENOSPC, EDQUOT), kReadOnly (EROFS), kIo. Retries short writes.
  virtual Status write_at(File file, uint64_t offset, Bytes from) = 0;
  virtual Status sync(
      File file) = 0;  // fdatasync; after a failure the file must not be synced again
  virtual Result<uint64_t> size(File file) = 0;
  virtual Status truncate(File file, uint64_t size) = 0;
  virtual Status remove(std::string_view name) = 0;
  virtual Status rename(std::string_view from, std::string_view to) = 0;  // replaces `to`
  virtual Status make_dir(std::string_view name) = 0;                     // kExists when there
  virtual Status sync_dir(std::string_view name) = 0;                     // "" = the root itself
  // Calls visit(context, name) for every entry of `dir` ("" = the root); order undefined.
  virtual Status list(std::string_view dir, void (*visit)(void*, std::string_view),
                      void* context) = 0;
  // An exclusive advisory lock held until exit; kBusy when another process holds it.
  virtual Status lock(std::string_view name) = 0;
  struct Space {
    uint64_t capacity_bytes = 0;
    uint64_t free_bytes = 0;  // for an unprivileged writer
  };
  virtual Result<Space> space() = 0;
};

enum class FileKind : uint8_t {
  kOther,
  kFile,
  kDir,
  kSymlink,
  kFifo,
  kCharDevice,
  kBlockDevice,
  kSocket
};

struct FileStat {
  FileKind kind = FileKind::kOther;
  uint32_t mode = 0;  // permission bits incl. setuid, setgid, sticky (07777)
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint64_t size = 0;
  uint64_t inode = 0;
  uint64_t device = 0;  // file system it lies on
  uint64_t link_count = 0;
  uint32_t rdev_major = 0;  // of device nodes
  uint32_t rdev_minor = 0;
  int64_t mtime_ns = 0;
  int64_t ctime_ns = 0;
  uint64_t blocks = 0;  // 512-byte units in use; fewer than size/512 hints at holes
};

// A user's files, read only. Directories are opened by handle, one level at a time, never following
// symlinks, so that names of any bytes and depth work. Blocking.
class Tree {
 public:
  using Dir = int;
  using File = int;
  static constexpr Dir kNone = -1;
  virtual ~Tree() = default;
  // Opens an absolute path as a directory (symlinks on the way are followed for the root only).
  virtual Result<Dir> open_root(std::string_view path) = 0;
  virtual Result<Dir> open_dir(Dir parent, std::string_view name) = 0;  // kDenied, kNotFound
  // The parent of an open directory, re-verified by the caller via stat (depth beyond the fd cap).
  virtual Result<Dir> open_parent(Dir dir) = 0;
  virtual void close_dir(Dir dir) = 0;
  // Restarts the listing; next_name() then yields every name but "." and "..", kEnd at the end.
  virtual Status rewind(Dir dir) = 0;
  virtual Status next_name(Dir dir, std::string_view* name) = 0;  // view valid until the next call
  virtual Status stat(Dir dir, std::string_view name, FileStat* to) = 0;  // lstat; "" = dir itself
  virtual Result<size_t> read_link(Dir dir, std::string_view name, MutBytes to) = 0;
  virtual Result<File> open_file(Dir dir, std::string_view name) = 0;  // O_NOFOLLOW|O_NONBLOCK
  virtual Status stat_file(File file, FileStat* to) = 0;
  virtual Result<size_t> read_at(File file, uint64_t offset, MutBytes to) = 0;
  // The next data region at or after `offset`: [*begin, *end). kEnd when only a hole follows.
  // File systems without SEEK_DATA report everything as data.
  virtual Status next_data(File file, uint64_t offset, uint64_t* begin, uint64_t* end) = 0;
  virtual void close_file(File file) = 0;
  // Extended attributes of dir/name without following links ("" = the directory itself).
  // Names arrive NUL-separated in `to`; kTooLarge when they do not fit; 0 where unsupported.
  virtual Result<size_t> list_xattrs(Dir dir, std::string_view name, MutBytes to) = 0;
  virtual Result<size_t> get_xattr(Dir dir, std::string_view name, const char* key,
                                   MutBytes to) = 0;
  // The magic number of the file system a directory lies on (statfs f_type), e.g. proc 0x9fa0.
  virtual Result<uint64_t> file_system(Dir dir) = 0;
};

// An address of either family; IPv4 is kept as a v4-mapped IPv6 address.
struct Address {
  std::array<uint8_t, 16> ip{};
  uint16_t port = 0;
  uint32_t scope = 0;  // interface index of link-local addresses
  bool operator==(const Address&) const = default;
};

class Net {
 public:
  using Socket = int;
  static constexpr Socket kNone = -1;
  enum Events : uint8_t { kReadable = 1, kWritable = 2 };
  virtual ~Net() = default;

  // "::" listens on both families. A caller is told of once it has said something.
  virtual Result<Socket> listen_tcp(const Address& at) = 0;
  virtual Result<Socket> listen_unix(std::string_view path, uint32_t mode) = 0;
  virtual Result<Socket> connect_tcp(const Address& to) = 0;  // in progress: wait(kWritable)
  virtual Result<Socket> connect_unix(std::string_view path) = 0;
  virtual Status connect_result(Socket socket) = 0;  // after kWritable
  // kAgain when nobody waits; the accepted socket is non-blocking, `from` may be null.
  virtual Result<Socket> accept(Socket listener, Address* from) = 0;
  // The uid of the process at the other end of a unix socket.
  virtual Result<uint32_t> peer_uid(Socket socket) = 0;
  virtual Result<Address> local_address(Socket socket) = 0;

  // A UDP socket that hears `group` on every usable interface (loopback included) and `group.port`;
  // several processes of one host may share it. join_groups() is repeated to follow interfaces.
  virtual Result<Socket> open_multicast(const Address& group) = 0;
  virtual Status join_groups(Socket socket, const Address& group) = 0;
  virtual Status send_multicast(Socket socket, const Address& group,
                                Bytes datagram) = 0;                              // every interface
  virtual Result<size_t> receive(Socket socket, MutBytes to, Address* from) = 0;  // kAgain

  // Non-blocking stream I/O; kAgain = nothing now, kClosed = the other end is gone, 0 is never
  // returned.
  virtual Result<size_t> try_read(Socket socket, MutBytes to) = 0;
  virtual Result<size_t> try_write(Socket socket, Bytes from) = 0;
  // One-shot readiness: completes `op` with kOk once any of `events` holds. One waiter per socket
  // and direction. cancel_wait() completes a pending waiter of those directions with kCancelled.
  virtual Status wait(Socket socket, uint8_t events, Op* op) = 0;
  virtual void cancel_wait(Socket socket, uint8_t events) = 0;
  // Nobody may be waiting on it.
  virtual void close(Socket socket) = 0;
  virtual void shutdown_write(Socket socket) = 0;
};

enum class Lane : uint8_t { kStore, kSync, kWork };

class Lanes {
 public:
  virtual ~Lanes() = default;
  // Loop thread. FIFO per lane; kWork has one thread per core and no order between threads.
  virtual void submit(Lane lane, Job* job) = 0;
};

// What belongs to the process: time ticks, signals, the service manager.
class Host {
 public:
  virtual ~Host() = default;
  // Runs the loop: after every batch of events it drains `ready`; every tick_ms it completes `tick`
  // (unless still queued). Returns after stop().
  virtual void run(ReadyQueue* ready, Op* tick, uint32_t tick_ms) = 0;
  virtual void stop() = 0;
  // `op` is completed with kOk each time SIGTERM/SIGINT (terminate) or SIGHUP (reload) arrives.
  virtual void on_terminate(Op* op) = 0;
  virtual void on_reload(Op* op) = 0;
  virtual void notify(std::string_view state) = 0;  // sd_notify text; nothing without NOTIFY_SOCKET
  virtual void print_line(std::string_view line) = 0;  // stdout, whole lines, flushed
  virtual void log_line(int level,
                        std::string_view line) = 0;  // stderr; level as in syslog (3,4,6,7)
  virtual std::string_view host_name() = 0;
};

struct Ports {
  Clock* clock = nullptr;
  Random* random = nullptr;
  Disk* disk = nullptr;   // DIR: keys, state, index, and the log unless `store =` says otherwise
  Disk* store = nullptr;  // where segments lie; often the same object
  Tree* tree = nullptr;
  Net* net = nullptr;
  Lanes* lanes = nullptr;
  Host* host = nullptr;
};

}  // namespace drey
