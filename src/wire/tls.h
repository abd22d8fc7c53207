// TLS 1.2 on a connected socket (mbedTLS 2.28 and 3.6; what differs is in tls.cc). Exactly one
// suite: ECDHE-ECDSA-CHACHA20-POLY1305 with certificates on both sides whose keys the caller pins,
// or for pairing ECDHE-PSK-CHACHA20-POLY1305. P-256 and SHA-256 only; no tickets, cache, resumption
// or renegotiation; dates and names of certificates are ignored.
//
// Lives in a session's slot; what mbedTLS takes from the heap (some 45 KiB, more while shaking
// hands) is freed by close(). Any failed allocation is kBusy: the session is closed.
#pragma once

#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include "wire/channel.h"

namespace drey {

class TlsChannel final : public Channel {
 public:
  ~TlsChannel() override { close(); }
  // `certificate`: of options.identity, DER; copied.
  void use_certificate(Bytes certificate) { certificate_ = certificate; }
  Status open(const ChannelOptions& options) override;
  Status handshake() override;
  uint8_t wants() const override { return wants_; }
  Result<size_t> read(MutBytes to) override;
  Result<size_t> write(Bytes from) override;
  void close() override;

 private:
  Status configure();
  Status load_identity();
  void choose_algorithms();
  Status from_error(int error);
  bool pin(mbedtls_x509_crt* certificate);
  void bind_keys(Bytes master, Bytes client_random, Bytes server_random);
  static int verify(void* self, mbedtls_x509_crt* certificate, int depth, uint32_t* flags);
  static int send(void* self, const unsigned char* from, size_t size);
  static int receive(void* self, unsigned char* to, size_t size);
  static int fill_random(void* self, unsigned char* to, size_t size);
  friend struct TlsKeyExport;

  ChannelOptions options_;
  Bytes certificate_;
  bool live_ = false;    // the mbedTLS objects below are initialised
  bool pinned_ = false;  // peer_key_ was taken from the peer's certificate
  bool broken_ = false;  // a read or write failed: nothing more
  uint8_t wants_ = 0;
  size_t retry_size_ = 0;  // of the write that must be repeated
  mbedtls_ssl_context ssl_;
  mbedtls_ssl_config config_;
  mbedtls_x509_crt own_certificate_;
  mbedtls_pk_context own_key_;
};

}  // namespace drey
