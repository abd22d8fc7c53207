// The other end of a handshake with a will of its own: mbedTLS used directly, with whatever
// versions, suites and certificates a test wants to try on a TlsChannel.
#pragma once

#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>

#include "pipe_net.h"
#include "wire/identity.h"

namespace drey {

struct RawPeer {
  RawPeer(PipeNet* net_, Net::Socket socket_, bool server) : net(net_), socket(socket_) {
    mbedtls_ssl_init(&ssl);
    mbedtls_ssl_config_init(&config);
    mbedtls_x509_crt_init(&certificate);
    mbedtls_pk_init(&key);
    mbedtls_ssl_config_defaults(&config, server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
                                MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    mbedtls_ssl_conf_rng(&config, fill, &random);
    mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_NONE);
  }
  RawPeer(const RawPeer&) = delete;
  ~RawPeer() {
    mbedtls_ssl_free(&ssl);
    mbedtls_ssl_config_free(&config);
    mbedtls_x509_crt_free(&certificate);
    mbedtls_pk_free(&key);
  }
  // Shows the certificate of `shown`, signs with the key of `held`.
  void show(const KeyPair& shown, const KeyPair& held, const KeyPair* second = nullptr) {
    std::array<uint8_t, limits::kCertificateBytesMax> der;
    size_t size = 0;
    if (make_certificate(shown, random, der, &size) != Status::kOk) std::abort();
    if (mbedtls_x509_crt_parse_der(&certificate, der.data(), size) != 0) std::abort();
    if (second != nullptr) {
      if (make_certificate(*second, random, der, &size) != Status::kOk) std::abort();
      if (mbedtls_x509_crt_parse_der(&certificate, der.data(), size) != 0) std::abort();
    }
    std::array<uint8_t, kPrivateKeyDerBytes> secret;
    encode_private_key(held, secret);
#if MBEDTLS_VERSION_MAJOR >= 3
    mbedtls_pk_parse_key(&key, secret.data(), secret.size(), nullptr, 0, fill, &random);
#else
    mbedtls_pk_parse_key(&key, secret.data(), secret.size(), nullptr, 0);
#endif
    if (mbedtls_ssl_conf_own_cert(&config, &certificate, &key) != 0) std::abort();
  }
  void start() {
    if (mbedtls_ssl_setup(&ssl, &config) != 0) std::abort();
    mbedtls_ssl_set_hostname(&ssl, nullptr);
    mbedtls_ssl_set_bio(&ssl, this, send, receive, nullptr);
  }
  Status handshake() {
    int error = mbedtls_ssl_handshake(&ssl);
    if (error == 0) return Status::kOk;
    bool again = error == MBEDTLS_ERR_SSL_WANT_READ || error == MBEDTLS_ERR_SSL_WANT_WRITE;
    return again ? Status::kAgain : Status::kDenied;
  }

  static int fill(void* self, unsigned char* to, size_t size) {
    return ok(static_cast<SeededRandom*>(self)->fill({to, size})) ? 0 : -1;
  }
  static int send(void* self, const unsigned char* from, size_t size) {
    auto* peer = static_cast<RawPeer*>(self);
    auto sent = peer->net->try_write(peer->socket, {from, size});
    return sent.ok() ? static_cast<int>(sent.value()) : MBEDTLS_ERR_SSL_WANT_WRITE;
  }
  static int receive(void* self, unsigned char* to, size_t size) {
    auto* peer = static_cast<RawPeer*>(self);
    auto got = peer->net->try_read(peer->socket, {to, size});
    if (got.ok()) return static_cast<int>(got.value());
    return got.status() == Status::kAgain ? MBEDTLS_ERR_SSL_WANT_READ : 0;
  }

  PipeNet* net;
  Net::Socket socket;
  SeededRandom random{4242};
  mbedtls_ssl_context ssl;
  mbedtls_ssl_config config;
  mbedtls_x509_crt certificate;
  mbedtls_pk_context key;
};

}  // namespace drey
