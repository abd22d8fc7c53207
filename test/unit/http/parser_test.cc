#include "http/parser.h"

#include <gtest/gtest.h>

#include <string>

namespace drey::http {
namespace {

class Collect : public BodySink {
 public:
  Status on_body(Bytes part) override {
    text += as_text(part);
    return Status::kOk;
  }
  std::string text;
};

// Feeds in steps of `step` bytes; returns the first failure or kOk.
Status feed_all(Parser& parser, std::string_view text, size_t step, size_t* used_total) {
  *used_total = 0;
  while (*used_total < text.size() && !parser.message_done()) {
    std::string_view part = text.substr(*used_total, step);
    Result<size_t> used = parser.feed(as_bytes(part));
    if (!used.ok()) return used.status();
    *used_total += used.value();
    if (used.value() == 0 && !parser.head_done()) break;
  }
  return Status::kOk;
}

TEST(Parser, RequestSurvivesEverySplit) {
  std::string text =
      "POST /api/v1/backup?x=1 HTTP/1.1\r\nHost: a\r\nX-Empty:\r\nContent-Length: 5\r\n\r\nhello"
      "GET / HTTP/1.1\r\nHost: b\r\n\r\n";
  for (size_t step = 1; step <= text.size(); ++step) {
    Parser parser(Parser::Type::kRequest);
    Collect body;
    parser.set_body_sink(&body);
    size_t used = 0;
    ASSERT_EQ(feed_all(parser, text, step, &used), Status::kOk) << step;
    EXPECT_TRUE(parser.message_done());
    EXPECT_EQ(parser.method(), Method::kPost);
    EXPECT_EQ(parser.target(), "/api/v1/backup?x=1");
    EXPECT_EQ(parser.header("host"), "a");
    EXPECT_EQ(parser.header("content-length"), "5");
    EXPECT_EQ(body.text, "hello");
    EXPECT_EQ(text.substr(used, 5), "GET /");
    parser.reset();
    size_t more = 0;
    ASSERT_EQ(feed_all(parser, std::string_view(text).substr(used), step, &more), Status::kOk);
    EXPECT_TRUE(parser.message_done());
    EXPECT_EQ(parser.header("host"), "b");
    EXPECT_EQ(parser.method(), Method::kGet);
  }
}

TEST(Parser, AmbiguousFramingIsRefused) {
  const char* bad[] = {
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: "
      "chunked\r\n\r\n0\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
      "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
      "GET / HTTP/1.1\r\nHo\0st: a\r\n\r\n",
      "GARBAGE\r\n\r\n",
      "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
      "\r\n\r\nGET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",  // empty lines first: still strict
      "\r\n\r\nGET / HTTP/1.1\r\nHost : a\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  };
  for (const char* text : bad) {
    Parser parser(Parser::Type::kRequest);
    size_t used = 0;
    std::string_view view(text);
    if (view.starts_with("GET / HTTP/1.1\r\nHo"))
      view = std::string_view(text, view.size() > 18 ? view.size() : 29);
    Status status = feed_all(parser, view, 4096, &used);
    EXPECT_FALSE(ok(status) && parser.message_done()) << text;
  }
}

TEST(Parser, HeadAtLimitPassesAndOneMoreIsTooLarge) {
  auto request = [](size_t extra) {
    return "GET /" + std::string(extra, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n";
  };
  size_t fits = kHeadBytesMax - 1 - std::string("hostx").size();
  for (size_t extra : {fits, fits + 1}) {
    Parser parser(Parser::Type::kRequest);
    size_t used = 0;
    Status status = feed_all(parser, request(extra), 1 << 20, &used);
    EXPECT_EQ(ok(status), extra == fits) << extra;
    if (extra != fits) {
      EXPECT_EQ(status, Status::kTooLarge);
    }
  }
}

TEST(Parser, ResponseChunkedAndUntilClose) {
  Parser parser(Parser::Type::kResponse);
  Collect body;
  parser.set_body_sink(&body);
  size_t used = 0;
  ASSERT_EQ(
      feed_all(parser, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
               7, &used),
      Status::kOk);
  EXPECT_TRUE(parser.message_done());
  EXPECT_EQ(body.text, "abc");
  EXPECT_EQ(parser.status_code(), 200);

  Parser cut(Parser::Type::kResponse);
  ASSERT_EQ(
      feed_all(cut, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", 7, &used),
      Status::kOk);
  EXPECT_FALSE(cut.finish()) << "a cut chunked body must not look complete";
}

}  // namespace
}  // namespace drey::http
