// Questions on the terminal, or answers on stdin: one line each. Words go to stderr.
#pragma once

#include <functional>
#include <string>

namespace drey::cli {

// Asks until `take` is content; it says what is wrong with an answer, or returns "". An empty
// answer stands for `fallback`. False: the answers ended.
bool ask(const std::string& question, const std::string& fallback,
         const std::function<std::string(const std::string&)>& take);

}  // namespace drey::cli
