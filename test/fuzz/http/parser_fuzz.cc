// HTTP messages: cut into pieces of any size they give what they give as a whole. First byte: bit 0
// = responses, bit 1 = the sink stops once; second byte: how the input is cut.
#include <algorithm>
#include <string>

#include "drey/check.h"
#include "http/parser.h"

namespace {

using namespace drey;
using http::Parser;

class Collector final : public http::BodySink {
 public:
  Status on_body(Bytes part) override {
    DREY_CHECK(!part.empty());
    if (body.size() + part.size() > stop_at) return Status::kAgain;
    body += as_text(part);
    return Status::kOk;
  }
  std::string body;
  size_t stop_at = SIZE_MAX;
};

// Everything a connection would see, as one text.
std::string describe(const Parser& parser, bool response) {
  std::string text = parser.head_done() ? "head" : "none";
  if (!parser.head_done()) return text;
  text += response
              ? std::to_string(parser.status_code())
              : std::to_string(static_cast<int>(parser.method())) + std::string(parser.target());
  text += parser.keep_alive() ? " keep " : " close ";
  text += parser.has_body() ? "body " : "bare ";
  for (const char* name : {"host", "content-length", "transfer-encoding", "range", "x"}) {
    text += std::string(name) + std::to_string(parser.header_count(name)) + "=";
    text += std::string(parser.header(name)) + ";";
  }
  return text;
}

// What proxies read differently is never let in: bare line ends, folded lines.
void check_strict(std::string_view head) {
  for (size_t at = head.find('\n'); at != std::string_view::npos; at = head.find('\n', at + 1)) {
    DREY_CHECK(at > 0 && head[at - 1] == '\r');
    char next = at + 1 < head.size() ? head[at + 1] : 'x';
    DREY_CHECK(next != ' ' && next != '\t');
  }
}

// Up to four messages of a connection.
std::string converse(Bytes input, bool response, size_t piece, bool varying) {
  Parser parser(response ? Parser::Type::kResponse : Parser::Type::kRequest);
  Collector sink;
  parser.set_body_sink(&sink);
  std::string story;
  size_t messages = 0, idle = 0;
  bool fresh = true;  // nothing of this message was fed yet
  while (!input.empty() && messages < 4) {
    size_t size = std::min(input.size(), piece);
    if (varying) piece = 1 + (piece * 7 + 3) % 61;
    Result<size_t> used = parser.feed(input.first(size));
    if (!used.ok())
      return story + sink.body + " refused";  // why, and what stood before it, may differ
    DREY_CHECK(used.value() <= size);
    if (fresh && parser.head_done()) check_strict(as_text(input.first(used.value())));
    fresh = false;
    input = input.subspan(used.value());
    idle = used.value() == 0 ? idle + 1 : 0;
    DREY_CHECK(idle < 4);  // it goes on, or the message is done
    if (!parser.message_done()) continue;
    DREY_CHECK(parser.head_done());
    story += describe(parser, response) + "\n" + sink.body + "\n";
    sink.body.clear();
    parser.reset();
    fresh = true;
    ++messages;
  }
  if (messages < 4 && (parser.head_done() || parser.message_done())) {
    story += describe(parser, response) + sink.body;
    story += parser.finish() ? " ended" : " cut";
  }
  return story;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  bool response = (data[0] & 1) != 0;
  Bytes input(data + 2, size - 2);
  std::string whole = converse(input, response, input.size() + 1, false);
  DREY_CHECK(converse(input, response, 1 + data[1] % 64, (data[1] & 64) != 0) == whole);
  if ((data[1] & 128) != 0) DREY_CHECK(converse(input, response, 1, false) == whole);
  if ((data[0] & 2) == 0) return 0;
  // A sink that wants no more ends the message there, once and for all.
  Parser parser(response ? Parser::Type::kResponse : Parser::Type::kRequest);
  Collector sink;
  sink.stop_at = data[1];
  parser.set_body_sink(&sink);
  Status failure = Status::kOk;
  for (size_t i = 0; i < 8 && ok(failure); ++i) {
    Result<size_t> used = parser.feed(input);
    failure = used.status();
    if (used.ok()) input = input.subspan(used.value());
  }
  if (!ok(failure)) DREY_CHECK(parser.feed(as_bytes("GET")).status() == failure);
  DREY_CHECK(sink.body.size() <= sink.stop_at);
  return 0;
}
