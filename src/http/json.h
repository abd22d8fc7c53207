// A bounded JSON reader on jsmn: parses one document of at most kJsonTokensMax tokens in place.
// Views point into the text, which must outlive the document. No allocation.
#pragma once

#include <array>
#include <string_view>

#include "drey/bytes.h"
#include "drey/status.h"

namespace drey::http {

inline constexpr size_t kJsonTokensMax = 1024;  // a status of 64 peers has about 900

class Json {
 public:
  static constexpr int kNone = -1;
  // kInvalid: not JSON; kTooLarge: more tokens than kJsonTokensMax.
  Status parse(std::string_view text);

  int root() const { return count_ > 0 ? 0 : kNone; }
  // The value of a member of an object, or kNone (also when `object` is none or no object).
  int member(int object, std::string_view key) const;
  // Elements of an array: first() then next() until kNone.
  int first(int array) const;
  int next(int element) const;
  size_t size(int container) const;

  // Raw text of a value: a string still escaped.
  std::string_view raw(int value) const;
  bool is_string(int value) const;
  bool is_array(int value) const;
  // Unescapes a string into `to`; kTooLarge when it does not fit, kInvalid when no string.
  Result<size_t> text(int value, MutBytes to) const;
  uint64_t number(int value, uint64_t otherwise = 0) const;
  bool boolean(int value, bool otherwise = false) const;

 private:
  bool is_one_value() const;
  struct Token {  // mirrors jsmntok_t, kept out of the header
    int type, start, end, size, parent;
  };
  std::string_view text_;
  std::array<Token, kJsonTokensMax> tokens_{};
  int count_ = 0;
};

}  // namespace drey::http
