// HTTP/1.1 parsing on llhttp: bytes in, requests or responses out. No sockets, no allocation.
//
// Owner: a connection. Thread: that of its owner. The head (request line and headers) is copied
// into a fixed buffer of kHeadBytesMax; a longer one is refused (431 at the server). Body bytes are
// handed on as they come, so a body may be of any length. llhttp is used in its strict mode:
// ambiguous framing (Content-Length with Transfer-Encoding, two lengths, bare LF, ...) is an error.
#pragma once

#include <llhttp.h>

#include <array>
#include <span>
#include <string_view>

#include "drey/bytes.h"
#include "drey/status.h"

namespace drey::http {

inline constexpr size_t kHeadBytesMax =
    8 * 1024;  // request line + headers; ours need a few hundred
inline constexpr size_t kHeadersMax = 64;

enum class Method : uint8_t { kGet, kHead, kPost, kDelete, kPut, kOther };

// Where body bytes go. kAgain stops the parser at this place (back-pressure); any other error
// ends the message.
class BodySink {
 public:
  virtual ~BodySink() = default;
  virtual Status on_body(Bytes part) = 0;
};

class Parser {
 public:
  enum class Type : uint8_t { kRequest, kResponse };
  explicit Parser(Type type);
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  // Forgets the message and waits for the next one.
  void reset();
  void set_body_sink(BodySink* sink) { sink_ = sink; }
  // Parses up to the end of the head, or, when called again after it, up to the end of the message.
  // Returns how many bytes were used; the rest belongs to the next call. kInvalid: not HTTP;
  // kTooLarge: head over its limit.
  Result<size_t> feed(Bytes data);
  // The other side closed: true when that properly ends the message (a body until close).
  bool finish();

  bool head_done() const { return head_done_; }
  bool message_done() const { return message_done_; }

  Method method() const;
  std::string_view target() const { return {head_.data(), target_size_}; }  // path?query, undecoded
  // The same, for who decodes it in its place.
  std::span<char> target_in_place() { return {head_.data(), target_size_}; }
  int status_code() const { return llhttp_get_status_code(const_cast<llhttp_t*>(&parser_)); }
  bool keep_alive() const { return keep_alive_; }
  uint64_t content_length() const { return parser_.content_length; }
  bool has_body() const { return has_body_; }
  // Value of a header (name in lower case), or an empty view. Views live until reset().
  std::string_view header(std::string_view lower_name) const;
  // How often a header of that name came.
  size_t header_count(std::string_view lower_name) const;

 private:
  struct Header {
    uint16_t name_at = 0, name_size = 0, value_at = 0, value_size = 0;
  };
  static const llhttp_settings_t* settings();
  static Parser* self(llhttp_t* parser) { return static_cast<Parser*>(parser->data); }
  static int on_url(llhttp_t* p, const char* at, size_t size);
  static int on_field(llhttp_t* p, const char* at, size_t size);
  static int on_value(llhttp_t* p, const char* at, size_t size);
  static int on_value_complete(llhttp_t* p);
  static int on_headers_complete(llhttp_t* p);
  static int on_body(llhttp_t* p, const char* at, size_t size);
  static int on_message_complete(llhttp_t* p);
  bool append(const char* at, size_t size, bool lower);
  bool head_is_strict(Bytes data);
  bool request_is_strict() const;

  llhttp_t parser_{};
  BodySink* sink_ = nullptr;
  std::array<char, kHeadBytesMax> head_{};
  size_t head_used_ = 0;
  size_t target_size_ = 0;
  std::array<Header, kHeadersMax> headers_{};
  size_t header_count_ = 0;
  bool in_value_ = false;
  bool head_done_ = false;
  bool message_done_ = false;
  bool keep_alive_ = false;
  bool has_body_ = false;
  Status failure_ = Status::kOk;
  struct Line {  // of the head, as far as it was seen
    size_t number = 0, size = 0, spaces = 0;
    bool colon = false, after_cr = false, ended = false;
  };
  Line line_{};
};

}  // namespace drey::http
