// Words and tables for people.
#pragma once

#include <string>
#include <vector>

#include "cli/client.h"

namespace drey::cli {

std::string human_bytes(uint64_t bytes);        // "1.5 GiB"
std::string human_seconds(uint64_t seconds);    // "3 min", "2 days"
std::string human_time(uint64_t unix_seconds);  // local "2026-01-31 09:30"
// What may go to a terminal: control bytes and non-UTF-8 become '?'.
std::string printable(std::string_view bytes);

// Left-aligned columns, two spaces apart.
class Table {
 public:
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  void print() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// One line on stderr, at most 10 times a second, only on a terminal and not with -q or --json.
class ProgressLine {
 public:
  explicit ProgressLine(const Context& context);
  ~ProgressLine() { clear(); }
  // total 0: unknown. `words` stand in front.
  void update(const std::string& words, uint64_t bytes, uint64_t total);
  void clear();

 private:
  bool shown_ = false, active_ = false;
  uint64_t started_ms_ = 0, last_ms_ = 0;
};

// Prints the verdict sentence of a status answer.
void print_verdict(const Context& context, const Object& status);

}  // namespace drey::cli
