// Answers PIN: a record that is held gets the pin, durably; one that is not is wanted when a
// receive slot can be reserved. Pins that arrive together share one job and one commit.
// Part of ServeService, loop thread.
#pragma once

#include "mesh/transfer/serve_put.h"

namespace drey {

class PinServer {
 public:
  static constexpr size_t kBatchPins = 64;
  static constexpr size_t kBatches = 3;  // one in the job, one in its commit, one being filled
  static constexpr size_t kQueuePins = 200;

  void start(DataContext* context, PutServer* puts, Quota* quota);
  void on_pin(DataPeer& peer, const PinMessage& message);
  bool idle() const;

 private:
  enum class Outcome : uint8_t { kPinned, kAbsent, kFull, kBusy };
  struct Pin {
    PeerRef peer;
    PinMessage message;
    Quota::Charge charge;
    bool holds = false;  // its charge: within the quota
    bool fresh = false;  // its owner had no pin on it
    Outcome outcome = Outcome::kAbsent;
  };
  struct Batch final : Job {
    Store* store = nullptr;
    size_t count = 0;
    Ticket ticket = 0;  // 0: nothing was appended
    std::array<Pin, kBatchPins> pins;
    Status run() override;
    void look(Pin& pin, const StoreStats& stats);
    void append_run(size_t begin, size_t end);

    PinServer* server = nullptr;
    bool busy = false;
    DataSignal<Batch> done;
    DataSignal<Batch> committed;
    CommitWaiter waiter;
    void on_done(Status status) { server->on_done(*this, status); }
    void on_committed(Status status) { server->on_committed(*this, status); }
  };
  static void answer(const Pin& pin, Answer answer);
  void pump();
  void settle(Pin& pin, bool stored);
  void on_done(Batch& batch, Status status);
  void on_committed(Batch& batch, Status status);

  DataContext* context_ = nullptr;
  PutServer* puts_ = nullptr;
  Quota* quota_ = nullptr;
  std::array<Batch, kBatches> batches_;
  std::array<Pin, kQueuePins> queue_;  // a ring
  size_t at_ = 0;
  size_t queued_ = 0;
};

}  // namespace drey
