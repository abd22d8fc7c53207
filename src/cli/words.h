// Recovery phrases at the terminal, and refusals in the shape scripts know.
#pragma once

#include <string>

#include "cli/command.h"

namespace drey::cli {

// The words from stdin; asked for with `prompt`, without echo, on a terminal.
std::string read_phrase(const char* prompt = "recovery phrase (ten words): ");
// What is wrong with the words; "" when they are well. No network has been used.
std::string phrase_fault(const std::string& text);
// Words on stderr and, with --json, an object of the same shape as the daemon's refusals. Returns
// `exit`.
int fail(const Context& context, int exit, const std::string& message);

}  // namespace drey::cli
