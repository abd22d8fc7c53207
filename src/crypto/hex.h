// Known-answer vectors as hex literals, decoded by the compiler; a bad literal does not compile.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace drey {

int not_a_lower_case_hex_digit();  // no constant: the compiler names it in its error

template <size_t N>
consteval std::array<uint8_t, (N - 1) / 2> hex(const char (&text)[N]) {
  static_assert(N % 2 == 1, "hex digits come in pairs");
  auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return not_a_lower_case_hex_digit();
  };
  std::array<uint8_t, (N - 1) / 2> out{};
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<uint8_t>(digit(text[2 * i]) * 16 + digit(text[2 * i + 1]));
  return out;
}

}  // namespace drey
