// Fetch: get one record back, from the own log or from whoever holds it (DESIGN 4, 6). Holders are
// asked one after the other, the least burdened first; every byte is hashed before it is believed.
//
// Ops in static slots of FetchService, loop thread. The record arrives straight in the asker's
// room: the op therefore never completes while a link may still write there. A link that is too
// slow is closed first, an answer that comes too late is dropped unread.
#pragma once

#include "mesh/data/data_context.h"

namespace drey {

class FetchService;

class FetchOp {
 public:
  enum class State : uint8_t {
    kIdle,
    kReading,     // waits for the own log
    kAsking,      // waits for DATA or MISSING
    kReceiving,   // DATA is arriving in the room
    kHashing,     // waits for SHA-256
    kPausing,     // all holders were busy, or are still to come: waits for the next round
    kCorrecting,  // waits for the store to forget who does not hold it after all
    kCount,
  };
  static constexpr uint64_t kProgressNs = 30 * kDataSecondNs;  // for an answer to begin
  // For one record to arrive: 9 KB/s. A link without any byte is closed by its session long before.
  static constexpr uint64_t kArrivalNs = 120 * kDataSecondNs;
  static constexpr uint64_t kPauseNs = kDataSecondNs / 4;
  static constexpr size_t kRoundsMax = 8;

  void start(FetchService* service, DataContext* context);
  void begin(FetchRequest* request);
  State state() const { return state_; }
  const char* state_name() const;
  void tick(uint64_t now_ns);
  bool on_missing(DataPeer& peer, const MissingMessage& message);
  bool waits_for(const DataPeer& peer, const DataHead& head) const;
  // False: not what was asked for, or larger than the room. A protocol error.
  bool fits(const DataHead& head, size_t size) const {
    return head.c == request_->c && size > 0 && size <= request_->room.size();
  }
  MutBytes on_data(size_t size);
  void on_data_end(size_t size, Status status);
  void on_closed(const DataPeer& peer);

 private:
  struct ReadJob final : Job {
    Store* store = nullptr;
    ChunkId c;
    MutBytes room;
    bool row_only = false;
    size_t size = 0;
    RecordState known;
    Status run() override;
  };
  struct HashJob final : Job {
    ChunkId c;
    Bytes record;
    Status run() override;
  };
  struct CorrectJob final : Job {
    Store* store = nullptr;
    ChunkId c;
    uint64_t clear = 0;
    Status run() override;
  };
  void move(State to);
  void on_read(Status status);
  void on_hashed(Status status);
  void on_corrected(Status status);
  DataPeer* choose();
  void ask_next();
  // What the peer asked last has to do with it now; goes on with the next.
  void failed(bool has_it_not);
  void release_peer();
  void finish(Status status);

  FetchService* service_ = nullptr;
  DataContext* context_ = nullptr;
  State state_ = State::kIdle;
  FetchRequest* request_ = nullptr;
  PeerRef peer_;
  uint32_t asked_ = 0;     // the request number of our GET
  uint64_t owed_ = 0;      // what the peer's bytes_owed counts for us
  uint64_t since_ns_ = 0;  // of the state
  std::array<PeerRef, limits::kSessionsMax> tried_;
  size_t tried_count_ = 0;
  size_t round_ = 0;
  bool any_busy_ = false;
  uint64_t clear_ = 0;  // bits of those that should hold it and do not
  Status outcome_ = Status::kOk;
  DataSignal<FetchOp> read_;
  DataSignal<FetchOp> hashed_;
  DataSignal<FetchOp> corrected_;
  ReadJob read_job_;
  HashJob hash_job_;
  CorrectJob correct_job_;
};

class FetchService {
 public:
  static constexpr size_t kFetchesMax = limits::kOriginSlots + limits::kServeSlots;
  // After the start holders are still finding their way here: nothing is called missing before.
  static constexpr uint64_t kSettleNs = 10 * kDataSecondNs;

  void start(DataContext* context);
  // Beyond kFetchesMax requests wait their turn.
  void fetch(FetchRequest* request);
  void on_missing(DataPeer& peer, const MissingMessage& message);
  MutBytes on_data_begin(DataPeer& peer, const DataHead& head, size_t size);
  void on_data_end(DataPeer& peer, size_t size, Status status);
  void on_closed(DataPeer& peer);
  void tick(uint64_t now_ns);
  bool idle() const { return ops_.free_count() == kFetchesMax; }

 private:
  friend class FetchOp;
  void ended(FetchOp* op);
  bool is_settling() const;

  DataContext* context_ = nullptr;
  uint64_t started_ns_ = 0;
  Pool<FetchOp, kFetchesMax> ops_;
  FetchRequest* head_ = nullptr;
  FetchRequest* tail_ = nullptr;
};

}  // namespace drey
