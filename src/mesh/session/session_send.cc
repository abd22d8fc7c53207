#include "mesh/session/session_send.h"

#include <algorithm>

#include "drey/check.h"

namespace drey {

void SendQueue::reset() {
  DREY_CHECK(sent_ == nullptr);
  ring_at_ = ring_used_ = 0;
  prefix_size_ = bulk_at_ = 0;
  bulk_ = {};
  bulk_begun_ = false;
}

void SendQueue::ring_put(Bytes bytes) {
  size_t at = (ring_at_ + ring_used_) % kRingBytes;
  size_t first = std::min(bytes.size(), kRingBytes - at);
  if (first > 0) std::memcpy(&ring_[at], bytes.data(), first);
  if (bytes.size() > first) std::memcpy(ring_.data(), bytes.data() + first, bytes.size() - first);
  ring_used_ += bytes.size();
}

Status SendQueue::push(MessageType type, Bytes body) {
  if (ring_free() < limits::kFrameHeaderBytes + body.size()) return Status::kBusy;
  std::array<uint8_t, limits::kFrameHeaderBytes> header;
  encode_frame_header({static_cast<uint32_t>(body.size()), type, 0}, header);
  ring_put(header);
  ring_put(body);
  return Status::kOk;
}

Status SendQueue::push_bulk(MessageType type, Bytes head, Bytes bulk, Op* sent) {
  DREY_CHECK(sent != nullptr);
  if (bulk_busy()) return Status::kBusy;
  DREY_CHECK(head.size() <= limits::kBulkHeadBytesMax);
  size_t total = head.size() + bulk.size();
  encode_frame_header({static_cast<uint32_t>(total), type, static_cast<uint16_t>(head.size())},
                      prefix_);
  std::copy(head.begin(), head.end(), prefix_.begin() + limits::kFrameHeaderBytes);
  prefix_size_ = limits::kFrameHeaderBytes + head.size();
  bulk_ = bulk;
  bulk_at_ = 0;
  bulk_begun_ = false;
  sent_ = sent;
  return Status::kOk;
}

Bytes SendQueue::front() {
  if (!bulk_begun_) {
    if (ring_used_ > 0) {
      return Bytes(ring_).subspan(ring_at_, std::min(ring_used_, kRingBytes - ring_at_));
    }
    if (sent_ == nullptr) return {};
    bulk_begun_ = true;
  }
  if (bulk_at_ < prefix_size_) return Bytes(prefix_).first(prefix_size_).subspan(bulk_at_);
  return bulk_.subspan(bulk_at_ - prefix_size_);
}

void SendQueue::pop(size_t count) {
  DREY_CHECK(count <= front().size());
  if (!bulk_begun_) {
    ring_at_ = (ring_at_ + count) % kRingBytes;
    ring_used_ -= count;
    return;
  }
  bulk_at_ += count;
  if (bulk_left() == 0) abandon_bulk(Status::kOk);
}

void SendQueue::abandon_bulk(Status why) {
  Op* sent = sent_;
  sent_ = nullptr;
  bulk_ = {};
  bulk_at_ = prefix_size_ = 0;
  bulk_begun_ = false;
  if (sent != nullptr) sent->complete(why);
}

void SendQueue::abandon(Status why) {
  abandon_bulk(why);
  ring_at_ = ring_used_ = 0;
}

}  // namespace drey
