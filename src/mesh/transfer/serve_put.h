// Records coming in: reserved by a want, filled by a PUT, hashed and appended by a job, answered
// after the commit. Part of ServeService, loop thread; owns the receive pool.
#pragma once

#include "mesh/transfer/quota.h"

namespace drey {

class PutServer {
 public:
  static constexpr size_t kWaitingMax = 32;
  // How long a PIN waits for a slot before it is told "busy"; shorter than PushHome::kPinNs.
  static constexpr uint64_t kWaitNs = 8 * kDataSecondNs;
  // How long a slot stays reserved while no PUT comes from that peer at all.
  static constexpr uint64_t kReserveNs = 60 * kDataSecondNs;

  void start(DataContext* context, Quota* quota);
  // Reserves a slot and answers "want", now or when one is free; or "full", beyond the quota.
  // False: too many wait.
  bool want(DataPeer& peer, const PinMessage& message);
  // Empty: a PUT nobody asked for, or not the one: close.
  MutBytes on_begin(DataPeer& peer, const PutHead& head, size_t size);
  void on_end(DataPeer& peer, Status status);
  void on_closed(const DataPeer& peer);
  void tick(uint64_t now_ns);
  bool idle() const;
  const ReceivePool& pool() const { return pool_; }

 private:
  enum class State : uint8_t {
    kFree,
    kReserved,    // waits for the PUT
    kReceiving,   // the record is arriving
    kAppending,   // waits for the job
    kCommitting,  // waits for the commit
    kCount,
  };
  struct Slot final : Job {
    PutServer* server = nullptr;
    State state = State::kFree;
    RecordBuffer* buffer = nullptr;
    PeerRef peer;
    PinMessage pin;
    Quota::Charge charge;
    uint64_t order = 0;  // of the want, rising
    uint64_t since_ns = 0;
    Store* store = nullptr;
    Ticket ticket = 0;
    CommitWaiter waiter;
    DataSignal<Slot> appended;
    DataSignal<Slot> committed;
    Status run() override;
    void on_appended(Status status) { server->on_appended(*this, status); }
    void on_committed(Status status) { server->on_committed(*this, status); }
  };
  struct Waiting {
    PeerRef peer;
    PinMessage pin;
    uint64_t since_ns = 0;
  };
  static void move(Slot& slot, State to);
  size_t slots_of(const DataPeer& peer) const;
  size_t slots_allowed() const;
  bool reserve(DataPeer& peer, const PinMessage& pin);
  void grant();
  void release(Slot& slot, bool stored = false);
  void drop_waiting(size_t index);
  void answer(Slot& slot, Answer answer);
  void on_appended(Slot& slot, Status status);
  void on_committed(Slot& slot, Status status);

  DataContext* context_ = nullptr;
  Quota* quota_ = nullptr;
  ReceivePool pool_;
  std::array<Slot, limits::kReceiveSlots> slots_;
  std::array<Waiting, kWaitingMax> waiting_;  // first come first
  size_t waiting_count_ = 0;
  uint64_t order_ = 0;
};

}  // namespace drey
