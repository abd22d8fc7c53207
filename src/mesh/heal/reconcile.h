// Reconcile: the owner asks each holder, on every new session and then slowly for ever, which of
// its records it holds, and corrects the holder masks (DESIGN 6). Digests of 256 buckets first;
// only buckets that differ are listed. What a holder lists beyond the own claims is surplus: it is
// unpinned when Unpinner allows it, else a sweep is asked for (DATA.md, "Giving up").
//
// Part of DataService, one holder at a time, loop thread. The masks are a cache: after a crash, or
// when a holder was wiped, they are wrong until this has run. A record that reaches the holder
// while its bucket is being listed may lose its bit: then it is pushed again, which costs one PIN.
#pragma once

#include "mesh/removal/cosigning.h"
#include "mesh/removal/unpin.h"
#include "mesh/removal/unpinner.h"

namespace drey {

class Reconciler {
 public:
  static constexpr uint64_t kAnswerNs = 30 * kDataSecondNs;
  static constexpr uint64_t kRetryNs = 15 * kDataSecondNs;
  static constexpr uint64_t kAgainNs = 600 * kDataSecondNs;
  static constexpr size_t kRowsPerJob = 256;
  // One comparison lists at most so many pages; then others get their turn, and the next one goes
  // on behind. No bucket of an honest holder is that long.
  static constexpr size_t kPagesMax = 1024;

  void start(DataContext* context, Unpinner* unpinner, Cosigning* cosigning);
  void on_unpinned(DataPeer& peer, const UnpinnedMessage& message);
  void on_digests(DataPeer& peer, const DigestsMessage& message);
  void on_chunks(DataPeer& peer, const PinnedChunksMessage& message);
  void on_closed(const DataPeer& peer);
  void tick(uint64_t now_ns);
  // Asks everybody again.
  void recheck();
  // Asks one again: it says that it has less than it had. At most every kRetryNs.
  void recheck(DataPeer& peer);
  // True when every open member was asked since its session began.
  bool all_reconciled();
  bool idle() const { return state_ == State::kIdle; }
  uint64_t corrected_count() const { return corrected_total_; }
  uint64_t unpinned_count() const { return unpinned_total_; }

 private:
  enum class State : uint8_t {
    kIdle,
    kAsking,     // waits for DIGESTS
    kExpecting,  // waits for a job that sums up what we believe
    kListing,    // waits for PINNED_CHUNKS
    kComparing,  // waits for a job that corrects masks
    kSigning,    // waits for the signature of an UNPIN
    kCosigning,  // waits for the word of the recovery phrase on it
    kUnpinning,  // waits for UNPINNED
    kCount,
  };
  // Sums up the own records that `bit` is believed to hold, kRowsPerJob at a time.
  struct ExpectJob final : Job {
    Store* store = nullptr;
    uint64_t bit = 0;
    ChunkId after;
    bool ended = false;
    std::array<BucketDigest, kBucketCount> digests;
    std::array<RecordRow, kRowsPerJob> rows;
    Status run() override;
  };
  // Corrects the bit of the own records above `after` up to the end of what was listed.
  struct CompareJob final : Job {
    Store* store = nullptr;
    uint64_t bit = 0;
    uint8_t bucket = 0;
    ChunkId after;      // zero: the beginning of the bucket
    bool more = false;  // the list ends at its last id, not at the end of the bucket
    size_t count = 0;
    std::array<ChunkId, limits::kPinnedChunksMax> chunks;
    size_t corrected = 0;
    UnpinDraft* draft = nullptr;
    bool unpins = false;  // surplus goes into the draft, as long as there is room
    size_t surplus = 0;   // listed, and not ours
    std::array<RecordRow, kRowsPerJob> rows;
    std::array<ChunkId, kRowsPerJob> add;
    std::array<ChunkId, kRowsPerJob> clear;
    Status run() override;
    Status correct(size_t row_count, size_t* listed, bool* ended);
    void note_surplus(const ChunkId& c);
  };
  struct SignJob final : Job {
    UnpinDraft* draft = nullptr;
    const KeyPair* identity = nullptr;
    MeshId mesh;
    Status run() override { return draft->sign(*identity, mesh); }
  };
  // By link: what both sides said when a comparison last found nothing to correct. What a holder
  // keeps beyond our claims makes digests differ for good; it is listed once, not each time.
  struct Settled {
    uint32_t serial = 0;  // of the link
    uint64_t mark = 0;    // 0: none
    size_t resume = 0;    // the bucket at which a comparison stopped that was too long
  };
  void move(State to);
  void pick(uint64_t now_ns);
  void send();
  void on_expected(Status status);
  void next_bucket();
  uint64_t mark() const;
  Settled& settled_row();
  uint64_t& settled_mark() { return settled_row().mark; }
  void on_compared(Status status);
  void after_page();
  void begin_unpin();
  void on_signed(Status status);
  void tick_cosigning(uint64_t now_ns);
  void say_unpin(bool now);
  bool waits_for_peer() const;
  void end(bool done);

  DataContext* context_ = nullptr;
  Unpinner* unpinner_ = nullptr;
  Cosigning* cosigning_ = nullptr;
  State state_ = State::kIdle;
  PeerRef peer_;
  uint64_t since_ns_ = 0;
  uint32_t request_ = 0;
  bool asked_again_ = false;  // recheck() came while this one runs
  bool unsent_ = false;       // the link had no room for the question
  size_t bucket_ = 0;
  ChunkId after_;
  size_t pages_ = 0;         // listed in this comparison
  size_t bucket_pages_ = 0;  // ... of this bucket
  size_t corrected_ = 0;
  uint64_t corrected_total_ = 0;
  uint64_t unpin_number_ = 0;  // of this round; 0: nothing may be unpinned
  size_t surplus_ = 0;         // listed in this round and left
  size_t unpinned_ = 0;        // of this round
  bool now_ = false;           // the UNPIN on its way is co-signed
  uint64_t unpinned_total_ = 0;
  std::array<PinDigest, kBucketCount> told_;
  std::array<Settled, DataPeers::kSlots> settled_{};
  DataSignal<Reconciler> expected_;
  DataSignal<Reconciler> compared_;
  DataSignal<Reconciler> signed_;
  ExpectJob expect_job_;
  CompareJob compare_job_;
  SignJob sign_job_;
  UnpinDraft draft_;
};

}  // namespace drey
