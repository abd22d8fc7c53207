// Audits: now and then one own record, drawn at random, is fetched from one holder that should have
// it, and thrown away (DESIGN 2.1). Digests say what a holder claims to keep; only a GET shows that
// it does. A peer that hides one record in a hundred is found by 459 of them in 99 of 100 cases.
//
// Part of DataService, loop thread. Takes a serve slot while it runs, never the last one. Nothing
// is kept over a restart: what was found lacking is corrected in the index and healed like other
// losses.
#pragma once

#include "mesh/transfer/fetch.h"

namespace drey {

class Auditor {
 public:
  static constexpr size_t kAuditsPerDay = 24;
  static constexpr uint64_t kPauseNs = 24 * 3600 * kDataSecondNs / kAuditsPerDay;
  static constexpr uint64_t kRetryNs = 60 * kDataSecondNs;  // nobody to ask, or nothing to ask for
  static constexpr size_t kSuspectsMax = 8;

  struct Suspect {
    NodeId id;
    uint64_t failed = 0;
  };
  void start(DataContext* context, FetchService* fetch);
  void tick(uint64_t now_ns);
  // The next one at once (tests).
  void hurry() { next_ns_ = 0; }
  bool idle() const { return state_ == State::kIdle; }
  uint64_t asked() const { return asked_; }    // answered with the record or without it
  uint64_t failed() const { return failed_; }  // without it
  // Who failed, since the start; the first ones.
  std::span<const Suspect> suspects() const { return {suspects_.data(), suspect_count_}; }

 private:
  enum class State : uint8_t { kIdle, kChoosing, kFetching };
  static constexpr size_t kRows = 32;
  static constexpr size_t kWindow = 256;  // see ChooseJob
  // From a drawn id on, the nth own record that a connected device should have. Taking the first
  // one would favour records behind a wide gap, and a holder could hide the others; over kWindow of
  // them the gaps are alike.
  struct ChooseJob final : Job {
    Store* store = nullptr;
    ChunkId after;
    size_t skip = 0;    // below kWindow
    uint64_t open = 0;  // bits of the members that are connected
    bool found = false;
    RecordRow row;
    std::array<RecordRow, kRows> rows;
    Status run() override;
    Status walk(size_t nth, size_t* seen);
  };
  void choose(uint64_t now_ns);
  void on_chosen(Status status);
  void on_fetched(Status status);
  void note(const NodeId& id);
  void end(uint64_t pause_ns);

  DataContext* context_ = nullptr;
  FetchService* fetch_ = nullptr;
  State state_ = State::kIdle;
  uint64_t next_ns_ = kPauseNs;
  uint64_t draw_ = 0;  // of the holder
  uint64_t asked_ = 0;
  uint64_t failed_ = 0;
  size_t suspect_count_ = 0;
  std::array<Suspect, kSuspectsMax> suspects_;
  RecordBuffer* slot_ = nullptr;
  FetchRequest request_;
  ChooseJob choose_job_;
  DataSignal<Auditor> chosen_, fetched_;
};

}  // namespace drey
