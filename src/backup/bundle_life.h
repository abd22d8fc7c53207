// How much of each bundle the kept files still use. Counted while rows are taken over from the
// previous snapshot, in a fixed table; where two bundles clash there, neither is judged. Bundles of
// which less than 30 % is alive are named; the next backup reads their files anew, so that the old
// record can go. Owned by the backup op, kept in memory only: a restart merely delays that.
#pragma once

#include "backup/entry.h"

namespace drey {

class SparseBundles {
 public:
  static constexpr size_t kMax = 256;
  void clear() { count_ = 0; }
  bool contains(const ChunkId& c) const;
  void add(uint64_t tag) {
    if (count_ < kMax) tags_[count_++] = tag;
  }
  size_t count() const { return count_; }

 private:
  size_t count_ = 0;
  std::array<uint64_t, kMax> tags_;
};

class BundleLife {
 public:
  static constexpr uint64_t kAlivePercentMin = 30;
  void reset() { counts_ = {}; }
  // Counts the extents of a row that is taken over.
  void note(const Row& row);
  void find_sparse(SparseBundles* to) const;

 private:
  struct Count {
    uint64_t tag = 0;  // the beginning of C; 0 = free
    uint32_t alive_bytes = 0;
    uint32_t bytes = 0;  // 0 = two bundles met here
  };
  std::array<Count, 2048> counts_{};
};

}  // namespace drey
