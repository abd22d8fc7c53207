#include "base/text.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace drey {

namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

// The length of the well-formed UTF-8 sequence at the start of `text` (RFC 3629), 0 when there is
// none: overlong forms, surrogates and code points above U+10FFFF are not well-formed.
size_t utf8_length(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  auto tail = [&](size_t i) { return i < text.size() && (byte(i) & 0xc0) == 0x80; };
  if (text.empty()) return 0;
  uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4 || !tail(1)) return 0;
  if (lead < 0xe0) return 2;
  uint8_t second = byte(1);
  if (lead < 0xf0) {
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f)) return 0;
    return tail(2) ? 3 : 0;
  }
  if ((lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) return 0;
  return tail(2) && tail(3) ? 4 : 0;
}

bool plain_in_json(uint8_t c) {
  return c >= 0x20 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&' && c != 0x7f;
}

}  // namespace

TextWriter& TextWriter::text(std::string_view v) {
  if (!take(v.size())) return *this;
  if (!v.empty()) std::memcpy(to_.data() + at_, v.data(), v.size());
  at_ += v.size();
  return *this;
}

TextWriter& TextWriter::character(char c) { return text({&c, 1}); }

TextWriter& TextWriter::decimal(uint64_t v) {
  char digits[20];
  size_t first = sizeof(digits);
  do {
    digits[--first] = static_cast<char>('0' + v % 10);
    v /= 10;
  } while (v != 0);
  return text({digits + first, sizeof(digits) - first});
}

TextWriter& TextWriter::decimal_signed(int64_t v) {
  size_t before = at_;
  if (v < 0) character('-');
  decimal(v < 0 ? 0 - static_cast<uint64_t>(v) : static_cast<uint64_t>(v));
  if (!ok_) at_ = before;
  return *this;
}

TextWriter& TextWriter::hex(Bytes v) {
  if (!take(2 * v.size())) return *this;
  for (uint8_t b : v) {
    to_[at_++] = kHexDigits[b >> 4];
    to_[at_++] = kHexDigits[b & 15];
  }
  return *this;
}

TextWriter& TextWriter::json_string(std::string_view v) {
  size_t before = at_;
  character('"');
  while (!v.empty() && ok_) {
    auto c = static_cast<uint8_t>(v[0]);
    size_t length = utf8_length(v);
    if (length > 1 || (length == 1 && plain_in_json(c))) {
      text(v.substr(0, length));
    } else if (length == 0) {
      text("\xef\xbf\xbd");  // U+FFFD
      length = 1;
    } else if (c == '"' || c == '\\') {
      character('\\').character(v[0]);
    } else {
      text("\\u00").hex({&c, 1});
    }
    v.remove_prefix(length);
  }
  character('"');
  if (!ok_) at_ = before;
  return *this;
}

TextWriter& TextWriter::html(std::string_view v) {
  size_t before = at_;
  for (char c : v) {
    switch (c) {
      case '&':
        text("&amp;");
        break;
      case '<':
        text("&lt;");
        break;
      case '>':
        text("&gt;");
        break;
      case '"':
        text("&quot;");
        break;
      case '\'':
        text("&#39;");
        break;
      default:
        character(c);
    }
  }
  if (!ok_) at_ = before;
  return *this;
}

TextWriter& TextWriter::percent(std::string_view v) {
  size_t before = at_;
  for (char c : v) {
    bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                 c == '.' || c == '-' || c == '_';
    auto byte = static_cast<uint8_t>(c);
    if (plain) {
      character(c);
    } else {
      character('%').hex({&byte, 1});
    }
  }
  if (!ok_) at_ = before;
  return *this;
}

TextWriter& TextWriter::human_bytes(uint64_t v) {
  static constexpr const char* kUnits[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  size_t unit = 0;
  uint64_t rest = 0;
  while (v >= 1024) {
    rest = v % 1024;
    v /= 1024;
    ++unit;
  }
  if (unit == 0) return format("%u %s", static_cast<unsigned>(v), v == 1 ? "byte" : kUnits[0]);
  return format("%u.%u %s", static_cast<unsigned>(v), static_cast<unsigned>(rest * 10 / 1024),
                kUnits[unit]);
}

TextWriter& TextWriter::address(const Address& v) {
  char buffer[kAddressTextMax];
  Result<size_t> size = format_address(v, buffer);
  ok_ = ok_ && size.ok();
  return text({buffer, size.value()});
}

TextWriter& TextWriter::format(const char* format, ...) {
  if (!ok_) return *this;
  va_list arguments;
  va_start(arguments, format);
  // vsnprintf needs a byte for its NUL; a text that fills the array exactly goes through a copy.
  int size = std::vsnprintf(to_.data() + at_, to_.size() - at_, format, arguments);
  va_end(arguments);
  ok_ = size >= 0 && static_cast<size_t>(size) < to_.size() - at_;
  if (ok_) at_ += static_cast<size_t>(size);
  return *this;
}

const char* TextWriter::c_str() {
  if (at_ >= to_.size()) return "";
  to_[at_] = '\0';
  return to_.data();
}

void TextWriter::rewind(size_t size) {
  if (size < at_) at_ = size;
  ok_ = true;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool is_name(std::string_view text) {
  if (text.empty() || text.size() > 63 || !is_utf8(text)) return false;
  for (char c : text)
    if (static_cast<uint8_t>(c) < 0x20 || c == 0x7f || c == '/') return false;
  return true;
}

}  // namespace drey
