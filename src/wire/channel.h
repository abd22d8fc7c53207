// A channel carries the bytes of one connected socket: encrypted (tls.h) or, in the simulator only,
// plain (plain.h). Owned by a session in its static slot. handshake() may run in a job on the work
// lane; everything else on the loop; never two calls at once. Nothing survives a crash.
#pragma once

#include "crypto/sign.h"
#include "drey/ports.h"
#include "wire/limits.h"

namespace drey {

struct ChannelOptions {
  Net* net = nullptr;
  Random* random = nullptr;
  Net::Socket socket = Net::kNone;
  bool server = false;
  bool small_fragments = false;  // max_fragment_len 4096: boards with little heap
  // Certificates on both sides (members, recovery) ...
  const KeyPair* identity = nullptr;  // lives until handshake() returned something but kAgain
  NodeId expected;                    // zero = any; else another key ends the handshake
  // ... or, when not empty, a pre-shared key on both (pairing).
  Bytes psk;
};

class Channel {
 public:
  virtual ~Channel() = default;

  // Prepares the channel; no byte moves. kBusy: no memory, close.
  virtual Status open(const ChannelOptions& options) = 0;
  // Continues the handshake. kAgain: wait for wants(), call again. kOk: open. kDenied: the other
  // side has not proved the key or the code; kBusy: no memory; kClosed, kInvalid, kUnsupported.
  // After anything but kAgain and kOk only close() is allowed.
  virtual Status handshake() = 0;
  // Net::kReadable or kWritable: what the last kAgain waits for.
  virtual uint8_t wants() const = 0;
  // At most to.size() plain bytes, at least one. kAgain, kClosed, kCorrupt (failed authentication).
  virtual Result<size_t> read(MutBytes to) = 0;
  // Takes a prefix of `from`, at least one byte. After kAgain the next call must start with the
  // same bytes, and at least as many.
  virtual Result<size_t> write(Bytes from) = 0;
  // Frees everything; the socket is the caller's. Idempotent.
  virtual void close() = 0;

  // After handshake(): the key the other side has proved to hold; zeros with a pre-shared key.
  const PublicKey& peer_key() const { return peer_key_; }
  // After handshake(): 32 bytes that only both ends of this one connection share.
  const Key32& binding() const { return binding_; }
  // True when the handshake failed because the two ends hold different pre-shared keys.
  bool wrong_psk() const { return wrong_psk_; }

 protected:
  PublicKey peer_key_{};
  Key32 binding_{};
  bool wrong_psk_ = false;
};

}  // namespace drey
