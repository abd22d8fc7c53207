// Strangers, deadlines, duplicates, clones, pairing and recovery.
#include "session_support.h"
#include "wire/plain.h"

namespace drey {
namespace {

constexpr uint64_t kSecondNs = Sessions::kSecondNs;

struct SessionRules : testing::Test {
  TestLoop loop;
};

std::vector<uint8_t> text(std::string_view from) { return {from.begin(), from.end()}; }

TEST_F(SessionRules, AStrangerGetsNotAByte) {
  TestNode node(&loop, false);
  node.invite.room = 0;
  std::vector<std::vector<uint8_t>> words;
  words.push_back(text("GET / HTTP/1.1\r\nHost: x\r\nAccept: everything there is, please\r\n\r\n"));
  words.push_back(std::vector<uint8_t>(64, 0));
  words.push_back(std::vector<uint8_t>(4096, 0xff));
  std::vector<uint8_t> client_hello = {0x16, 0x03, 0x01, 0x00, 0xc8, 0x01, 0x00, 0x00, 0xc4};
  client_hello.resize(205, 0x41);
  words.push_back(client_hello);
  for (SessionKind kind : {SessionKind::kMember, SessionKind::kPairing, SessionKind::kRecovery}) {
    Knock knock;
    knock.kind = kind;
    knock.key_number = 1;
    knock.room = 5;
    KnockBytes bytes;
    encode_knock(knock, &bytes);
    words.emplace_back(bytes.begin(), bytes.end());
  }
  for (const auto& word : words) {
    Stranger stranger(&loop, node.address());
    stranger.say(word);
    EXPECT_TRUE(loop.run_until([&] { return stranger.closed; }));
    EXPECT_TRUE(stranger.heard.empty());
  }
  EXPECT_EQ(node.sessions->counters().refused_knocks, words.size());
}

TEST_F(SessionRules, ASilentStrangerIsClosedAfterAWhile) {
  TestNode node(&loop, false);
  Stranger nothing(&loop, node.address()), half(&loop, node.address());
  half.say(std::vector<uint8_t>(63, 'D'));
  EXPECT_TRUE(loop.run_until([&] { return node.sessions->counters().accepted == 2; }));
  loop.run_for_ms(30);
  EXPECT_FALSE(nothing.closed);
  loop.clock.added_ns += Sessions::kKnockNs + kSecondNs;
  EXPECT_TRUE(loop.run_until([&] { return nothing.closed && half.closed; }));
  EXPECT_TRUE(nothing.heard.empty() && half.heard.empty());
}

TEST_F(SessionRules, AMemberThatKnocksAndFallsSilentHoldsNoTurn) {
  TestNode a(&loop, false), b(&loop, false), c(&loop, false);
  std::vector<std::unique_ptr<Stranger>> silent;
  for (size_t i = 0; i < Sessions::kPendingPerAddress - 1; ++i) {
    Knock knock;
    knock.key_number = 1;
    knock.tag = knock_tag(a.disc, knock, a.id());
    KnockBytes bytes;
    encode_knock(knock, &bytes);
    silent.push_back(std::make_unique<Stranger>(&loop, a.address()));
    silent.back()->say(bytes);
  }
  loop.run_for_ms(30);
  EXPECT_TRUE(b.join(a));
  loop.clock.added_ns += Sessions::kHandshakeNs + kSecondNs;
  EXPECT_TRUE(loop.run_until([&] { return silent.back()->closed && silent[0]->closed; }));
}

TEST_F(SessionRules, OneAddressCannotTakeAllTheRoom) {
  TestNode node(&loop, false);
  std::vector<std::unique_ptr<Stranger>> crowd;
  for (int i = 0; i < 30; ++i) crowd.push_back(std::make_unique<Stranger>(&loop, node.address()));
  EXPECT_TRUE(loop.run_until([&] { return node.sessions->counters().accepted == 30; }));
  auto open = [&] {
    size_t count = 0;
    for (auto& one : crowd) count += one->closed ? 0 : 1;
    return count;
  };
  EXPECT_TRUE(loop.run_until([&] { return open() == Sessions::kPendingPerAddress; }));
  loop.clock.added_ns += 6 * kSecondNs;
  EXPECT_TRUE(loop.run_until([&] { return open() == 0; }));
}

// ---- liveness ----

// A member that shakes hands and says HELLO without TLS, then only what the test wants.
struct Puppet {
  Puppet(TestLoop* loop, TestNode& node, const KeyPair& pair, uint64_t boot_id)
      : line(loop, node.address()) {
    Knock knock;
    knock.key_number = 1;
    knock.tag = knock_tag(node.disc, knock, node.id());
    KnockBytes bytes;
    encode_knock(knock, &bytes);
    line.say(bytes);
    std::array<uint8_t, 121> greeting{};
    std::memcpy(greeting.data(), "DRPL", 4);
    std::memcpy(&greeting[8], pair.pub.data(), pair.pub.size());
    line.say(greeting);
    HelloMessage hello;
    hello.boot_id = boot_id;
    hello.node = node_id(pair.pub);
    std::array<uint8_t, HelloMessage::kBytesMax> body;
    ByteWriter to(body);
    hello.encode(to);
    frame(MessageType::kHello, to.written());
  }
  void frame(MessageType type, Bytes body) {
    std::array<uint8_t, limits::kFrameHeaderBytes> header;
    encode_frame_header({static_cast<uint32_t>(body.size()), type, 0}, header);
    line.say(header);
    line.say(body);
  }
  // Bytes of frames heard after the handshake.
  size_t heard() const { return line.heard.size() < 121 ? 0 : line.heard.size() - 121; }
  Stranger line;
};

struct PuppetTest : SessionRules {
  PuppetTest() : node(&loop, true) {
    EXPECT_EQ(generate_key(loop.platform.random, &pair), Status::kOk);
    node.friends.push_back(pair.pub);
  }
  bool met() {
    return loop.run_until([&] { return node.sessions->find(node_id(pair.pub)) != nullptr; });
  }
  TestNode node;
  KeyPair pair;
};

TEST_F(PuppetTest, AnIdlePeerIsAskedAndASilentOneClosed) {
  Puppet puppet(&loop, node, pair, 1);
  ASSERT_TRUE(met());
  loop.run_for_ms(20);
  size_t before = puppet.heard();
  loop.clock.added_ns += Sessions::kPingNs + kSecondNs;
  EXPECT_TRUE(loop.run_until([&] { return puppet.heard() == before + 16; }));  // one PING
  loop.clock.added_ns += Sessions::kSilenceNs;
  EXPECT_TRUE(loop.run_until([&] { return node.closed == 1; }));
  EXPECT_EQ(node.closed_why, Status::kTimeout);
}

TEST_F(PuppetTest, APingIsAnswered) {
  Puppet puppet(&loop, node, pair, 1);
  ASSERT_TRUE(met());
  std::array<uint8_t, 8> nonce = {1, 2, 3, 4, 5, 6, 7, 8};
  puppet.frame(MessageType::kPing, nonce);
  auto answered = [&] {
    const auto& heard = puppet.line.heard;
    return heard.size() > 16 && equal(Bytes(heard).last(8), nonce);
  };
  EXPECT_TRUE(loop.run_until(answered));
}

TEST_F(PuppetTest, BadFramesCloseTheSession) {
  struct Bad {
    uint32_t size;
    uint16_t type;
    uint16_t third;
  };
  for (Bad bad : {Bad{0, 1, 0}, Bad{1, 2, 0}, Bad{0xffffffff, 1, 0}, Bad{1u << 31, 18, 0},
                  Bad{8, 2, 1}, Bad{8, 999, 0}, Bad{1, 67, 0}, Bad{100, 0x8001, 0},
                  Bad{0xffffffff, 0x8002, 36}, Bad{36, 0x8002, 36}}) {
    int before = node.closed;
    Puppet puppet(&loop, node, pair, 1);
    ASSERT_TRUE(met());
    std::array<uint8_t, 8> header;
    ByteWriter to(header);
    to.u32(bad.size);
    to.u16(bad.type);
    to.u16(bad.third);
    puppet.line.say(header);
    EXPECT_TRUE(loop.run_until([&] { return node.closed == before + 1 && puppet.line.closed; }))
        << bad.type << " " << bad.size;
  }
}

TEST_F(PuppetTest, NoiseNeverDoesMoreThanCloseTheSession) {
  for (int round = 0; round < 40; ++round) {
    int before = node.closed;
    Puppet puppet(&loop, node, pair, 1);
    ASSERT_TRUE(met());
    std::vector<uint8_t> noise(200 + static_cast<size_t>(round) * 7);
    ASSERT_EQ(loop.platform.random.fill(noise), Status::kOk);
    if (round % 2 == 0) noise[2] = noise[3] = noise[6] = noise[7] = 0;
    puppet.line.say(noise);
    loop.clock.added_ns += Sessions::kSilenceNs / 2;
    EXPECT_TRUE(loop.run_until([&] {
      loop.clock.added_ns += kSecondNs;
      return node.closed > before;
    }));
  }
}

TEST_F(PuppetTest, ARestartedNodeReplacesItsDeadSession) {
  Puppet dead(&loop, node, pair, 1);
  ASSERT_TRUE(met());
  uint64_t old = node.sessions->find(node_id(pair.pub))->number();
  Puppet alive(&loop, node, pair, 2);
  ASSERT_TRUE(
      loop.run_until([&] { return node.sessions->find(node_id(pair.pub))->number() != old; }));
  loop.clock.added_ns += Sessions::kProbeNs;
  EXPECT_TRUE(loop.run_until([&] { return node.closed == 1; }));
  EXPECT_EQ(node.clones, 0);
  EXPECT_EQ(node.sessions->find(node_id(pair.pub))->boot_id(), 2u);
}

TEST_F(SessionRules, TwoLivingStartsOfOneNodeAreAClone) {
  TestNode node(&loop, false);
  TestNode original(&loop, false);
  TestNode copy(&loop, false, &original.pair);
  copy.boot_id = original.boot_id + 1;
  ASSERT_TRUE(original.join(node));
  copy.befriend(node);
  ASSERT_EQ(copy.sessions->connect_member(node.address(), node.id()), Status::kOk);
  EXPECT_TRUE(loop.run_until([&] { return node.closed == 2; }));
  EXPECT_EQ(node.clones, 1);
  EXPECT_EQ(node.sessions->counters().clones, 1u);
}

// ---- duplicates ----

TEST_F(SessionRules, OfTwoCallsAtOnceTheLowerNodesStays) {
  for (int round = 0; round < 10; ++round) {
    TestNode a(&loop, round % 2 == 0), b(&loop, round % 2 == 0);
    a.befriend(b);
    ASSERT_EQ(a.sessions->connect_member(b.address(), b.id()), Status::kOk);
    ASSERT_EQ(b.sessions->connect_member(a.address(), a.id()), Status::kOk);
    auto settled = [&] {
      return a.session_with(b) && b.session_with(a) && a.sessions->open_count() == 1 &&
             b.sessions->open_count() == 1 && a.closed + a.failures >= 1 &&
             b.closed + b.failures >= 1;
    };
    EXPECT_TRUE(loop.run_until(settled));
    loop.run_for_ms(20);
    ASSERT_NE(a.session_with(b), nullptr);
    EXPECT_EQ(a.session_with(b)->binding(), b.session_with(a)->binding());
    EXPECT_EQ(a.session_with(b)->initiator(), a.id() < b.id());
  }
}

TEST_F(SessionRules, ASecondCallToAConnectedNodeIsNotMade) {
  TestNode a(&loop, true), b(&loop, true);
  a.befriend(b);
  ASSERT_EQ(a.sessions->connect_member(b.address(), b.id()), Status::kOk);
  EXPECT_EQ(a.sessions->connect_member(b.address(), b.id()), Status::kExists);
  ASSERT_TRUE(loop.run_until([&] { return a.session_with(b) && b.session_with(a); }));
  EXPECT_EQ(a.sessions->connect_member(b.address(), b.id()), Status::kExists);
  EXPECT_EQ(b.sessions->connect_member(a.address(), a.id()), Status::kExists);
}

TEST_F(SessionRules, OfTwoCallsByOneNodeTheNewerStays) {
  TestNode a(&loop, true), b(&loop, true);
  ASSERT_TRUE(a.join(b));
  uint64_t old = a.session_with(b)->number();
  ASSERT_EQ(a.sessions->connect_member(b.address(), NodeId{}), Status::kOk);
  EXPECT_TRUE(loop.run_until([&] { return a.closed == 1 && b.closed == 1; }));
  EXPECT_NE(a.session_with(b)->number(), old);
  EXPECT_EQ(a.session_with(b)->binding(), b.session_with(a)->binding());
}

// ---- pairing and recovery ----

struct PairingOn : testing::TestWithParam<bool> {
  PairingOn() : inviter(&loop, GetParam()), joiner(&loop, GetParam()) {
    inviter.invite.room = 0x1234;
    inviter.invite.tries_left = 5;
    inviter.invite.code.raw = {1, 2, 3, 4, 5, 6};
    code = inviter.invite.code;
  }
  bool settle() {
    return loop.run_until([&] { return joiner.opened + joiner.failures > 0; });
  }
  TestLoop loop;
  TestNode inviter, joiner;
  Secret<limits::kPairingCodeBytes> code;
};
INSTANTIATE_TEST_SUITE_P(Channel, PairingOn, testing::Values(false, true),
                         [](const auto& test) { return test.param ? "plain" : "tls"; });

TEST_P(PairingOn, TheRightCodeOpensASessionForPairingOnly) {
  ASSERT_EQ(joiner.sessions->connect_pairing(inviter.address(), 0x1234, code), Status::kOk);
  ASSERT_TRUE(loop.run_until([&] { return joiner.opened == 1 && inviter.opened == 1; }));
  Session* session = joiner.last;
  EXPECT_EQ(session->kind(), SessionKind::kPairing);
  EXPECT_EQ(session->binding(), inviter.last->binding());
  EXPECT_TRUE(session->peer().is_zero());
  session->set_peer(inviter.pair.pub);
  EXPECT_EQ(session->peer(), inviter.id());
  EXPECT_EQ(session->send(PairHelloMessage{.name = "attic"}), Status::kOk);
  EXPECT_EQ(session->send(GetMessage{}), Status::kInvalid);
  EXPECT_TRUE(loop.run_until([&] { return inviter.messages == 1; }));
  EXPECT_EQ(inviter.wrong_codes, 0);
}

TEST_P(PairingOn, AWrongCodeIsRefusedAndCountedOnce) {
  code.raw[3] ^= 1;
  ASSERT_EQ(joiner.sessions->connect_pairing(inviter.address(), 0x1234, code), Status::kOk);
  ASSERT_TRUE(settle());
  EXPECT_EQ(joiner.failures, 1);
  EXPECT_EQ(inviter.opened, 0);
  EXPECT_TRUE(loop.run_until([&] { return inviter.wrong_codes == 1; }));
}

TEST_P(PairingOn, AWrongRoomIsClosedAndNotCounted) {
  ASSERT_EQ(joiner.sessions->connect_pairing(inviter.address(), 0x1235, code), Status::kOk);
  ASSERT_TRUE(settle());
  EXPECT_EQ(joiner.failure.why, Status::kClosed);
  EXPECT_EQ(inviter.wrong_codes, 0);
}

TEST_P(PairingOn, TheSixthWrongCodeIsNotEvenTriedInParallel) {
  code.raw[0] ^= 1;
  auto try_four = [&] {
    for (int i = 0; i < 4; ++i)
      static_cast<void>(joiner.sessions->connect_pairing(inviter.address(), 0x1234, code));
    int before = joiner.failures;
    return loop.run_until([&] { return joiner.failures > before; });
  };
  for (int round = 0; round < 200 && inviter.wrong_codes < 5; ++round) ASSERT_TRUE(try_four());
  for (int round = 0; round < 10; ++round) ASSERT_TRUE(try_four());
  EXPECT_EQ(inviter.wrong_codes, 5);
  code.raw[0] ^= 1;  // right, but too late
  loop.run_for_ms(50);
  joiner.failures = 0;
  ASSERT_EQ(joiner.sessions->connect_pairing(inviter.address(), 0x1234, code), Status::kOk);
  ASSERT_TRUE(settle());
  EXPECT_EQ(inviter.opened, 0);
}

TEST_P(PairingOn, ARecoveryKeyOpensAndAnotherGetsNothing) {
  KeyPair recovery, wrong;
  ASSERT_EQ(generate_key(loop.platform.random, &recovery), Status::kOk);
  ASSERT_EQ(generate_key(loop.platform.random, &wrong), Status::kOk);
  inviter.recovery_id = node_id(recovery.pub).raw;
  ASSERT_EQ(joiner.sessions->connect_recovery(inviter.address(), wrong), Status::kOk);
  ASSERT_TRUE(settle());
  EXPECT_EQ(joiner.failure.why, Status::kClosed);
  EXPECT_EQ(inviter.sessions->counters().refused_knocks, 1u);
  ASSERT_EQ(joiner.sessions->connect_recovery(inviter.address(), recovery), Status::kOk);
  ASSERT_TRUE(loop.run_until([&] { return joiner.opened == 1 && inviter.opened == 1; }));
  EXPECT_EQ(inviter.last->kind(), SessionKind::kRecovery);
  EXPECT_EQ(inviter.last->peer_key(), recovery.pub);
  EXPECT_EQ(joiner.last->peer(), inviter.id());
  EXPECT_EQ(joiner.last->send(PinMessage{}), Status::kInvalid);
  EXPECT_EQ(joiner.last->send(GetMessage{}), Status::kOk);
  EXPECT_TRUE(loop.run_until([&] { return inviter.messages == 1; }));
}

}  // namespace
}  // namespace drey
