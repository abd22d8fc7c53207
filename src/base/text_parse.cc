// Numbers, switches and hex.
#include "base/text.h"

namespace drey {

namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};

// The digits at the start of *text, which moves behind them.
Result<uint64_t> take_digits(std::string_view* text) {
  uint64_t value = 0;
  size_t used = 0;
  while (used < text->size() && (*text)[used] >= '0' && (*text)[used] <= '9') {
    auto digit = static_cast<uint64_t>((*text)[used] - '0');
    if (value > (UINT64_MAX - digit) / 10) return Status::kTooLarge;
    value = value * 10 + digit;
    ++used;
  }
  if (used == 0) return Status::kInvalid;
  text->remove_prefix(used);
  return value;
}

Result<uint64_t> parse_with_units(std::string_view text, std::span<const Unit> units) {
  Result<uint64_t> value = take_digits(&text);
  if (!value.ok() || text.empty()) return value;
  for (const Unit& unit : units) {
    if (text != unit.name) continue;
    if (value.value() > UINT64_MAX / unit.factor) return Status::kTooLarge;
    return value.value() * unit.factor;
  }
  return Status::kInvalid;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<uint64_t> parse_u64(std::string_view text) { return parse_with_units(text, {}); }

Result<uint64_t> parse_size(std::string_view text) {
  static constexpr Unit kUnits[] = {
      {"K", 1ull << 10}, {"M", 1ull << 20}, {"G", 1ull << 30}, {"T", 1ull << 40}, {"B", 1}};
  if (text.ends_with("iB")) {
    text.remove_suffix(2);
    if (text.empty() || (text.back() >= '0' && text.back() <= '9')) return Status::kInvalid;
  } else if (text.size() > 1 && text.ends_with('B')) {
    text.remove_suffix(1);
    if (text.back() == 'B') return Status::kInvalid;
  }
  return parse_with_units(text, kUnits);
}

Result<uint64_t> parse_seconds(std::string_view text) {
  static constexpr Unit kUnits[] = {
      {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 24 * 3600}, {"w", 7 * 24 * 3600}};
  return parse_with_units(text, kUnits);
}

Result<bool> parse_bool(std::string_view text) {
  for (std::string_view word : {"yes", "true", "on", "1"})
    if (text == word) return true;
  for (std::string_view word : {"no", "false", "off", "0"})
    if (text == word) return false;
  return Status::kInvalid;
}

bool hex_encode(Bytes from, std::span<char> to) {
  if (to.size() < 2 * from.size()) return false;
  TextWriter writer(to);
  return writer.hex(from).ok();
}

Status hex_decode(std::string_view text, MutBytes to) {
  if (text.size() != 2 * to.size()) return Status::kInvalid;
  for (char c : text)
    if (hex_value(c) < 0) return Status::kInvalid;
  for (size_t i = 0; i < to.size(); ++i)
    to[i] = static_cast<uint8_t>(hex_value(text[2 * i]) * 16 + hex_value(text[2 * i + 1]));
  return Status::kOk;
}

Result<size_t> percent_decode(std::string_view text, PercentIn where, std::span<char> to) {
  size_t size = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<uint8_t>(text[i]);
    if (c == '%') {
      if (text.size() - i < 3) return Status::kInvalid;
      DREY_TRY(hex_decode(text.substr(i + 1, 2), {&c, 1}));
      i += 2;
    } else if (c == '+' && where == PercentIn::kForm) {
      c = ' ';
    }
    if (size == to.size()) return Status::kTooLarge;
    to[size++] = static_cast<char>(c);
  }
  return size;
}

}  // namespace drey
