#include "backup/name_windows.h"

#include <algorithm>

#include "drey/check.h"

namespace drey {
namespace {

// A name in the arena: u8 size, u8 mark, bytes.
constexpr size_t kNameHeadBytes = 2;
constexpr size_t kNameRoomMax = kNameHeadBytes + limits::kFileNameBytesMax;
constexpr size_t kOffsetBytes = sizeof(uint32_t);
constexpr size_t kWindowBytesMin = 4 * (kNameRoomMax + kOffsetBytes);
static_assert(NameWindows::kArenaBytes >= 8 * kWindowBytesMin);

size_t align(size_t size) { return (size + 3) & ~size_t{3}; }

}  // namespace

// While names are collected, they grow from the window's begin and their offsets from its end down.
struct NameWindows::Collect {
  char* base = nullptr;
  size_t bytes = 0;  // of names
  size_t limit;      // end of the window
  uint32_t count = 0;
  bool bounded = false;  // names above `bound` are left for a later window
  size_t bound_size = 0;
  std::array<char, limits::kFileNameBytesMax> bound;

  uint32_t* offsets() { return reinterpret_cast<uint32_t*>(base + limit) - count; }
  std::string_view name(uint32_t offset) const {
    return {base + offset + kNameHeadBytes, static_cast<uint8_t>(base[offset])};
  }
  void sort() {
    std::sort(offsets(), offsets() + count,
              [this](uint32_t a, uint32_t b) { return name(a) < name(b); });
  }
  bool fits(size_t size) const {
    return bytes + kNameHeadBytes + size + (count + 1) * kOffsetBytes <= limit;
  }
  void add(std::string_view text) {
    base[bytes] = static_cast<char>(text.size());
    base[bytes + 1] = 0;
    std::memcpy(base + bytes + kNameHeadBytes, text.data(), text.size());
    ++count;
    *offsets() = static_cast<uint32_t>(bytes);
    bytes += kNameHeadBytes + text.size();
  }
};

void NameWindows::drop(Window& window) {
  window.more = window.more || !window.exhausted();
  window.begin = window.count = window.at = 0;
}

void NameWindows::keep_smaller_half(Collect& collect) {
  collect.sort();
  uint32_t keep = collect.count / 2;
  DREY_CHECK(keep > 0);
  std::string_view bound = collect.name(collect.offsets()[keep - 1]);
  std::copy(bound.begin(), bound.end(), collect.bound.begin());
  collect.bound_size = bound.size();
  collect.bounded = true;
  for (uint32_t i = 0; i < keep; ++i) collect.base[collect.offsets()[i] + 1] = 1;
  size_t to = 0, end = collect.bytes;
  collect.count = 0;
  for (size_t from = 0; from < end;) {
    size_t size = kNameHeadBytes + static_cast<uint8_t>(collect.base[from]);
    if (collect.base[from + 1] != 0) {
      std::memmove(collect.base + to, collect.base + from, size);
      collect.base[to + 1] = 0;
      ++collect.count;
      *collect.offsets() = static_cast<uint32_t>(to);
      to += size;
    }
    from += size;
  }
  collect.bytes = to;
}

// Sorts, and moves the offsets from the window's end to behind the names.
void NameWindows::settle(Collect& collect, Window* window) {
  collect.sort();
  size_t at = align(collect.bytes);
  std::memmove(collect.base + at, collect.offsets(), collect.count * kOffsetBytes);
  window->count = collect.count;
  window->at = 0;
  window->more = collect.bounded;
  window->names = static_cast<uint32_t>(at);
  used_ = window->begin + at + collect.count * kOffsetBytes;
}

Status NameWindows::open(Tree& tree, Tree::Dir dir, std::string_view last, Window* window) {
  *window = {};
  window->begin = static_cast<uint32_t>(used_);
  // Half of what is left: directories further down need windows too.
  size_t limit = (kArenaBytes - used_) / 2 / 4 * 4;
  DREY_CHECK(limit >= kWindowBytesMin);
  Collect collect;
  collect.base = arena_.data() + used_;
  collect.limit = limit;
  Status status = tree.rewind(dir);
  while (ok(status)) {
    std::string_view name;
    status = tree.next_name(dir, &name);
    if (!ok(status)) break;
    if (name.empty() || name.size() > limits::kFileNameBytesMax) continue;
    if (!last.empty() && name <= last) continue;
    if (collect.bounded && name > std::string_view(collect.bound.data(), collect.bound_size))
      continue;
    if (!collect.fits(name.size())) {
      keep_smaller_half(collect);
      if (name > std::string_view(collect.bound.data(), collect.bound_size)) continue;
    }
    collect.add(name);
  }
  settle(collect, window);
  return status == Status::kEnd ? Status::kOk : status;
}

std::string_view NameWindows::take(Window& window) {
  DREY_CHECK(!window.exhausted());
  const char* base = arena_.data() + window.begin;
  uint32_t offset = 0;
  std::memcpy(&offset, base + window.names + window.at * kOffsetBytes, sizeof(offset));
  ++window.at;
  return {base + offset + kNameHeadBytes, static_cast<uint8_t>(base[offset])};
}

}  // namespace drey
