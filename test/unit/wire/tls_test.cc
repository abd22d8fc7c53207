#include "wire/tls.h"

#include <gtest/gtest.h>

#include "channel_pair.h"
#include "raw_peer.h"

namespace drey {
namespace {

using Pair = ChannelPair<TlsChannel>;

TEST(Certificate, OfOneKeyFitsItsRoom) {
  EXPECT_GT(alice().certificate.size(), 200u);
  EXPECT_LE(alice().certificate.size(), limits::kCertificateBytesMax);
}

TEST(Certificate, WithoutRandomnessOrRoomIsNotMade) {
  SeededRandom random(1);
  std::array<uint8_t, 100> small;
  size_t size = 0;
  EXPECT_NE(make_certificate(alice().pair, random, small, &size), Status::kOk);
}

TEST(Tls, TwoNodesWithTheRightPinsMeet) {
  Pair pair;
  Ends ends = pair.meet(alice(), bob());
  ASSERT_TRUE(ends.both_open());
  EXPECT_EQ(pair.client->peer_key(), bob().pair.pub);
  EXPECT_EQ(pair.server->peer_key(), alice().pair.pub);
  EXPECT_EQ(pair.client->binding(), pair.server->binding());
  EXPECT_NE(pair.client->binding(), Key32{});
}

TEST(Tls, BindingsOfTwoConnectionsDiffer) {
  Pair one, two;
  two.random.next();
  ASSERT_TRUE(one.meet(alice(), bob()).both_open());
  ASSERT_TRUE(two.meet(alice(), bob()).both_open());
  EXPECT_NE(one.client->binding(), two.client->binding());
}

TEST(Tls, BytesGoBothWaysAtOnceThroughAnyWindow) {
  for (size_t window : {size_t{64}, size_t{1000}, size_t{20000}, size_t{1} << 20}) {
    Pair pair;
    ASSERT_TRUE(pair.meet(alice(), bob()).both_open());
    pair.net.window = window;
    pair.net.write_max = window / 3;
    EXPECT_TRUE(pair.exchange(200'000)) << window;
  }
}

TEST(Tls, AWriteThatWouldBlockIsContinuedEvenWithMoreBytes) {
  Pair pair;
  ASSERT_TRUE(pair.meet(alice(), bob()).both_open());
  pair.net.window = 10;
  std::vector<uint8_t> data(3000, 7);
  EXPECT_EQ(pair.client->write(Bytes(data).first(100)).status(), Status::kAgain);
  pair.net.window = 1 << 20;
  auto taken = pair.client->write(data);  // the queue has grown meanwhile
  ASSERT_TRUE(taken.ok());
  EXPECT_EQ(taken.value(), 100u);
  std::vector<uint8_t> room(5000);
  auto got = pair.server->read(room);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got.value(), 100u);
}

TEST(Tls, SmallFragmentsAreAgreedOn) {
  Pair pair;
  ChannelOptions options = pair.options(false);
  options.identity = &alice().pair;
  options.small_fragments = true;
  pair.client->use_certificate(alice().certificate);
  ASSERT_EQ(pair.client->open(options), Status::kOk);
  ASSERT_EQ(pair.open(*pair.server, true, bob()), Status::kOk);
  ASSERT_TRUE(pair.shake().both_open());
  std::vector<uint8_t> data(10000);
  auto taken = pair.server->write(data);
  ASSERT_TRUE(taken.ok());
  EXPECT_LE(taken.value(), 4096u);
}

TEST(Tls, AnotherKeyThanTheExpectedEndsTheHandshake) {
  Pair pair;
  ASSERT_EQ(pair.open(*pair.client, false, alice(), bob().id()), Status::kOk);
  ASSERT_EQ(pair.open(*pair.server, true, mallory()), Status::kOk);
  Ends ends = pair.shake();
  EXPECT_EQ(ends.client, Status::kDenied);
  EXPECT_NE(ends.server, Status::kOk);
}

TEST(Tls, AServerThatExpectsOneKeyRefusesAllOthers) {
  Pair pair;
  ASSERT_EQ(pair.open(*pair.client, false, mallory(), bob().id()), Status::kOk);
  ASSERT_EQ(pair.open(*pair.server, true, bob(), alice().id()), Status::kOk);
  Ends ends = pair.shake();
  EXPECT_EQ(ends.server, Status::kDenied);
}

TEST(Tls, AClientWithoutCertificateIsRefused) {
  Pair pair;
  RawPeer client(&pair.net, 0, false);
  client.start();
  ASSERT_EQ(pair.open(*pair.server, true, bob()), Status::kOk);
  EXPECT_EQ(shake(pair.net, client, *pair.server).server, Status::kDenied);
}

TEST(Tls, TheRightCertificateWithAnotherKeyIsRefused) {
  Pair pair;
  RawPeer client(&pair.net, 0, false);
  client.show(alice().pair, mallory().pair);
  client.start();
  ASSERT_EQ(pair.open(*pair.server, true, bob()), Status::kOk);
  EXPECT_EQ(shake(pair.net, client, *pair.server).server, Status::kDenied);

  Pair other;
  RawPeer server(&other.net, 1, true);
  server.show(bob().pair, mallory().pair);
  server.start();
  ASSERT_EQ(other.open(*other.client, false, alice(), bob().id()), Status::kOk);
  EXPECT_EQ(shake(other.net, *other.client, server).client, Status::kDenied);
}

TEST(Tls, AChainOfTwoCertificatesIsRefused) {
  Pair pair;
  RawPeer client(&pair.net, 0, false);
  client.show(alice().pair, alice().pair, &mallory().pair);
  client.start();
  ASSERT_EQ(pair.open(*pair.server, true, bob()), Status::kOk);
  EXPECT_EQ(shake(pair.net, client, *pair.server).server, Status::kDenied);
}

TEST(Tls, AnEqualPeerWithMbedTlsAloneGetsIn) {  // proves that the raw peer itself works
  Pair pair;
  RawPeer client(&pair.net, 0, false);
  client.show(alice().pair, alice().pair);
  client.start();
  ASSERT_EQ(pair.open(*pair.server, true, bob()), Status::kOk);
  EXPECT_TRUE(shake(pair.net, client, *pair.server).both_open());
  EXPECT_STREQ(mbedtls_ssl_get_ciphersuite(&client.ssl),
               "TLS-ECDHE-ECDSA-WITH-CHACHA20-POLY1305-SHA256");
}

TEST(Tls, EveryOtherSuiteIsRefusedByServerAndClient) {
  int refused = 0;
  for (const int* all = mbedtls_ssl_list_ciphersuites(); *all != 0; ++all) {
    if (*all == MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256) continue;
    int only[2] = {*all, 0};
    Pair pair;
    RawPeer client(&pair.net, 0, false);
    client.show(alice().pair, alice().pair);
    mbedtls_ssl_conf_ciphersuites(&client.config, only);
    client.start();
    ASSERT_EQ(pair.open(*pair.server, true, bob()), Status::kOk);
    Ends ends = shake(pair.net, client, *pair.server);
    EXPECT_NE(ends.server, Status::kOk) << *all;
    EXPECT_NE(ends.client, Status::kOk) << *all;

    Pair other;
    RawPeer server(&other.net, 1, true);
    server.show(bob().pair, bob().pair);
    mbedtls_ssl_conf_ciphersuites(&server.config, only);
    server.start();
    ASSERT_EQ(other.open(*other.client, false, alice(), bob().id()), Status::kOk);
    EXPECT_NE(shake(other.net, *other.client, server).client, Status::kOk) << *all;
    ++refused;
  }
  EXPECT_GT(refused, 20);
}

#if MBEDTLS_VERSION_MAJOR < 3
TEST(Tls, OlderVersionsAreRefused) {
  for (int minor : {MBEDTLS_SSL_MINOR_VERSION_1, MBEDTLS_SSL_MINOR_VERSION_2}) {
    for (bool as_server : {false, true}) {
      Pair pair;
      RawPeer peer(&pair.net, as_server ? 1 : 0, as_server);
      peer.show(alice().pair, alice().pair);
      mbedtls_ssl_conf_min_version(&peer.config, MBEDTLS_SSL_MAJOR_VERSION_3,
                                   MBEDTLS_SSL_MINOR_VERSION_1);
      mbedtls_ssl_conf_max_version(&peer.config, MBEDTLS_SSL_MAJOR_VERSION_3, minor);
      peer.start();
      if (as_server) {
        ASSERT_EQ(pair.open(*pair.client, false, bob()), Status::kOk);
        EXPECT_EQ(shake(pair.net, *pair.client, peer).client, Status::kDenied);
      } else {
        ASSERT_EQ(pair.open(*pair.server, true, bob()), Status::kOk);
        EXPECT_EQ(shake(pair.net, peer, *pair.server).server, Status::kDenied);
      }
    }
  }
}

TEST(Tls, RenegotiationNeverSucceeds) {
  Pair pair;
  RawPeer client(&pair.net, 0, false);
  client.show(alice().pair, alice().pair);
  mbedtls_ssl_conf_renegotiation(&client.config, MBEDTLS_SSL_RENEGOTIATION_ENABLED);
  client.start();
  ASSERT_EQ(pair.open(*pair.server, true, bob()), Status::kOk);
  ASSERT_TRUE(shake(pair.net, client, *pair.server).both_open());
  for (int i = 0; i < 10; ++i) {
    EXPECT_NE(mbedtls_ssl_renegotiate(&client.ssl), 0);
    std::array<uint8_t, 64> room;
    EXPECT_FALSE(pair.server->read(room).ok());
  }
}
#endif

TEST(Tls, AnOldSessionIsNotResumed) {
  mbedtls_ssl_session saved;
  mbedtls_ssl_session_init(&saved);
  size_t server_bytes[2];
  for (int round = 0; round < 2; ++round) {
    Pair pair;
    RawPeer client(&pair.net, 0, false);
    client.show(alice().pair, alice().pair);
    client.start();
    if (round == 1) {
      pair.random.next();  // or the server would draw the same session id once more
      ASSERT_EQ(mbedtls_ssl_set_session(&client.ssl, &saved), 0);
    }
    ASSERT_EQ(pair.open(*pair.server, true, bob()), Status::kOk);
    ASSERT_TRUE(shake(pair.net, client, *pair.server).both_open());
    server_bytes[round] = pair.net.ends[1].sent.size();
    if (round == 0) {
      ASSERT_EQ(mbedtls_ssl_get_session(&client.ssl, &saved), 0);
    }
  }
  mbedtls_ssl_session_free(&saved);
  EXPECT_GE(server_bytes[1] + 8, server_bytes[0]);  // certificate and key exchange came again
}

TEST(Tls, TheRightCodeOpensBothEnds) {
  std::array<uint8_t, 32> psk;
  psk.fill(7);
  Pair pair;
  ASSERT_EQ(pair.open_psk(*pair.client, false, psk), Status::kOk);
  ASSERT_EQ(pair.open_psk(*pair.server, true, psk), Status::kOk);
  ASSERT_TRUE(pair.shake().both_open());
  EXPECT_EQ(pair.client->binding(), pair.server->binding());
  EXPECT_EQ(pair.client->peer_key(), PublicKey{});
  EXPECT_TRUE(pair.exchange(5000));
}

TEST(Tls, AWrongCodeIsRefusedAndRecognised) {
  std::array<uint8_t, 32> right, wrong;
  right.fill(7);
  for (size_t at = 0; at < wrong.size(); at += 5) {
    wrong = right;
    wrong[at] ^= 1;
    Pair pair;
    ASSERT_EQ(pair.open_psk(*pair.client, false, wrong), Status::kOk);
    ASSERT_EQ(pair.open_psk(*pair.server, true, right), Status::kOk);
    Ends ends = pair.shake();
    EXPECT_EQ(ends.server, Status::kDenied);
    EXPECT_TRUE(pair.server->wrong_psk());
    EXPECT_NE(ends.client, Status::kOk);
  }
}

TEST(Tls, AJoinerThatGoesAwayIsNotAWrongCode) {
  std::array<uint8_t, 32> psk;
  psk.fill(7);
  Pair pair;
  ASSERT_EQ(pair.open_psk(*pair.client, false, psk), Status::kOk);
  ASSERT_EQ(pair.open_psk(*pair.server, true, psk), Status::kOk);
  EXPECT_EQ(pair.client->handshake(), Status::kAgain);
  EXPECT_EQ(pair.server->handshake(), Status::kAgain);
  pair.net.close(0);
  EXPECT_EQ(pair.server->handshake(), Status::kClosed);
  EXPECT_FALSE(pair.server->wrong_psk());
}

TEST(Tls, CodesAndCertificatesDoNotMix) {
  std::array<uint8_t, 32> psk;
  psk.fill(7);
  Pair pair;
  ASSERT_EQ(pair.open_psk(*pair.client, false, psk), Status::kOk);
  ASSERT_EQ(pair.open(*pair.server, true, bob()), Status::kOk);
  Ends ends = pair.shake();
  EXPECT_NE(ends.client, Status::kOk);
  EXPECT_NE(ends.server, Status::kOk);
}

// A plain record's header repeats the version, which nobody authenticates and nobody uses: the
// position behind it, when `at` falls there.
size_t skip_version(const std::vector<uint8_t>& stream, size_t at) {
  for (size_t begin = 0; begin + 5 <= stream.size();) {
    if (at == begin + 1 || at == begin + 2) return begin + 3;
    begin += 5 + size_t{stream[begin + 3]} * 256 + stream[begin + 4];
  }
  return at;
}

// Flips one bit of what `from` says, at stream position `at`, while both shake hands.
Ends shake_tampered(Pair& pair, int from, size_t at) {
  Ends ends;
  bool done = false;
  auto tamper = [&] {
    PipeNet::End& victim = pair.net.ends[1 - from];
    size_t arrived = pair.net.ends[from].sent.size();
    size_t first = arrived - victim.inbox.size();
    if (done || at < first || at >= arrived) return;
    size_t flip = skip_version(pair.net.ends[from].sent, at);
    if (flip >= arrived) return;
    victim.inbox[flip - first] ^= 1;
    done = true;
  };
  for (int round = 0; round < 10; ++round) {
    if (ends.client == Status::kAgain) ends.client = pair.client->handshake();
    tamper();
    if (ends.server == Status::kAgain) ends.server = pair.server->handshake();
    tamper();
  }
  EXPECT_TRUE(done);
  return ends;
}

TEST(Tls, NoSingleBitOfTheHandshakeCanBeChanged) {
  Pair clean;
  ASSERT_TRUE(clean.meet(alice(), bob()).both_open());
  for (int from : {0, 1}) {
    size_t size = clean.net.ends[from].sent.size();
    for (size_t at = 0; at + 8 < size; at += 41) {
      Pair pair;
      ASSERT_EQ(pair.open(*pair.client, false, alice(), bob().id()), Status::kOk);
      ASSERT_EQ(pair.open(*pair.server, true, bob()), Status::kOk);
      EXPECT_FALSE(shake_tampered(pair, from, at).both_open()) << from << " " << at;
    }
  }
}

TEST(Tls, AChangedRecordIsNotRead) {
  Pair pair;
  ASSERT_TRUE(pair.meet(alice(), bob()).both_open());
  std::array<uint8_t, 100> data{};
  ASSERT_TRUE(pair.client->write(data).ok());
  pair.net.ends[1].inbox[50] ^= 1;
  EXPECT_EQ(pair.server->read(data).status(), Status::kCorrupt);
  EXPECT_EQ(pair.server->read(data).status(), Status::kClosed);
  EXPECT_FALSE(pair.server->write(data).ok());
}

TEST(Tls, AReplayedRecordIsNotRead) {
  Pair pair;
  ASSERT_TRUE(pair.meet(alice(), bob()).both_open());
  std::array<uint8_t, 100> data{};
  size_t before = pair.net.ends[0].sent.size();
  ASSERT_TRUE(pair.client->write(data).ok());
  ASSERT_TRUE(pair.server->read(data).ok());
  const auto& sent = pair.net.ends[0].sent;
  pair.net.ends[1].inbox.assign(sent.begin() + static_cast<long>(before), sent.end());
  EXPECT_EQ(pair.server->read(data).status(), Status::kCorrupt);
}

TEST(Tls, WithoutRandomnessNobodyShakesHands) {
  Pair pair;
  ASSERT_EQ(pair.open(*pair.client, false, alice()), Status::kOk);
  pair.random.fails = true;
  EXPECT_EQ(pair.client->handshake(), Status::kIo);
}

TEST(Tls, AClosedChannelAnswersClosed) {
  Pair pair;
  std::array<uint8_t, 10> room{};
  EXPECT_EQ(pair.client->handshake(), Status::kClosed);
  EXPECT_EQ(pair.client->read(room).status(), Status::kClosed);
  EXPECT_EQ(pair.client->write(room).status(), Status::kClosed);
  pair.client->close();
}

TEST(Plain, HasTheSameShape) {
  ChannelPair<PlainChannel> pair;
  ASSERT_TRUE(pair.meet(alice(), bob()).both_open());
  EXPECT_EQ(pair.client->peer_key(), bob().pair.pub);
  EXPECT_EQ(pair.server->peer_key(), alice().pair.pub);
  EXPECT_EQ(pair.client->binding(), pair.server->binding());
  EXPECT_TRUE(pair.exchange(10000));
}

TEST(Plain, RefusesAnotherKeyAndAWrongCode) {
  ChannelPair<PlainChannel> pair;
  ASSERT_EQ(pair.open(*pair.client, false, alice(), bob().id()), Status::kOk);
  ASSERT_EQ(pair.open(*pair.server, true, mallory()), Status::kOk);
  EXPECT_EQ(pair.shake().client, Status::kDenied);
  ChannelPair<PlainChannel> coded;
  std::array<uint8_t, 32> right{1}, wrong{2};
  ASSERT_EQ(coded.open_psk(*coded.client, false, wrong), Status::kOk);
  ASSERT_EQ(coded.open_psk(*coded.server, true, right), Status::kOk);
  EXPECT_EQ(coded.shake().server, Status::kDenied);
  EXPECT_TRUE(coded.server->wrong_psk());
}

}  // namespace
}  // namespace drey
