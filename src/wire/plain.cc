#include "wire/plain.h"

#include "crypto/hash.h"

namespace drey {
namespace {

constexpr std::array<uint8_t, 4> kMagic = {'D', 'R', 'P', 'L'};
constexpr size_t kRoleAt = 4;
constexpr size_t kKeyAt = 8;
constexpr size_t kNonceAt = kKeyAt + 65;
constexpr size_t kProofAt = kNonceAt + 16;

}  // namespace

Status PlainChannel::open(const ChannelOptions& options) {
  options_ = options;
  peer_key_ = {};
  binding_ = {};
  wrong_psk_ = false;
  sent_ = received_ = 0;
  mine_ = {};
  DREY_TRY(options_.random->fill(MutBytes(mine_).subspan(kNonceAt, 16)));
  make_hello();
  return Status::kOk;
}

void PlainChannel::close() { options_ = {}; }

Key32 PlainChannel::proof(bool server, Bytes nonce) const {
  if (options_.psk.empty()) return {};
  HmacSha256 mac(options_.psk);
  mac.update(as_bytes(server ? "server" : "client"));
  mac.update(nonce);
  return mac.finish();
}

void PlainChannel::make_hello() {
  MutBytes mine(mine_);
  std::memcpy(mine_.data(), kMagic.data(), kMagic.size());
  mine_[kRoleAt] = options_.server ? 1 : 0;
  if (options_.psk.empty() && options_.identity != nullptr)
    std::memcpy(&mine_[kKeyAt], options_.identity->pub.data(), 65);
  Key32 tag = proof(options_.server, mine.subspan(kNonceAt, 16));
  std::memcpy(&mine_[kProofAt], tag.data(), tag.size());
}

Status PlainChannel::judge_hello() {
  Bytes theirs(theirs_);
  if (!equal(theirs.first(4), kMagic)) return Status::kInvalid;
  if (theirs_[kRoleAt] != (options_.server ? 0 : 1)) return Status::kInvalid;
  Key32 tag = proof(!options_.server, theirs.subspan(kNonceAt, 16));
  if (!equal_constant_time(tag, theirs.subspan(kProofAt, 32))) {
    wrong_psk_ = !options_.psk.empty();
    return Status::kDenied;
  }
  if (options_.psk.empty()) {
    PublicKey key;
    std::memcpy(key.data(), &theirs_[kKeyAt], key.size());
    if (key[0] != 0x04) return Status::kDenied;
    if (!options_.expected.is_zero() && node_id(key) != options_.expected) return Status::kDenied;
    peer_key_ = key;
  }
  Sha256 both;
  both.update(options_.server ? theirs_ : mine_);
  both.update(options_.server ? mine_ : theirs_);
  binding_ = both.finish();
  return Status::kOk;
}

// The client speaks first; the server answers only what it accepts, as with TLS.
Status PlainChannel::handshake() {
  if (options_.net == nullptr) return Status::kClosed;
  bool may_send = !options_.server || received_ == kHelloBytes;
  while (may_send && sent_ < kHelloBytes) {
    wants_ = Net::kWritable;
    auto sent = options_.net->try_write(options_.socket, Bytes(mine_).subspan(sent_));
    if (!sent.ok()) return sent.status();
    sent_ += sent.value();
  }
  while (received_ < kHelloBytes) {
    wants_ = Net::kReadable;
    auto got = options_.net->try_read(options_.socket, MutBytes(theirs_).subspan(received_));
    if (!got.ok()) {
      // A server that knows another code just closes.
      return got.status();
    }
    received_ += got.value();
    if (received_ == kHelloBytes) DREY_TRY(judge_hello());
  }
  return sent_ == kHelloBytes ? Status::kOk : handshake();
}

Result<size_t> PlainChannel::read(MutBytes to) {
  if (options_.net == nullptr) return Status::kClosed;
  wants_ = Net::kReadable;
  return options_.net->try_read(options_.socket, to);
}

Result<size_t> PlainChannel::write(Bytes from) {
  if (options_.net == nullptr) return Status::kClosed;
  wants_ = Net::kWritable;
  return options_.net->try_write(options_.socket, from);
}

}  // namespace drey
