#include "posix/uv_host.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "drey/check.h"
#include "posix/uv_net.h"

namespace drey {
namespace {

template <class Handle>
uv_handle_t* base(Handle* handle) {
  return reinterpret_cast<uv_handle_t*>(handle);
}

template <class Handle>
UvHost* host_of(Handle* handle) {
  return static_cast<UvHost*>(handle->data);
}

// systemd sets JOURNAL_STREAM to device:inode of the stream it gave us; children of ours and
// redirections have another one.
bool is_journal(int fd) {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat info {};
  if (stream == nullptr || ::fstat(fd, &info) != 0) return false;
  char own[64];
  std::snprintf(own, sizeof own, "%llu:%llu", static_cast<unsigned long long>(info.st_dev),
                static_cast<unsigned long long>(info.st_ino));
  return std::strcmp(stream, own) == 0;
}

// One writev, so that lines of several processes and threads do not mix. A closed or full reader is
// not our problem to solve: what it did not take is dropped.
void write_line(int fd, std::string_view prefix, std::string_view line) {
  char newline = '\n';
  iovec parts[3] = {{const_cast<char*>(prefix.data()), prefix.size()},
                    {const_cast<char*>(line.data()), line.size()},
                    {&newline, 1}};
  iovec* part = parts;
  int left = 3;
  while (left > 0) {
    ssize_t count = ::writev(fd, part, left);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return;
    auto done = static_cast<size_t>(count);
    while (left > 0 && done >= part->iov_len) {
      done -= part->iov_len;
      ++part;
      --left;
    }
    if (left == 0) return;
    part->iov_base = static_cast<char*>(part->iov_base) + done;
    part->iov_len -= done;
  }
}

}  // namespace

UvHost::~UvHost() { close(); }

Status UvHost::open() {
  DREY_CHECK(!is_open_);
  if (uv_loop_init(&loop_) != 0) return Status::kBusy;
  // A peer that hangs up and a file at its size limit are errors of a call, not of the process.
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
  uv_timer_init(&loop_, &timer_);
  uv_prepare_init(&loop_, &prepare_);
  uv_check_init(&loop_, &check_);
  uv_idle_init(&loop_, &idle_);
  timer_.data = prepare_.data = check_.data = idle_.data = this;
  is_open_ = true;
  for (uv_signal_t& handle : signals_) {
    if (uv_signal_init(&loop_, &handle) != 0) return Status::kBusy;
    handle.data = this;
  }
  prefix_levels_ = is_journal(STDERR_FILENO);
  if (::gethostname(host_name_.data(), host_name_.size() - 1) != 0) host_name_[0] = '\0';
  host_name_size_ = std::strcspn(host_name_.data(), ".");
  if (host_name_size_ == 0) {
    std::memcpy(host_name_.data(), "device", 6);
    host_name_size_ = 6;
  }
  const char* path = std::getenv("NOTIFY_SOCKET");
  size_t size = path != nullptr ? std::strlen(path) : 0;
  if (size > 1 && size < notify_path_.size() && (path[0] == '/' || path[0] == '@')) {
    std::memcpy(notify_path_.data(), path, size);
    if (path[0] == '@') notify_path_[0] = '\0';  // an abstract name
    notify_path_size_ = size;
  }
  return Status::kOk;
}

void UvHost::close() {
  if (!is_open_) return;
  is_open_ = false;
  auto close_one = [](uv_handle_t* handle, void*) {
    if (!uv_is_closing(handle)) uv_close(handle, nullptr);
  };
  uv_walk(&loop_, close_one, nullptr);
  // More than one round when stop() was called without a run() to notice it.
  while (uv_loop_close(&loop_) == UV_EBUSY) uv_run(&loop_, UV_RUN_DEFAULT);
}

Status UvHost::reserve_fds(size_t count) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return Status::kIo;
  rlim_t wanted = count < limit.rlim_max ? count : limit.rlim_max;
  // Lowered as well as raised: a descriptor beyond the table would make libuv allocate.
  limit.rlim_cur = wanted;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return Status::kIo;
  int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) return Status::kBusy;
  int highest = ::fcntl(fd, F_DUPFD_CLOEXEC, static_cast<int>(wanted) - 1);
  ::close(fd);
  if (highest < 0) return errno == EMFILE ? Status::kBusy : Status::kIo;
  static constexpr auto kNothing = [](uv_poll_t*, int, int) {};
  uv_poll_t poll;
  Status status = uv_poll_init(&loop_, &poll, highest) == 0 ? Status::kOk : Status::kBusy;
  if (ok(status)) {
    if (uv_poll_start(&poll, UV_READABLE, kNothing) != 0) status = Status::kBusy;
    bool closed = false;
    poll.data = &closed;
    uv_close(base(&poll), [](uv_handle_t* handle) { *static_cast<bool*>(handle->data) = true; });
    while (!closed) uv_run(&loop_, UV_RUN_NOWAIT);
  }
  ::close(highest);
  return status;
}

void UvHost::settle() {
  // Two turns: what the first one closes or completes, the second one reports.
  for (int turn = 0; turn < 2; ++turn) {
    uv_run(&loop_, UV_RUN_NOWAIT);
    drain();
  }
}

void UvHost::drain() {
  bool more = ready_ != nullptr && ready_->run();
  if (more) {
    uv_idle_start(&idle_, [](uv_idle_t*) {});  // keeps the loop from sleeping
  } else {
    uv_idle_stop(&idle_);
  }
}

void UvHost::turn_begins() {
  drain();
  if (net_ != nullptr) net_->flush();
}

void UvHost::run(ReadyQueue* ready, Op* tick, uint32_t tick_ms) {
  DREY_CHECK(is_open_ && ready_ == nullptr);
  ready_ = ready;
  tick_ = tick;
  auto on_tick = [](uv_timer_t* handle) {
    Op* op = host_of(handle)->tick_;
    if (!op->is_queued()) op->complete(Status::kOk);
  };
  // A timer counts from the loop's cached time, which is as old as the loop's last turn.
  uv_update_time(&loop_);
  if (tick != nullptr) uv_timer_start(&timer_, on_tick, tick_ms, tick_ms);
  uv_prepare_start(&prepare_, [](uv_prepare_t* handle) { host_of(handle)->turn_begins(); });
  uv_check_start(&check_, [](uv_check_t* handle) { host_of(handle)->drain(); });
  uv_run(&loop_, UV_RUN_DEFAULT);
  uv_timer_stop(&timer_);
  uv_prepare_stop(&prepare_);
  uv_check_stop(&check_);
  uv_idle_stop(&idle_);
  ready_ = nullptr;
  tick_ = nullptr;
}

void UvHost::stop() { uv_stop(&loop_); }

void UvHost::start_signal(uv_signal_t* handle, int number) {
  auto on_signal = [](uv_signal_t* caught, int what) {
    UvHost* host = host_of(caught);
    Op* op = what == SIGHUP ? host->reload_ : host->terminate_;
    if (op != nullptr && !op->is_queued()) op->complete(Status::kOk);
  };
  uv_signal_start(handle, on_signal, number);
}

void UvHost::on_terminate(Op* op) {
  terminate_ = op;
  start_signal(&signals_[0], SIGTERM);
  start_signal(&signals_[1], SIGINT);
}

void UvHost::on_reload(Op* op) {
  reload_ = op;
  start_signal(&signals_[2], SIGHUP);
}

void UvHost::notify(std::string_view state) {
  if (notify_path_size_ == 0) return;
  int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, notify_path_.data(), notify_path_size_);
  auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + notify_path_size_);
  // The manager's watchdog notices when it misses one; there is nothing to do about it here.
  (void)::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&to),
                 size);
  ::close(fd);
}

void UvHost::print_line(std::string_view line) { write_line(STDOUT_FILENO, {}, line); }

void UvHost::log_line(int level, std::string_view line) {
  char prefix[4] = {'<', static_cast<char>('0' + (level & 7)), '>', '\0'};
  write_line(STDERR_FILENO, {prefix, prefix_levels_ ? size_t{3} : size_t{0}}, line);
}

}  // namespace drey
