// Statements that this node had and whose bytes the own log has lost. Those that were lost while it
// runs are still in force, but can be neither served nor found by the next start. All are asked of
// one device after the other until the log has them again. Owned by Mesh, loop thread; after a
// crash the digests of HELLO tell what is absent.
#pragma once

#include <algorithm>
#include <array>

#include "store/types.h"

namespace drey {

class MissingStatements {
 public:
  static constexpr size_t kMax = 64;
  static constexpr uint64_t kAskNsMin = 2ull * 1'000'000'000;
  static constexpr uint64_t kAskNsMax = 600ull * 1'000'000'000;

  // `in_force`: the tables know it, only its bytes are gone. More than kMax are forgotten: the
  // next start finds them absent.
  void note(const LostStatement& lost, bool in_force) {
    ask_ns_ = kAskNsMin;
    next_ns_ = 0;
    if (find(lost.kind, lost.key) == count_ && count_ < rows_.size())
      rows_[count_++] = {lost, in_force};
  }
  bool is_in_force(StatementKind kind, const StatementKey& key) const {
    size_t at = find(kind, key);
    return at < count_ && rows_[at].in_force;
  }
  void found(StatementKind kind, const StatementKey& key) {
    size_t at = find(kind, key);
    if (at < count_) rows_[at] = rows_[--count_];
  }
  size_t count() const { return count_; }
  const LostStatement& at(size_t index) const { return rows_[index].lost; }
  // A device has come: it is asked at once.
  void hurry() { next_ns_ = 0; }
  // Whether it is time to ask; ever more seldom, as long as nobody has them.
  bool is_due(uint64_t now_ns) {
    if (count_ == 0 || now_ns < next_ns_) return false;
    next_ns_ = now_ns + ask_ns_;
    ask_ns_ = std::min(ask_ns_ * 2, kAskNsMax);
    return true;
  }

 private:
  struct Row {
    LostStatement lost;
    bool in_force = false;
  };
  size_t find(StatementKind kind, const StatementKey& key) const {
    size_t at = 0;
    while (at < count_ && (rows_[at].lost.kind != kind || rows_[at].lost.key != key)) ++at;
    return at;
  }
  size_t count_ = 0;
  uint64_t next_ns_ = 0;
  uint64_t ask_ns_ = kAskNsMin;
  std::array<Row, kMax> rows_;
};

}  // namespace drey
