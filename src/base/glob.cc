// Patterns of excludes and of `find`. Both levels use the same scheme: go on greedily, and on a
// mismatch return to the last star only; an earlier star can never help where the last one failed.
#include "base/text.h"

namespace drey {

namespace {

constexpr size_t kNone = std::string_view::npos;

// The size of the class at the start of `pattern` ("[...]"), 0 when it is not closed.
size_t class_size(std::string_view pattern) {
  size_t at = 1;
  if (at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^')) ++at;
  bool first = true;
  for (; at < pattern.size(); ++at, first = false) {
    if (pattern[at] == ']' && !first) return at + 1;
    if (pattern[at] == '\\') ++at;
  }
  return 0;
}

bool class_holds(std::string_view inside, uint8_t c) {
  bool negated = inside[0] == '!' || inside[0] == '^';
  size_t at = negated ? 1 : 0;
  bool found = false;
  auto take = [&]() {
    if (inside[at] == '\\' && at + 1 < inside.size()) ++at;
    return static_cast<uint8_t>(inside[at++]);
  };
  while (at < inside.size()) {
    uint8_t low = take();
    uint8_t high = low;
    if (at + 1 < inside.size() && inside[at] == '-') {
      ++at;
      high = take();
    }
    found = found || (low <= c && c <= high);
  }
  return found != negated;
}

// Matches one byte against the element at the start of `pattern`; the element's size, or 0.
size_t match_one(std::string_view pattern, char c) {
  if (pattern.empty()) return 0;
  if (pattern[0] == '?') return 1;
  if (pattern[0] == '[') {
    size_t size = class_size(pattern);
    if (size == 0) return 0;
    return class_holds(pattern.substr(1, size - 2), static_cast<uint8_t>(c)) ? size : 0;
  }
  if (pattern[0] == '\\') return pattern.size() > 1 && pattern[1] == c ? 2 : 0;
  return pattern[0] == c ? 1 : 0;
}

// Takes the next component off *path, skipping empty ones; false at the end.
bool take_component(std::string_view* path, std::string_view* component) {
  while (!path->empty() && path->front() == '/') path->remove_prefix(1);
  if (path->empty()) return false;
  size_t end = path->find('/');
  if (end == kNone) end = path->size();
  *component = path->substr(0, end);
  path->remove_prefix(end);
  return true;
}

// True when `pattern` covers `path` or one of its parents, both starting here.
bool covers(std::string_view pattern, std::string_view path) {
  std::string_view after_star, star_path;
  bool star = false;
  std::string_view want, have;
  while (take_component(&pattern, &want)) {
    if (want == "**") {
      star = true;
      after_star = pattern;
      star_path = path;
      continue;
    }
    // When the path ends first, a longer run for the star would only leave less of it.
    if (!take_component(&path, &have)) return false;
    if (glob_match(want, have)) continue;
    if (!star || !take_component(&star_path, &have)) return false;
    pattern = after_star;
    path = star_path;
  }
  return true;
}

}  // namespace

bool glob_match(std::string_view pattern, std::string_view name) {
  size_t at = 0, in_name = 0;
  size_t after_star = kNone, star_name = 0;
  while (true) {
    if (at < pattern.size() && pattern[at] == '*') {
      after_star = ++at;
      star_name = in_name;
      continue;
    }
    if (in_name == name.size() && at == pattern.size()) return true;
    size_t used = in_name < name.size() ? match_one(pattern.substr(at), name[in_name]) : 0;
    if (used != 0) {
      at += used;
      ++in_name;
      continue;
    }
    if (after_star == kNone || star_name >= name.size()) return false;
    at = after_star;
    in_name = ++star_name;
  }
}

bool path_match(std::string_view pattern, std::string_view path) {
  if (!is_pattern(pattern)) return false;
  if (pattern.front() == '/') return covers(pattern, path);
  std::string_view component;
  while (true) {
    if (covers(pattern, path)) return true;
    if (!take_component(&path, &component)) return false;
  }
}

bool is_pattern(std::string_view pattern) {
  if (pattern.empty()) return false;
  for (size_t at = 0; at < pattern.size();) {
    size_t size = 1;
    if (pattern[at] == '[') size = class_size(pattern.substr(at));
    if (pattern[at] == '\\') size = at + 1 < pattern.size() ? 2 : 0;
    if (size == 0) return false;
    at += size;
  }
  return true;
}

}  // namespace drey
