// The owner's side of `forget --now`: the UNPIN that waits for the word of the recovery phrase, and
// that word. The phrase itself is at the command line; it asks for the next UNPIN again and again,
// and while it does UNPINs wait for it. Who stops asking stops nothing: they go out without it, and
// wait for their minimum age at the holder. DATA.md, "Giving up".
//
// Part of DataService, loop thread. Nothing of it survives a restart.
#pragma once

#include "crypto/sign.h"
#include "mesh/data/data_context.h"

namespace drey {

class Cosigning {
 public:
  static constexpr uint64_t kOpenNs = 30 * kDataSecondNs;  // after the last question

  // Somebody holds the phrase, and will ask again.
  void keep_open(uint64_t now_ns) { open_until_ns_ = now_ns + kOpenNs; }
  bool is_open(uint64_t now_ns) const { return now_ns < open_until_ns_; }
  void close() { open_until_ns_ = 0; }

  // ---- For who holds the phrase ----
  // The UNPIN to be signed; empty: none waits. Stays untouched until the next turn of the loop.
  Bytes waiting() const { return signed_ ? Bytes() : unpin_; }
  uint64_t number() const { return number_; }  // of that one
  // Not the one that waits: ignored, its holder was gone or the time was over.
  void sign(uint64_t number, const Signature& signature) {
    if (number != number_ || unpin_.empty()) return;
    signature_ = signature;
    signed_ = true;
  }
  // Holders that said of a co-signed UNPIN that its pins are gone; how often since the start.
  uint64_t taken_count() const { return taken_; }

  // ---- For Reconciler ----
  void offer(Bytes unpin) {
    unpin_ = unpin;
    ++number_;
    signed_ = false;
  }
  void withdraw() {
    unpin_ = {};
    signed_ = false;
  }
  bool is_signed() const { return signed_; }
  const Signature& signature() const { return signature_; }
  void note_taken() { ++taken_; }

 private:
  uint64_t open_until_ns_ = 0;
  uint64_t number_ = 0;
  uint64_t taken_ = 0;
  Bytes unpin_;  // the draft of Reconciler, until withdraw()
  bool signed_ = false;
  Signature signature_{};
};

}  // namespace drey
