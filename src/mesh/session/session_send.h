// What a session still has to send: a ring of whole control frames, and at most one bulk. Part of a
// session's slot, loop thread only, lost at a crash.
#pragma once

#include "drey/op.h"
#include "wire/frame.h"

namespace drey {

class SendQueue {
 public:
  static constexpr size_t kRingBytes = 32 * 1024;
  static_assert(kRingBytes >= limits::kControlBytesMax + limits::kFrameHeaderBytes);

  void reset();
  // Copies a whole control frame. kBusy: no room, nothing copied.
  Status push(MessageType type, Bytes body);
  // One bulk at a time (kBusy). `bulk` stays valid until `sent` completes; the head is copied.
  Status push_bulk(MessageType type, Bytes head, Bytes bulk, Op* sent);
  // The next bytes to write; empty = nothing to do. The ring goes first, but a bulk that was once
  // returned is finished before anything else: a channel wants the same bytes again after kAgain.
  Bytes front();
  // `count` bytes of front() were taken. Completes the bulk's op with kOk after its last byte.
  void pop(size_t count);
  // Completes the bulk's op, when there is one, with `why`; forgets everything.
  void abandon(Status why);

  bool empty() const { return ring_used_ == 0 && sent_ == nullptr; }
  bool bulk_busy() const { return sent_ != nullptr; }
  size_t bytes() const { return ring_used_ + bulk_left(); }
  size_t ring_free() const { return kRingBytes - ring_used_; }

 private:
  void ring_put(Bytes bytes);
  void abandon_bulk(Status why);

  static constexpr size_t kPrefixBytes = limits::kFrameHeaderBytes + limits::kBulkHeadBytesMax;
  size_t bulk_left() const { return prefix_size_ + bulk_.size() - bulk_at_; }

  std::array<uint8_t, kRingBytes> ring_;
  size_t ring_at_ = 0;  // of the first unsent byte
  size_t ring_used_ = 0;
  std::array<uint8_t, kPrefixBytes> prefix_;
  size_t prefix_size_ = 0;
  Bytes bulk_;
  size_t bulk_at_ = 0;  // over prefix and bulk
  bool bulk_begun_ = false;
  Op* sent_ = nullptr;
};

}  // namespace drey
