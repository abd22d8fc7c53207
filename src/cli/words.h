// Recovery phrases at the terminal, and refusals in the shape scripts know.
#pragma once

#include <string>

#include "cli/command.h"
#include "node/unpin_word.h"

namespace drey::cli {

// The words from stdin; asked for with `prompt`, without echo, on a terminal.
std::string read_phrase(const char* prompt = "recovery phrase (ten words): ");
// What is wrong with the words; "" when they are well. No network has been used.
std::string phrase_fault(const std::string& text);
// What follows from the words. They never leave this process.
struct PhraseKeys {
  KeyPair signing, unwrapping;
  MeshId mesh;  // once the daemon has told it
};
// Reads the words. kExitOk, or the code of what was told.
int read_phrase_keys(const Context& context, const char* prompt, PhraseKeys* keys);
// Are these the words in force? Asks the daemon. kExitOk, or the code of what was told.
int compare_phrase(const Context& context, PhraseKeys* keys, bool* match);
std::string hex(Bytes bytes);
// Words on stderr and, with --json, an object of the same shape as the daemon's refusals. Returns
// `exit`.
int fail(const Context& context, int exit, const std::string& message);

}  // namespace drey::cli
