#include "cli/client.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "base/text.h"

namespace drey::cli {
namespace {

constexpr size_t kAnswerBytesMax = 16 * 1024 * 1024;

class Forward : public http::BodySink {
 public:
  explicit Forward(const std::function<bool(std::string_view)>& part) : part_(part) {}
  Status on_body(Bytes bytes) override {
    return part_(as_text(bytes)) ? Status::kOk : Status::kCancelled;
  }

 private:
  const std::function<bool(std::string_view)>& part_;
};

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    ssize_t n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

// The length of the well-formed UTF-8 sequence at text[0], or 0.
size_t utf8_length(std::string_view text) {
  for (size_t n = 1; n <= 4 && n <= text.size(); ++n)
    if (is_utf8(text.substr(0, n))) return n;
  return 0;
}

volatile std::sig_atomic_t g_interrupted = 0;

}  // namespace

void catch_interruption() {
  struct sigaction action {};
  action.sa_handler = [](int) { g_interrupted = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // no SA_RESTART: a read that waits must end
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() { return g_interrupted != 0; }

std::string json_string(std::string_view bytes) {
  std::string out = "\"";
  char buffer[8];
  while (!bytes.empty()) {
    size_t n = utf8_length(bytes);
    auto c = static_cast<unsigned char>(bytes[0]);
    if (n == 0) {
      std::snprintf(buffer, sizeof buffer, "\\udc%02x", c);
      out += buffer;
      n = 1;
    } else if (c < 0x20 || c == '"' || c == '\\') {
      std::snprintf(buffer, sizeof buffer, "\\u%04x", c);
      out += buffer;
    } else {
      out += bytes.substr(0, n);
    }
    bytes.remove_prefix(n);
  }
  return out + "\"";
}

std::string json_list(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const std::string& item : items) out += (out.size() > 1 ? "," : "") + json_string(item);
  return out + "]";
}

Client::~Client() {
  if (socket_ >= 0) ::close(socket_);
}

bool Client::connect() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (context_.socket.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, context_.socket.c_str(), context_.socket.size() + 1);
  if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return true;
  int error = errno;
  if (silent_) return false;
  if (context_.json)
    std::printf("{\"error\":\"no_daemon\",\"message\":\"no daemon answers: %s\"}\n",
                std::strerror(error));
  if (error == EACCES || error == EPERM) {
    complain("you may not talk to the daemon of %s; try: sudo drey --dir %s ...",
             context_.dir.c_str(), context_.dir.c_str());
  } else {
    complain("no daemon answers for %s (%s); start it with: drey --dir %s run",
             context_.dir.c_str(), std::strerror(error), context_.dir.c_str());
  }
  return false;
}

Client::Answer Client::stream(std::string_view method, std::string_view path, std::string_view body,
                              const std::function<bool(std::string_view)>& part) {
  Answer answer;
  if (!connect()) return answer;
  std::string request =
      std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: drey\r\n";
  request += "Connection: close\r\n";
  if (!body.empty()) {
    request +=
        "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  }
  request += "\r\n";
  request += body;
  if (!write_all(socket_, request)) {
    complain("the daemon closed the connection");
    return answer;
  }
  return receive(part);
}

Client::Answer Client::upload(std::string_view path, uint64_t size,
                              const std::function<bool(char* to, size_t count)>& read) {
  Answer answer;
  if (!connect()) return answer;
  std::string text = "POST " + std::string(path) +
                     " HTTP/1.1\r\nHost: drey\r\nConnection: close\r\n"
                     "Content-Type: application/octet-stream\r\nContent-Length: " +
                     std::to_string(size) + "\r\n\r\n";
  bool sent = write_all(socket_, text);
  text.resize(256 * 1024);
  while (sent && size > 0 && !interrupted()) {
    size_t part = static_cast<size_t>(std::min<uint64_t>(size, text.size()));
    if (!read(text.data(), part)) return answer;
    size -= part;
    // A daemon that does not want the rest has answered: that is read below.
    sent = write_all(socket_, std::string_view(text).substr(0, part));
  }
  if (interrupted()) return answer;
  std::string body;
  answer = receive([&](std::string_view part) {
    body += part;
    return body.size() <= kAnswerBytesMax;
  });
  if (answer.status == 200) answer.body = body;
  return answer;
}

Client::Answer Client::receive(const std::function<bool(std::string_view)>& part) {
  Answer answer;
  auto parser = std::make_unique<http::Parser>(http::Parser::Type::kResponse);
  bool stopped = false;
  std::function<bool(std::string_view)> deliver = [&](std::string_view text) {
    if (parser->status_code() == 200) return !(stopped = !part(text));
    answer.body += text;
    return answer.body.size() <= kAnswerBytesMax;
  };
  Forward forward(deliver);
  parser->set_body_sink(&forward);
  std::string in(256 * 1024, '\0');
  while (!parser->message_done()) {
    ssize_t n = ::read(socket_, in.data(), in.size());
    if (n < 0 && errno == EINTR && !interrupted()) continue;
    if (interrupted()) return answer;
    if (n <= 0) break;
    Bytes left(reinterpret_cast<const uint8_t*>(in.data()), static_cast<size_t>(n));
    while (!left.empty() && !parser->message_done()) {
      Result<size_t> used = parser->feed(left);
      if (stopped) {
        answer.status = 200;
        return answer;
      }
      if (!used.ok()) {
        complain("the daemon's answer is not HTTP");
        return answer;
      }
      left = left.subspan(used.value());
    }
  }
  if (!parser->finish()) {
    complain("the daemon closed the connection before its answer was complete");
    return answer;
  }
  answer.status = parser->status_code();
  return answer;
}

Client::Answer Client::call(std::string_view method, std::string_view path, std::string_view body) {
  std::string text;
  Answer answer = stream(method, path, body, [&](std::string_view part) {
    text += part;
    return text.size() <= kAnswerBytesMax;
  });
  if (answer.status == 200) answer.body = text;
  return answer;
}

Client::Answer Client::lines(std::string_view method, std::string_view path, std::string_view body,
                             const std::function<bool(std::string_view)>& line) {
  std::string pending;
  return stream(method, path, body, [&](std::string_view part) {
    pending += part;
    for (size_t end; (end = pending.find('\n')) != std::string::npos; pending.erase(0, end + 1))
      if (!line(std::string_view(pending).substr(0, end))) return false;
    return true;
  });
}

int explain(const Context& context, const Client::Answer& answer) {
  if (answer.status == 0) return kExitError;
  if (answer.status == 200) return kExitOk;
  Object object(answer.body);
  std::string message = object.valid() ? object.text("message") : answer.body;
  if (context.json && object.valid()) std::printf("%s", answer.body.c_str());
  complain("%s",
           message.empty() ? ("HTTP " + std::to_string(answer.status)).c_str() : message.c_str());
  std::string code = object.text("error");
  if (code == "not_found" || answer.status == 404) return kExitNotFound;
  if (code == "busy" || answer.status == 409 || answer.status == 503) return kExitBusy;
  if (answer.status == 401 || answer.status == 403) {
    complain("this needs the daemon's own user or root: sudo drey --dir %s ...",
             context.dir.c_str());
    return kExitRefused;
  }
  if (code == "usage") return kExitUsage;
  return kExitError;
}

std::string Object::text_of(int value) const {
  if (value < 0) return "";
  std::string out(json_.raw(value).size() + 1, '\0');
  Result<size_t> size = json_.text(value, {reinterpret_cast<uint8_t*>(out.data()), out.size()});
  if (!size.ok()) return std::string(json_.raw(value));
  out.resize(size.value());
  return out;
}

}  // namespace drey::cli
