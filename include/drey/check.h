// CHECK: our own broken invariants stop the program, always compiled in. Never for anything a peer,
// a card, a clock or a user can cause (that is a Status).
#pragma once

namespace drey {

[[noreturn]] void check_failed(const char* file, int line, const char* condition);

// Called once before the abort, to print op states and recent events. Set by main; may be null.
extern void (*check_report_hook)();

}  // namespace drey

#define DREY_CHECK(condition)                                               \
  do {                                                                      \
    if (!(condition)) ::drey::check_failed(__FILE__, __LINE__, #condition); \
  } while (0)
