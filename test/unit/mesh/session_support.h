// Nodes with nothing but sessions, on loopback, in one loop with a clock that tests can move on.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mesh/session/sessions.h"
#include "posix/posix_platform.h"

namespace drey {

// Up-time of the platform, plus what a test adds.
struct MovableClock final : Clock {
  uint64_t up_ns() override { return real.up_ns() + added_ns; }
  int64_t wall_ns() override { return real.wall_ns(); }
  PosixClock real;
  std::atomic<uint64_t> added_ns{0};
};

struct TestLoop : Op {
  TestLoop() {
    EXPECT_EQ(platform.open(2), Status::kOk);
    bind(&ready);
  }
  ~TestLoop() override { platform.close(); }
  // Until done() holds: true. False after `seconds` of real time.
  bool run_until(std::function<bool()> done, int seconds = 20) {
    done_ = std::move(done);
    reached_ = false;
    give_up_ns_ = platform.clock.up_ns() + static_cast<uint64_t>(seconds) * Sessions::kSecondNs;
    platform.host.run(&ready, this, 5);
    return reached_;
  }
  void run_for_ms(uint64_t ms) {
    uint64_t end = platform.clock.up_ns() + ms * 1'000'000;
    run_until([&] { return platform.clock.up_ns() >= end; });
  }
  void step(Status) override {
    for (Sessions* sessions : ticked) sessions->tick(clock.up_ns());
    reached_ = done_();
    if (reached_ || platform.clock.up_ns() > give_up_ns_) platform.host.stop();
  }
  PosixPlatform platform;
  MovableClock clock;
  ReadyQueue ready;
  std::vector<Sessions*> ticked;

 private:
  std::function<bool()> done_;
  bool reached_ = false;
  uint64_t give_up_ns_ = 0;
};

struct SentOp : Op {
  void step(Status status) override {
    result = status;
    ++completions;
  }
  Status result = Status::kAgain;
  int completions = 0;
};

struct TestNode final : SessionGate, SessionHandler {
  TestNode(TestLoop* loop_, bool plain_, const KeyPair* keys = nullptr)
      : loop(loop_), plain(plain_), sessions(std::make_unique<Sessions>()) {
    if (keys != nullptr) {
      pair = *keys;
    } else {
      EXPECT_EQ(generate_key(loop->platform.random, &pair), Status::kOk);
    }
    disc.raw.fill(0x11);
    boot_id = load_le<uint64_t>(id().raw.data());
    received.resize(limits::kBulkBytesMax);
    SessionsOptions options;
    options.net = &loop->platform.net;
    options.clock = &loop->clock;
    options.random = &loop->platform.random;
    options.lanes = &loop->platform.lanes;
    options.ready = &loop->ready;
    options.gate = this;
    options.handler = this;
    options.identity = &pair;
    options.plain = plain;
    EXPECT_EQ(sessions->start(options), Status::kOk);
    Address any;
    any.ip[15] = 1;  // ::1
    EXPECT_EQ(sessions->listen(any), Status::kOk);
    loop->ticked.push_back(sessions.get());
  }
  ~TestNode() override {
    sessions->stop();
    EXPECT_TRUE(loop->run_until([&] { return sessions->stopped(); }));
    std::erase(loop->ticked, sessions.get());
  }
  NodeId id() const { return node_id(pair.pub); }
  Address address() const {
    Address at;
    at.ip[15] = 1;
    at.port = sessions->listen_port();
    return at;
  }
  Session* session_with(const TestNode& other) { return sessions->find(other.id()); }
  void befriend(TestNode& other) {
    friends.push_back(other.pair.pub);
    other.friends.push_back(pair.pub);
  }
  // A greeted session between both, begun by this node.
  bool join(TestNode& other) {
    befriend(other);
    EXPECT_EQ(sessions->connect_member(other.address(), other.id()), Status::kOk);
    return loop->run_until([&] { return session_with(other) && other.session_with(*this); });
  }

  // ---- SessionGate ----
  bool discovery_key(uint32_t number, size_t index, Secret<32>* key) override {
    if (number != 1 || index != 0) return false;
    *key = disc;
    return true;
  }
  bool newest_discovery_key(uint32_t* number, Secret<32>* key) override {
    *number = 1;
    *key = disc;
    return true;
  }
  bool is_recovery_key(const Key32& key) override { return key == recovery_id; }
  bool invitation(Invitation* to) override {
    *to = invite;
    return invite.room != 0;
  }
  void wrong_code() override {
    ++wrong_codes;
    if (invite.tries_left > 0) --invite.tries_left;
  }
  bool admit(SessionKind kind, bool initiator, uint32_t, const PublicKey& peer,
             NodeId* to) override {
    *to = node_id(peer);
    if (kind == SessionKind::kRecovery) return initiator || Key32(to->raw) == recovery_id;
    for (const PublicKey& key : friends)
      if (key == peer) return true;
    return false;
  }

  // ---- SessionHandler ----
  void on_open(Session& session) override {
    ++opened;
    last = &session;
    if (session.kind() != SessionKind::kMember || !says_hello) return;
    HelloMessage hello;
    hello.node = id();
    hello.boot_id = boot_id;
    EXPECT_EQ(session.send(hello), Status::kOk);
  }
  void on_closed(Session& session, Status why) override {
    ++closed;
    closed_why = why;
    if (last == &session) last = nullptr;
  }
  void on_message(Session& session, MessageType type, Bytes body) override {
    if (type == MessageType::kHello) {
      HelloMessage hello;
      if (HelloMessage::decode(body, &hello) != Status::kOk) return session.close(Status::kInvalid);
      static_cast<void>(session.greet(hello.boot_id));
      return;
    }
    ++messages;
    message_bytes += body.size();
    if (on_message_hook) on_message_hook(session, type, body);
  }
  MutBytes on_bulk_begin(Session& session, MessageType, Bytes, size_t size) override {
    if (refuse_bulk) return {};
    if (drop_bulk) {
      session.drop_bulk();
      return {};
    }
    EXPECT_FALSE(bulk_busy);
    bulk_busy = true;
    return MutBytes(received).first(size);
  }
  void on_bulk_end(Session& session, MessageType, Bytes, Bytes bulk, Status status) override {
    bulk_busy = false;
    bulk_status = status;
    if (ok(status)) {
      ++bulks;
      last_bulk.assign(bulk.begin(), bulk.end());
      if (on_bulk_hook) on_bulk_hook(session);
    }
  }
  void on_clone(Session&, Session&) override { ++clones; }
  void on_connect_failed(const ConnectFailure& what) override {
    ++failures;
    failure = what;
  }

  TestLoop* loop;
  bool plain;
  KeyPair pair;
  std::unique_ptr<Sessions> sessions;
  Secret<32> disc;
  std::vector<PublicKey> friends;
  Key32 recovery_id{1};
  Invitation invite;
  uint64_t boot_id = 0;
  bool says_hello = true;
  bool refuse_bulk = false;
  bool drop_bulk = false;
  bool bulk_busy = false;
  Session* last = nullptr;
  std::vector<uint8_t> received;
  std::vector<uint8_t> last_bulk;
  std::function<void(Session&, MessageType, Bytes)> on_message_hook;
  std::function<void(Session&)> on_bulk_hook;
  int opened = 0, closed = 0, messages = 0, bulks = 0, clones = 0, failures = 0, wrong_codes = 0;
  uint64_t message_bytes = 0;
  Status closed_why = Status::kOk;
  Status bulk_status = Status::kOk;
  ConnectFailure failure;
};

// A bare connection to a node: says what it likes, notes what comes back.
struct Stranger : Op {
  Stranger(TestLoop* loop_, const Address& to) : loop(loop_) {
    bind(&loop->ready);
    auto made = loop->platform.net.connect_tcp(to);
    EXPECT_TRUE(made.ok());
    socket = made.value();
    wait(Net::kWritable);
  }
  ~Stranger() override {
    leaving = true;
    if (waiting) loop->platform.net.cancel_wait(socket, Net::kReadable | Net::kWritable);
    loop->ready.run();
    loop->platform.net.close(socket);
  }
  void wait(uint8_t events) { waiting = ok(loop->platform.net.wait(socket, events, this)); }
  void step(Status) override {
    waiting = false;
    connected = true;
    if (leaving) return;
    while (!to_say.empty()) {
      auto said = loop->platform.net.try_write(socket, to_say);
      if (!said.ok()) break;
      to_say.erase(to_say.begin(), to_say.begin() + static_cast<long>(said.value()));
    }
    std::array<uint8_t, 4096> room;
    while (true) {
      auto got = loop->platform.net.try_read(socket, room);
      if (got.ok()) {
        heard.insert(heard.end(), room.begin(), room.begin() + static_cast<long>(got.value()));
      } else if (got.status() == Status::kAgain) {
        return wait(Net::kReadable);
      } else {
        closed = true;
        return;
      }
    }
  }
  void say(Bytes bytes) {
    to_say.insert(to_say.end(), bytes.begin(), bytes.end());
    if (!connected || closed) return;
    if (waiting) {
      loop->platform.net.cancel_wait(socket, Net::kReadable | Net::kWritable);
    } else if (!is_queued()) {
      complete(Status::kOk);
    }
  }
  TestLoop* loop;
  Net::Socket socket = Net::kNone;
  std::vector<uint8_t> to_say;
  std::vector<uint8_t> heard;
  bool connected = false;
  bool leaving = false;
  bool closed = false;
  bool waiting = false;
};

}  // namespace drey
