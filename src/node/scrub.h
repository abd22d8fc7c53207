// Scrub: the whole log is read again, piece by piece and for ever, so that rot is found while other
// devices still hold good copies. What does not verify no longer counts as held; digests then
// differ, and the owner brings it again.
//
// Part of the node, loop thread; the reading is a job on the store lane, one piece at a time. The
// position survives in the state log: a restart goes on in the segment where it stopped.
#pragma once

#include <utility>

#include "base/text.h"
#include "mesh/data/data_signal.h"
#include "store/state_log.h"
#include "store/store.h"

namespace drey {

class Scrubber {
 public:
  static constexpr uint64_t kSecondNs = 1'000'000'000;
  // One job's share of the store lane: tens of milliseconds on an SD card.
  static constexpr uint64_t kPieceBytes = 1 << 20;
  // Unasked, a pass over everything takes two weeks of up-time.
  static constexpr uint64_t kPassNs = 14ull * 86400 * kSecondNs;
  static constexpr uint64_t kFirstWaitNs = 60 * kSecondNs;  // a start has better things to do
  static constexpr uint64_t kRetryNs = 60 * kSecondNs;

  struct Figures {
    uint64_t passes = 0;      // complete ones, since this store was made
    uint64_t damaged = 0;     // records and statements found rotten, in all passes
    uint64_t read_bytes = 0;  // of the pass that runs
    bool hurried = false;     // a person asked for it
  };

  void start(Store* store, StateLog* state, Lanes* lanes, ReadyQueue* ready, uint64_t now_ns);
  // Reads everything now, from the beginning, as fast as the disk gives it.
  void hurry();
  void tick(uint64_t now_ns, uint64_t stored_bytes);
  void stop() { stopping_ = true; }
  bool idle() const { return !reading_; }
  const Figures& figures() const { return figures_; }
  // Rises with every piece that found damage: then the copies are to be counted again.
  uint64_t findings() const { return findings_; }
  void write_status(TextWriter& out, uint64_t stored_bytes) const;

 private:
  // Reads one piece, and keeps the position where a segment ends.
  struct PieceJob final : Job {
    Store* store = nullptr;
    StateLog* state = nullptr;
    ScrubPosition at;
    ScrubPiece piece;
    Figures figures;
    bool load = false;  // the first job only reads the position
    Status run() override;
    void load_position();
    Status save_position() const;
  };
  void read();
  void piece_read(Status status);

  Lanes* lanes_ = nullptr;
  PieceJob job_;
  DataSignal<Scrubber> read_;
  Figures figures_;
  ScrubPosition at_;
  uint64_t findings_ = 0;
  uint64_t next_ns_ = 0;
  bool reading_ = false;
  bool failed_ = false;
  bool restart_ = false;  // hurry() asked for the beginning
  bool stopping_ = false;
};

}  // namespace drey
