// Sessions between simulated devices: cut paths, power cuts, slow lines.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "mesh/session/sessions.h"
#include "sim/sim_world.h"

namespace drey {
namespace {

struct SimPeer final : SessionGate, SessionHandler, Op {
  SimPeer(SimWorld* world_, SimNode* node_, uint64_t boot, bool plain)
      : world(world_), node(node_) {
    boot_id = boot;
    SeedRandom keys(node->index() + 1);
    EXPECT_EQ(generate_key(keys, &pair), Status::kOk);
    received.resize(limits::kBulkBytesMax);
    bind(&ready);
    Ports ports = node->ports();
    SessionsOptions options;
    options.net = ports.net;
    options.clock = ports.clock;
    options.random = ports.random;
    options.lanes = ports.lanes;
    options.ready = &ready;
    options.gate = this;
    options.handler = this;
    options.identity = &pair;
    options.plain = plain;
    EXPECT_EQ(sessions->start(options), Status::kOk);
    EXPECT_EQ(sessions->listen(address()), Status::kOk);
    node->host.attach(&ready, this, 100);
  }
  struct SeedRandom final : Random {
    explicit SeedRandom(uint64_t seed) : rng(seed) {}
    Status fill(MutBytes to) override {
      for (uint8_t& byte : to) byte = static_cast<uint8_t>(rng.next());
      return Status::kOk;
    }
    SimRng rng;
  };
  NodeId id() const { return node_id(pair.pub); }
  Address address() const {
    Address at = node->net.address();
    at.port = 4747;
    return at;
  }
  void step(Status) override { sessions->tick(node->clock.up_ns()); }

  bool discovery_key(uint32_t, size_t index, Secret<32>*) override { return index == 0; }
  bool newest_discovery_key(uint32_t* number, Secret<32>*) override {
    *number = 1;
    return true;
  }
  bool is_recovery_key(const Key32&) override { return false; }
  bool invitation(Invitation*) override { return false; }
  void wrong_code() override {}
  bool admit(SessionKind, bool, uint32_t, const PublicKey& peer, NodeId* to) override {
    *to = node_id(peer);
    return true;
  }
  void on_open(Session& session) override {
    HelloMessage hello;
    hello.node = id();
    hello.boot_id = boot_id;
    EXPECT_EQ(session.send(hello), Status::kOk);
  }
  void on_closed(Session&, Status why) override {
    ++closed;
    closed_why = why;
  }
  void on_message(Session& session, MessageType type, Bytes body) override {
    if (type != MessageType::kHello) return;
    HelloMessage hello;
    ASSERT_EQ(HelloMessage::decode(body, &hello), Status::kOk);
    static_cast<void>(session.greet(hello.boot_id));
  }
  MutBytes on_bulk_begin(Session&, MessageType, Bytes, size_t size) override {
    return MutBytes(received).first(size);
  }
  void on_bulk_end(Session&, MessageType, Bytes, Bytes, Status status) override {
    if (ok(status)) ++bulks;
  }
  void on_clone(Session&, Session&) override { ++clones; }
  void on_connect_failed(const ConnectFailure& what) override {
    ++failures;
    failure = what;
  }

  SimWorld* world;
  SimNode* node;
  ReadyQueue ready;
  KeyPair pair;
  std::unique_ptr<Sessions> sessions = std::make_unique<Sessions>();
  std::vector<uint8_t> received;
  uint64_t boot_id = 0;
  int closed = 0, bulks = 0, clones = 0, failures = 0;
  Status closed_why = Status::kOk;
  ConnectFailure failure;
};

struct SimSessions : testing::TestWithParam<bool> {
  SimSessions() : world(7) {
    for (const char* name : {"a", "b"}) {
      SimNode& node = world.add_node(name);
      peers.push_back(std::make_unique<SimPeer>(&world, &node, node.index() + 100, GetParam()));
    }
  }
  SimPeer& a() { return *peers[0]; }
  SimPeer& b() { return *peers[1]; }
  bool meet() {
    EXPECT_EQ(a().sessions->connect_member(b().address(), b().id()), Status::kOk);
    return world.run_until(
        [&] { return a().sessions->find(b().id()) && b().sessions->find(a().id()); }, 5 * kSecond);
  }
  SimWorld world;
  std::vector<std::unique_ptr<SimPeer>> peers;
};
INSTANTIATE_TEST_SUITE_P(Channel, SimSessions, testing::Values(false, true),
                         [](const auto& test) { return test.param ? "plain" : "tls"; });

TEST_P(SimSessions, AnIdleSessionLivesForAnHour) {
  ASSERT_TRUE(meet());
  world.run_for(3600 * kSecond);
  EXPECT_EQ(a().closed + b().closed, 0);
}

TEST_P(SimSessions, ACutPathIsNoticedWithinHalfAMinute) {
  ASSERT_TRUE(meet());
  world.cut_both(*a().node, *b().node, true);
  EXPECT_TRUE(world.run_until([&] { return a().closed == 1 && b().closed == 1; }, 31 * kSecond));
  EXPECT_EQ(a().closed_why, Status::kTimeout);
}

TEST_P(SimSessions, ACallIntoACutPathTimesOut) {
  world.cut_both(*a().node, *b().node, true);
  ASSERT_EQ(a().sessions->connect_member(b().address(), b().id()), Status::kOk);
  EXPECT_TRUE(world.run_until([&] { return a().failures == 1; }, 6 * kSecond));
  EXPECT_EQ(a().failure.why, Status::kTimeout);
}

struct Counter : Op {
  void step(Status status) override {
    ++count;
    last = status;
  }
  int count = 0;
  Status last = Status::kOk;
};

TEST_P(SimSessions, ALargeBulkOverASlowLineIsNotSilence) {
  world.net.window_bytes = limits::kBulkBytesMax / 16;  // as small as the line is slow
  ASSERT_TRUE(meet());
  // Longer than the silence that ends a session, but a TLS record (16 KiB) comes in less.
  world.net.bytes_per_second = std::max<uint64_t>(limits::kBulkBytesMax / 100, 850);
  Counter sent;
  sent.bind(&a().ready);
  std::vector<uint8_t> bytes(limits::kBulkBytesMax);
  std::array<uint8_t, DataHead::kBytesMax> head{};
  Session* session = a().sessions->find(b().id());
  ASSERT_EQ(session->send_bulk(MessageType::kData, head, bytes, &sent), Status::kOk);
  EXPECT_TRUE(world.run_until([&] { return b().bulks == 1; }, 200 * kSecond));
  EXPECT_EQ(sent.count, 1);
  EXPECT_EQ(a().closed + b().closed, 0);
}

TEST_P(SimSessions, ARebootedPeerReplacesItsDeadSession) {
  ASSERT_TRUE(meet());
  SimNode* node = b().node;
  node->power_off({});
  node->power_on();
  peers[1] = std::make_unique<SimPeer>(&world, node, 555, GetParam());
  ASSERT_EQ(b().sessions->connect_member(a().address(), a().id()), Status::kOk);
  auto settled = [&] {
    Session* session = a().sessions->find(b().id());
    return session != nullptr && session->boot_id() == 555 && a().closed == 1;
  };
  EXPECT_TRUE(world.run_until(settled, 15 * kSecond));
  world.run_for(60 * kSecond);
  EXPECT_TRUE(settled());
  EXPECT_EQ(a().clones, 0);
  EXPECT_EQ(b().closed, 0);
}

TEST_P(SimSessions, BothCallingAtOnceSettleOnOneForGood) {
  for (int round = 0; round < 20; ++round) {
    ASSERT_EQ(a().sessions->connect_member(b().address(), b().id()), Status::kOk);
    ASSERT_EQ(b().sessions->connect_member(a().address(), a().id()), Status::kOk);
    world.run_for(10 * kSecond);
    ASSERT_EQ(a().sessions->open_count(), 1u);
    ASSERT_EQ(b().sessions->open_count(), 1u);
    Session* session = a().sessions->find(b().id());
    ASSERT_NE(session, nullptr);
    EXPECT_EQ(session->binding(), b().sessions->find(a().id())->binding());
    session->close(Status::kCancelled);
    world.run_for(kSecond);
    ASSERT_EQ(a().sessions->open_count() + b().sessions->open_count(), 0u);
  }
}

}  // namespace
}  // namespace drey
