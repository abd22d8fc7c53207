#include "wire/tls.h"

#include <mbedtls/net_sockets.h>
#include <mbedtls/version.h>

#include <algorithm>

#include "crypto/hash.h"
#include "drey/heap.h"
#include "wire/identity.h"

#if MBEDTLS_VERSION_MAJOR >= 3
#include <mbedtls/build_info.h>
#endif

namespace drey {
namespace {

constexpr std::string_view kPskIdentity = "drey";
constexpr int kNoEntropy = -0x0034;  // MBEDTLS_ERR_CTR_DRBG_ENTROPY_SOURCE_FAILED

constexpr int kPinnedSuites[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, 0};
constexpr int kPskSuites[] = {MBEDTLS_TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256, 0};

bool is_out_of_memory(int error) {
  // High and low halves are added up by mbedTLS: -(high | low).
  int high = -error & 0xff80;
  int low = -error & 0x007f;
  switch (-high) {
    case MBEDTLS_ERR_SSL_ALLOC_FAILED:
    case MBEDTLS_ERR_X509_ALLOC_FAILED:
    case MBEDTLS_ERR_ECP_ALLOC_FAILED:
    case MBEDTLS_ERR_PK_ALLOC_FAILED:
    case MBEDTLS_ERR_MD_ALLOC_FAILED:
    case MBEDTLS_ERR_CIPHER_ALLOC_FAILED:
      return true;
    default:
      return -low == MBEDTLS_ERR_MPI_ALLOC_FAILED || -low == MBEDTLS_ERR_ASN1_ALLOC_FAILED;
  }
}

Key32 make_binding(Bytes master, Bytes client_random, Bytes server_random) {
  HmacSha256 mac(master);
  mac.update(as_bytes("drey channel binding 1"));
  mac.update(client_random);
  mac.update(server_random);
  return mac.finish();
}

}  // namespace

// What is needed of the key export callbacks, whose shape changed in mbedTLS 3.
struct TlsKeyExport {
#if MBEDTLS_VERSION_MAJOR >= 3
  static void keys(void* self, mbedtls_ssl_key_export_type type, const unsigned char* secret,
                   size_t size, const unsigned char client_random[32],
                   const unsigned char server_random[32], mbedtls_tls_prf_types) {
    if (type != MBEDTLS_SSL_KEY_EXPORT_TLS12_MASTER_SECRET) return;
    static_cast<TlsChannel*>(self)->bind_keys({secret, size}, {client_random, 32},
                                              {server_random, 32});
  }
  static void install(TlsChannel* self, mbedtls_ssl_config*, mbedtls_ssl_context* ssl) {
    mbedtls_ssl_set_export_keys_cb(ssl, keys, self);
  }
#else
  static int keys(void* self, const unsigned char* master, const unsigned char*, size_t, size_t,
                  size_t, const unsigned char client_random[32],
                  const unsigned char server_random[32], mbedtls_tls_prf_types) {
    static_cast<TlsChannel*>(self)->bind_keys({master, 48}, {client_random, 32},
                                              {server_random, 32});
    return 0;
  }
  static void install(TlsChannel* self, mbedtls_ssl_config* config, mbedtls_ssl_context*) {
    mbedtls_ssl_conf_export_keys_ext_cb(config, keys, self);
  }
#endif
};

void TlsChannel::bind_keys(Bytes master, Bytes client_random, Bytes server_random) {
  binding_ = make_binding(master, client_random, server_random);
}

Status TlsChannel::open(const ChannelOptions& options) {
  HeapUserScope as_tls(HeapUser::kMbedTls);
  close();
  options_ = options;
  peer_key_ = {};
  binding_ = {};
  wrong_psk_ = pinned_ = broken_ = false;
  retry_size_ = 0;
  wants_ = Net::kReadable;
  mbedtls_ssl_init(&ssl_);
  mbedtls_ssl_config_init(&config_);
  mbedtls_x509_crt_init(&own_certificate_);
  mbedtls_pk_init(&own_key_);
  live_ = true;
  Status status = configure();
  if (!ok(status)) close();
  return status;
}

void TlsChannel::close() {
  HeapUserScope as_tls(HeapUser::kMbedTls);
  if (!live_) return;
  mbedtls_ssl_free(&ssl_);
  mbedtls_ssl_config_free(&config_);
  mbedtls_x509_crt_free(&own_certificate_);
  mbedtls_pk_free(&own_key_);
  live_ = false;
  options_ = {};
}

void TlsChannel::choose_algorithms() {
  static constexpr mbedtls_ecp_group_id kCurves[] = {MBEDTLS_ECP_DP_SECP256R1, MBEDTLS_ECP_DP_NONE};
  mbedtls_ssl_conf_ciphersuites(&config_, options_.psk.empty() ? kPinnedSuites : kPskSuites);
#if MBEDTLS_VERSION_MAJOR >= 3
  static constexpr uint16_t kGroups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
                                         MBEDTLS_SSL_IANA_TLS_GROUP_NONE};
  static constexpr uint16_t kSignatures[] = {MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256,
                                             MBEDTLS_TLS1_3_SIG_NONE};
  static_cast<void>(kCurves);
  mbedtls_ssl_conf_min_tls_version(&config_, MBEDTLS_SSL_VERSION_TLS1_2);
  mbedtls_ssl_conf_max_tls_version(&config_, MBEDTLS_SSL_VERSION_TLS1_2);
  mbedtls_ssl_conf_groups(&config_, kGroups);
  mbedtls_ssl_conf_sig_algs(&config_, kSignatures);
#else
  static constexpr int kHashes[] = {MBEDTLS_MD_SHA256, MBEDTLS_MD_NONE};
  mbedtls_ssl_conf_min_version(&config_, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
  mbedtls_ssl_conf_max_version(&config_, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
  mbedtls_ssl_conf_curves(&config_, kCurves);
  mbedtls_ssl_conf_sig_hashes(&config_, kHashes);
#endif
  mbedtls_ssl_conf_renegotiation(&config_, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
  mbedtls_ssl_conf_legacy_renegotiation(&config_, MBEDTLS_SSL_LEGACY_BREAK_HANDSHAKE);
#if defined(MBEDTLS_SSL_SESSION_TICKETS)
  // Of the server's nothing is needed: without ticket keys and cache it resumes nothing.
  if (!options_.server)
    mbedtls_ssl_conf_session_tickets(&config_, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
#endif
}

Status TlsChannel::load_identity() {
  if (options_.identity == nullptr || certificate_.empty()) return Status::kInvalid;
  Secret<kPrivateKeyDerBytes> der;
  encode_private_key(*options_.identity, der.raw);
#if MBEDTLS_VERSION_MAJOR >= 3
  int error = mbedtls_pk_parse_key(&own_key_, der.raw.data(), der.raw.size(), nullptr, 0,
                                   fill_random, this);
#else
  int error = mbedtls_pk_parse_key(&own_key_, der.raw.data(), der.raw.size(), nullptr, 0);
#endif
  if (error == 0)
    error = mbedtls_x509_crt_parse_der(&own_certificate_, certificate_.data(), certificate_.size());
  if (error == 0) error = mbedtls_ssl_conf_own_cert(&config_, &own_certificate_, &own_key_);
  if (error != 0) return from_error(error);
  // mbedTLS insists on a chain of trust. verify() alone decides, so our own certificate will do.
  mbedtls_ssl_conf_ca_chain(&config_, &own_certificate_, nullptr);
  mbedtls_ssl_conf_authmode(&config_, MBEDTLS_SSL_VERIFY_REQUIRED);
  mbedtls_ssl_conf_verify(&config_, verify, this);
  if (options_.server)
    mbedtls_ssl_conf_cert_req_ca_list(&config_, MBEDTLS_SSL_CERT_REQ_CA_LIST_DISABLED);
  return Status::kOk;
}

Status TlsChannel::configure() {
  int error = mbedtls_ssl_config_defaults(
      &config_, options_.server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
      MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
  if (error != 0) return from_error(error);
  choose_algorithms();
  mbedtls_ssl_conf_rng(&config_, fill_random, this);
  if (options_.small_fragments) {
    error = mbedtls_ssl_conf_max_frag_len(&config_, MBEDTLS_SSL_MAX_FRAG_LEN_4096);
    if (error != 0) return from_error(error);
  }
  if (options_.psk.empty()) {
    DREY_TRY(load_identity());
  } else {
    Bytes name = as_bytes(kPskIdentity);
    error = mbedtls_ssl_conf_psk(&config_, options_.psk.data(), options_.psk.size(), name.data(),
                                 name.size());
    if (error != 0) return from_error(error);
    mbedtls_ssl_conf_authmode(&config_, MBEDTLS_SSL_VERIFY_NONE);
  }
  TlsKeyExport::install(this, &config_, &ssl_);
  error = mbedtls_ssl_setup(&ssl_, &config_);
  if (error != 0) return from_error(error);
  // No names: said explicitly, because 3.6 refuses to verify without having been told.
  error = mbedtls_ssl_set_hostname(&ssl_, nullptr);
  if (error != 0) return from_error(error);
  mbedtls_ssl_set_bio(&ssl_, this, send, receive, nullptr);
  return Status::kOk;
}

Status TlsChannel::handshake() {
  HeapUserScope as_tls(HeapUser::kMbedTls);
  if (!live_ || broken_) return Status::kClosed;
  int error = mbedtls_ssl_handshake(&ssl_);
  if (error != 0) {
    wrong_psk_ = !options_.psk.empty() && error == MBEDTLS_ERR_SSL_INVALID_MAC;
    Status status = from_error(error);
    broken_ = status != Status::kAgain;
    return status;
  }
  if (options_.psk.empty() && !pinned_) {
    broken_ = true;
    return Status::kDenied;
  }
  // Nothing is signed after this; the key and its tables go back to the heap.
  mbedtls_pk_free(&own_key_);
  mbedtls_x509_crt_free(&own_certificate_);
  return Status::kOk;
}

Result<size_t> TlsChannel::read(MutBytes to) {
  HeapUserScope as_tls(HeapUser::kMbedTls);
  if (!live_ || broken_) return Status::kClosed;
  int result = mbedtls_ssl_read(&ssl_, to.data(), to.size());
  if (result > 0) return static_cast<size_t>(result);
  Status status = result == 0 ? Status::kClosed : from_error(result);
  if (status != Status::kAgain) broken_ = true;
  return status;
}

Result<size_t> TlsChannel::write(Bytes from) {
  HeapUserScope as_tls(HeapUser::kMbedTls);
  if (!live_ || broken_) return Status::kClosed;
  // mbedTLS has already sealed what it could not send: repeated with another size it would report
  // bytes as written that it never took.
  if (retry_size_ != 0) from = from.first(std::min(from.size(), retry_size_));
  int result = mbedtls_ssl_write(&ssl_, from.data(), from.size());
  if (result > 0) {
    retry_size_ = 0;
    return static_cast<size_t>(result);
  }
  Status status = result == 0 ? Status::kAgain : from_error(result);
  if (status == Status::kAgain) {
    retry_size_ = from.size();
  } else {
    broken_ = true;
  }
  return status;
}

Status TlsChannel::from_error(int error) {
  if (is_out_of_memory(error)) return Status::kBusy;
  switch (error) {
    case MBEDTLS_ERR_SSL_WANT_READ:
      wants_ = Net::kReadable;
      return Status::kAgain;
    case MBEDTLS_ERR_SSL_WANT_WRITE:
      wants_ = Net::kWritable;
      return Status::kAgain;
    case MBEDTLS_ERR_SSL_CONN_EOF:
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
    case MBEDTLS_ERR_NET_CONN_RESET:
      return Status::kClosed;
    case MBEDTLS_ERR_SSL_INVALID_MAC:
      return options_.psk.empty() ? Status::kCorrupt : Status::kDenied;
    case kNoEntropy:
      return Status::kIo;
    default:
      return Status::kDenied;
  }
}

// Takes the peer's key out of its certificate. False when it is no P-256 key, or not the expected.
bool TlsChannel::pin(mbedtls_x509_crt* certificate) {
  if (!mbedtls_pk_can_do(&certificate->pk, MBEDTLS_PK_ECKEY)) return false;
  std::array<uint8_t, 160> room;
  unsigned char* at = room.data() + room.size();
  int size = mbedtls_pk_write_pubkey(&at, room.data(), &certificate->pk);
  if (size != static_cast<int>(peer_key_.size()) || at[0] != 0x04) return false;
  if (mbedtls_pk_get_bitlen(&certificate->pk) != 256) return false;
  PublicKey key;
  std::memcpy(key.data(), at, key.size());
  if (!options_.expected.is_zero() && node_id(key) != options_.expected) return false;
  peer_key_ = key;
  pinned_ = true;
  return true;
}

int TlsChannel::verify(void* self, mbedtls_x509_crt* certificate, int depth, uint32_t* flags) {
  // One certificate, self-signed, is all a node shows. Its dates, names and issuer say nothing;
  // that the peer holds the key is proved by its signature over this handshake.
  bool fits = depth == 0 && certificate->next == nullptr &&
              static_cast<TlsChannel*>(self)->pin(certificate);
  *flags = fits ? 0 : MBEDTLS_X509_BADCERT_NOT_TRUSTED;
  return 0;
}

int TlsChannel::send(void* self, const unsigned char* from, size_t size) {
  auto* channel = static_cast<TlsChannel*>(self);
  Result<size_t> sent = channel->options_.net->try_write(channel->options_.socket, {from, size});
  if (sent.ok()) return static_cast<int>(sent.value());
  return sent.status() == Status::kAgain ? MBEDTLS_ERR_SSL_WANT_WRITE : MBEDTLS_ERR_NET_CONN_RESET;
}

int TlsChannel::receive(void* self, unsigned char* to, size_t size) {
  auto* channel = static_cast<TlsChannel*>(self);
  Result<size_t> got = channel->options_.net->try_read(channel->options_.socket, {to, size});
  if (got.ok()) return static_cast<int>(got.value());
  return got.status() == Status::kAgain ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_NET_CONN_RESET;
}

int TlsChannel::fill_random(void* self, unsigned char* to, size_t size) {
  return ok(static_cast<TlsChannel*>(self)->options_.random->fill({to, size})) ? 0 : kNoEntropy;
}

}  // namespace drey
