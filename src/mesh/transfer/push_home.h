// One home within a push: PIN -> durable, or want -> PUT -> STORED. Part of PushOp, loop thread.
#pragma once

#include "mesh/data/data_context.h"

namespace drey {

class PushOp;

// PUTs leave in the order in which their wants came: a PUT tells the holder that every earlier want
// of this session without its PUT was given up (DATA.md).
class PushHome final : public BulkSend::Owner {
 public:
  enum class State : uint8_t {
    kFree,
    kPinning,  // waits for PINNED
    kPausing,  // it was busy: waits to ask again
    kSending,  // waits for the PUT to be handed over (queued or on its way)
    kStoring,  // waits for STORED
    kCount,
  };
  static constexpr uint64_t kPinNs = 15 * kDataSecondNs;      // for an answer to PIN
  static constexpr uint64_t kSendNs = 120 * kDataSecondNs;    // for one record to go out: 9 KB/s
  static constexpr uint64_t kStoreNs = 60 * kDataSecondNs;    // without any progress of the peer
  static constexpr uint64_t kAnswerNs = 300 * kDataSecondNs;  // for STORED, progress or not
  static constexpr uint8_t kBusyMax = 5;                      // then it counts as away

  void set(PushOp* op, DataContext* context) {
    op_ = op;
    context_ = context;
    send_.owner = this;
  }
  bool is_live() const { return state_ != State::kFree; }
  State state() const { return state_; }
  DataPeer* peer() const { return peer_.get(); }
  uint64_t started_ns() const { return started_ns_; }
  // The record belongs to the link until it was handed over.
  bool holds_record() const { return send_.state == BulkSend::State::kSending; }

  void start(DataPeer& peer, uint64_t bit);
  // True when the message was for this home.
  bool on_pinned(DataPeer& peer, const PinnedMessage& message);
  bool on_stored(DataPeer& peer, const StoredMessage& message);
  void on_bulk_sent(BulkSend& send, Status status) override;
  void on_closed(const DataPeer& peer);
  void tick(uint64_t now_ns);
  // Gives up unless the record is on its way. True when it did.
  bool abandon();

 private:
  void move(State to);
  void pin();
  void put();
  void end(bool durable);
  void pause();
  void take_answer();

  PushOp* op_ = nullptr;
  DataContext* context_ = nullptr;
  State state_ = State::kFree;
  PeerRef peer_;
  uint64_t bit_ = 0;
  uint32_t request_ = 0;
  uint64_t number_ = 0;  // of the pin: as the PIN said it
  uint8_t busy_count_ = 0;
  bool answered_ = false;  // STORED came before the PUT was known to be out
  Answer answer_ = Answer::kRefused;
  uint64_t started_ns_ = 0;
  uint64_t since_ns_ = 0;  // of the state
  BulkSend send_;
};

}  // namespace drey
