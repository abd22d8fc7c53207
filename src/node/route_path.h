// Paths of the route table: literal components, `{name}` for any one component, and `{name...}`,
// last, for all that is left. Pure, any thread.
#pragma once

#include <array>
#include <string_view>

namespace drey {

// What the braces stood for, in order; views of the path.
struct PathParts {
  static constexpr size_t kMax = 2;
  std::array<std::string_view, kMax> part;
  size_t count = 0;
};

// A component in braces is never empty; what `{name...}` takes may be.
inline bool match_path(std::string_view pattern, std::string_view path, PathParts* parts) {
  parts->count = 0;
  while (!pattern.empty()) {
    if (pattern.front() != '{') {
      if (path.empty() || path.front() != pattern.front()) return false;
      pattern.remove_prefix(1);
      path.remove_prefix(1);
      continue;
    }
    size_t end = pattern.find('}');
    bool rest = pattern.substr(0, end).ends_with("...");
    size_t size = rest ? path.size() : path.substr(0, path.find('/')).size();
    if ((size == 0 && !rest) || parts->count == PathParts::kMax) return false;
    parts->part[parts->count++] = path.substr(0, size);
    path.remove_prefix(size);
    pattern.remove_prefix(end + 1);
  }
  return path.empty();
}

}  // namespace drey
