// Two channels on one pipe, client on socket 0 and server on socket 1, and what tests do with them.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "pipe_net.h"
#include "wire/identity.h"
#include "wire/plain.h"
#include "wire/tls.h"

namespace drey {

struct Person {
  explicit Person(uint64_t seed) {
    SeededRandom random(seed);
    EXPECT_EQ(generate_key(random, &pair), Status::kOk);
    size_t size = 0;
    certificate.resize(limits::kCertificateBytesMax);
    EXPECT_EQ(make_certificate(pair, random, certificate, &size), Status::kOk);
    certificate.resize(size);
  }
  NodeId id() const { return node_id(pair.pub); }
  KeyPair pair;
  std::vector<uint8_t> certificate;
};

inline const Person& alice() {
  static const Person person(1);
  return person;
}
inline const Person& bob() {
  static const Person person(2);
  return person;
}
inline const Person& mallory() {
  static const Person person(3);
  return person;
}

struct Ends {
  Status client = Status::kAgain;
  Status server = Status::kAgain;
  bool both_open() const { return client == Status::kOk && server == Status::kOk; }
};

// Alternates until both ends have said their last word, or nothing moves any more. An end that
// failed closes its socket, as a session does.
template <class Client, class Server>
Ends shake(PipeNet& net, Client& client, Server& server) {
  Ends ends;
  for (int idle = 0; idle < 4; ++idle) {
    size_t before = net.ends[0].sent.size() + net.ends[1].sent.size();
    if (ends.client == Status::kAgain) ends.client = client.handshake();
    if (ends.client != Status::kAgain && ends.client != Status::kOk) net.close(0);
    if (ends.server == Status::kAgain) ends.server = server.handshake();
    if (ends.server != Status::kAgain && ends.server != Status::kOk) net.close(1);
    if (net.ends[0].sent.size() + net.ends[1].sent.size() != before) idle = 0;
  }
  return ends;
}

template <class C>
struct ChannelPair {
  PipeNet net;
  SeededRandom random{99};
  std::unique_ptr<C> client = std::make_unique<C>();
  std::unique_ptr<C> server = std::make_unique<C>();

  ChannelOptions options(bool is_server) {
    ChannelOptions to;
    to.net = &net;
    to.random = &random;
    to.socket = is_server ? 1 : 0;
    to.server = is_server;
    return to;
  }
  Status open(C& channel, bool is_server, const Person& person, const NodeId& expected = {}) {
    ChannelOptions to = options(is_server);
    to.identity = &person.pair;
    to.expected = expected;
    use_certificate(channel, person.certificate);
    return channel.open(to);
  }
  Status open_psk(C& channel, bool is_server, Bytes psk) {
    ChannelOptions to = options(is_server);
    to.psk = psk;
    return channel.open(to);
  }
  Ends shake() { return drey::shake(net, *client, *server); }
  Ends meet(const Person& caller, const Person& callee) {
    EXPECT_EQ(open(*client, false, caller, callee.id()), Status::kOk);
    EXPECT_EQ(open(*server, true, callee), Status::kOk);
    return shake();
  }
  static void use_certificate(TlsChannel& channel, Bytes der) { channel.use_certificate(der); }
  static void use_certificate(PlainChannel&, Bytes) {}

  // Sends `size` bytes each way at once and compares them. False when nothing moves any more.
  bool exchange(size_t size) {
    std::vector<uint8_t> data[2], got[2];
    size_t sent[2] = {0, 0};
    C* ends[2] = {client.get(), server.get()};
    for (int i = 0; i < 2; ++i) {
      data[i].resize(size);
      if (random.fill(data[i]) != Status::kOk) return false;
    }
    std::vector<uint8_t> room(5000);
    for (int idle = 0; idle < 3; ++idle) {
      size_t before = net.ends[0].sent.size() + net.ends[1].sent.size();
      for (int i = 0; i < 2; ++i) {
        if (sent[i] < size) {
          auto taken = ends[i]->write(Bytes(data[i]).subspan(sent[i]));
          if (taken.ok()) sent[i] += taken.value();
          if (!taken.ok() && taken.status() != Status::kAgain) return false;
        }
        auto read = ends[i]->read(room);
        if (read.ok()) {
          idle = 0;
          got[i].insert(got[i].end(), room.begin(), room.begin() + static_cast<long>(read.value()));
        }
      }
      if (net.ends[0].sent.size() + net.ends[1].sent.size() != before) idle = 0;
    }
    return got[0] == data[1] && got[1] == data[0];
  }
};

}  // namespace drey
