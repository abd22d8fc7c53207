#include "posix/uv_host.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <string>

#include "posix/posix_platform.h"

namespace drey {
namespace {

class Probe final : public Op {
 public:
  explicit Probe(ReadyQueue* queue) { bind(queue); }
  void step(Status status) override {
    ++count;
    if (then) then(status);
  }
  int count = 0;
  std::function<void(Status)> then;
};

// What a function writes to a descriptor.
std::string written_to(int fd, const std::function<void()>& write) {
  int pipe_fds[2];
  EXPECT_EQ(0, ::pipe2(pipe_fds, O_CLOEXEC));
  int saved = ::fcntl(fd, F_DUPFD_CLOEXEC, 100);
  ::dup2(pipe_fds[1], fd);
  ::close(pipe_fds[1]);
  write();
  ::dup2(saved, fd);
  ::close(saved);
  std::string text;
  char buffer[4096];
  for (ssize_t count; (count = ::read(pipe_fds[0], buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<size_t>(count));
  ::close(pipe_fds[0]);
  return text;
}

TEST(UvHost, SignalsCompleteTheirOps) {
  auto platform = std::make_unique<PosixPlatform>();
  ASSERT_EQ(Status::kOk, platform->open(1));
  ReadyQueue ready;
  Probe tick(&ready);
  Probe terminate(&ready);
  Probe reload(&ready);
  platform->host.on_terminate(&terminate);
  platform->host.on_reload(&reload);
  tick.then = [&](Status) {
    if (tick.count == 1) ::kill(::getpid(), SIGHUP);
    if (tick.count == 3) ::kill(::getpid(), SIGTERM);
    if (tick.count == 1000) platform->host.stop();
  };
  terminate.then = [&](Status) {
    if (terminate.count == 1) ::kill(::getpid(), SIGINT);
    if (terminate.count == 2) platform->host.stop();
  };
  platform->host.run(&ready, &tick, 5);
  EXPECT_EQ(1, reload.count);
  EXPECT_EQ(2, terminate.count);
  platform->close();
  platform->close();  // again is harmless
}

TEST(UvHost, LinesAreWholeAndWithoutPrefixOutsideOfTheJournal) {
  UvHost host;
  ASSERT_EQ(Status::kOk, host.open());
  EXPECT_EQ("ready\n", written_to(STDOUT_FILENO, [&] { host.print_line("ready"); }));
  EXPECT_EQ("\n", written_to(STDOUT_FILENO, [&] { host.print_line(""); }));
  EXPECT_EQ("a b\n", written_to(STDERR_FILENO, [&] { host.log_line(3, "a b"); }));
}

TEST(UvHost, LinesForTheJournalCarryTheirLevel) {
  std::string text = written_to(STDERR_FILENO, [] {
    struct stat info {};
    ASSERT_EQ(0, ::fstat(STDERR_FILENO, &info));
    std::string stream = std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino);
    ::setenv("JOURNAL_STREAM", stream.c_str(), 1);
    UvHost host;
    ASSERT_EQ(Status::kOk, host.open());
    host.log_line(3, "error");
    host.log_line(6, "info");
    ::unsetenv("JOURNAL_STREAM");
  });
  EXPECT_EQ("<3>error\n<6>info\n", text);
}

TEST(UvHost, NotifySendsOneDatagramToTheServiceManager) {
  std::string name = "/tmp/drey-notify-" + std::to_string(::getpid());
  for (const std::string& path : {name, "@" + name}) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    path.copy(at.sun_path, sizeof at.sun_path - 1);
    if (path[0] == '@') at.sun_path[0] = '\0';
    int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    ASSERT_EQ(0, ::bind(fd, reinterpret_cast<sockaddr*>(&at), size));
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
    UvHost host;
    ASSERT_EQ(Status::kOk, host.open());
    ::unsetenv("NOTIFY_SOCKET");
    host.notify("READY=1");
    char buffer[64];
    ssize_t count = ::recv(fd, buffer, sizeof buffer, 0);
    EXPECT_EQ("READY=1", std::string(buffer, count > 0 ? static_cast<size_t>(count) : 0));
    ::close(fd);
  }
  ::unlink(name.c_str());
  UvHost host;
  ASSERT_EQ(Status::kOk, host.open());
  host.notify("nobody hears this");
}

TEST(UvHost, NoDescriptorLiesBeyondTheReservedOnes) {
  UvHost host;
  ASSERT_EQ(Status::kOk, host.open());
  rlimit before{};
  ASSERT_EQ(0, ::getrlimit(RLIMIT_NOFILE, &before));
  ASSERT_EQ(Status::kOk, host.reserve_fds(300));
  EXPECT_EQ(-1, ::fcntl(0, F_DUPFD_CLOEXEC, 300));
  int last = ::fcntl(0, F_DUPFD_CLOEXEC, 299);
  EXPECT_EQ(299, last);
  ::close(last);
  // libuv's table has room for it: nothing below grows it any more.
  EXPECT_GE(host.loop()->nwatchers, 300u);
  ASSERT_EQ(0, ::setrlimit(RLIMIT_NOFILE, &before));
}

TEST(UvHost, ClosesAfterAStopThatNobodySaw) {
  UvHost host;
  ASSERT_EQ(Status::kOk, host.open());
  host.stop();
  host.close();
  ASSERT_EQ(Status::kOk, host.open());
  host.close();
}

TEST(PosixPlatform, StoreIsDirUnlessOpenedItself) {
  auto platform = std::make_unique<PosixPlatform>();
  ASSERT_EQ(Status::kOk, platform->open(1));
  EXPECT_EQ(&platform->disk, platform->ports().store);
  ASSERT_EQ(Status::kOk, platform->store.open_root("/tmp", false));
  EXPECT_EQ(&platform->store, platform->ports().store);
  platform->close();
}

TEST(UvLanes, RunsWhatIsQueuedBeforeItCloses) {
  auto platform = std::make_unique<PosixPlatform>();
  EXPECT_EQ(Status::kInvalid, platform->open(0));
  ASSERT_EQ(Status::kOk, platform->open(1));
  struct Slow final : Job {
    Status run() override {
      ::usleep(1000);
      ran = true;
      return Status::kOk;
    }
    bool ran = false;
  };
  std::array<Slow, 20> jobs;
  for (Slow& job : jobs) platform->lanes.submit(Lane::kStore, &job);
  EXPECT_EQ(20u, platform->lanes.in_flight());
  platform->close();
  for (Slow& job : jobs) EXPECT_TRUE(job.ran);
}

}  // namespace
}  // namespace drey
