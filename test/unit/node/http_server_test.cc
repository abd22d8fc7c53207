// What slow, huge and impolite clients get, over real sockets.
#include <chrono>

#include "unit/node/http_fixture.h"

namespace drey {
namespace {

TEST_F(HttpServerTest, AnswersAndPipelines) {
  std::string answer;
  serve([&] {
    answer = exchange(
        "POST /a%20b?q=1 HTTP/1.1\r\nHost: good\r\nContent-Length: 3\r\n\r\nxyz"
        "GET /second HTTP/1.1\r\nHost: good\r\nConnection: close\r\n\r\n");
  });
  EXPECT_NE(answer.find("200 OK"), std::string::npos);
  EXPECT_NE(answer.find("/a b|q=1|xyz"), std::string::npos);
  EXPECT_NE(answer.find("/second||"), std::string::npos);
}

TEST_F(HttpServerTest, WhoIsNotLetInGetsItsAnswerBeforeItsBody) {
  std::string answer;
  serve([&] {
    int fd = connect_client();
    std::string head = "POST /closed HTTP/1.1\r\nHost: good\r\nContent-Length: 10\r\n\r\n";
    (void)!send(fd, head.data(), head.size(), MSG_NOSIGNAL);
    answer = read_all(fd);  // ends: nobody waits for the ten bytes
    close(fd);
  });
  EXPECT_EQ(answer.find("HTTP/1.1 403"), 0u) << answer;
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
}

TEST_F(HttpServerTest, WhoHoldsEveryConnectionOfThePageDoesNotSilenceTheControlSocket) {
  std::string path = "/tmp/drey-http-" + std::to_string(getpid()) + ".sock";
  ASSERT_EQ(server_.listen_control(path), Status::kOk);
  std::string answer;
  serve([&] {
    std::vector<int> idle;
    for (size_t i = 0; i < limits::kHttpConnectionsMax + 8; ++i) idle.push_back(connect_client());
    usleep(200'000);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    path.copy(to.sun_path, sizeof to.sun_path - 1);
    timeval limit{10, 0};  // shorter than the time after which idle connections are closed
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    std::string request = "GET /x HTTP/1.1\r\nHost: drey\r\nConnection: close\r\n\r\n";
    (void)!send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    answer = read_all(fd);
    close(fd);
    for (int one : idle) close(one);
  });
  unlink(path.c_str());
  EXPECT_NE(answer.find("200 OK"), std::string::npos);
}

// Each of them has begun a request, every other one its body too, and says nothing more.
TEST_F(HttpServerTest, WhoeverIsSilentLongestGivesWayToANewCaller) {
  size_t served = 0;
  auto begin = std::chrono::steady_clock::now();
  serve([&] {
    std::vector<int> silent;
    for (size_t i = 0; i < 60; ++i) {
      silent.push_back(connect_client());
      std::string begun = i % 2 == 0
                              ? "GET / HT"
                              : "POST /x HTTP/1.1\r\nHost: good\r\nContent-Length: 9\r\n\r\nabc";
      (void)!send(silent.back(), begun.data(), begun.size(), MSG_NOSIGNAL);
      if (i % 6 != 5) continue;
      std::string answer = exchange("GET /x HTTP/1.1\r\nHost: good\r\nConnection: close\r\n\r\n");
      served += answer.find("200 OK") != std::string::npos ? 1 : 0;
    }
    for (int fd : silent) close(fd);
  });
  EXPECT_EQ(served, 10u);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(8)) << "of ten each has";
}

TEST_F(HttpServerTest, StreamsMegabytesWithinItsBuffer) {
  router_.flood.total = 8 << 20;
  std::string answer;
  serve(
      [&] { answer = exchange("GET /flood HTTP/1.1\r\nHost: good\r\nConnection: close\r\n\r\n"); });
  EXPECT_GT(answer.size(), router_.flood.total);
  EXPECT_TRUE(answer.ends_with("\r\n0\r\n\r\n"));
  std::string body = answer.substr(answer.find("\r\n\r\n") + 4);
  EXPECT_EQ(body.find('\0'), std::string::npos);
  EXPECT_EQ(static_cast<size_t>(std::count(body.begin(), body.end(), 'x')), router_.flood.total);
  EXPECT_EQ(router_.flood.detached, 1);
}

TEST_F(HttpServerTest, ClientThatLeavesDetachesItsSource) {
  serve([&] {
    int fd = connect_client();
    std::string request = "GET /stall HTTP/1.1\r\nHost: good\r\n\r\n";
    (void)!send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    // Whoever is answered came after what was sent or closed before it.
    (void)exchange("GET /a HTTP/1.1\r\nHost: good\r\nConnection: close\r\n\r\n");
    close(fd);
    (void)exchange("GET /b HTTP/1.1\r\nHost: good\r\nConnection: close\r\n\r\n");
  });
  EXPECT_EQ(router_.stall.detached, 1);
  EXPECT_EQ(server_.open_count(), 0u);
}

TEST_F(HttpServerTest, MoreClientsThanConnectionsAreServedInTurn) {
  constexpr size_t kClients = limits::kHttpConnectionsMax + 8;
  size_t served = 0;
  serve([&] {
    std::vector<int> fds;
    std::string request = "GET /x HTTP/1.1\r\nHost: good\r\nConnection: close\r\n\r\n";
    for (size_t i = 0; i < kClients; ++i) {
      fds.push_back(connect_client());
      (void)!send(fds.back(), request.data(), request.size(), MSG_NOSIGNAL);
    }
    for (int fd : fds) {
      served += read_all(fd).find("200 OK") != std::string::npos ? 1 : 0;
      close(fd);
    }
  });
  EXPECT_EQ(served, kClients);
}

}  // namespace
}  // namespace drey
