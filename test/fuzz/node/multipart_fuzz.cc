// A form with a file: first byte = how large the pieces are. In pieces or whole, the same comes
// out; the contents are what lies between the two ends, and nothing is read beyond the body.
#include <string>
#include <vector>

#include "drey/check.h"
#include "node/files/multipart.h"

namespace {

using namespace drey;

// What came of it: contents and name, or where it was refused.
std::string read_form(Bytes body, size_t piece) {
  Multipart form;
  DREY_CHECK(ok(form.begin("multipart/form-data; boundary=b", body.size())));
  std::string contents;
  for (size_t at = 0; at < body.size();) {
    Bytes bytes = body.subspan(at, std::min(piece, body.size() - at));
    if (!form.head_done()) {
      Result<size_t> taken = form.take_head(bytes);
      if (!taken.ok()) return "!";
      DREY_CHECK(taken.value() > 0 && taken.value() <= bytes.size());
      at += taken.value();
      if (form.head_done()) DREY_CHECK(form.content_bytes() < body.size());
      continue;
    }
    size_t left = static_cast<size_t>(form.content_bytes()) - contents.size();
    if (left > 0) {
      bytes = bytes.first(std::min(left, bytes.size()));
      contents += as_text(bytes);
    } else if (!ok(form.take_tail(bytes))) {
      return "!";
    }
    at += bytes.size();
  }
  DREY_CHECK(form.file_name().size() <= Multipart::kHeadMax);
  return form.done() ? contents + "|" + std::string(form.file_name()) : "!";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  Bytes body(data + 1, size - 1);
  DREY_CHECK(read_form(body, data[0] + 1u) == read_form(body, body.size() + 1));
  (void)drey::file_name_of(drey::as_text(body));
  return 0;
}
