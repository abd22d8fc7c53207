// Clients that mean no good, for the process tests only:
//   hostile_tcp slow HOST PORT COUNT SECONDS   COUNT connections at a time, each with one byte of a
//     request every 10 s; whoever is closed comes again. Prints the longest life of one, in ms.
//   hostile_tcp hold HOST PORT COUNT SECONDS   the same without a byte
//   hostile_tcp reset HOST PORT RATE SECONDS   RATE connects a second, each ended by a RST
//   hostile_tcp drop HOST PORT RATE SECONDS    the same, ended by a FIN after some random bytes
// The last line: "opened N closed N longest_ms N", closed: by the other side.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now().time_since_epoch())
      .count();
}

struct Figures {
  int64_t opened = 0, closed = 0, longest_ms = 0;
};

class Crowd {
 public:
  Crowd(const sockaddr_in& to, int64_t seconds) : to_(to), end_ms_(now_ms() + seconds * 1000) {}

  // One begins a connection; -1: it could not.
  int begin() const {
    int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&to_), sizeof to_) == 0 ||
        errno == EINPROGRESS)
      return fd;
    ::close(fd);
    return -1;
  }

  Figures stay(size_t count, bool talk) {
    constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ";
    std::vector<One> all(count);
    while (now_ms() < end_ms_) {
      for (One& one : all) {
        if (one.fd < 0 && now_ms() >= one.next_ms) open(one);
        if (one.fd < 0 || now_ms() < one.next_ms) continue;
        char byte = one.sent < kRequest.size() ? kRequest[one.sent] : 'x';
        if (talk && ::send(one.fd, &byte, 1, MSG_NOSIGNAL) == 1) ++one.sent;
        one.next_ms = now_ms() + (one.sent == 0 && talk ? 10 : 10'000);
      }
      ::usleep(5'000);
      for (One& one : all) look(one);
    }
    for (One& one : all)
      if (one.fd >= 0) told(one);
    return figures_;
  }

  Figures storm(int64_t rate, bool reset) {
    int64_t begin_ms = now_ms();
    std::vector<int> open;
    while (now_ms() < end_ms_) {
      while (figures_.opened < (now_ms() - begin_ms) * rate / 1000) {
        int fd = begin();
        ++figures_.opened;
        if (fd >= 0) open.push_back(fd);
      }
      ::usleep(2'000);
      // A handshake on the wire has some milliseconds, then it is torn down.
      for (size_t i = 0; open.size() > 16 && i < open.size(); ++i) end(open[i], reset);
      if (open.size() > 16) open.clear();
    }
    for (int fd : open) end(fd, reset);
    return figures_;
  }

 private:
  struct One {
    int fd = -1;
    int64_t since_ms = 0, next_ms = 0;
    size_t sent = 0;
  };
  void open(One& one) {
    one.fd = begin();
    one.sent = 0;
    one.since_ms = now_ms();
    one.next_ms = one.since_ms + (one.fd < 0 ? 250 : 0);
    if (one.fd >= 0) ++figures_.opened;
  }
  void told(const One& one) {
    figures_.longest_ms = std::max(figures_.longest_ms, now_ms() - one.since_ms);
  }
  void look(One& one) {
    if (one.fd < 0) return;
    char byte;
    ssize_t got = ::recv(one.fd, &byte, 1, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == ENOTCONN)) return;
    if (got > 0) return;  // the answer that tells it to go
    ++figures_.closed;
    told(one);
    ::close(one.fd);
    one.fd = -1;
    one.next_ms = now_ms() + 250;
  }
  void end(int fd, bool reset) {
    linger at_once{1, 0};
    if (reset) ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    if (!reset) (void)!::send(fd, "\x16\x03\x01\x02\x00\x01\x00\x01", 8, MSG_NOSIGNAL);
    ::close(fd);
  }

  sockaddr_in to_;
  int64_t end_ms_;
  Figures figures_;
};

}  // namespace

int main(int count, char** words) {
  if (count != 6) return 2;
  std::string_view mode = words[1];
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(std::atoi(words[3])));
  if (::inet_pton(AF_INET, words[2], &to.sin_addr) != 1) return 2;
  Crowd crowd(to, std::atoll(words[5]));
  int64_t number = std::atoll(words[4]);
  Figures told;
  if (mode == "slow" || mode == "hold") {
    told = crowd.stay(static_cast<size_t>(number), mode == "slow");
  } else if (mode == "reset" || mode == "drop") {
    told = crowd.storm(number, mode == "reset");
  } else {
    return 2;
  }
  std::printf("opened %lld closed %lld longest_ms %lld\n", static_cast<long long>(told.opened),
              static_cast<long long>(told.closed), static_cast<long long>(told.longest_ms));
  return 0;
}
