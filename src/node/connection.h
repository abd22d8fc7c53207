// One HTTP connection of the page or of the control socket: parses requests, lets a Router answer,
// writes the answer with back-pressure. Requests on one connection are answered in order.
//
// Owner: the HttpServer's static pool. Thread: loop. Nothing here survives a crash.
#pragma once

#include <array>
#include <span>

#include "base/text.h"
#include "drey/op.h"
#include "drey/ports.h"
#include "http/parser.h"
#include "node/access/scope.h"
#include "node/route_path.h"

namespace drey {

class Connection;

// Produces the body of a long or streamed answer piece by piece.
class ResponseSource {
 public:
  virtual ~ResponseSource() = default;
  // The HTTP status, once it is known: 0 = not yet, wake() will be called. Asked before produce().
  virtual int http_status() { return 200; }
  // What it is, where that depends on the status; `given`: what the handler said.
  virtual std::string_view content_type(std::string_view given) { return given; }
  // The size of the body, when it is known with the status: then it is sent as it is, and a body
  // that ends before it aborts the connection.
  static constexpr uint64_t kUnknownLength = UINT64_MAX;
  virtual uint64_t length() { return kUnknownLength; }
  // Header lines of its own, each with its CRLF; asked once the status is known.
  virtual void write_headers(TextWriter& out) { (void)out; }
  // Writes up to room.size() bytes and sets *size. kAgain: nothing (more) now, wake() will be
  // called on the connection; kOk: call again when these are sent; kEnd: the body is complete with
  // these. Anything else aborts the connection, so that the client sees a cut body, never a short
  // one.
  virtual Status produce(MutBytes room, size_t* size) = 0;
  // The client went away or the answer is done: the connection will not call again. Called once.
  virtual void detach() = 0;
};

// Takes the body of an upload as it comes. The answer begins when the body is over, or when the
// source knows a status before: then the rest of the body is not read.
class UploadBody {
 public:
  virtual ~UploadBody() = default;
  // Where the next bytes may be written at once, then filled(); empty: through take().
  virtual MutBytes room() = 0;
  virtual void filled(size_t size) = 0;
  // How many of these bytes were taken. 0: none now; wake() will be called on the connection.
  virtual size_t take(Bytes bytes) = 0;
};

struct Request {
  http::Method method = http::Method::kOther;
  const http::Parser* head = nullptr;  // the headers
  std::string_view path;               // percent-decoded, without the query
  std::string_view query;              // undecoded
  std::string_view body;               // whole; at most kRequestBodyBytesMax
  bool control = false;                // came through the control socket
  bool trusted = false;                // control socket and root or our own user
  bool lan = false;                    // came to an address that is not loopback
  Address from;                        // whose address it came from; zero on the control socket
  // Filled by Router::admit().
  Scope scope = Scope::kNone;
  size_t route = 0;
  bool upload = false;  // the handler is called at the head, and takes the body by upload()
  PathParts parts;
  std::string_view header(std::string_view lower_name) const { return head->header(lower_name); }
};

inline constexpr size_t kRequestBodyBytesMax =
    16 * 1024;                                       // control requests: 32 paths and excludes
inline constexpr size_t kResponseBytes = 32 * 1024;  // one answer in full, or a window of a stream

// How a handler answers: exactly one of these.
class Responder {
 public:
  explicit Responder(Connection* connection) : connection_(connection) {}
  // The writer for a complete body; then done().
  TextWriter& body();
  // `headers`: lines of its own, each with its CRLF.
  void done(int status, std::string_view content_type, std::string_view headers = {});
  // {"error": code, "message": text} with a status.
  void error(int status, std::string_view code, std::string_view message);
  // A streamed body of unknown length; `source` must live until detach().
  void stream(std::string_view content_type, ResponseSource* source);
  // The same, once `body` has taken the body of the request.
  void upload(std::string_view content_type, ResponseSource* source, UploadBody* body);
  Connection* connection() const { return connection_; }

 private:
  Connection* connection_;
};

class Router {
 public:
  virtual ~Router() = default;
  // Does the handler take a body of any size? Asked before admit().
  virtual bool is_upload(const Request& request) { return (void)request, false; }
  // The head is there: may its body come? False: it was refused, the answer stands.
  virtual bool admit(Request& request, Responder& responder) = 0;
  // The body is there too.
  virtual void route(const Request& request, Responder& responder) = 0;
  // May this Host header pass on a connection to `local`? (421 otherwise; not asked on the control
  // socket.)
  virtual bool host_allowed(std::string_view host, const Address& local) = 0;
};

class Connection : public Op {
 public:
  enum class State : uint8_t { kFree, kReadHead, kReadBody, kUpload, kWrite, kStream, kClosing };

  struct Deps {
    Net* net = nullptr;
    Clock* clock = nullptr;
    Router* router = nullptr;
  };
  struct Caller {
    bool control = false, trusted = false, lan = false;
    Address from;
  };
  void start(const Deps& deps, ReadyQueue* queue, Net::Socket socket, const Caller& caller);
  void step(Status status) override;
  const char* state_name() const override;
  bool free() const { return state_ == State::kFree; }
  bool control() const { return caller_.control; }
  // Waits for a request or its small body: silent, or slow. Since when, by up-time.
  bool waits_for_request() const {
    return state_ == State::kReadHead || state_ == State::kReadBody;
  }
  uint64_t request_since_ns() const { return request_since_ns_; }
  // A source has something to say.
  void wake();
  // Closes what stays silent: a head or its small body that is not whole after 10 s,
  // an upload without a byte and a blocked write after 60 s.
  void tick(uint64_t now_ns);
  void close();

 private:
  friend class Responder;
  class BodyBuffer : public http::BodySink {
   public:
    Status on_body(Bytes part) override;
    std::array<uint8_t, kRequestBodyBytesMax> data{};
    size_t size = 0;
  };

  void read_more();
  void parse();
  bool begin_request();
  void dispatch();
  void begin_upload();
  void receive();
  void answer_upload();
  void refuse(int status, std::string_view code, std::string_view message);
  // Begins the head of an answer; its handler may add lines, then end_head() puts it before the
  // body.
  void begin_head(TextWriter& head, int status, std::string_view type);
  void end_head(TextWriter& head, bool chunked, size_t length);
  void pump();
  size_t frame_chunk(size_t size, bool end);
  bool send_stream_head();
  void await_source();
  bool flush();  // true when everything pending was written
  void wipe_sent();
  void wipe_taken();
  void await(uint8_t events);
  void message_finished();
  void set_state(State state);

  Deps deps_;
  Net::Socket socket_ = Net::kNone;
  State state_ = State::kFree;
  Caller caller_;
  Request request_;
  bool waiting_ = false;       // Net holds this op as a waiter
  bool close_after_ = false;   // after the pending bytes are out
  bool closing_wait_ = false;  // close() while Net held us
  bool source_done_ = false;
  bool head_sent_ = false;  // of a streamed answer
  bool head_only_ = false;
  UploadBody* upload_ = nullptr;
  uint64_t upload_left_ = 0;                          // bytes of the body that were not taken yet
  uint64_t length_ = ResponseSource::kUnknownLength;  // of a streamed answer; what is left of it
  bool head_begun_ = false;  // its time runs from the first byte, however slowly the rest comes
  uint64_t deadline_ns_ = 0, request_since_ns_ = 0;
  http::Parser parser_{http::Parser::Type::kRequest};
  BodyBuffer body_;
  std::array<uint8_t, 4096> in_{};
  size_t in_begin_ = 0, in_end_ = 0;
  std::array<char, kResponseBytes> out_{};
  size_t out_begin_ = 0, out_end_ = 0;
  TextWriter writer_{std::span<char>()};
  ResponseSource* source_ = nullptr;
  std::string_view source_type_;
};

}  // namespace drey
