// What the command line asks of the program's own node: the commands that run one in this process.
// Implemented by main, which owns the node and the platform in static storage.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace drey::cli {

// Outcome of init, join, recover: an exit code, words for a failure, and names for success.
struct LocalResult {
  int exit = 1;
  std::string message;  // why not, in full sentences
  std::string phrase;   // init only
  std::string node, mesh, role, replaced;
};

struct LocalOptions {
  std::string dir;
  std::string socket;
  // Flags as given: name -> values in order; the same names as keys of drey.conf.
  std::vector<std::pair<std::string, std::string>> flags;
  std::string name, mesh;
  std::string code;        // join
  std::string phrase;      // recover
  std::string replace;     // recover
  uint32_t timeout_s = 0;  // join, recover: 0 = their default
};

class LocalNode {
 public:
  virtual ~LocalNode() = default;
  // The daemon; returns an exit code after SIGTERM or when it cannot start (the reason was told).
  virtual int run(const LocalOptions& options) = 0;
  virtual LocalResult init(const LocalOptions& options) = 0;
  virtual LocalResult join(const LocalOptions& options) = 0;
  virtual LocalResult recover(const LocalOptions& options) = 0;
  // Ten new words, of random bits; "" when there are none to be had.
  virtual std::string fresh_phrase() = 0;
};

}  // namespace drey::cli
