#include "drey/status.h"

#include <cstdio>
#include <cstdlib>

#include "drey/bytes.h"
#include "drey/check.h"

namespace drey {

const char* status_name(Status status) {
  static constexpr const char* kNames[] = {
      "ok",          "busy",      "again",     "end",        "not_found", "exists", "invalid",
      "unsupported", "too_large", "corrupt",   "denied",     "io",        "full",   "read_only",
      "timeout",     "closed",    "cancelled", "not_enough", "changed"};
  auto index = static_cast<size_t>(status);
  return index < sizeof(kNames) / sizeof(kNames[0]) ? kNames[index] : "unknown";
}

void (*check_report_hook)() = nullptr;

void check_failed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "<2>CHECK failed: %s:%d: %s\n", file, line, condition);
  if (check_report_hook != nullptr) check_report_hook();
  std::abort();
}

bool equal_constant_time(Bytes a, Bytes b) {
  if (a.size() != b.size()) return false;
  uint8_t difference = 0;
  for (size_t i = 0; i < a.size(); ++i)
    difference = static_cast<uint8_t>(difference | (a[i] ^ b[i]));
  return difference == 0;
}

void wipe(MutBytes bytes) {
  volatile uint8_t* p = bytes.data();
  for (size_t i = 0; i < bytes.size(); ++i) p[i] = 0;
}

}  // namespace drey
