// H1: more than 300 requests that are malformed or ambiguous. Each gets exactly one answer, 4xx,
// and the connection is closed: nothing behind it can be taken for a request of its own.
#include <set>

#include "unit/node/http_fixture.h"

namespace drey {
namespace {

const std::string kHost = "Host: good\r\n";
const std::string kSmuggled = "GET /smuggled HTTP/1.1\r\nHost: good\r\n\r\n";

std::string get(const std::string& headers) { return "GET /a HTTP/1.1\r\n" + headers + "\r\n"; }
std::string post(const std::string& headers, const std::string& body) {
  return "POST /a HTTP/1.1\r\n" + kHost + headers + "\r\n" + body;
}

void add_request_lines(std::vector<std::string>* to) {
  for (const char* line : {"GET",
                           "GET /",
                           "GET  / HTTP/1.1",
                           "GET / HTTP/1.1 x",
                           " GET / HTTP/1.1",
                           "GET / HTTP/2.0",
                           "GET / HTTP/1.2",
                           "GET / HTTP/0.9",
                           "GET / HTTP/9.9",
                           "GET / HTTP/1",
                           "GET / HTTP/1.",
                           "GET / HTTP/11",
                           "GET / http/1.1",
                           "GET / HTPP/1.1",
                           "GET / HTTP/1.1\t",
                           "GET\t/\tHTTP/1.1",
                           "get / HTTP/1.1",
                           "GE T / HTTP/1.1",
                           "FOO / HTTP/1.1",
                           "G@T / HTTP/1.1",
                           "/ HTTP/1.1",
                           "GET a HTTP/1.1",
                           "GET * HTTP/1.1",
                           "GET http://good/ HTTP/1.1",
                           "GET //[ HTTP/1.1x",
                           "CONNECT good:80 HTTP/1.1",
                           "CONNECT / HTTP/1.1",
                           "GET ? HTTP/1.1",
                           "GET #x HTTP/1.1",
                           "GET \\ HTTP/1.1",
                           "PRI * HTTP/2.0",
                           "GET / HTTPS/1.1",
                           "GET / HTTP/-1.1",
                           "GET / HTTP/1,1",
                           "GET / ICE/1.0",
                           "SOURCE / ICE/1.0",
                           "OPTIONS rtsp://a RTSP/1.0",
                           "GET /% HTTP/1.1",
                           "GET /%z HTTP/1.1",
                           "GET /%0 HTTP/1.1",
                           "GET /%00 HTTP/1.1",
                           "GET /a%0 HTTP/1.1",
                           "GET /%g0 HTTP/1.1",
                           "GET /%%30 HTTP/1.1",
                           "GET /a%00b HTTP/1.1"})
    to->push_back(std::string(line) + "\r\n" + kHost + "\r\n");
  for (const char* method : {"LINK", "UNLINK", "PURGE", "MKCOL", "TRACE", "CONNECT"})
    to->push_back(std::string(method) + " x HTTP/1.1\r\n" + kHost + "\r\n");
  // Control bytes in the target, and the line itself.
  for (int c = 0; c < 0x20; ++c) {
    if (c == '\n' || c == '\r' || c == '\t' || c == '\f') continue;
    to->push_back("GET /a" + std::string(1, static_cast<char>(c)) + "b HTTP/1.1\r\n" + kHost +
                  "\r\n");
  }
  to->push_back("GET /" + std::string(1 << 20, 'a') + " HTTP/1.1\r\n" + kHost + "\r\n");
  for (size_t size : {size_t{8192}, size_t{8300}, size_t{20000}, size_t{100000}})
    to->push_back("GET /" + std::string(size, 'a') + " HTTP/1.1\r\n" + kHost + "\r\n");
}

void add_headers(std::vector<std::string>* to) {
  to->push_back(get(""));
  to->push_back(get(kHost + kHost));
  for (const char* host :
       {"", "evil", "good:x:", "evil good", "good,evil", "evil.good", "good@evil"})
    to->push_back(get("Host: " + std::string(host) + "\r\n"));
  for (const char* line : {"X : y",       "X\t: y",
                           " X: y",       "X y",
                           ": y",         "X",
                           "X\x01: y",    "X(: y",
                           "X\": y",      "X/: y",
                           "X[: y",       "X{: y",
                           "X;: y",       "X=: y",
                           "X?: y",       "X@: y",
                           "X\\: y",      "Content-Length : 1",
                           "Host : good", "Transfer-Encoding : chunked"})
    to->push_back(get(kHost + line + "\r\n"));
  for (const char* fold : {" z", "\tz", "  ", "\t"})
    to->push_back(get(kHost + "X: y\r\n" + fold + "\r\n"));
  // Control bytes in a value.
  for (int c = 0; c < 0x20; ++c) {
    if (c == '\n' || c == '\r' || c == '\t') continue;
    to->push_back(get(kHost + "X: a" + std::string(1, static_cast<char>(c)) + "b\r\n"));
  }
  to->push_back(get(kHost + "X: a\x7f"
                            "b\r\n"));
  std::string many;
  for (int i = 0; i < 10000; ++i) many += "X: y\r\n";
  to->push_back(get(kHost + many));
  for (int count : {64, 65, 100, 500})
    to->push_back(get(kHost + many.substr(0, static_cast<size_t>(count) * 6)));
  for (size_t size : {size_t{8200}, size_t{20000}, size_t{1 << 20}}) {
    to->push_back(get(kHost + std::string(size, 'h') + ": v\r\n"));
    to->push_back(get(kHost + "X: " + std::string(size, 'v') + "\r\n"));
  }
}

// One line end of a well-formed request at a time becomes something else.
void add_line_ends(std::vector<std::string>* to) {
  const std::string good = post("A: b\r\nContent-Length: 1\r\nC: d\r\n", "x");
  for (size_t at = good.find("\r\n"); at != std::string::npos; at = good.find("\r\n", at + 2))
    for (const char* end : {"\n", "\r", "\n\r", "\r\r\n", "\x0b", "\x0c"})
      to->push_back(std::string(good).replace(at, 2, end));
}

void add_lengths(std::vector<std::string>* to) {
  for (const char* length : {"-1", "+1", "1 1", "1,1", "1, 2", "0x1", "1.0", "1e1", "a", "1a",
                             "99999999", "18446744073709551616", "18446744073709551617",
                             "99999999999999999999999999", "'1'", "1;", "\t1\t2", "٣", "16385"})
    to->push_back(post("Content-Length: " + std::string(length) + "\r\n", "x"));
  for (const char* two :
       {"Content-Length: 1\r\nContent-Length: 2", "Content-Length: 1\r\nContent-Length: 1",
        "Content-Length: 0\r\nContent-Length: 38", "content-length: 1\r\nCONTENT-LENGTH: 3",
        "Content-Length: 1\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 1",
        "Transfer-Encoding: chunked\r\nContent-Length: 0",
        "Transfer-Encoding: identity\r\nContent-Length: 1", "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: gzip", "Transfer-Encoding: chunked, gzip",
        "Transfer-Encoding: xchunked", "Transfer-Encoding: chunkedx", "Transfer-Encoding: identity",
        "Transfer-Encoding: \x0b"
        "chunked",
        "Transfer-Encoding: cow", "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding: chunked;q=1"})
    to->push_back(post(std::string(two) + "\r\n", "0\r\n\r\n" + kSmuggled));
}

void add_chunks(std::vector<std::string>* to) {
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  for (const char* body : {"zz\r\n\r\n",
                           "-1\r\nx\r\n",
                           "+1\r\nx\r\n0\r\n\r\n",
                           "0x1\r\nx\r\n0\r\n\r\n",
                           " 1\r\nx\r\n0\r\n\r\n",
                           "1\nx\n0\n\n",
                           "\r\n1\r\nx",
                           "1\r\nxy\r\n0\r\n\r\n",
                           "2\r\nx\r\n0\r\n\r\n",
                           "ffffffffffffffffff\r\nx",
                           "10000000000000000\r\nx",
                           "1,1\r\nx\r\n0\r\n\r\n",
                           "g\r\n",
                           ";\r\n",
                           "1\rx\r\n0\r\n\r\n",
                           "1\r\nx0\r\n\r\n",
                           "1\r\nx\n0\r\n\r\n",
                           "\x00\r\n\r\n",
                           "8000\r\n",
                           "1 \x01\r\nx\r\n0\r\n\r\n"}) {
    std::string text = body;
    if (text == "8000\r\n") text += std::string(0x8000, 'x') + "\r\n0\r\n\r\n";
    to->push_back(post(chunked, text));
  }
}

// Whole protocols that are another's.
void add_strangers(std::vector<std::string>* to) {
  to->push_back("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  to->push_back(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
  to->push_back("SSH-2.0-OpenSSH_9.2\r\n");
  to->push_back("EHLO evil\r\n");
  to->push_back("USER anonymous\r\n");
  to->push_back("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  to->push_back("{\"jsonrpc\":\"2.0\"}\r\n\r\n");
  to->push_back("*1\r\n$4\r\nPING\r\n");
  to->push_back("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + get(kHost));
  for (int c = 0; c < 256; c += 3) {
    if ((c >= 'A' && c <= 'Z') || c == '\r' || c == '\n') continue;
    to->push_back(std::string(24, static_cast<char>(c)) + "\r\n\r\n");
  }
}

TEST_F(HttpServerTest, EveryMalformedRequestGetsOne4xxAndIsClosed) {
  std::vector<std::string> bad;
  add_request_lines(&bad);
  add_headers(&bad);
  add_line_ends(&bad);
  add_lengths(&bad);
  add_chunks(&bad);
  add_strangers(&bad);
  EXPECT_GE(std::set<std::string>(bad.begin(), bad.end()).size(), 300u);
  std::vector<std::string> answers;
  serve([&] {
    for (const std::string& request : bad) answers.push_back(exchange(request + kSmuggled));
  });
  for (size_t i = 0; i < answers.size(); ++i) {
    std::string what = bad[i].substr(0, 90);
    EXPECT_EQ(answers[i].find("HTTP/1.1 4"), 0u)
        << i << ": " << what << " -> " << answers[i].substr(0, 200);
    EXPECT_EQ(answers[i].find("\nHTTP/1.1 "), std::string::npos) << "two answers: " << what;
    EXPECT_NE(answers[i].find("Connection: close"), std::string::npos) << what;
  }
}

}  // namespace
}  // namespace drey
