#include "session_support.h"

namespace drey {
namespace {

// Every fact holds with TLS beneath and without it.
struct SessionsOn : testing::TestWithParam<bool> {
  TestLoop loop;
};
INSTANTIATE_TEST_SUITE_P(Channel, SessionsOn, testing::Values(false, true),
                         [](const auto& test) { return test.param ? "plain" : "tls"; });

TEST_P(SessionsOn, TwoMembersMeet) {
  TestNode a(&loop, GetParam()), b(&loop, GetParam());
  ASSERT_TRUE(a.join(b));
  Session* mine = a.session_with(b);
  Session* theirs = b.session_with(a);
  EXPECT_TRUE(mine->initiator());
  EXPECT_FALSE(theirs->initiator());
  EXPECT_EQ(mine->peer_key(), b.pair.pub);
  EXPECT_EQ(theirs->peer(), a.id());
  EXPECT_EQ(mine->binding(), theirs->binding());
  EXPECT_EQ(mine->kind(), SessionKind::kMember);
  EXPECT_EQ(theirs->boot_id(), a.boot_id);
  EXPECT_EQ(a.sessions->at(mine->slot()), mine);
}

TEST_P(SessionsOn, AnAddressWithoutANameIsEnoughToCall) {
  TestNode a(&loop, GetParam()), b(&loop, GetParam());
  a.befriend(b);
  ASSERT_EQ(a.sessions->connect_member(b.address(), NodeId{}), Status::kOk);
  EXPECT_TRUE(loop.run_until([&] { return a.session_with(b) != nullptr; }));
}

TEST_P(SessionsOn, ControlFramesOfAllSizesArriveInOrder) {
  TestNode a(&loop, GetParam()), b(&loop, GetParam());
  ASSERT_TRUE(a.join(b));
  std::vector<uint8_t> bytes(limits::kStatementBytesMax);
  uint64_t expected = 0;
  size_t next = 0;
  bool right = true;
  b.on_message_hook = [&](Session&, MessageType type, Bytes body) {
    right = right && type == MessageType::kStatement && body.size() == 2 + next % 3000;
    ++next;
  };
  int sent = 0;
  auto send_some = [&] {
    Session* session = a.session_with(b);
    while (sent < 500) {
      StatementMessage m;
      m.kind = 1;
      m.bytes = Bytes(bytes).first(1 + static_cast<size_t>(sent) % 3000);
      Status status = session->send(m);
      if (status == Status::kBusy) break;
      EXPECT_EQ(status, Status::kOk);
      expected += m.bytes.size() + 1;
      ++sent;
    }
    return b.messages == 500;
  };
  EXPECT_TRUE(loop.run_until(send_some));
  EXPECT_TRUE(right);
  EXPECT_EQ(b.message_bytes, expected);
}

TEST_P(SessionsOn, AFullRingSaysBusyAndLosesNothing) {
  TestNode a(&loop, GetParam()), b(&loop, GetParam());
  ASSERT_TRUE(a.join(b));
  Session* session = a.session_with(b);
  int sent = 0;
  DigestsMessage digests;
  while (session->send(digests) == Status::kOk) ++sent;
  EXPECT_EQ(session->send(digests), Status::kBusy);
  EXPECT_GE(sent, 5);
  EXPECT_TRUE(loop.run_until([&] { return b.messages == sent; }));
  EXPECT_EQ(session->send(digests), Status::kOk);
}

TEST_P(SessionsOn, SendRefusesWhatTheKindMayNotSay) {
  TestNode a(&loop, GetParam()), b(&loop, GetParam());
  ASSERT_TRUE(a.join(b));
  Session* session = a.session_with(b);
  EXPECT_EQ(session->send(PairDoneMessage{}), Status::kInvalid);
  EXPECT_EQ(session->send(MessageType::kPing, {}), Status::kInvalid);
  EXPECT_EQ(session->send(MessageType::kPut, {}), Status::kInvalid);
  SentOp op;
  std::array<uint8_t, 100> bytes{};
  EXPECT_EQ(session->send_bulk(MessageType::kGet, bytes, bytes, &op), Status::kInvalid);
  EXPECT_EQ(session->send_bulk(MessageType::kData, bytes, bytes, &op), Status::kInvalid);
}

// Sends `count` bulks of the largest size one after the other, each different.
struct BulkSender : Op {
  BulkSender(TestLoop* loop, TestNode* node_, Session* session_, int count_)
      : node(node_), session(session_), count(count_), bytes(limits::kBulkBytesMax) {
    bind(&loop->ready);
    complete(Status::kOk);
  }
  void step(Status status) override {
    if (!ok(status)) {
      failed = true;
      return;
    }
    if (sent == count) return;
    for (size_t i = 0; i < bytes.size(); i += 97) bytes[i] = static_cast<uint8_t>(sent + 1);
    DataHead head;
    head.request = static_cast<uint32_t>(sent);
    std::array<uint8_t, DataHead::kBytesMax> room;
    ByteWriter to(room);
    head.encode(to);
    EXPECT_EQ(session->send_bulk(MessageType::kData, to.written(), bytes, this), Status::kOk);
    EXPECT_EQ(session->send_bulk(MessageType::kData, to.written(), bytes, this), Status::kBusy);
    EXPECT_EQ(session->send(GetMessage{}), Status::kOk);
    ++sent;
  }
  TestNode* node;
  Session* session;
  int count;
  int sent = 0;
  bool failed = false;
  std::vector<uint8_t> bytes;
};

TEST_P(SessionsOn, LargestBulksGoBothWaysAtOnceWithoutWaitingForEachOther) {
  TestNode a(&loop, GetParam()), b(&loop, GetParam());
  ASSERT_TRUE(a.join(b));
  BulkSender from_a(&loop, &a, a.session_with(b), 6);
  BulkSender from_b(&loop, &b, b.session_with(a), 6);
  EXPECT_TRUE(loop.run_until([&] { return a.bulks == 6 && b.bulks == 6; }));
  EXPECT_EQ(a.last_bulk, from_b.bytes);
  EXPECT_EQ(b.last_bulk, from_a.bytes);
  EXPECT_EQ(a.messages, 6);
  EXPECT_EQ(b.messages, 6);
}

TEST_P(SessionsOn, ADroppedBulkLeavesTheSessionInOrder) {
  TestNode a(&loop, GetParam()), b(&loop, GetParam());
  ASSERT_TRUE(a.join(b));
  b.drop_bulk = true;
  BulkSender sender(&loop, &a, a.session_with(b), 2);
  EXPECT_TRUE(loop.run_until([&] { return b.messages == 2; }));
  EXPECT_EQ(b.bulks, 0);
  EXPECT_NE(b.session_with(a), nullptr);
}

TEST_P(SessionsOn, ABulkNobodyAskedForClosesTheSession) {
  TestNode a(&loop, GetParam()), b(&loop, GetParam());
  ASSERT_TRUE(a.join(b));
  b.refuse_bulk = true;
  BulkSender sender(&loop, &a, a.session_with(b), 1);
  EXPECT_TRUE(loop.run_until([&] { return a.closed == 1 && b.closed == 1; }));
  EXPECT_EQ(b.closed_why, Status::kInvalid);
}

TEST_P(SessionsOn, AnEndMidwayIsToldToWhoSendsAndToWhoReceives) {
  TestNode a(&loop, GetParam()), b(&loop, GetParam());
  ASSERT_TRUE(a.join(b));
  SentOp sent;
  sent.bind(&loop.ready);
  std::vector<uint8_t> bytes(limits::kBulkBytesMax);
  std::array<uint8_t, DataHead::kBytesMax> head{};
  // The receiver ends it as soon as the bulk has begun, on the first control frame behind a head.
  ASSERT_EQ(a.session_with(b)->send_bulk(MessageType::kData, head, bytes, &sent), Status::kOk);
  ASSERT_TRUE(loop.run_until([&] { return b.bulk_busy || b.bulks == 1; }));
  if (b.bulk_busy) {
    b.session_with(a)->close(Status::kCancelled);
    EXPECT_TRUE(loop.run_until([&] { return !b.bulk_busy && sent.completions == 1; }));
    EXPECT_EQ(b.bulk_status, Status::kCancelled);
    EXPECT_EQ(b.closed_why, Status::kCancelled);
  }
  a.sessions->stop();
  EXPECT_TRUE(loop.run_until([&] { return a.sessions->stopped() && b.closed == 1; }));
  EXPECT_EQ(sent.completions, 1);
  EXPECT_EQ(a.closed, 1);
}

TEST_P(SessionsOn, CloseFromWithinACallbackIsSafe) {
  TestNode a(&loop, GetParam()), b(&loop, GetParam());
  ASSERT_TRUE(a.join(b));
  b.on_message_hook = [&](Session& session, MessageType, Bytes) {
    session.close(Status::kDenied);
    session.close(Status::kIo);
    EXPECT_EQ(session.send(GetMessage{}), Status::kClosed);
  };
  for (int i = 0; i < 10; ++i) EXPECT_EQ(a.session_with(b)->send(GetMessage{}), Status::kOk);
  EXPECT_TRUE(loop.run_until([&] { return a.closed == 1 && b.closed == 1; }));
  EXPECT_EQ(b.closed_why, Status::kDenied);
  EXPECT_EQ(b.messages, 1);
}

TEST_P(SessionsOn, CloseAfterSendingLosesNothing) {
  TestNode a(&loop, GetParam()), b(&loop, GetParam());
  ASSERT_TRUE(a.join(b));
  Session* session = a.session_with(b);
  int sent = 0;
  while (session->send(DigestsMessage{}) == Status::kOk) ++sent;
  session->close_after_sending();
  EXPECT_EQ(session->send(GetMessage{}), Status::kClosed);
  EXPECT_TRUE(loop.run_until([&] { return a.closed == 1 && b.closed == 1; }));
  EXPECT_EQ(b.messages, sent);
}

TEST_P(SessionsOn, AKeyThatIsNotAdmittedNeverOpens) {
  TestNode a(&loop, GetParam()), b(&loop, GetParam());
  a.friends.push_back(b.pair.pub);  // but b does not know a
  ASSERT_EQ(a.sessions->connect_member(b.address(), b.id()), Status::kOk);
  EXPECT_TRUE(loop.run_until([&] { return a.failures + a.closed == 1; }));
  EXPECT_EQ(b.opened, 0);
}

TEST_P(SessionsOn, AnotherNodeThanTheExpectedIsRefused) {
  TestNode a(&loop, GetParam()), b(&loop, GetParam()), c(&loop, GetParam());
  a.befriend(b);
  a.befriend(c);
  ASSERT_EQ(a.sessions->connect_member(c.address(), b.id()), Status::kOk);
  EXPECT_TRUE(loop.run_until([&] { return a.failures == 1; }));
  EXPECT_EQ(a.opened + c.opened, 0);
  EXPECT_EQ(a.failure.expected, b.id());
}

TEST_P(SessionsOn, ACallerWithAnotherBeaconKeyGetsNoAnswer) {
  TestNode a(&loop, GetParam()), b(&loop, GetParam());
  a.befriend(b);
  a.disc.raw.fill(0x22);
  ASSERT_EQ(a.sessions->connect_member(b.address(), b.id()), Status::kOk);
  EXPECT_TRUE(loop.run_until([&] { return a.failures == 1; }));
  EXPECT_EQ(a.failure.why, Status::kClosed);
  EXPECT_EQ(b.sessions->counters().refused_knocks, 1u);
  EXPECT_EQ(b.opened, 0);
}

TEST_P(SessionsOn, NobodyListeningIsAFailure) {
  TestNode a(&loop, GetParam());
  Address nobody = a.address();
  nobody.port = 1;
  NodeId someone;
  someone.raw.fill(1);
  ASSERT_EQ(a.sessions->connect_member(nobody, someone), Status::kOk);
  EXPECT_TRUE(loop.run_until([&] { return a.failures == 1; }));
  EXPECT_EQ(a.failure.why, Status::kClosed);
}

// This process itself, or a clone: whoever asked for the session tells them apart by the boot id.
TEST_P(SessionsOn, WhoHasOurOwnKeyOpensASessionUnderOurOwnId) {
  TestNode a(&loop, GetParam());
  a.friends.push_back(a.pair.pub);
  ASSERT_EQ(a.sessions->connect_member(a.address(), NodeId{}), Status::kOk);
  EXPECT_TRUE(loop.run_until([&] { return a.opened == 2; }));
  EXPECT_EQ(a.failures, 0);
}

TEST_P(SessionsOn, ManyNodesMeetOne) {
  TestNode hub(&loop, GetParam());
  std::vector<std::unique_ptr<TestNode>> nodes;
  for (size_t i = 0; i < 10; ++i) nodes.push_back(std::make_unique<TestNode>(&loop, GetParam()));
  for (auto& node : nodes) node->befriend(hub);
  // Per-address limits may refuse some at first, as all come from one: they try again.
  auto all = [&] {
    bool met = true;
    for (auto& node : nodes) {
      if (node->session_with(hub) != nullptr) continue;
      met = false;
      static_cast<void>(node->sessions->connect_member(hub.address(), hub.id()));
    }
    return met && hub.sessions->open_count() == nodes.size();
  };
  EXPECT_TRUE(loop.run_until(all));
  nodes.clear();
  EXPECT_TRUE(loop.run_until([&] { return hub.sessions->open_count() == 0; }));
}

TEST_P(SessionsOn, StopEndsConnectionsInEveryState) {
  for (int turns = 0; turns < 12; ++turns) {
    TestNode a(&loop, GetParam()), b(&loop, GetParam());
    a.befriend(b);
    ASSERT_EQ(a.sessions->connect_member(b.address(), b.id()), Status::kOk);
    int count = 0;
    loop.run_until([&] { return count++ >= turns; });
    a.sessions->stop();
    EXPECT_TRUE(loop.run_until([&] { return a.sessions->stopped(); }));
    EXPECT_EQ(a.failures + a.closed, 1);
    EXPECT_EQ(a.sessions->connect_member(b.address(), b.id()), Status::kBusy);
  }
}

}  // namespace
}  // namespace drey
