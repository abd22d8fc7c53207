#include "node/connection.h"

#include <algorithm>

#include "drey/check.h"
#include "node/page/page.h"

namespace drey {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kHeadTimeout = 10 * kSecond;
constexpr uint64_t kBodyTimeout = 10 * kSecond;  // of at most 16 KiB
constexpr uint64_t kWriteTimeout = 60 * kSecond;
constexpr uint64_t kIdleTimeout = 30 * kSecond;
constexpr size_t kHeadRoom = 1536;  // of an answer's head in front of its body
constexpr size_t kSizeLine = 10;    // in front of a chunk: 8 hex digits and CRLF
constexpr size_t kChunkTail = 7;    // behind it: CRLF, and the last chunk's line

std::string_view reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 206:
      return "Partial Content";
    case 303:
      return "See Other";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 408:
      return "Request Timeout";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 416:
      return "Range Not Satisfiable";
    case 421:
      return "Misdirected Request";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    case 507:
      return "Insufficient Storage";
    default:
      return "Error";
  }
}

// Percent-decodes `path` in its place; false when an escape is malformed or a NUL appears.
bool decode_path(std::span<char> path, size_t* size) {
  Result<size_t> decoded = percent_decode({path.data(), path.size()}, PercentIn::kPath, path);
  if (!decoded.ok()) return false;
  *size = decoded.value();
  return std::string_view(path.data(), *size).find('\0') == std::string_view::npos;
}

}  // namespace

// ---- Responder ----

TextWriter& Responder::body() { return connection_->writer_; }

void Responder::done(int status, std::string_view type, std::string_view headers) {
  Connection& c = *connection_;
  if (!c.writer_.ok()) return error(503, "too_large", "the answer does not fit its buffer");
  std::array<char, kHeadRoom> text;
  TextWriter head{std::span<char>(text)};
  c.begin_head(head, status, type);
  c.end_head(head.text(headers), false, c.writer_.size());
  c.set_state(Connection::State::kWrite);
}

void Responder::error(int status, std::string_view code, std::string_view message) {
  TextWriter& out = connection_->writer_;
  out.rewind(0);
  out.text("{\"error\":").json_string(code).text(",\"message\":").json_string(message);
  out.text("}\n");
  done(status, "application/json");
}

void Responder::stream(std::string_view type, ResponseSource* source) {
  Connection& c = *connection_;
  c.source_ = source;
  c.source_type_ = type;
  c.source_done_ = c.head_sent_ = false;
  c.set_state(Connection::State::kStream);
}

void Responder::upload(std::string_view type, ResponseSource* source, UploadBody* body) {
  stream(type, source);
  connection_->upload_ = body;
  connection_->set_state(Connection::State::kUpload);
}

// ---- Connection ----

Status Connection::BodyBuffer::on_body(Bytes part) {
  if (data.size() - size < part.size()) return Status::kTooLarge;
  std::copy(part.begin(), part.end(), data.begin() + static_cast<ptrdiff_t>(size));
  size += part.size();
  return Status::kOk;
}

const char* Connection::state_name() const {
  static constexpr const char* kNames[] = {"free",  "read_head", "read_body", "upload",
                                           "write", "stream",    "closing"};
  return kNames[static_cast<size_t>(state_)];
}

void Connection::set_state(State state) {
  state_ = state;
  uint64_t now = deps_.clock->up_ns();
  uint64_t timeout = kWriteTimeout;
  if (state == State::kReadHead) {
    head_begun_ = in_end_ > in_begin_;
    request_since_ns_ = now;
    timeout = head_begun_ ? kHeadTimeout : kIdleTimeout;
  }
  if (state == State::kReadBody) timeout = kBodyTimeout;
  deadline_ns_ = now + timeout;
}

void Connection::start(const Deps& deps, ReadyQueue* queue, Net::Socket socket,
                       const Caller& caller) {
  deps_ = deps;
  bind(queue);
  socket_ = socket;
  caller_ = caller;
  close_after_ = closing_wait_ = false;
  in_begin_ = in_end_ = out_begin_ = out_end_ = 0;
  parser_.reset();
  parser_.set_body_sink(&body_);
  body_.size = 0;
  set_state(State::kReadHead);
  deadline_ns_ = request_since_ns_ + kHeadTimeout;
  head_begun_ = true;
  complete(Status::kOk);  // mostly the request is there already
}

void Connection::await(uint8_t events) {
  if (is_queued()) return;  // woken meanwhile: step() looks again
  waiting_ = ok(deps_.net->wait(socket_, events, this));
  if (!waiting_) close();
}

void Connection::wake() {
  if (state_ != State::kStream && state_ != State::kUpload) return;
  if (waiting_) {
    deps_.net->cancel_wait(socket_, Net::kReadable | Net::kWritable);
  } else if (!is_queued()) {
    complete(Status::kOk);
  }
}

void Connection::step(Status) {
  waiting_ = false;
  if (closing_wait_) state_ = State::kClosing;
  switch (state_) {
    case State::kReadHead:
    case State::kReadBody:
      read_more();
      break;
    case State::kUpload:
      receive();
      break;
    case State::kWrite:
      if (flush()) message_finished();
      break;
    case State::kStream:
      pump();
      break;
    case State::kClosing:
      close();
      break;
    case State::kFree:
      break;
  }
}

void Connection::read_more() {
  if (in_begin_ == in_end_) {
    in_begin_ = in_end_ = 0;
    Result<size_t> got = deps_.net->try_read(socket_, in_);
    if (got.status() == Status::kAgain) return await(Net::kReadable);
    if (!got.ok()) return close();
    in_end_ = got.value();
    if (state_ == State::kReadHead && !head_begun_) set_state(State::kReadHead);
  }
  parse();
}

void Connection::parse() {
  while (in_begin_ < in_end_ || (parser_.head_done() && parser_.message_done())) {
    if (parser_.head_done() && parser_.message_done()) return dispatch();
    Result<size_t> used = parser_.feed(Bytes(in_).subspan(in_begin_, in_end_ - in_begin_));
    if (!used.ok()) {
      if (used.status() == Status::kTooLarge)
        return refuse(parser_.head_done() ? 413 : 431, "too_large",
                      "the request is larger than its limit");
      return refuse(400, "invalid", "not a well-formed HTTP/1.1 request");
    }
    in_begin_ += used.value();
    if (parser_.head_done() && state_ == State::kReadHead) {
      if (!begin_request()) return;
      set_state(State::kReadBody);
    }
  }
  await(Net::kReadable);
}

void Connection::refuse(int status, std::string_view code, std::string_view message) {
  close_after_ = true;
  writer_ = TextWriter(std::span<char>(out_).subspan(kHeadRoom));
  Responder(this).error(status, code, message);
  if (flush()) message_finished();
}

// What the head alone decides, before a byte of the body is taken. False: it was answered.
bool Connection::begin_request() {
  close_after_ = !parser_.keep_alive();
  head_only_ = parser_.method() == http::Method::kHead;
  Request request;
  request.method = head_only_ ? http::Method::kGet : parser_.method();
  request.head = &parser_;
  request.control = caller_.control;
  request.trusted = caller_.trusted;
  request.lan = caller_.lan;
  request.from = caller_.from;
  std::string_view target = parser_.target();
  size_t question = target.find('?');
  if (question != std::string_view::npos) request.query = target.substr(question + 1);
  std::span<char> path = parser_.target_in_place().first(std::min(question, target.size()));
  size_t path_size = 0;
  if (target.empty() || target[0] != '/' || parser_.header_count("host") != 1 ||
      !decode_path(path, &path_size)) {
    refuse(400, "invalid", "bad request target or Host");
    return false;
  }
  request.path = std::string_view(path.data(), path_size);
  if (parser_.has_body() && parser_.content_length() > kRequestBodyBytesMax &&
      parser_.header_count("transfer-encoding") == 0 && !deps_.router->is_upload(request)) {
    refuse(413, "too_large", "the request body is larger than 16 KiB");
    return false;
  }
  Result<Address> local = caller_.control ? Address{} : deps_.net->local_address(socket_);
  if (!caller_.control &&
      (!local.ok() || !deps_.router->host_allowed(parser_.header("host"), local.value()))) {
    refuse(421, "misdirected", "this name is not one of this node's");
    return false;
  }
  request_ = request;
  writer_ = TextWriter(std::span<char>(out_).subspan(kHeadRoom));
  // What was refused may still have its body on the way: nobody waits for that.
  bool with_body = parser_.has_body();
  bool keep = !close_after_;
  close_after_ = close_after_ || with_body;
  Responder responder(this);
  if (!deps_.router->admit(request_, responder)) {
    if (flush()) message_finished();
    return false;
  }
  close_after_ = !keep;
  if (request_.upload) {
    begin_upload();
    return false;
  }
  return true;
}

void Connection::dispatch() {
  request_.body = as_text(Bytes(body_.data.data(), body_.size));
  writer_ = TextWriter(std::span<char>(out_).subspan(kHeadRoom));
  Responder responder(this);
  deps_.router->route(request_, responder);
  if (state_ == State::kStream) return pump();
  DREY_CHECK(state_ == State::kWrite);
  if (flush()) message_finished();
}

void Connection::begin_head(TextWriter& head, int status, std::string_view type) {
  head.text("HTTP/1.1 ").decimal(static_cast<uint64_t>(status)).text(" ").text(reason(status));
  head.text("\r\nContent-Type: ").text(type).text("\r\nCache-Control: no-store\r\n");
  head.text("X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n");
  head.text("Content-Security-Policy: ").text(page_policy()).text("\r\n");
  head.text("Cross-Origin-Resource-Policy: same-origin\r\n");
  if (status == 503) head.text("Retry-After: 30\r\n");
  if (status == 401) head.text("WWW-Authenticate: Bearer\r\n");
  if (close_after_) head.text("Connection: close\r\n");
}

void Connection::end_head(TextWriter& head, bool chunked, size_t length) {
  bool known = chunked && length_ != ResponseSource::kUnknownLength;
  if (chunked) {
    head.text(known ? "\r\n" : "Transfer-Encoding: chunked\r\n\r\n");
  } else {
    head.text("Content-Length: ").decimal(length).text("\r\n\r\n");
  }
  DREY_CHECK(head.ok() && head.size() <= kHeadRoom);
  out_begin_ = chunked ? 0 : kHeadRoom - head.size();
  std::copy(head.view().begin(), head.view().end(),
            out_.begin() + static_cast<ptrdiff_t>(out_begin_));
  out_end_ = out_begin_ + head.size() + (head_only_ ? 0 : length);
}

bool Connection::flush() {
  while (out_begin_ < out_end_) {
    Bytes pending(reinterpret_cast<const uint8_t*>(out_.data()) + out_begin_,
                  out_end_ - out_begin_);
    Result<size_t> sent = deps_.net->try_write(socket_, pending);
    if (sent.status() == Status::kAgain) {
      if (deadline_ns_ == UINT64_MAX) deadline_ns_ = deps_.clock->up_ns() + kWriteTimeout;
      await(Net::kWritable);
      return false;
    }
    if (!sent.ok()) {
      close();
      return false;
    }
    out_begin_ += sent.value();
    deadline_ns_ = deps_.clock->up_ns() + kWriteTimeout;
  }
  wipe_sent();
  return true;
}

// Pairing codes and contents of files are not left behind in a buffer that may idle for months.
void Connection::wipe_sent() {
  wipe({reinterpret_cast<uint8_t*>(out_.data()), out_end_});
  out_begin_ = out_end_ = 0;
}

// Puts a chunk's frame around the bytes that the source wrote behind the place of its size line,
// which has a fixed width. Gives the size of it all.
size_t Connection::frame_chunk(size_t size, bool end) {
  if (size > 0) {
    std::array<char, kSizeLine + 1> line;  // format() ends its text with a NUL
    TextWriter{std::span<char>(line)}.format("%08zx\r\n", size);
    std::copy_n(line.begin(), kSizeLine, out_.begin());
  }
  size_t framed = size > 0 ? kSizeLine + size : 0;
  TextWriter tail{std::span<char>(out_).subspan(framed)};
  if (size > 0) tail.text("\r\n");
  if (end) tail.text("0\r\n\r\n");
  return framed + tail.size();
}

// Alternates between sending what is pending and asking the source for more.
void Connection::pump() {
  for (int turns = 0; turns < 8; ++turns) {
    if (!flush()) return;
    if (source_done_) {
      source_ = nullptr;
      return message_finished();
    }
    if (!head_sent_) {
      if (!send_stream_head()) return;
      continue;
    }
    bool chunked = length_ == ResponseSource::kUnknownLength;
    size_t size = 0;
    MutBytes room(reinterpret_cast<uint8_t*>(out_.data()), out_.size());
    if (chunked) room = room.subspan(kSizeLine, out_.size() - kSizeLine - kChunkTail);
    Status status = head_only_ ? Status::kEnd : source_->produce(room, &size);
    bool end = status == Status::kEnd;
    if (!ok(status) && status != Status::kAgain && !end) return close();
    if (!chunked && (size > length_ || (end && !head_only_ && size != length_))) return close();
    if (!chunked) length_ -= size;
    out_end_ = chunked && !head_only_ ? frame_chunk(size, end) : size;
    if (end) {
      source_done_ = true;
      source_->detach();
    }
    if (status == Status::kAgain && size == 0) return await_source();
  }
  if (!is_queued()) complete(Status::kOk);
}

// False: the status is not known yet, or the client is gone.
bool Connection::send_stream_head() {
  int status = source_->http_status();
  if (status == 0) {
    await_source();
    return false;
  }
  std::array<char, kHeadRoom> text;
  TextWriter head{std::span<char>(text)};
  length_ = source_->length();
  begin_head(head, status, source_->content_type(source_type_));
  source_->write_headers(head);
  if (length_ != ResponseSource::kUnknownLength)
    head.text("Content-Length: ").decimal(length_).text("\r\n");
  end_head(head, true, 0);
  head_sent_ = true;
  return true;
}

// Nor are tokens, cookies and passwords; what of the next request came with them stays.
void Connection::wipe_taken() {
  wipe(MutBytes(in_).first(in_begin_));
  wipe(MutBytes(body_.data).first(body_.size));
  body_.size = 0;
  parser_.reset();
}

// Waits for wake(). The socket is watched only to notice that the client went away; a client that
// talks now breaks the protocol.
void Connection::await_source() {
  uint8_t probe;
  Result<size_t> got = deps_.net->try_read(socket_, {&probe, 1});
  if (got.status() != Status::kAgain) return close();
  deadline_ns_ = UINT64_MAX;
  await(Net::kReadable);
}

void Connection::message_finished() {
  if (close_after_) return close();
  wipe_taken();
  out_begin_ = out_end_ = 0;
  set_state(State::kReadHead);
  if (in_begin_ < in_end_) {
    complete(Status::kOk);
  } else {
    await(Net::kReadable);
  }
}

void Connection::tick(uint64_t now_ns) {
  if (state_ != State::kFree && now_ns >= deadline_ns_) close();
}

void Connection::close() {
  if (state_ == State::kFree) return;
  if (source_ != nullptr && !source_done_) source_->detach();
  source_ = nullptr;
  source_done_ = true;
  if (waiting_ || is_queued()) {  // Net or the ready queue still holds us: finish in step()
    closing_wait_ = true;
    deadline_ns_ = UINT64_MAX;
    state_ = State::kClosing;
    if (waiting_) deps_.net->cancel_wait(socket_, Net::kReadable | Net::kWritable);
    return;
  }
  deps_.net->close(socket_);
  socket_ = Net::kNone;
  wipe_sent();
  in_begin_ = in_.size();
  wipe_taken();
  state_ = State::kFree;
}

}  // namespace drey
