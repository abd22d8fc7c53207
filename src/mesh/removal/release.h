// RELEASE: surplus copies go without their owner (DESIGN 6). A holder that is not among the homes
// of a record asks those before it whether they keep it; when as many as are needed answer on one
// session each that they hold it, have just read it, have its pins, and do not release it
// themselves, this copy's pins are taken away. Who asks grants nothing for that record. DATA.md.
//
// Part of ServeService, loop thread; one record is asked about at a time, one question answered at
// a time. After a crash: a record whose pins were taken is compaction's, all others are kept.
#pragma once

#include "mesh/data/data_context.h"

namespace drey {

class Releaser {
 public:
  static constexpr uint64_t kPassNs = 600 * kDataSecondNs;   // between two looks at all records
  static constexpr uint64_t kAnswerNs = 60 * kDataSecondNs;  // then an answer is a refusal
  static constexpr size_t kRowsPerJob = 64;
  static constexpr size_t kPinsMax = 8;  // a record of more owners is kept

  void start(DataContext* context);
  void on_keep(DataPeer& peer, const KeepMessage& message);
  void on_kept(DataPeer& peer, const KeptMessage& message);
  void on_closed(const DataPeer& peer);
  void tick(uint64_t now_ns);
  void recheck() { pass_ns_ = 0; }
  bool idle() const { return state_ == State::kIdle && !granting_; }
  uint64_t released_count() const { return released_; }

 private:
  enum class State : uint8_t {
    kIdle,
    kScanning,    // waits for a job with the next record that others pin
    kAsking,      // waits for KEPT
    kDropping,    // waits for the job that takes its pins
    kCommitting,  // waits for its commit
  };
  struct Pins {
    size_t count = 0;
    std::array<RecordPin, kPinsMax> rows;
  };
  // The next held record that is not ours, has nothing but standing pins of others, and of which
  // this node is no home.
  struct ScanJob final : Job {
    Store* store = nullptr;
    NodeId self;
    size_t need = 0;  // holders besides the owner; 0: nothing may go
    size_t node_count = 0;
    std::array<PlacementNode, limits::kMembersMax> nodes;  // members that are not lost
    ChunkId after;
    bool found = false;
    bool ended = false;
    ChunkId c;
    Pins pins;
    std::array<RecordRow, kRowsPerJob> rows;
    Status run() override;
    Status look(const RecordRow& row);
    // Those before this node in an owner's order; 0: this node is a home, or nobody knows.
    size_t homes_before(const NodeId& owner, std::span<uint8_t> order) const;
  };
  struct DropJob final : Job {
    Store* store = nullptr;
    NodeId self;
    ChunkId c;
    Pins pins;
    Ticket ticket = 0;
    Status run() override;
  };
  struct GrantJob final : Job {
    Store* store = nullptr;
    ChunkId c;
    size_t count = 0;
    std::array<RecordPin, kPinsMax> pins;
    bool merged = false;  // the second time: looks whether these pins stand
    MutBytes room;
    Ticket ticket = 0;
    Status run() override;
    Status merge();
    Status check();
  };
  struct Asked {
    PeerRef peer;
    NodeId id;
    uint32_t request = 0;
    bool waits = false;
    bool grants = false;
  };
  // Reads pins of any record; kNotFound, kTooLarge: more than kPinsMax.
  static Status read_pins(Store* store, const ChunkId& c, Pins* to);
  void look_around();
  bool ask_all();
  bool ask(const NodeId& id);
  bool is_granted() const;
  bool is_releasing(const ChunkId& c) const;
  void next();
  void step(Status status);
  void decide();
  void answer(Answer answer);
  void on_granted(Status status);

  DataContext* context_ = nullptr;
  State state_ = State::kIdle;
  uint64_t pass_ns_ = 0;
  uint64_t asked_ns_ = 0;
  size_t asked_count_ = 0;
  std::array<Asked, limits::kCopiesMax> asked_;
  uint64_t released_ = 0;
  ScanJob scan_job_;
  DropJob drop_job_;
  DataSignal<Releaser> wake_;
  CommitWaiter waiter_;
  bool granting_ = false;
  PeerRef grant_peer_;
  uint32_t grant_request_ = 0;
  RecordBuffer* room_ = nullptr;
  GrantJob grant_job_;
  DataSignal<Releaser> granted_;
  CommitWaiter grant_waiter_;
};

}  // namespace drey
