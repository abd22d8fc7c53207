// The log: leveled lines through Host::log_line, repeats counted instead of printed, and a ring of
// the last events for /api/v1/events and CHECK reports.
//
// One Log per node, owned by the composition; callable from the loop and from every lane (a short
// spin lock guards the tables, the line is written outside it). Lost at a crash, except what the
// CHECK report prints.
//
// Levels (STYLE 20): error = someone must act; warning = we coped; info = a rare milestone; debug =
// off by default. No file names, keys or contents at info or above. The `<N>` prefix is Host's.
#pragma once

#include <array>
#include <atomic>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "drey/ports.h"

namespace drey {

enum class LogLevel : uint8_t { kError = 3, kWarning = 4, kInfo = 6, kDebug = 7 };  // as in syslog

const char* log_level_name(LogLevel level);

class Log {
 public:
  static constexpr size_t kLineBytesMax = 512;   // longer lines are cut and end in "..."
  static constexpr size_t kEventCount = 64;      // lines the ring remembers
  static constexpr size_t kEventBytesMax = 240;  // of each line in the ring
  static constexpr size_t kRepeatCount = 32;     // format strings watched for repeats at once
  static constexpr uint64_t kRepeatWindowNs = 10ull * 1'000'000'000;

  struct Event {
    uint64_t number = 0;  // counts from 1; 0 = empty
    uint64_t up_ns = 0;
    LogLevel level = LogLevel::kInfo;
    uint16_t size = 0;
    std::array<char, kEventBytesMax> data{};
    std::string_view text() const { return {data.data(), size}; }
  };

  // Either may be null (tests): without a host nothing is printed, without a clock time stands.
  Log(Clock* clock, Host* host) : clock_(clock), host_(host) {}
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void set_level(LogLevel most) { level_.store(most, std::memory_order_relaxed); }
  LogLevel level() const { return level_.load(std::memory_order_relaxed); }

  // printf style; `format` must be a string literal: its address tells repeats apart. The first
  // line of a format is printed, further ones within kRepeatWindowNs are only counted.
  void error(const char* format, ...) __attribute__((format(printf, 2, 3)));
  void warning(const char* format, ...) __attribute__((format(printf, 2, 3)));
  void info(const char* format, ...) __attribute__((format(printf, 2, 3)));
  void debug(const char* format, ...) __attribute__((format(printf, 2, 3)));

  // Prints the counts of repeats whose window has passed. Once per second, from the tick.
  void tick();

  // Copies the oldest event with a number above `after`; false when there is none.
  bool next_event(uint64_t after, Event* to);
  uint64_t last_event_number();
  uint64_t error_count();  // since start, repeats included

  // For check_report_hook: prints the ring without taking the lock.
  void report();

 private:
  struct Repeat {
    const char* format = nullptr;
    uint64_t since_ns = 0;
    uint64_t count = 0;  // lines swallowed since `since_ns`
    LogLevel level = LogLevel::kInfo;
    uint16_t size = 0;
    std::array<char, 96> last{};  // the beginning of the last swallowed line
  };
  class Guard;

  void write(LogLevel level, const char* format, va_list arguments);
  // True when the line is to be printed now; *swallowed = lines of its format to mention first.
  bool admit(LogLevel level, const char* format, std::string_view line, uint64_t now_ns,
             uint64_t* swallowed);
  void remember(LogLevel level, std::string_view line, uint64_t now_ns);
  void print(LogLevel level, std::string_view line, uint64_t swallowed);
  uint64_t now() { return clock_ != nullptr ? clock_->up_ns() : 0; }

  Clock* clock_;
  Host* host_;
  std::atomic<LogLevel> level_{LogLevel::kInfo};
  std::atomic_flag locked_ = ATOMIC_FLAG_INIT;
  std::array<Repeat, kRepeatCount> repeats_{};
  std::array<Event, kEventCount> events_{};
  uint64_t event_count_ = 0;
  uint64_t error_count_ = 0;
};

}  // namespace drey
