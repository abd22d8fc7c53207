#include "base/log.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace drey {

namespace {

// Copies as much of `text` as fits and returns its size.
uint16_t copy_prefix(std::string_view text, std::span<char> to) {
  size_t size = std::min(text.size(), to.size());
  if (size != 0) std::memcpy(to.data(), text.data(), size);
  return static_cast<uint16_t>(size);
}

}  // namespace

// A spin lock: what it guards takes microseconds and never blocks.
class Log::Guard {
 public:
  explicit Guard(std::atomic_flag* flag) : flag_(flag) {
    while (flag_->test_and_set(std::memory_order_acquire)) {
    }
  }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  ~Guard() { flag_->clear(std::memory_order_release); }

 private:
  std::atomic_flag* flag_;
};

const char* log_level_name(LogLevel level) {
  switch (level) {
    case LogLevel::kError:
      return "error";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kDebug:
      return "debug";
  }
  return "unknown";
}

#define DREY_LOG_BODY(level)       \
  va_list arguments;               \
  va_start(arguments, format);     \
  write(level, format, arguments); \
  va_end(arguments)

void Log::error(const char* format, ...) { DREY_LOG_BODY(LogLevel::kError); }
void Log::warning(const char* format, ...) { DREY_LOG_BODY(LogLevel::kWarning); }
void Log::info(const char* format, ...) { DREY_LOG_BODY(LogLevel::kInfo); }
void Log::debug(const char* format, ...) { DREY_LOG_BODY(LogLevel::kDebug); }

#undef DREY_LOG_BODY

void Log::write(LogLevel level, const char* format, va_list arguments) {
  if (level > this->level()) return;
  std::array<char, kLineBytesMax> line;
  int wanted = std::vsnprintf(line.data(), line.size(), format, arguments);
  if (wanted < 0) return;
  size_t size = std::min(static_cast<size_t>(wanted), line.size() - 1);
  if (static_cast<size_t>(wanted) > size) std::memcpy(line.data() + size - 3, "...", 3);
  // One entry, one line: a peer's or a user's text must not be able to forge another.
  for (size_t i = 0; i < size; ++i)
    if (static_cast<uint8_t>(line[i]) < 0x20 || line[i] == 0x7f) line[i] = ' ';
  std::string_view text(line.data(), size);

  uint64_t now_ns = now();
  uint64_t swallowed = 0;
  {
    Guard guard(&locked_);
    if (level == LogLevel::kError) ++error_count_;
    if (!admit(level, format, text, now_ns, &swallowed)) return;
    remember(level, text, now_ns);
  }
  print(level, text, swallowed);
}

bool Log::admit(LogLevel level, const char* format, std::string_view line, uint64_t now_ns,
                uint64_t* swallowed) {
  Repeat* entry = nullptr;
  for (Repeat& repeat : repeats_) {
    if (repeat.format == format) {
      entry = &repeat;
      break;
    }
  }
  if (entry != nullptr && now_ns - entry->since_ns < kRepeatWindowNs) {
    ++entry->count;
    entry->size = copy_prefix(line, entry->last);
    return false;
  }
  if (entry == nullptr) {
    // A free entry, or the one that began longest ago among those with nothing left to tell.
    for (Repeat& repeat : repeats_) {
      if (repeat.count != 0) continue;
      if (entry == nullptr || repeat.format == nullptr || repeat.since_ns < entry->since_ns)
        entry = &repeat;
      if (repeat.format == nullptr) break;
    }
    if (entry == nullptr) return true;  // all busy counting: print it
  }
  *swallowed = entry->count;
  *entry = Repeat{.format = format, .since_ns = now_ns, .count = 0, .level = level};
  return true;
}

void Log::remember(LogLevel level, std::string_view line, uint64_t now_ns) {
  Event& event = events_[event_count_ % kEventCount];
  event.number = ++event_count_;
  event.up_ns = now_ns;
  event.level = level;
  event.size = copy_prefix(line, event.data);
}

void Log::print(LogLevel level, std::string_view line, uint64_t swallowed) {
  if (host_ == nullptr) return;
  if (swallowed == 0) {
    host_->log_line(static_cast<int>(level), line);
    return;
  }
  std::array<char, kLineBytesMax + 48> longer;
  int size = std::snprintf(longer.data(), longer.size(), "%.*s (%llu more before)",
                           static_cast<int>(line.size()), line.data(),
                           static_cast<unsigned long long>(swallowed));
  if (size > 0)
    host_->log_line(static_cast<int>(level), {longer.data(), static_cast<size_t>(size)});
}

void Log::tick() {
  uint64_t now_ns = now();
  for (Repeat& repeat : repeats_) {
    Repeat due;
    {
      Guard guard(&locked_);
      if (repeat.format == nullptr || now_ns - repeat.since_ns < kRepeatWindowNs) continue;
      due = repeat;
      // A format that keeps coming is told once per window: the next window starts now.
      if (due.count == 0) {
        repeat = Repeat{};
        continue;
      }
      repeat.count = 0;
      repeat.since_ns = now_ns;
    }
    std::array<char, 160> line;
    int size = std::snprintf(line.data(), line.size(), "%llu times more in %llu s: %.*s",
                             static_cast<unsigned long long>(due.count),
                             static_cast<unsigned long long>((now_ns - due.since_ns) / 1000000000),
                             static_cast<int>(due.size), due.last.data());
    if (size <= 0) continue;
    std::string_view text(line.data(), std::min(static_cast<size_t>(size), line.size() - 1));
    {
      Guard guard(&locked_);
      remember(due.level, text, now_ns);
    }
    print(due.level, text, 0);
  }
}

bool Log::next_event(uint64_t after, Event* to) {
  Guard guard(&locked_);
  uint64_t oldest = event_count_ > kEventCount ? event_count_ - kEventCount : 0;
  uint64_t index = std::max(after, oldest);
  if (index >= event_count_) return false;
  *to = events_[index % kEventCount];
  return true;
}

uint64_t Log::last_event_number() {
  Guard guard(&locked_);
  return event_count_;
}

uint64_t Log::error_count() {
  Guard guard(&locked_);
  return error_count_;
}

void Log::report() {
  if (host_ == nullptr) return;
  uint64_t count = event_count_;
  for (uint64_t i = count > kEventCount ? count - kEventCount : 0; i < count; ++i)
    host_->log_line(2, events_[i % kEventCount].text());
}

}  // namespace drey
