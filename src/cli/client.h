// HTTP over the control socket, blocking: what every command but init, run, join and recover does.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "cli/command.h"
#include "http/json.h"
#include "http/parser.h"

namespace drey::cli {

// JSON text of bytes: what is not UTF-8 becomes lone surrogates U+DC80..U+DCFF, which the daemon
// turns back into the same bytes (as Python's surrogateescape does).
std::string json_string(std::string_view bytes);
std::string json_list(const std::vector<std::string>& items);

// After catch_interruption() the first SIGINT or SIGTERM ends the stream that is being read, so
// that the caller can clean up; a second one ends the process.
void catch_interruption();
bool interrupted();

class Client {
 public:
  // `silent`: a daemon that does not answer is not told.
  explicit Client(const Context& context, bool silent = false)
      : context_(context), silent_(silent) {}
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  struct Answer {
    int status = 0;  // HTTP status; 0 = no daemon or a broken connection (the reason was told)
    std::string body;
  };
  // Sends a request and reads the whole answer (at most 16 MiB).
  Answer call(std::string_view method, std::string_view path, std::string_view body = "");
  // Sends a request; body parts of a 200 go to `part` as they come (false: stop). The returned
  // body holds the answer of any other status. A cut body gives status 0.
  Answer stream(std::string_view method, std::string_view path, std::string_view body,
                const std::function<bool(std::string_view)>& part);
  // Sends `size` bytes that `read` gives (false: it cannot) as the body, and reads the answer.
  Answer upload(std::string_view path, uint64_t size,
                const std::function<bool(char* to, size_t count)>& read);
  // The same as stream(), cut into lines.
  Answer lines(std::string_view method, std::string_view path, std::string_view body,
               const std::function<bool(std::string_view)>& line);

 private:
  bool connect();
  Answer receive(const std::function<bool(std::string_view)>& part);
  const Context& context_;
  bool silent_;
  int socket_ = -1;
};

// Tells what an answer other than 200 means, and gives the exit code for it.
int explain(const Context& context, const Client::Answer& answer);

// A parsed JSON object with easy getters.
class Object {
 public:
  explicit Object(std::string_view text) : text_(text) { valid_ = ok(json_.parse(text_)); }
  bool valid() const { return valid_; }
  const http::Json& json() const { return json_; }
  int at(std::string_view key, int object = 0) const {
    return valid_ ? json_.member(object, key) : -1;
  }
  std::string text(std::string_view key, int object = 0) const { return text_of(at(key, object)); }
  std::string text_of(int value) const;
  uint64_t number(std::string_view key, int object = 0) const {
    return json_.number(at(key, object));
  }
  bool boolean(std::string_view key, int object = 0) const {
    return json_.boolean(at(key, object));
  }

 private:
  std::string text_;
  http::Json json_;
  bool valid_ = false;
};

}  // namespace drey::cli
