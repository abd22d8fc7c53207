// The Range header (RFC 9110, 14.2): one range of bytes. Pure, any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/text.h"

namespace drey {

struct ByteRange {
  uint64_t first = 0;
  uint64_t length = 0;
};

// kOk: that part of `size` bytes; kNotFound: no range, or one that may be ignored (several, another
// unit, malformed): all of it; kInvalid: it lies behind the end (416).
inline Status parse_byte_range(std::string_view header, uint64_t size, ByteRange* to) {
  constexpr std::string_view kUnit = "bytes=";
  *to = {0, size};
  if (!header.starts_with(kUnit)) return Status::kNotFound;
  header.remove_prefix(kUnit.size());
  size_t dash = header.find('-');
  if (dash == std::string_view::npos) return Status::kNotFound;
  Result<uint64_t> first = parse_u64(header.substr(0, dash));
  Result<uint64_t> last = parse_u64(header.substr(dash + 1));
  bool from_end = dash == 0;
  if (from_end) {
    if (!last.ok()) return Status::kNotFound;
    uint64_t length = last.value() < size ? last.value() : size;
    if (length == 0) return Status::kInvalid;
    *to = {size - length, length};
    return Status::kOk;
  }
  bool open = dash + 1 == header.size();
  if (!first.ok() || (!open && !last.ok())) return Status::kNotFound;
  if (!open && last.value() < first.value()) return Status::kNotFound;
  if (first.value() >= size) return Status::kInvalid;
  uint64_t end = open || last.value() >= size ? size : last.value() + 1;
  *to = {first.value(), end - first.value()};
  return Status::kOk;
}

}  // namespace drey
