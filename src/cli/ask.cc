#include "cli/ask.h"

#include <unistd.h>

#include <cstdio>

namespace drey::cli {
namespace {

constexpr size_t kLineBytesMax = 4096;

// One line without its end and the blanks around it. Byte by byte, so that whoever reads the same
// stdin afterwards finds the rest of it.
bool read_line(std::string* to) {
  to->clear();
  bool any = false;
  for (char c; read(STDIN_FILENO, &c, 1) == 1;) {
    any = true;
    if (c == '\n') break;
    if (to->size() < kLineBytesMax) *to += c;
  }
  size_t begin = to->find_first_not_of(" \t\r");
  size_t end = to->find_last_not_of(" \t\r");
  *to = begin == std::string::npos ? "" : to->substr(begin, end - begin + 1);
  return any;
}

}  // namespace

bool ask(const std::string& question, const std::string& fallback,
         const std::function<std::string(const std::string&)>& take) {
  bool terminal = isatty(STDIN_FILENO);
  for (;;) {
    std::fprintf(stderr, "%s%s", question.c_str(), fallback.empty() ? ": " : "");
    if (!fallback.empty()) std::fprintf(stderr, " [%s]: ", fallback.c_str());
    std::string answer;
    if (!read_line(&answer)) {
      std::fputc('\n', stderr);
      return false;
    }
    if (!terminal) std::fprintf(stderr, "%s\n", answer.c_str());
    std::string wrong = take(answer.empty() ? fallback : answer);
    if (wrong.empty()) return true;
    std::fprintf(stderr, "  %s\n", wrong.c_str());
  }
}

}  // namespace drey::cli
