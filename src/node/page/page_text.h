// What every part of the page is written with: the fragments of page.html, the one function that
// writes a value into them, and the words of numbers, sizes and times. Pure functions and plain
// values, any thread.
#pragma once

#include <array>
#include <initializer_list>

#include "base/text.h"
#include "node/page/parts.h"  // written by CMake from page.html, page.css and page.js

namespace drey::page_text {

// The text of page.html behind the comment of this name.
consteval std::string_view fragment(std::string_view name) {
  std::string_view rest = page_parts::kHtml;
  constexpr std::string_view begin = "<!-- ", marker_end = " -->\n";
  for (;;) {
    size_t at = rest.find(begin);
    rest.remove_prefix(at + begin.size());  // a name that is not there does not compile
    if (rest.starts_with(name) && rest.substr(name.size()).starts_with(marker_end)) break;
  }
  rest.remove_prefix(name.size() + marker_end.size());
  return rest.substr(0, rest.find(begin));
}

struct Value {
  std::string_view name;
  std::string_view text;
};

// The fragment with its {names} replaced. The only place that writes a value: escaped.
void fill(TextWriter& out, std::string_view text, std::initializer_list<Value> values = {});

// From <!doctype> to <main>, with the style; from </main> to the end, with the script.
void write_head(TextWriter& out, std::string_view title, std::string_view color);
void write_end(TextWriter& out, std::string_view version, std::string_view board);

// A short text of its own, for one value.
class Words {
 public:
  TextWriter& to() { return writer_; }
  operator std::string_view() const { return writer_.view(); }  // NOLINT(runtime/explicit)

 private:
  std::array<char, 400> room_;
  TextWriter writer_{std::span<char>(room_)};
};

struct Number : Words {
  explicit Number(uint64_t value) { to().decimal(value); }
};
struct Size : Words {
  explicit Size(uint64_t bytes) { to().human_bytes(bytes); }
};
struct Span : Words {
  explicit Span(uint64_t seconds);
};
struct Ago : Words {
  explicit Ago(uint64_t seconds) { to().text(Span(seconds)).text(" ago"); }
};

}  // namespace drey::page_text
