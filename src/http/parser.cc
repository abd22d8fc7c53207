#include "http/parser.h"

namespace drey::http {

const llhttp_settings_t* Parser::settings() {
  static const llhttp_settings_t kSettings = [] {
    llhttp_settings_t s;
    llhttp_settings_init(&s);
    s.on_url = on_url;
    s.on_header_field = on_field;
    s.on_header_value = on_value;
    s.on_header_value_complete = on_value_complete;
    s.on_headers_complete = on_headers_complete;
    s.on_body = on_body;
    s.on_message_complete = on_message_complete;
    return s;
  }();
  return &kSettings;
}

Parser::Parser(Type type) {
  llhttp_init(&parser_, type == Type::kRequest ? HTTP_REQUEST : HTTP_RESPONSE, settings());
  parser_.data = this;
}

void Parser::reset() {
  llhttp_reset(&parser_);
  parser_.data = this;
  // Tokens and cookies.
  wipe({reinterpret_cast<uint8_t*>(head_.data()), head_used_});
  head_used_ = target_size_ = header_count_ = 0;
  in_value_ = head_done_ = message_done_ = keep_alive_ = has_body_ = false;
  failure_ = Status::kOk;
  line_ = {};
}

bool Parser::append(const char* at, size_t size, bool lower) {
  if (head_.size() - head_used_ < size) {
    failure_ = Status::kTooLarge;
    return false;
  }
  for (size_t i = 0; i < size; ++i) {
    char c = at[i];
    if (lower && c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    head_[head_used_++] = c;
  }
  return true;
}

int Parser::on_url(llhttp_t* p, const char* at, size_t size) {
  Parser* parser = self(p);
  if (!parser->append(at, size, false)) return HPE_USER;
  parser->target_size_ += size;
  return 0;
}

int Parser::on_field(llhttp_t* p, const char* at, size_t size) {
  Parser* parser = self(p);
  bool starts = parser->header_count_ == 0 || parser->in_value_;
  if (starts) {
    if (parser->header_count_ == kHeadersMax) {
      parser->failure_ = Status::kTooLarge;
      return HPE_USER;
    }
    parser->headers_[parser->header_count_++] = {static_cast<uint16_t>(parser->head_used_), 0, 0,
                                                 0};
    parser->in_value_ = false;
  }
  Header& header = parser->headers_[parser->header_count_ - 1];
  if (!parser->append(at, size, true)) return HPE_USER;
  header.name_size = static_cast<uint16_t>(header.name_size + size);
  return 0;
}

int Parser::on_value(llhttp_t* p, const char* at, size_t size) {
  Parser* parser = self(p);
  if (parser->header_count_ == 0) return HPE_USER;
  Header& header = parser->headers_[parser->header_count_ - 1];
  if (!parser->in_value_) header.value_at = static_cast<uint16_t>(parser->head_used_);
  parser->in_value_ = true;
  if (!parser->append(at, size, false)) return HPE_USER;
  header.value_size = static_cast<uint16_t>(header.value_size + size);
  return 0;
}

int Parser::on_value_complete(llhttp_t* p) {
  self(p)->in_value_ = true;  // an empty value also ends its header
  return 0;
}

int Parser::on_headers_complete(llhttp_t* p) {
  Parser* parser = self(p);
  if (p->type == HTTP_REQUEST && !parser->request_is_strict()) return HPE_USER;
  parser->head_done_ = true;
  parser->keep_alive_ = llhttp_should_keep_alive(p) != 0;
  parser->has_body_ = p->content_length > 0 || (p->flags & F_CHUNKED) != 0;
  return HPE_PAUSED;  // the owner looks at the head before any byte of the body
}

int Parser::on_body(llhttp_t* p, const char* at, size_t size) {
  Parser* parser = self(p);
  if (parser->sink_ == nullptr) return 0;  // nobody wants it: skipped
  parser->failure_ = parser->sink_->on_body({reinterpret_cast<const uint8_t*>(at), size});
  return ok(parser->failure_) ? 0 : static_cast<int>(HPE_USER);
}

int Parser::on_message_complete(llhttp_t* p) {
  self(p)->message_done_ = true;
  return HPE_PAUSED;  // what follows is the next, pipelined message
}

// 1.0 and 1.1 alone: later ones promise what is not here, 0.9 has no headers. No tunnels. Of the
// transfer codings "chunked" alone: about any other, proxies and servers disagree where the body
// ends.
bool Parser::request_is_strict() const {
  if (parser_.http_major != 1 || parser_.http_minor > 1) return false;
  if (parser_.method == HTTP_CONNECT || parser_.method == HTTP_SOURCE) return false;
  size_t codings = header_count("transfer-encoding");
  return codings == 0 || (codings == 1 && header("transfer-encoding") == "chunked");
}

// Stricter than llhttp 6: a line that ends in a bare LF, a folded header line, blanks before the
// colon, and other blanks in the request line are refused, since proxies disagree about them. Looks
// at head bytes only.
bool Parser::head_is_strict(Bytes data) {
  for (uint8_t byte : data) {
    if (line_.ended) return true;  // the empty line was seen: the rest is body
    char c = static_cast<char>(byte);
    if (c == '\n') {
      if (!line_.after_cr) return false;
      line_.ended = line_.size == 0 && line_.number > 0;
      // Empty lines before the first one are skipped by llhttp too: they end nothing.
      size_t number = line_.size == 0 ? line_.number : line_.number + 1;
      // Method, target, version, one blank between them: what else looks like them is read in more
      // than one way.
      bool request_line = parser_.type == HTTP_REQUEST && line_.number == 0 && line_.size > 0;
      if (request_line && line_.spaces != 2) return false;
      line_ = Line{number, 0, 0, false, false, line_.ended};
      continue;
    }
    if (line_.after_cr) return false;
    line_.after_cr = c == '\r';
    if (line_.after_cr) continue;
    line_.spaces += c == ' ' ? 1 : 0;
    bool blank = c == ' ' || c == '\t';
    if (blank && line_.number > 0 && !line_.colon) return false;
    if (c == ':' && line_.number > 0 && line_.size == 0) return false;  // a header without a name
    line_.colon = line_.colon || c == ':';
    ++line_.size;
  }
  return true;
}

Result<size_t> Parser::feed(Bytes data) {
  if (!ok(failure_)) return failure_;
  if (message_done_ || data.empty()) return size_t{0};
  if (!head_done_ && !head_is_strict(data)) {
    failure_ = Status::kInvalid;
    return failure_;
  }
  if (llhttp_get_errno(&parser_) == HPE_PAUSED) llhttp_resume(&parser_);
  const char* begin = reinterpret_cast<const char*>(data.data());
  llhttp_errno_t error = llhttp_execute(&parser_, begin, data.size());
  if (error == HPE_OK) return data.size();
  if (error == HPE_PAUSED) {
    size_t used = static_cast<size_t>(llhttp_get_error_pos(&parser_) - begin);
    // A message without a body ends with its head: ask llhttp for the rest of the callbacks.
    if (head_done_ && !message_done_ && !has_body_ && parser_.type == HTTP_REQUEST) {
      llhttp_resume(&parser_);
      error = llhttp_execute(&parser_, begin + used, 0);
      message_done_ = true;
    }
    return used;
  }
  if (ok(failure_)) failure_ = Status::kInvalid;
  return failure_;
}

bool Parser::finish() {
  if (message_done_) return true;
  if (!head_done_) return false;
  if (llhttp_get_errno(&parser_) == HPE_PAUSED) llhttp_resume(&parser_);
  llhttp_errno_t error = llhttp_finish(&parser_);
  return error == HPE_OK || (error == HPE_PAUSED && message_done_);
}

Method Parser::method() const {
  switch (parser_.method) {
    case HTTP_GET:
      return Method::kGet;
    case HTTP_HEAD:
      return Method::kHead;
    case HTTP_POST:
      return Method::kPost;
    case HTTP_DELETE:
      return Method::kDelete;
    case HTTP_PUT:
      return Method::kPut;
    default:
      return Method::kOther;
  }
}

std::string_view Parser::header(std::string_view lower_name) const {
  for (size_t i = 0; i < header_count_; ++i) {
    const Header& h = headers_[i];
    if (std::string_view(head_.data() + h.name_at, h.name_size) == lower_name)
      return {head_.data() + h.value_at, h.value_size};
  }
  return {};
}

size_t Parser::header_count(std::string_view lower_name) const {
  size_t count = 0;
  for (size_t i = 0; i < header_count_; ++i) {
    const Header& h = headers_[i];
    if (std::string_view(head_.data() + h.name_at, h.name_size) == lower_name) ++count;
  }
  return count;
}

}  // namespace drey::http
