#include "node/page/page_text.h"

#include <algorithm>

namespace drey::page_text {

void fill(TextWriter& out, std::string_view text, std::initializer_list<Value> values) {
  for (;;) {
    size_t open = text.find('{');
    // JSON in an attribute and the end: no name follows.
    size_t close = open == std::string_view::npos ? open : text.find('}', open);
    if (close == std::string_view::npos) break;
    std::string_view name = text.substr(open + 1, close - open - 1);
    const Value* value =
        std::find_if(values.begin(), values.end(), [&](const Value& v) { return v.name == name; });
    if (value == values.end()) {
      out.text(text.substr(0, open + 1));
      text.remove_prefix(open + 1);
      continue;
    }
    out.text(text.substr(0, open)).html(value->text);
    text.remove_prefix(close + 1);
  }
  out.text(text);
}

void write_head(TextWriter& out, std::string_view title, std::string_view color) {
  fill(out, fragment("begin"), {{"title", title}, {"color", color}});
  out.text("<style>").text(page_parts::kCss).text("</style>");
  fill(out, fragment("end of head"));
}

void write_end(TextWriter& out, std::string_view version, std::string_view board) {
  fill(out, fragment("footer"), {{"version", version}, {"board", board}});
  out.text("<script>").text(page_parts::kJs).text("</script>");
  fill(out, fragment("close"));
}

Span::Span(uint64_t seconds) {
  if (seconds < 120) {
    to().decimal(seconds).text(" s");
  } else if (seconds < 7200) {
    to().decimal(seconds / 60).text(" min");
  } else if (seconds < 172800) {
    to().decimal(seconds / 3600).text(" h");
  } else {
    to().decimal(seconds / 86400).text(" days");
  }
}

}  // namespace drey::page_text
