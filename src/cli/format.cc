#include "cli/format.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "base/text.h"

namespace drey::cli {
namespace {

uint64_t now_ms() {
  timespec ts{};
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return static_cast<uint64_t>(ts.tv_sec) * 1000 + static_cast<uint64_t>(ts.tv_nsec) / 1'000'000;
}

}  // namespace

std::string human_bytes(uint64_t bytes) {
  char buffer[32];
  TextWriter writer{std::span<char>(buffer)};
  writer.human_bytes(bytes);
  return std::string(writer.view());
}

std::string human_seconds(uint64_t seconds) {
  struct Unit {
    uint64_t size;
    const char* name;
  };
  constexpr Unit kUnits[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
  for (const Unit& unit : kUnits) {
    if (seconds < unit.size && unit.size > 1) continue;
    uint64_t count = seconds / unit.size;
    return std::to_string(count) + " " + unit.name + (count == 1 ? "" : "s");
  }
  return "0 seconds";
}

std::string human_time(uint64_t unix_seconds) {
  auto value = static_cast<time_t>(unix_seconds);
  tm parts{};
  char buffer[32];
  localtime_r(&value, &parts);
  std::strftime(buffer, sizeof buffer, "%Y-%m-%d %H:%M:%S", &parts);
  return buffer;
}

std::string printable(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    size_t n = 1;
    while (n <= 4 && n <= bytes.size() && !is_utf8(bytes.substr(0, n))) ++n;
    bool good = n <= 4 && n <= bytes.size();
    auto c = static_cast<unsigned char>(bytes[0]);
    if (!good || c < 0x20 || c == 0x7f ||
        (c == 0xc2 && n == 2 && static_cast<unsigned char>(bytes[1]) < 0xa0)) {
      out += '?';
      n = good ? n : 1;
    } else {
      out += bytes.substr(0, n);
    }
    bytes.remove_prefix(n);
  }
  return out;
}

void Table::print() const {
  std::vector<size_t> widths;
  for (const auto& cells : rows_) {
    widths.resize(std::max(widths.size(), cells.size()));
    for (size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], cells[i].size());
  }
  for (const auto& cells : rows_) {
    std::string line;
    for (size_t i = 0; i < cells.size(); ++i) {
      line += cells[i];
      if (i + 1 < cells.size()) line += std::string(widths[i] - cells[i].size() + 2, ' ');
    }
    std::printf("%s\n", line.c_str());
  }
}

ProgressLine::ProgressLine(const Context& context)
    : active_(isatty(STDERR_FILENO) && !context.quiet && !context.json), started_ms_(now_ms()) {}

void ProgressLine::update(const std::string& words, uint64_t bytes, uint64_t total) {
  uint64_t now = now_ms();
  if (!active_ || (shown_ && now - last_ms_ < 100)) return;
  last_ms_ = now;
  shown_ = true;
  uint64_t elapsed = std::max<uint64_t>(now - started_ms_, 1);
  uint64_t rate = bytes * 1000 / elapsed;
  std::string line = words + "  " + human_bytes(bytes);
  if (total > 0) {
    auto part = static_cast<size_t>(std::min(bytes, total) * 20 / total);
    line += " of " + human_bytes(total) + "  [" + std::string(part, '#') +
            std::string(20 - part, '.') + "]";
    if (rate > 0) line += "  " + human_seconds((total - std::min(bytes, total)) / rate) + " left";
  }
  line += "  " + human_bytes(rate) + "/s";
  std::fprintf(stderr, "\r\033[K%s", line.c_str());
}

void ProgressLine::clear() {
  if (shown_) std::fputs("\r\033[K", stderr);
  shown_ = false;
}

void print_verdict(const Context& context, const Object& status) {
  std::string verdict = status.text("verdict");
  const char* color = verdict == "protected" ? "\033[32m"
                      : verdict == "waiting" ? "\033[33m"
                                             : "\033[31m";
  std::printf("%s%s%s: %s\n", context.color ? color : "", verdict.c_str(),
              context.color ? "\033[0m" : "", status.text("sentence").c_str());
}

}  // namespace drey::cli
