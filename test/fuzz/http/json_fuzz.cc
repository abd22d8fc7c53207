// JSON as peers, pages and scripts may send it; and any text as a string of ours, read back.
#include <memory>
#include <string>
#include <vector>

#include "base/text.h"
#include "drey/check.h"
#include "http/json.h"

namespace {

using namespace drey;
using http::Json;

struct Walk {
  const Json& json;
  std::string_view text;
  size_t visited = 0;

  void value(int at, size_t depth) {
    if (at == Json::kNone || depth > 40 || ++visited > 300) return;
    std::string_view raw = json.raw(at);
    DREY_CHECK(raw.data() >= text.data() && raw.data() + raw.size() <= text.data() + text.size());
    std::vector<uint8_t> room(raw.size());
    Result<size_t> size = json.text(at, room);
    if (size.ok()) DREY_CHECK(json.is_string(at) && size.value() <= raw.size());
    if (!json.is_string(at)) DREY_CHECK(size.status() == Status::kInvalid);
    static_cast<void>(json.number(at) + json.boolean(at));
    if (!json.is_array(at)) {
      static_cast<void>(json.member(at, "member"));
      return;
    }
    size_t count = 0;
    for (int element = json.first(at); element != Json::kNone; element = json.next(element)) {
      DREY_CHECK(element > at);
      value(element, depth + 1);
      DREY_CHECK(++count <= http::kJsonTokensMax);
    }
    DREY_CHECK(count == json.size(at));
  }
};

void string_comes_back(Json& json, std::string_view bytes) {
  std::vector<char> room(bytes.size() * 6 + 2);
  TextWriter writer(std::span<char>(room.data(), room.size()));
  writer.json_string(bytes);
  DREY_CHECK(writer.ok());
  DREY_CHECK(ok(json.parse(writer.view())) && json.is_string(json.root()));
  std::vector<uint8_t> back(bytes.size() * 3 + 1);
  Result<size_t> size = json.text(json.root(), MutBytes(back));
  if (!is_utf8(bytes)) return;  // U+FFFD stands there, one for each stray byte
  DREY_CHECK(size.ok() && as_text(Bytes(back).first(size.value())) == bytes);
  if (bytes.empty()) return;
  DREY_CHECK(json.text(json.root(), MutBytes(back).first(bytes.size() - 1)).status() ==
             Status::kTooLarge);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static std::unique_ptr<Json> json = std::make_unique<Json>();
  std::string_view text = as_text({data, size});
  Status status = json->parse(text);
  DREY_CHECK(ok(status) || status == Status::kInvalid || status == Status::kTooLarge);
  if (ok(status)) {
    Walk walk{*json, text};
    int root = json->root();
    walk.value(root, 0);
    for (const char* key : {"a", "name", "error", ""}) {
      int member = json->member(root, key);
      if (member != Json::kNone) DREY_CHECK(member > root);
      walk.value(member, 1);
    }
  } else {
    DREY_CHECK(status == Status::kTooLarge || json->root() == Json::kNone);
  }
  if (size <= 512) string_comes_back(*json, text);
  return 0;
}
