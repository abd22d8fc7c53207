// Host on a libuv loop that lies in place. Owned by the composition, in static storage; loop thread
// only, but log_line() and print_line(), which any thread may call.
//
// One turn of the loop: events are collected (callbacks only complete ops), ready ops are stepped,
// sockets are armed for what ops wait for, the loop sleeps. While ops are left over it does not
// sleep.
#pragma once

#include <uv.h>

#include <array>

#include "drey/ports.h"

namespace drey {

class UvNet;

class UvHost final : public Host {
 public:
  UvHost() = default;
  ~UvHost() override;
  // Prepares loop, signal handling (SIGPIPE and SIGXFSZ ignored) and names. kIo, kBusy.
  Status open();
  // Closes every handle and the loop. Net and Lanes must be closed before.
  void close();
  // Raises the soft limit of open files to `count` (or the hard limit, if lower) and makes libuv's
  // table as large, so that it does not grow later. Before `ready`.
  Status reserve_fds(size_t count);
  void set_net(UvNet* net) { net_ = net; }
  uv_loop_t* loop() { return &loop_; }
  // Runs turns without waiting until nothing is ready: closes sockets, delivers jobs. For the end
  // of a process and for tests.
  void settle();

  void run(ReadyQueue* ready, Op* tick, uint32_t tick_ms) override;
  void stop() override;
  void on_terminate(Op* op) override;
  void on_reload(Op* op) override;
  void notify(std::string_view state) override;
  void print_line(std::string_view line) override;
  void log_line(int level, std::string_view line) override;
  std::string_view host_name() override { return {host_name_.data(), host_name_size_}; }

 private:
  void drain();
  void turn_begins();  // before the loop sleeps
  void start_signal(uv_signal_t* handle, int number);

  uv_loop_t loop_;
  uv_timer_t timer_;
  uv_prepare_t prepare_;
  uv_check_t check_;
  uv_idle_t idle_;
  std::array<uv_signal_t, 3> signals_;  // TERM, INT, HUP
  bool is_open_ = false;
  bool prefix_levels_ = false;  // stderr goes to the journal
  UvNet* net_ = nullptr;
  ReadyQueue* ready_ = nullptr;
  Op* tick_ = nullptr;
  Op* terminate_ = nullptr;
  Op* reload_ = nullptr;
  std::array<char, 256> host_name_{};
  size_t host_name_size_ = 0;
  std::array<char, 108> notify_path_{};
  size_t notify_path_size_ = 0;
};

}  // namespace drey
