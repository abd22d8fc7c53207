#include "http/json.h"

#define JSMN_STATIC
#define JSMN_PARENT_LINKS
#define JSMN_STRICT
#include <jsmn.h>

namespace drey::http {

Status Json::parse(std::string_view text) {
  static_assert(sizeof(Token) == sizeof(jsmntok_t));
  text_ = text;
  jsmn_parser parser;
  jsmn_init(&parser);
  auto* tokens = reinterpret_cast<jsmntok_t*>(tokens_.data());
  int count = jsmn_parse(&parser, text.data(), text.size(), tokens, kJsonTokensMax);
  count_ = count > 0 ? count : 0;
  if (count == JSMN_ERROR_NOMEM) return Status::kTooLarge;
  if (count > 0 && is_one_value()) return Status::kOk;
  count_ = 0;
  return Status::kInvalid;
}

// jsmn takes some text that is no JSON, such as a key in an array, a key without a value, or values
// behind the first. Stray commas pass: they change no value.
bool Json::is_one_value() const {
  for (int i = 0; i < count_; ++i) {
    const Token& token = tokens_[static_cast<size_t>(i)];
    bool container = token.type == JSMN_OBJECT || token.type == JSMN_ARRAY;
    if (token.parent < 0) {
      if (i != 0 || (!container && token.size != 0)) return false;
      continue;
    }
    const Token& parent = tokens_[static_cast<size_t>(token.parent)];
    bool is_key = parent.type == JSMN_OBJECT;
    if (parent.type == JSMN_PRIMITIVE || (is_key && token.type != JSMN_STRING)) return false;
    if (parent.type != JSMN_STRING && token.end > parent.end) return false;  // "[]:1"
    if (!container && token.size != (is_key ? 1 : 0)) return false;
  }
  return true;
}

int Json::member(int object, std::string_view key) const {
  if (object < 0 || tokens_[static_cast<size_t>(object)].type != JSMN_OBJECT) return kNone;
  for (int i = object + 1; i + 1 < count_; ++i) {
    const Token& token = tokens_[static_cast<size_t>(i)];
    if (token.start >= tokens_[static_cast<size_t>(object)].end) break;
    if (token.parent == object && token.type == JSMN_STRING && raw(i) == key && token.size == 1)
      return i + 1;
  }
  return kNone;
}

int Json::first(int array) const {
  if (array < 0 || tokens_[static_cast<size_t>(array)].size == 0) return kNone;
  return array + 1;
}

int Json::next(int element) const {
  if (element < 0) return kNone;
  const Token& token = tokens_[static_cast<size_t>(element)];
  for (int i = element + 1; i < count_; ++i) {
    if (tokens_[static_cast<size_t>(i)].parent == token.parent) return i;
    if (tokens_[static_cast<size_t>(i)].start >
        tokens_[static_cast<size_t>(token.parent < 0 ? 0 : token.parent)].end)
      break;
  }
  return kNone;
}

size_t Json::size(int container) const {
  return container < 0 ? 0 : static_cast<size_t>(tokens_[static_cast<size_t>(container)].size);
}

std::string_view Json::raw(int value) const {
  if (value < 0) return {};
  const Token& token = tokens_[static_cast<size_t>(value)];
  return text_.substr(static_cast<size_t>(token.start),
                      static_cast<size_t>(token.end - token.start));
}

bool Json::is_string(int value) const {
  return value >= 0 && tokens_[static_cast<size_t>(value)].type == JSMN_STRING;
}

bool Json::is_array(int value) const {
  return value >= 0 && tokens_[static_cast<size_t>(value)].type == JSMN_ARRAY;
}

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Four hex digits at `at`, or -1.
int code_unit(std::string_view text, size_t at) {
  if (text.size() < at + 4) return -1;
  int unit = 0;
  for (size_t i = 0; i < 4; ++i) {
    int digit = hex_digit(text[at + i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

void put_utf8(ByteWriter& out, uint32_t c) {
  auto byte = [&](uint32_t value) { out.u8(static_cast<uint8_t>(value)); };
  if (c < 0x80) {
    byte(c);
  } else if (c < 0x800) {
    byte(0xc0 | c >> 6), byte(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    byte(0xe0 | c >> 12), byte(0x80 | (c >> 6 & 0x3f)), byte(0x80 | (c & 0x3f));
  } else {
    byte(0xf0 | c >> 18), byte(0x80 | (c >> 12 & 0x3f)), byte(0x80 | (c >> 6 & 0x3f)),
        byte(0x80 | (c & 0x3f));
  }
}

// Decodes the escape at text[*at] (just behind the backslash) and moves *at behind it.
// A lone low surrogate U+DC80..U+DCFF stands for one raw byte 0x80..0xFF (as in Python's
// surrogateescape), so that names which are not UTF-8 survive JSON.
bool put_escape(std::string_view text, size_t* at, ByteWriter& out) {
  static constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
  char c = text[*at];
  if (c != 'u') {
    size_t which = kFrom.find(c);
    if (which == std::string_view::npos) return false;
    out.u8(static_cast<uint8_t>(kTo[which]));
    *at += 1;
    return true;
  }
  int unit = code_unit(text, *at + 1);
  if (unit < 0) return false;
  *at += 5;
  auto value = static_cast<uint32_t>(unit);
  if (value >= 0xdc80 && value <= 0xdcff) {
    out.u8(static_cast<uint8_t>(value - 0xdc00));
    return true;
  }
  if (value >= 0xd800 && value < 0xdc00 && text.substr(*at, 2) == "\\u") {
    int low = code_unit(text, *at + 2);
    if (low < 0xdc00 || low > 0xdfff) return false;
    *at += 6;
    value = 0x10000 + ((value - 0xd800) << 10) + (static_cast<uint32_t>(low) - 0xdc00);
  }
  put_utf8(out, value);
  return true;
}

}  // namespace

Result<size_t> Json::text(int value, MutBytes to) const {
  if (!is_string(value)) return Status::kInvalid;
  std::string_view from = raw(value);
  ByteWriter out(to);
  for (size_t i = 0; i < from.size();) {
    if (from[i] != '\\') {
      out.u8(static_cast<uint8_t>(from[i++]));
      continue;
    }
    if (++i >= from.size() || !put_escape(from, &i, out)) return Status::kInvalid;
  }
  if (!out.ok()) return Status::kTooLarge;
  return out.size();
}

uint64_t Json::number(int value, uint64_t otherwise) const {
  std::string_view digits = raw(value);
  if (digits.empty() || is_string(value)) return otherwise;
  uint64_t result = 0;
  for (char c : digits) {
    if (c < '0' || c > '9' || result > (UINT64_MAX - 9) / 10) return otherwise;
    result = result * 10 + static_cast<uint64_t>(c - '0');
  }
  return result;
}

bool Json::boolean(int value, bool otherwise) const {
  std::string_view word = raw(value);
  if (word == "true") return true;
  if (word == "false") return false;
  return otherwise;
}

}  // namespace drey::http
