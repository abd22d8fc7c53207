// What the conformance suites run against: one side's Ports with a directory of its own, and hands
// to make files the way that side needs. Every suite runs on both sides, unchanged.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "drey/ports.h"
#include "posix/posix_platform.h"
#include "sim/sim_world.h"

namespace drey::conformance {

// An op that counts and remembers.
class Probe final : public Op {
 public:
  explicit Probe(ReadyQueue* queue) { bind(queue); }
  void step(Status status) override {
    ++count;
    last = status;
    if (then) then(status);
  }
  int count = 0;
  Status last = Status::kInvalid;
  std::function<void(Status)> then;
};

class Subject {
 public:
  virtual ~Subject() = default;
  virtual Ports ports() = 0;
  // A second view of the same directory, as another process would have.
  virtual std::unique_ptr<Subject> other_process() = 0;
  virtual std::string path(const std::string& name) = 0;  // below the tree's root
  virtual bool can(const char* what) = 0;                 // "multicast6", "xattr", "holes"
  // A user's files, by path below the root.
  virtual bool make_dir(const std::string& name) = 0;
  virtual bool write_file(const std::string& name, const std::string& content) = 0;
  // `head`, then a hole up to `hole_end`, then `tail`.
  virtual bool write_sparse(const std::string& name, const std::string& head, uint64_t hole_end,
                            const std::string& tail) = 0;
  virtual bool make_symlink(const std::string& name, const std::string& target) = 0;
  virtual bool make_hardlink(const std::string& name, const std::string& existing) = 0;
  virtual bool make_fifo(const std::string& name) = 0;
  virtual bool set_xattr(const std::string& name, const std::string& key,
                         const std::string& value) = 0;
  // `levels` directories named "d" inside each other, a file "leaf" in the innermost.
  virtual bool make_deep(int levels) = 0;

  ReadyQueue ready;
  // Runs the loop until done() holds; false after 10 s (of the side's own time).
  bool run_until(const std::function<bool()>& done) {
    Host* host = ports().host;
    Probe tick(&ready);
    bool held = false;
    tick.then = [&](Status) {
      held = done();
      if (held || tick.count > 2000) host->stop();
    };
    host->run(&ready, &tick, 5);
    return held || done();
  }
  // Lets a few turns pass, to see that something does not happen.
  void run_ticks(int count) {
    (void)run_until([&count] { return count-- <= 0; });
  }
};

// ---- the real side ----

class RealSubject final : public Subject {
 public:
  RealSubject() {
    // In memory where possible: a thousand directories on a busy card take seconds.
    const char* base = ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    root_ = std::string(base) + "/drey-conformance-XXXXXX";
    EXPECT_NE(nullptr, ::mkdtemp(root_.data()));
    owns_root_ = true;
    open();
    EXPECT_TRUE(ok(platform_->disk.open_root(root_ + "/disk", true)));
    EXPECT_EQ(0, ::mkdir((root_ + "/tree").c_str(), 0755));
  }
  explicit RealSubject(const std::string& root) : root_(root) {
    open();
    EXPECT_TRUE(ok(platform_->disk.open_root(root_ + "/disk", false)));
  }
  ~RealSubject() override {
    platform_->close();
    if (owns_root_) {
      EXPECT_EQ(0, std::system(("rm -rf '" + root_ + "'").c_str()));
    }
  }
  Ports ports() override { return platform_->ports(); }
  std::unique_ptr<Subject> other_process() override { return std::make_unique<RealSubject>(root_); }
  std::string path(const std::string& name) override {
    return root_ + "/tree" + (name.empty() ? "" : "/" + name);
  }
  bool can(const char* what) override {
    std::string asked = what;
    if (asked == "xattr") {
      return write_file("probe", "") && set_xattr("probe", "user.probe", "1") &&
             ::unlink(path("probe").c_str()) == 0;
    }
    return true;
  }
  bool make_dir(const std::string& name) override { return ::mkdir(path(name).c_str(), 0755) == 0; }
  bool write_file(const std::string& name, const std::string& content) override {
    return write_sparse(name, content, 0, "");
  }
  bool write_sparse(const std::string& name, const std::string& head, uint64_t hole_end,
                    const std::string& tail) override {
    int fd = ::open(path(name).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) return false;
    bool good = ::pwrite(fd, head.data(), head.size(), 0) == static_cast<ssize_t>(head.size()) &&
                ::pwrite(fd, tail.data(), tail.size(), static_cast<off_t>(hole_end)) ==
                    static_cast<ssize_t>(tail.size());
    ::close(fd);
    return good;
  }
  bool make_symlink(const std::string& name, const std::string& target) override {
    return ::symlink(target.c_str(), path(name).c_str()) == 0;
  }
  bool make_hardlink(const std::string& name, const std::string& existing) override {
    return ::link(path(existing).c_str(), path(name).c_str()) == 0;
  }
  bool make_fifo(const std::string& name) override {
    return ::mkfifo(path(name).c_str(), 0600) == 0;
  }
  bool set_xattr(const std::string& name, const std::string& key,
                 const std::string& value) override {
    return ::lsetxattr(path(name).c_str(), key.c_str(), value.data(), value.size(), 0) == 0;
  }
  bool make_deep(int levels) override {
    int fd = ::open(path("").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < levels && fd >= 0; ++i) {
      int next = ::mkdirat(fd, "d", 0755) == 0
                     ? ::openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                     : -1;
      ::close(fd);
      fd = next;
    }
    if (fd < 0) return false;
    int leaf = ::openat(fd, "leaf", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    ::close(fd);
    return leaf >= 0 && ::close(leaf) == 0;
  }

 private:
  void open() {
    platform_ = std::make_unique<PosixPlatform>();
    EXPECT_TRUE(ok(platform_->open(2)));
    platform_->net.set_silent_seconds(0);  // nearly all of the callers here are silent
  }
  std::string root_;
  bool owns_root_ = false;
  std::unique_ptr<PosixPlatform> platform_;
};

// ---- the simulated side ----

class SimSubject final : public Subject {
 public:
  SimSubject() : owned_(std::make_unique<SimWorld>(1)), world_(owned_.get()) {
    world_->add_node("a");
    node_ = &world_->node(0);
    EXPECT_TRUE(node_->tree.make_dir("/tree"));
  }
  explicit SimSubject(SimWorld* world) : world_(world), node_(&world->node(0)) {}
  Ports ports() override { return node_->ports(); }
  std::unique_ptr<Subject> other_process() override { return std::make_unique<SimSubject>(world_); }
  std::string path(const std::string& name) override {
    return "/tree" + (name.empty() ? "" : "/" + name);
  }
  bool can(const char*) override { return true; }
  bool make_dir(const std::string& name) override { return node_->tree.make_dir(path(name)); }
  bool write_file(const std::string& name, const std::string& content) override {
    return node_->tree.write_file(path(name), content);
  }
  bool write_sparse(const std::string& name, const std::string& head, uint64_t hole_end,
                    const std::string& tail) override {
    std::string content = head;
    content.resize(hole_end);
    if (!node_->tree.write_file(path(name), content + tail)) return false;
    // Holes are made of whole blocks, as on the real side.
    uint64_t begin = (head.size() + 4095) / 4096 * 4096;
    return node_->tree.punch_hole(path(name), begin, hole_end / 4096 * 4096);
  }
  bool make_symlink(const std::string& name, const std::string& target) override {
    return node_->tree.make_symlink(path(name), target);
  }
  bool make_hardlink(const std::string& name, const std::string& existing) override {
    return node_->tree.make_hardlink(path(name), path(existing));
  }
  bool make_fifo(const std::string& name) override {
    return node_->tree.make_special(path(name), FileKind::kFifo);
  }
  bool set_xattr(const std::string& name, const std::string& key,
                 const std::string& value) override {
    return node_->tree.set_xattr(path(name), key, value);
  }
  bool make_deep(int levels) override {
    std::string deep = path("");
    for (int i = 0; i < levels; ++i) deep += "/d";
    return node_->tree.write_file(deep + "/leaf", "");
  }

 private:
  std::unique_ptr<SimWorld> owned_;
  SimWorld* world_;
  SimNode* node_;
};

enum class Side { kReal, kSim };

inline std::string side_name(const testing::TestParamInfo<Side>& info) {
  return info.param == Side::kReal ? "Real" : "Sim";
}

class Suite : public testing::TestWithParam<Side> {
 protected:
  void SetUp() override {
    if (GetParam() == Side::kReal) {
      subject = std::make_unique<RealSubject>();
    } else {
      subject = std::make_unique<SimSubject>();
    }
    ports = subject->ports();
  }
  std::unique_ptr<Subject> subject;
  Ports ports;
};

// A network namespace of our own with nothing but a loopback, so that multicast stays in here.
// False where neither root nor user namespaces allow it.
inline bool isolate_network() {
  if (::unshare(CLONE_NEWNET) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
  int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  bool up = ::ioctl(fd, SIOCGIFFLAGS, &request) == 0;
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP | IFF_MULTICAST);
  up = up && ::ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  ::close(fd);
  // The kernel sends no IPv6 multicast over a loopback; a pair of virtual cards takes it. Without
  // the tool or the right the IPv6 half of a test is left out.
  constexpr const char* kPair =
      "(echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad;"
      " ip link add drey0 type veth peer name drey1 && ip link set drey1 up && ip link set drey0 "
      "up)"
      " >/dev/null 2>&1";
  (void)!std::system(kPair);
  return up;
}

// True once some card has a link-local IPv6 address (a moment after it is up).
inline bool has_link_local() {
  for (int i = 0; i < 20; ++i) {
    if (std::system("grep -q '^fe80' /proc/net/if_inet6 2>/dev/null") == 0) return true;
    ::usleep(50000);
  }
  return false;
}

}  // namespace drey::conformance

#define DREY_CONFORMANCE(suite)                                                                    \
  INSTANTIATE_TEST_SUITE_P(                                                                        \
      , suite, testing::Values(::drey::conformance::Side::kReal, ::drey::conformance::Side::kSim), \
      ::drey::conformance::side_name)
