// I1: whoever cannot show the right key on TLS 1.2 with the one suite is not let in, however it
// tries and on whichever side it stands. DREY_TLS_TRIES says how often (test/full).
#include <gtest/gtest.h>

#include <cstdlib>

#include "channel_pair.h"
#include "raw_peer.h"

namespace drey {
namespace {

using Pair = ChannelPair<TlsChannel>;

int tries_wanted() {
  const char* text = std::getenv("DREY_TLS_TRIES");
  return text != nullptr ? std::atoi(text) : 50;
}

// A real end that expects its friend's key, and a raw peer in the friend's place.
struct Try {
  Try(bool raw_is_server, int number)
      : server(raw_is_server), raw(&pair.net, raw_is_server ? 1 : 0, raw_is_server) {
    for (int i = 0; i < number % 64; ++i) pair.random.next();
    raw.random = SeededRandom(static_cast<uint64_t>(number) + 5000);
  }
  const Person& friend_() const { return server ? bob() : alice(); }
  // Whether the real end took the raw one for its friend.
  bool accepted() {
    raw.start();
    return shake_started();
  }
  bool shake_started() {
    if (server) {
      EXPECT_EQ(pair.open(*pair.client, false, alice(), bob().id()), Status::kOk);
      return shake(pair.net, *pair.client, raw).client == Status::kOk;
    }
    EXPECT_EQ(pair.open(*pair.server, true, bob(), alice().id()), Status::kOk);
    return shake(pair.net, raw, *pair.server).server == Status::kOk;
  }
  bool server;
  Pair pair;
  RawPeer raw;
};

int other_suite(int number) {
  std::vector<int> all;
  for (const int* at = mbedtls_ssl_list_ciphersuites(); *at != 0; ++at)
    if (*at != MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256) all.push_back(*at);
  return all[static_cast<size_t>(number) % all.size()];
}

bool without_certificate(int number) {
  Try one(number % 2 != 0, number);
  return one.accepted();
}

bool unknown_key(int number) {
  Try one(number % 2 != 0, number);
  Person stranger(static_cast<uint64_t>(number) + 1000);
  one.raw.show(stranger.pair, stranger.pair);
  return one.accepted();
}

bool right_certificate_wrong_key(int number) {
  Try one(number % 2 != 0, number);
  Person stranger(static_cast<uint64_t>(number) + 1000);
  one.raw.show(one.friend_().pair, stranger.pair);
  return one.accepted();
}

bool another_suite(int number) {
  Try one(number % 2 != 0, number);
  int only[2] = {other_suite(number / 2), 0};
  one.raw.show(one.friend_().pair, one.friend_().pair);
  mbedtls_ssl_conf_ciphersuites(&one.raw.config, only);
  return one.accepted();
}

bool older_version(int number) {
#if MBEDTLS_VERSION_MAJOR < 3
  Try one(number % 2 != 0, number);
  one.raw.show(one.friend_().pair, one.friend_().pair);
  int minor = number / 2 % 2 == 0 ? MBEDTLS_SSL_MINOR_VERSION_1 : MBEDTLS_SSL_MINOR_VERSION_2;
  mbedtls_ssl_conf_min_version(&one.raw.config, MBEDTLS_SSL_MAJOR_VERSION_3,
                               MBEDTLS_SSL_MINOR_VERSION_1);
  mbedtls_ssl_conf_max_version(&one.raw.config, MBEDTLS_SSL_MAJOR_VERSION_3, minor);
  return one.accepted();
#else
  return without_certificate(number);  // this library has no older one
#endif
}

// The right peer begins anew within its session.
bool renegotiation(int number) {
#if MBEDTLS_VERSION_MAJOR < 3
  Try one(false, number);
  one.raw.show(alice().pair, alice().pair);
  mbedtls_ssl_conf_renegotiation(&one.raw.config, MBEDTLS_SSL_RENEGOTIATION_ENABLED);
  EXPECT_TRUE(one.accepted());
  bool again = false;
  for (int i = 0; i < 5; ++i) {
    again = again || mbedtls_ssl_renegotiate(&one.raw.ssl) == 0;
    std::array<uint8_t, 64> room;
    again = again || one.pair.server->read(room).ok();
  }
  return again;
#else
  return unknown_key(number);
#endif
}

// Somebody has the secrets of an old session, but no key.
bool resumption(int number) {
  mbedtls_ssl_session saved;
  mbedtls_ssl_session_init(&saved);
  Try first(false, number);
  first.raw.show(alice().pair, alice().pair);
  EXPECT_TRUE(first.accepted());
  EXPECT_EQ(mbedtls_ssl_get_session(&first.raw.ssl, &saved), 0);
  Try one(false, number + 1);
  if (number % 3 != 0) one.raw.show(mallory().pair, mallory().pair);
  one.raw.start();
  EXPECT_EQ(mbedtls_ssl_set_session(&one.raw.ssl, &saved), 0);
  bool accepted = one.shake_started();
  mbedtls_ssl_session_free(&saved);
  return accepted;
}

TEST(TlsStrangers, NoneOfManyTriesIsAccepted) {
  struct Way {
    const char* name;
    bool (*go)(int);
    int tries = 0;
    int accepted = 0;
  };
  Way ways[] = {{"no certificate", without_certificate},
                {"unknown key", unknown_key},
                {"right certificate, wrong key", right_certificate_wrong_key},
                {"another suite", another_suite},
                {"TLS 1.0 or 1.1", older_version},
                {"renegotiation", renegotiation},
                {"resumption", resumption}};
  int total = tries_wanted();
  for (int i = 0; i < total; ++i) {
    Way& way = ways[static_cast<size_t>(i) % std::size(ways)];
    way.accepted += way.go(way.tries++) ? 1 : 0;
  }
  for (const Way& way : ways) {
    std::printf("%s: %d tries, %d accepted\n", way.name, way.tries, way.accepted);
    EXPECT_EQ(way.accepted, 0) << way.name;
    EXPECT_GT(way.tries, 0);
  }
  // The same ends with the right key do meet.
  for (bool server : {false, true}) {
    Try one(server, 1);
    one.raw.show(one.friend_().pair, one.friend_().pair);
    EXPECT_TRUE(one.accepted());
  }
}

}  // namespace
}  // namespace drey
