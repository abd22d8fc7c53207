#include "conformance/subject.h"

namespace drey::conformance {
namespace {

// Before any thread of this program starts.
const bool kIsolated = isolate_network();

Address ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port) {
  Address address;
  address.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d};
  address.port = port;
  return address;
}

class NetConformance : public Suite {
 protected:
  void SetUp() override {
    Suite::SetUp();
    net = ports.net;
  }
  // A listener on a free port of the loopback and where it is.
  Net::Socket listen(Address* at) {
    Result<Net::Socket> listener = net->listen_tcp(ipv4(127, 0, 0, 1, 0));
    EXPECT_EQ(Status::kOk, listener.status());
    *at = net->local_address(listener.value()).value();
    EXPECT_NE(0, at->port);
    return listener.value();
  }
  // Waits for one event; its status.
  Status wait(Net::Socket socket, uint8_t events) {
    Probe probe(&subject->ready);
    EXPECT_EQ(Status::kOk, net->wait(socket, events, &probe));
    EXPECT_TRUE(subject->run_until([&] { return probe.count > 0; }));
    return probe.last;
  }
  Net::Socket accept(Net::Socket listener, Address* from = nullptr) {
    EXPECT_EQ(Status::kOk, wait(listener, Net::kReadable));
    Result<Net::Socket> socket = net->accept(listener, from);
    EXPECT_EQ(Status::kOk, socket.status());
    return socket.ok() ? socket.value() : Net::kNone;
  }
  struct Pair {
    Net::Socket client = Net::kNone;
    Net::Socket server = Net::kNone;
  };
  Pair connect() {
    Address at;
    Net::Socket listener = listen(&at);
    Pair pair;
    pair.client = net->connect_tcp(at).value();
    EXPECT_EQ(Status::kOk, wait(pair.client, Net::kWritable));
    EXPECT_EQ(Status::kOk, net->connect_result(pair.client));
    pair.server = accept(listener);
    net->close(listener);
    return pair;
  }
  void close(const Pair& pair) {
    net->close(pair.client);
    net->close(pair.server);
  }
  // Reads until `size` bytes are there or the stream ends.
  std::string read(Net::Socket socket, size_t size) {
    std::string got;
    std::array<uint8_t, 16384> buffer;
    while (got.size() < size) {
      Result<size_t> count = net->try_read(socket, buffer);
      if (count.status() == Status::kAgain) {
        if (wait(socket, Net::kReadable) != Status::kOk) break;
        continue;
      }
      if (!count.ok()) break;
      EXPECT_GT(count.value(), 0u);
      got += as_text(Bytes(buffer).first(count.value()));
    }
    return got;
  }
  void write(Net::Socket socket, std::string_view text) {
    Result<size_t> count = net->try_write(socket, as_bytes(text));
    ASSERT_EQ(Status::kOk, count.status());
    ASSERT_EQ(text.size(), count.value());
  }
  Net* net = nullptr;
};

TEST_P(NetConformance, BytesArriveInBothDirections) {
  Pair pair = connect();
  write(pair.client, "question");
  EXPECT_EQ("question", read(pair.server, 8));
  write(pair.server, "answer");
  EXPECT_EQ("answer", read(pair.client, 6));
  close(pair);
}

TEST_P(NetConformance, NothingToReadOrAcceptIsAgain) {
  Address at;
  Net::Socket listener = listen(&at);
  EXPECT_EQ(Status::kAgain, net->accept(listener, nullptr).status());
  net->close(listener);
  Pair pair = connect();
  std::array<uint8_t, 4> buffer;
  EXPECT_EQ(Status::kAgain, net->try_read(pair.client, buffer).status());
  EXPECT_EQ(Status::kInvalid, net->try_read(pair.client, {}).status());
  EXPECT_EQ(Status::kInvalid, net->try_write(pair.client, {}).status());
  close(pair);
}

TEST_P(NetConformance, AcceptTellsWhoConnected) {
  Address at;
  Net::Socket listener = listen(&at);
  Net::Socket client = net->connect_tcp(at).value();
  Address from;
  Net::Socket server = accept(listener, &from);
  EXPECT_EQ(net->local_address(client).value(), from);
  EXPECT_EQ(at, net->local_address(server).value());
  EXPECT_EQ(Status::kUnsupported, net->peer_uid(server).status());
  net->close(client);
  net->close(server);
  net->close(listener);
}

TEST_P(NetConformance, AListenerOnTheAnyAddressHearsIpv4) {
  Result<Net::Socket> listener = net->listen_tcp(Address());
  ASSERT_EQ(Status::kOk, listener.status());
  Address at = ipv4(127, 0, 0, 1, net->local_address(listener.value()).value().port);
  Net::Socket client = net->connect_tcp(at).value();
  Address from;
  Net::Socket server = accept(listener.value(), &from);
  EXPECT_EQ(at.ip, from.ip);  // v4-mapped
  net->close(client);
  net->close(server);
  net->close(listener.value());
}

TEST_P(NetConformance, TwoListenersCannotShareAPort) {
  Address at;
  Net::Socket listener = listen(&at);
  EXPECT_EQ(Status::kExists, net->listen_tcp(at).status());
  net->close(listener);
  Result<Net::Socket> again = net->listen_tcp(at);
  EXPECT_EQ(Status::kOk, again.status());
  net->close(again.value());
  EXPECT_EQ(Status::kNotFound, net->listen_tcp(ipv4(192, 0, 2, 77, 0)).status());
}

TEST_P(NetConformance, ConnectingWhereNobodyListensIsClosed) {
  Address at;
  net->close(listen(&at));
  Result<Net::Socket> client = net->connect_tcp(at);
  ASSERT_EQ(Status::kOk, client.status());
  EXPECT_EQ(Status::kOk, wait(client.value(), Net::kWritable));
  EXPECT_EQ(Status::kClosed, net->connect_result(client.value()));
  net->close(client.value());
}

TEST_P(NetConformance, AFullPathIsAgainUntilThePeerReads) {
  Pair pair = connect();
  std::string block(16384, 'b');
  size_t sent = 0;
  Result<size_t> count = net->try_write(pair.client, as_bytes(block));
  for (; count.ok(); count = net->try_write(pair.client, as_bytes(block))) sent += count.value();
  EXPECT_EQ(Status::kAgain, count.status());
  EXPECT_GT(sent, 0u);
  Probe writable(&subject->ready);
  ASSERT_EQ(Status::kOk, net->wait(pair.client, Net::kWritable, &writable));
  subject->run_ticks(20);
  EXPECT_EQ(0, writable.count);
  EXPECT_EQ(sent, read(pair.server, sent).size());
  EXPECT_TRUE(subject->run_until([&] { return writable.count == 1; }));
  EXPECT_EQ(Status::kOk, writable.last);
  close(pair);
}

TEST_P(NetConformance, AClosedPeerEndsTheStreamAfterItsBytes) {
  Pair pair = connect();
  write(pair.server, "last words");
  net->close(pair.server);
  EXPECT_EQ("last words", read(pair.client, 100));
  std::array<uint8_t, 4> buffer;
  EXPECT_EQ(Status::kClosed, net->try_read(pair.client, buffer).status());
  // The first write may still be taken; the answer to it says that nobody is there.
  (void)net->try_write(pair.client, as_bytes("x"));
  subject->run_ticks(20);
  EXPECT_EQ(Status::kClosed, net->try_write(pair.client, as_bytes("x")).status());
  net->close(pair.client);
}

TEST_P(NetConformance, ShutdownEndsOneDirectionOnly) {
  Pair pair = connect();
  write(pair.client, "request");
  net->shutdown_write(pair.client);
  EXPECT_EQ("request", read(pair.server, 100));
  write(pair.server, "reply");
  EXPECT_EQ("reply", read(pair.client, 5));
  EXPECT_EQ(Status::kClosed, net->try_write(pair.client, as_bytes("x")).status());
  close(pair);
}

TEST_P(NetConformance, AWaitIsOneShot) {
  Pair pair = connect();
  Probe probe(&subject->ready);
  ASSERT_EQ(Status::kOk, net->wait(pair.server, Net::kReadable, &probe));
  subject->run_ticks(10);
  EXPECT_EQ(0, probe.count);
  write(pair.client, "a");
  ASSERT_TRUE(subject->run_until([&] { return probe.count == 1; }));
  EXPECT_EQ(Status::kOk, probe.last);
  write(pair.client, "b");
  subject->run_ticks(20);
  EXPECT_EQ(1, probe.count);
  // What is there already completes the next wait.
  ASSERT_EQ(Status::kOk, net->wait(pair.server, Net::kReadable, &probe));
  EXPECT_TRUE(subject->run_until([&] { return probe.count == 2; }));
  close(pair);
}

TEST_P(NetConformance, AnOpMayWaitAgainWhileItIsStepped) {
  Pair pair = connect();
  Probe probe(&subject->ready);
  std::array<uint8_t, 1> one;
  std::string got;
  probe.then = [&](Status) {
    Result<size_t> count = net->try_read(pair.server, one);
    if (count.ok()) got.push_back(static_cast<char>(one[0]));
    if (got.size() == 5) return;
    EXPECT_EQ(Status::kOk, net->wait(pair.server, Net::kReadable, &probe));
  };
  ASSERT_EQ(Status::kOk, net->wait(pair.server, Net::kReadable, &probe));
  write(pair.client, "abcde");
  EXPECT_TRUE(subject->run_until([&] { return got == "abcde"; }));
  close(pair);
}

TEST_P(NetConformance, CancelledWaitersAreTold) {
  Pair pair = connect();
  Probe reader(&subject->ready);
  ASSERT_EQ(Status::kOk, net->wait(pair.client, Net::kReadable, &reader));
  net->cancel_wait(pair.client, Net::kWritable);
  subject->run_ticks(5);
  EXPECT_EQ(0, reader.count);
  net->cancel_wait(pair.client, Net::kReadable);
  net->cancel_wait(pair.client, Net::kReadable);
  ASSERT_TRUE(subject->run_until([&] { return reader.count > 0; }));
  EXPECT_EQ(Status::kCancelled, reader.last);
  write(pair.server, "x");
  subject->run_ticks(10);
  EXPECT_EQ(1, reader.count);
  close(pair);
}

TEST_P(NetConformance, ReaderAndWriterOfOneSocketWaitApart) {
  Pair pair = connect();
  Probe reader(&subject->ready);
  Probe writer(&subject->ready);
  ASSERT_EQ(Status::kOk, net->wait(pair.client, Net::kReadable, &reader));
  ASSERT_EQ(Status::kOk, net->wait(pair.client, Net::kWritable, &writer));
  ASSERT_TRUE(subject->run_until([&] { return writer.count == 1; }));
  EXPECT_EQ(0, reader.count);
  write(pair.server, "x");
  ASSERT_TRUE(subject->run_until([&] { return reader.count == 1; }));
  EXPECT_EQ(1, writer.count);
  close(pair);
}

TEST_P(NetConformance, OneOpForBothDirectionsIsToldOnce) {
  Pair pair = connect();
  write(pair.server, "x");
  subject->run_ticks(10);
  Probe probe(&subject->ready);
  ASSERT_EQ(Status::kOk, net->wait(pair.client, Net::kReadable | Net::kWritable, &probe));
  ASSERT_TRUE(subject->run_until([&] { return probe.count > 0; }));
  subject->run_ticks(10);
  EXPECT_EQ(1, probe.count);
  // Both directions are free again.
  EXPECT_EQ(Status::kOk, wait(pair.client, Net::kReadable));
  EXPECT_EQ(Status::kOk, wait(pair.client, Net::kWritable));
  close(pair);
}

TEST_P(NetConformance, ManySocketsWaitAtOnce) {
  Address at;
  Net::Socket listener = listen(&at);
  std::vector<Pair> pairs(30);
  std::vector<std::unique_ptr<Probe>> probes;
  for (Pair& pair : pairs) {
    pair.client = net->connect_tcp(at).value();
    pair.server = accept(listener);
    probes.push_back(std::make_unique<Probe>(&subject->ready));
    ASSERT_EQ(Status::kOk, net->wait(pair.server, Net::kReadable, probes.back().get()));
  }
  for (size_t i = 0; i < pairs.size(); i += 2) write(pairs[i].client, "x");
  auto told = [&] {
    int sum = 0;
    for (auto& probe : probes) sum += probe->count;
    return sum;
  };
  EXPECT_TRUE(subject->run_until([&] { return told() == 15; }));
  for (size_t i = 0; i < pairs.size(); ++i) EXPECT_EQ(i % 2 == 0 ? 1 : 0, probes[i]->count);
  for (Pair& pair : pairs) net->cancel_wait(pair.server, Net::kReadable | Net::kWritable);
  subject->run_ticks(2);
  for (Pair& pair : pairs) close(pair);
  net->close(listener);
}

TEST_P(NetConformance, SocketsAreLimitedAndReturned) {
  std::vector<Net::Socket> sockets;
  Result<Net::Socket> next = net->listen_tcp(ipv4(127, 0, 0, 1, 0));
  for (; next.ok(); next = net->listen_tcp(ipv4(127, 0, 0, 1, 0))) sockets.push_back(next.value());
  EXPECT_EQ(Status::kBusy, next.status());
  EXPECT_EQ(256u, sockets.size());
  for (Net::Socket socket : sockets) net->close(socket);
  subject->run_ticks(2);
  close(connect());
}

TEST_P(NetConformance, UnixSocketsTellThePeersUser) {
  std::string path = subject->path("socket");
  EXPECT_EQ(Status::kNotFound, net->connect_unix(path).status());
  Result<Net::Socket> listener = net->listen_unix(path, 0660);
  ASSERT_EQ(Status::kOk, listener.status());
  Pair pair;
  pair.client = net->connect_unix(path).value();
  pair.server = accept(listener.value());
  // Somebody answers, so the file is not stale. (To find out costs the listener a connection.)
  EXPECT_EQ(Status::kExists, net->listen_unix(path, 0660).status());
  Result<uint32_t> uid = net->peer_uid(pair.server);
  ASSERT_EQ(Status::kOk, uid.status());
  EXPECT_EQ(GetParam() == Side::kReal ? ::geteuid() : 0u, uid.value());
  write(pair.client, "status");
  EXPECT_EQ("status", read(pair.server, 6));
  close(pair);
  net->close(listener.value());
  // The file is stale now: nobody answers, and a new listener takes it over.
  EXPECT_EQ(Status::kClosed, net->connect_unix(path).status());
  listener = net->listen_unix(path, 0600);
  ASSERT_EQ(Status::kOk, listener.status());
  net->close(listener.value());
  EXPECT_EQ(Status::kTooLarge, net->listen_unix(std::string(108, 'p'), 0600).status());
  EXPECT_EQ(Status::kInvalid, net->connect_unix("").status());
}

TEST_P(NetConformance, EverySocketOfAGroupHearsADatagram) {
  if (!kIsolated) GTEST_SKIP() << "no network namespace: multicast would leave this machine";
  Address group4 = ipv4(239, 83, 7, 1, 42424);
  Address group6;
  group6.ip = {0xff, 0x12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x53, 0x07};
  group6.port = 42424;
  for (const Address& group : {group4, group6}) {
    bool real_ipv6 = GetParam() == Side::kReal && group == group6;
    if (real_ipv6 && !has_link_local()) continue;
    Result<Net::Socket> a = net->open_multicast(group);
    Result<Net::Socket> b = net->open_multicast(group);
    ASSERT_EQ(Status::kOk, a.status());
    ASSERT_EQ(Status::kOk, b.status());
    EXPECT_EQ(Status::kOk, net->join_groups(a.value(), group));
    EXPECT_EQ(Status::kOk, net->join_groups(b.value(), group));
    std::array<uint8_t, 64> buffer;
    EXPECT_EQ(Status::kAgain, net->receive(b.value(), buffer, nullptr).status());
    ASSERT_EQ(Status::kOk, net->send_multicast(a.value(), group, as_bytes("beacon")));
    for (Net::Socket socket : {a.value(), b.value()}) {
      EXPECT_EQ(Status::kOk, wait(socket, Net::kReadable));
      Address from;
      Result<size_t> size = net->receive(socket, buffer, &from);
      ASSERT_EQ(Status::kOk, size.status());
      EXPECT_EQ("beacon", as_text(Bytes(buffer).first(size.value())));
      EXPECT_NE(Address().ip, from.ip);
      EXPECT_EQ(group.port, from.port);
    }
    ASSERT_EQ(Status::kOk, net->send_multicast(b.value(), group, as_bytes("too long")));
    EXPECT_EQ(Status::kOk, wait(a.value(), Net::kReadable));
    EXPECT_EQ(Status::kTooLarge,
              net->receive(a.value(), MutBytes(buffer).first(3), nullptr).status());
    net->close(a.value());
    net->close(b.value());
  }
}

DREY_CONFORMANCE(NetConformance);

}  // namespace
}  // namespace drey::conformance
