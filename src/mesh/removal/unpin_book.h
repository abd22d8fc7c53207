// What a holder has written down of the removals of others: the highest number each owner has
// announced, and UNPINs that wait for their minimum age, which is counted in this node's own
// up-time. DATA.md, "Giving up".
//
// Owned by UnpinServer. Blocking: store lane, or before the loop runs. After a crash: an announced
// number and an UNPIN are in the log once their ticket is durable; up-time loses ten minutes at
// most, which only makes an UNPIN wait longer. Whether a pin is about to go is told the index anew
// after a start and after each of its rebuilds.
#pragma once

#include <span>

#include "mesh/removal/unpin.h"
#include "store/state_log.h"
#include "store/store.h"

namespace drey {

class UnpinBook {
 public:
  struct Options {
    Store* store = nullptr;
    StateLog* state = nullptr;  // may be null: up-time then begins with the newest UNPIN's
    Clock* clock = nullptr;
    NodeId self;
    uint64_t minimum_age_s = board::kMinimumAgeSeconds;
  };
  struct Announced {
    NodeId owner;
    uint64_t number = 0;
  };
  struct Due {
    uint64_t done = 0;     // UNPINs that took effect
    uint64_t waiting = 0;  // that are left
    uint64_t next_s = 0;   // up-time until the first of them is due; 0: nothing waits
  };

  void start(const Options& options);
  // The announced numbers, one row per owner, and the up-time. *count rows.
  Status load(std::span<Announced, kNodeSlotsMax> rows, size_t* count);
  // Own up-time, of the runs before as well; of a suspend twenty minutes at most count.
  uint64_t uptime_s();
  Status save_uptime();

  // Writes the number down. `owner` may unpin up to it once the ticket is durable.
  Status announce(const NodeId& owner, uint64_t number, Ticket* ticket);

  // Takes a verified UNPIN that came from `from`. *ticket 0: nothing is left to take, or will be.
  // kDenied: it is not the sender's, not for this node, or above what the sender has announced.
  // kInvalid, kTooLarge, kUnsupported; kBusy, kFull, kReadOnly, kIo: nothing was taken.
  Status accept(Bytes statement, const NodeId& from, uint64_t announced, Ticket* ticket);
  // The same once it is durable: digests leave these pins out from now on.
  Status mark(Bytes statement);
  // Takes the pins of a verified and co-signed UNPIN, without its minimum age. As accept().
  Status take(Bytes statement, const NodeId& from, uint64_t announced, Ticket* ticket);
  // Says so again where the index may have forgotten it.
  Status refresh();

  // Takes the pins whose UNPIN is old enough, of these owners only: members that are not suspected
  // to be two devices. A few at a time. *ticket 0: nothing was done.
  Status run_due(std::span<const NodeId> owners, Due* due, Ticket* ticket);

 private:
  static constexpr size_t kRowsPerScan = 8;
  static constexpr size_t kPerRun = 8;
  static constexpr int kArrivalShift = 16;  // of the key: seconds ‖ a count
  Status mark_all();
  Status run_row(const StatementRow& row, bool* gone, Ticket* ticket);
  Status read(const StatementRow& row, Unpin* unpin);
  Status judge(Bytes statement, const NodeId& from, uint64_t announced, Unpin* unpin) const;

  Options options_;
  uint64_t seen_ns_ = 0;   // the clock at the last look,
  uint64_t awake_ns_ = 0;  // and the up-time of this run until then
  uint64_t before_s_ = 0;  // up-time of the runs before
  uint64_t saved_s_ = 0;
  uint64_t replays_ = 0;  // Store::replays() for which everything was marked
  bool marked_ = false;
  std::array<uint8_t, limits::kStatementBytesMax> bytes_;
};

}  // namespace drey
