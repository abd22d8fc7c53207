// Takes out of the log what the newest FORGET of each owner removes: heads among its ranges, and
// the FORGETs it supersedes. Owned by Mesh, loop thread; the store works in jobs, a few statements
// at a time. A crash leaves some of them: at start every owner is looked at again. What the log has
// lost of them nobody is asked for any more.
#pragma once

#include "base/log.h"
#include "drey/ports.h"
#include "mesh/data/data_signal.h"
#include "mesh/heads/forget.h"
#include "mesh/sync/missing.h"
#include "store/commit.h"
#include "store/store.h"

namespace drey {

class ForgetApplier {
 public:
  struct Options {
    Store* store = nullptr;
    Committer* committer = nullptr;
    Lanes* lanes = nullptr;
    Clock* clock = nullptr;
    Log* log = nullptr;
    ReadyQueue* ready = nullptr;
    HeadTable* heads = nullptr;
    MissingStatements* missing = nullptr;
  };
  // Looks at every owner that has a FORGET.
  void start(const Options& options);
  // The newest FORGET of this owner has changed.
  void on_forget(const NodeId& owner);
  void tick(uint64_t now_ns);
  bool idle() const { return state_ == State::kIdle; }
  // Nothing new is begun.
  void stop() { stopping_ = true; }
  // Everything that is known to be removed is out of the log.
  bool settled() const { return idle() && dirty_count_ == 0; }

 private:
  enum class State : uint8_t { kIdle, kReading, kCommitting };
  static constexpr size_t kBatch = 32;
  static constexpr uint64_t kRetryNs = 10ull * 1'000'000'000;
  struct Gone {
    HeadKey key{};
    Key32 hash{};
    bool noted = false;  // its bytes could be read: HeadTable knows it
  };
  struct TakeOutJob : Job {
    Store* store = nullptr;
    NodeId owner;
    uint64_t number = 0;
    StatementKey after{};
    bool ended = false;
    Ticket ticket = 0;
    size_t gone_count = 0;
    std::array<Gone, kBatch> gone;
    Forget known;  // in `forget`
    std::array<uint8_t, limits::kStatementBytesMax> forget;
    std::array<uint8_t, limits::kHeadBytesMax> head;
    Status run() override;
    Status take_out(const StatementKey& key);
    Status take_out_older();
  };
  void next();
  void read(Status status);
  void committed(Status status);
  void take_note();
  void ask_no_more();
  void retry(Status status);

  Options options_;
  State state_ = State::kIdle;
  bool stopping_ = false;
  bool told_ = false;
  uint64_t again_ns_ = 0;
  std::array<bool, HeadTable::kOwnersMax> dirty_{};  // by the row in HeadTable
  size_t dirty_count_ = 0;
  size_t row_ = 0;
  TakeOutJob job_;
  CommitWaiter waiter_;
  DataSignal<ForgetApplier> read_;
  DataSignal<ForgetApplier> committed_;
};

}  // namespace drey
