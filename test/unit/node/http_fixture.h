// An HttpServer on a real socket, and clients that talk to it from a thread of their own.
#pragma once

#include "node/http_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <thread>

#include "posix/posix_platform.h"

namespace drey {
// Streams `total` bytes 'x', in pieces, with pauses that wake() ends.
class Flood : public ResponseSource {
 public:
  Status produce(MutBytes room, size_t* size) override {
    size_t part = std::min(room.size(), total - sent);
    std::fill_n(room.begin(), part, uint8_t{'x'});
    sent += part;
    *size = part;
    return sent == total ? Status::kEnd : Status::kOk;
  }
  void detach() override { ++detached; }
  size_t total = 0, sent = 0;
  int detached = 0;
};

class Stall : public ResponseSource {
 public:
  int http_status() override { return 404; }
  Status produce(MutBytes, size_t*) override { return Status::kAgain; }
  void detach() override { ++detached; }
  int detached = 0;
};

class TestRouter : public Router {
 public:
  void route(const Request& request, Responder& responder) override {
    if (request.path == "/flood") {
      flood.sent = 0;
      return responder.stream("application/octet-stream", &flood);
    }
    if (request.path == "/stall") return responder.stream("text/plain", &stall);
    responder.body().text(request.path).text("|").text(request.query).text("|").text(request.body);
    responder.done(200, "text/plain");
  }
  bool admit(Request& request, Responder& responder) override {
    if (request.path != "/closed") return true;
    responder.error(403, "denied", "not here");
    return false;
  }
  bool host_allowed(std::string_view host, const Address&) override { return host == "good"; }
  Flood flood;
  Stall stall;
};

class Ticker : public Op {
 public:
  void step(Status) override { server->tick(clock->up_ns()); }
  HttpServer* server = nullptr;
  Clock* clock = nullptr;
};

class HttpServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(platform_.open(1), Status::kOk);
    ports_ = platform_.ports();
    server_.start({&ports_, &ready_, &router_, 0});
    Address any{};
    any.ip[10] = any.ip[11] = 0xff;
    any.ip[12] = 127;
    any.ip[15] = 1;
    ASSERT_EQ(server_.listen_page(any), Status::kOk);
    port_ = server_.page_address().port;
    ASSERT_NE(port_, 0);
    ticker_.server = &server_;
    ticker_.clock = ports_.clock;
    ticker_.bind(&ready_);
  }
  void TearDown() override { platform_.close(); }

  // Runs the loop while `client` talks from a thread of its own.
  template <class Client>
  void serve(Client client) {
    std::atomic<bool> over{false};
    std::thread thread([&] {
      client();
      over = true;
    });
    class Watch : public Op {
     public:
      void step(Status) override {
        ticker->step(Status::kOk);
        if (*over) host->stop();
      }
      Ticker* ticker = nullptr;
      std::atomic<bool>* over = nullptr;
      Host* host = nullptr;
    } watch;
    watch.ticker = &ticker_;
    watch.over = &over;
    watch.host = ports_.host;
    watch.bind(&ready_);
    ports_.host->run(&ready_, &watch, 10);
    thread.join();
  }

  int connect_client() const {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port_);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    timeval limit{20, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    return fd;
  }
  static std::string read_all(int fd) {
    std::string text;
    char buffer[65536];
    for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;)
      text.append(buffer, static_cast<size_t>(n));
    return text;
  }
  std::string exchange(const std::string& request) const {
    int fd = connect_client();
    (void)!send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    std::string answer = read_all(fd);
    close(fd);
    return answer;
  }

  PosixPlatform platform_;
  Ports ports_;
  ReadyQueue ready_;
  TestRouter router_;
  HttpServer server_;
  Ticker ticker_;
  uint16_t port_ = 0;
};

}  // namespace drey
