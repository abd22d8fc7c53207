// The names of the open directories of a walk, sorted, in one fixed arena: a stack of windows. A
// window holds the smallest names above the last one used; a directory with more names than fit is
// read again for the next window. When the arena gets tight, the windows of outer directories are
// dropped: they too are read again later. One thread at a time; nothing survives it.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "drey/limits.h"
#include "drey/ports.h"

namespace drey {

class NameWindows {
 public:
  // Large enough that a directory of 10^6 names is read some 50 times, not some 1,000 times.
  static constexpr size_t kArenaBytes = 2 * limits::kPageBytesMax;
  struct Window {
    uint32_t begin = 0;  // in the arena: names, then their offsets in sorted order
    uint32_t names = 0;  // bytes of the names
    uint32_t count = 0;  // names in it
    uint32_t at = 0;     // the next one
    bool more = false;   // the directory had more names than these
    bool exhausted() const { return at == count; }
  };

  void reset() { used_ = 0; }
  // True when the next window would be small: drop() all of the stack, then reset(), then open().
  bool tight() const { return kArenaBytes - used_ < kArenaBytes / 4; }
  // Forgets the names a window still holds: its directory is read again when it is their turn.
  static void drop(Window& window);
  // Opens a window behind all others with the smallest names of `dir` above `last` ("" = all).
  // Errors of the listing; what was read until then is in the window.
  Status open(Tree& tree, Tree::Dir dir, std::string_view last, Window* window);
  // Closes the topmost window.
  void close(const Window& window) { used_ = window.begin; }
  // The next name of a window that is not exhausted; the view is valid until the next open().
  std::string_view take(Window& window);

 private:
  struct Collect;
  void keep_smaller_half(Collect& collect);
  void settle(Collect& collect, Window* window);

  size_t used_ = 0;
  alignas(4) std::array<char, kArenaBytes> arena_;
};

}  // namespace drey
