// A channel without encryption, for the simulator: it sees traffic above TLS. Same handshake shape
// (each side shows its key, or proves the pre-shared key), no secrecy and no proof of possession.
// `drey` never opens one. Lives in a session's slot.
#pragma once

#include "wire/channel.h"

namespace drey {

class PlainChannel final : public Channel {
 public:
  ~PlainChannel() override { close(); }
  Status open(const ChannelOptions& options) override;
  Status handshake() override;
  uint8_t wants() const override { return wants_; }
  Result<size_t> read(MutBytes to) override;
  Result<size_t> write(Bytes from) override;
  void close() override;

 private:
  // magic (4), role (1), zeros (3), public key (65), nonce (16), proof (32)
  static constexpr size_t kHelloBytes = 4 + 1 + 3 + 65 + 16 + 32;
  void make_hello();
  Status judge_hello();
  Key32 proof(bool server, Bytes nonce) const;

  ChannelOptions options_;
  uint8_t wants_ = 0;
  size_t sent_ = 0;
  size_t received_ = 0;
  std::array<uint8_t, kHelloBytes> mine_{};
  std::array<uint8_t, kHelloBytes> theirs_{};
};

}  // namespace drey
