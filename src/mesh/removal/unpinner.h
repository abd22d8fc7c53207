// The owner's side of giving up: which numbers members store for this node, announcing the number
// that a sweep has approved, and whether anything may be unpinned now. What is unpinned is found by
// Reconciler. DATA.md, "Giving up".
//
// Part of DataService, loop thread. Nothing of it survives a restart, on purpose: a card that came
// back older than it was must sweep again and hear from everybody before it unpins.
#pragma once

#include "mesh/data/data_context.h"

namespace drey {

class Unpinner {
 public:
  static constexpr uint64_t kAnswerNs = 30 * kDataSecondNs;

  void start(DataContext* context);
  // HELLO: the highest number this member has stored for us. Own numbers go on above it.
  void on_told(const NodeId& member, uint64_t number);
  // A sweep came to its end with every record that kept snapshots need claimed, and without a
  // backup beside it: what is not claimed may lose its pins up to this number.
  void approve(uint64_t number);
  // The number that may be unpinned up to now; 0: none.
  uint64_t allowed() const;
  uint64_t approved() const { return approved_; }
  void on_announced(DataPeer& peer, const AnnouncedMessage& message);
  void tick(uint64_t now_ns);
  bool idle() const { return !raising_; }
  // A holder keeps something that only another sweep's number can take.
  void want_sweep() { wants_sweep_ = true; }
  bool wants_sweep() const { return wants_sweep_; }

 private:
  struct Told {
    NodeId member;
    uint64_t number = 0;    // stored there, durably
    uint64_t asked_ns = 0;  // when it was last announced to
    uint32_t request = 0;
    uint64_t announcing = 0;
  };
  struct RaiseJob final : Job {
    Store* store = nullptr;
    uint64_t number = 0;
    Status run() override {
      store->raise_number(number);
      return Status::kOk;
    }
  };
  Told* row(const NodeId& member);
  const Told* find(const NodeId& member) const;
  void raise();
  void on_raised(Status status);

  DataContext* context_ = nullptr;
  uint64_t approved_ = 0;
  bool wants_sweep_ = false;
  size_t count_ = 0;
  std::array<Told, limits::kMembersMax> told_;
  bool raising_ = false;
  uint64_t raised_ = 0;  // the own counter is at least here
  RaiseJob raise_job_;
  DataSignal<Unpinner> raised_signal_;
};

}  // namespace drey
