#include "backup/page_builder.h"

#include "backup/cut_hash.h"

namespace drey {
namespace {

struct Sizes {
  size_t min;
  size_t average;
};

Sizes sizes_of(size_t level) {
  if (level == 0) return {limits::kPageBytesMin, limits::kPageBytesAverage};
  return {kIndexBytesMin, kIndexBytesAverage};
}

// Whether a page ends behind this entry. By its key alone, so that a changed body moves no border;
// the chance grows with the entry's size, so that pages of long rows are as large as others.
bool cuts(size_t level, const RowKey& key, size_t entry_bytes) {
  CutHash hash(level);
  hash.update(as_bytes(key.path));
  hash.number(key.offset);
  Sizes sizes = sizes_of(level);
  return hash.hits(entry_bytes, sizes.average - sizes.min);
}

}  // namespace

void PageBuilder::start() {
  for (Level& level : levels_) level.open = level.full = level.used = false;
  ready_ = finished_ = is_root_ = false;
  finish_level_ = 0;
  page_count_ = 0;
  root_ = {};
}

MutBytes PageBuilder::room(size_t level) {
  if (level == 0) return leaf_;
  return index_[level - 1];
}

Status PageBuilder::add(const RowKey& key, Bytes body) {
  DREY_CHECK(!finished_);
  if (ready_ || close_full()) return Status::kAgain;
  return add_to(0, key, body);
}

Status PageBuilder::add_to(size_t level, const RowKey& key, Bytes body) {
  if (level >= limits::kPageLevelsMax) return Status::kTooLarge;
  Level& at = levels_[level];
  if (!at.open) at.writer.begin(room(level), static_cast<uint8_t>(level));
  size_t before = at.writer.size();
  if (!at.writer.add(key, body)) {
    // A level above is only added to when it has been closed if full, see resolve().
    if (!at.open) return Status::kTooLarge;
    DREY_CHECK(level == 0);
    DREY_TRY(close(level));
    return Status::kAgain;
  }
  if (!at.open) at.first.assign(key);
  at.open = true;
  size_t bytes = at.writer.size() - before;
  bool enough = at.writer.size() >= sizes_of(level).min &&
                (level == 0 || at.writer.count() >= kIndexChildrenMin);
  bool hit = enough && cuts(level, key, bytes);
  bool last = room(level).size() - at.writer.size() < kPageEntryOverheadBytes + kEntryPathMax + 64;
  at.full = hit || (level != 0 && last);
  return Status::kOk;
}

Status PageBuilder::close(size_t level) {
  DREY_CHECK(!ready_);
  page_ = levels_[level].writer.finish();
  ready_level_ = static_cast<uint8_t>(level);
  ready_ = true;
  ++page_count_;
  return Status::kOk;
}

bool PageBuilder::close_full() {
  for (size_t level = 0; level < limits::kPageLevelsMax; ++level) {
    if (!levels_[level].full) continue;
    (void)close(level);
    return true;
  }
  return false;
}

Status PageBuilder::resolve(const ContentId& d, const ChunkId& c) {
  DREY_CHECK(ready_);
  Level& at = levels_[ready_level_];
  ready_ = false;
  at.open = at.full = false;
  if (is_root_) {
    root_ = {d, c, ready_level_};
    return Status::kOk;
  }
  at.used = true;
  std::array<uint8_t, 64> body;
  std::copy(d.raw.begin(), d.raw.end(), body.begin());
  std::copy(c.raw.begin(), c.raw.end(), body.begin() + 32);
  return add_to(ready_level_ + 1u, at.first.key(), body);
}

Status PageBuilder::finish() {
  finished_ = true;
  if (ready_ || close_full()) return Status::kAgain;
  if (is_root_) return Status::kOk;
  for (; finish_level_ < limits::kPageLevelsMax; ++finish_level_) {
    Level& at = levels_[finish_level_];
    bool above = false;
    for (size_t i = finish_level_ + 1; i < limits::kPageLevelsMax; ++i)
      above = above || levels_[i].open || levels_[i].used;
    if (!above && !at.used) {
      is_root_ = true;
      if (!at.open) at.writer.begin(room(finish_level_), static_cast<uint8_t>(finish_level_));
      DREY_TRY(close(finish_level_));
      return Status::kAgain;
    }
    if (!at.open) continue;
    DREY_TRY(close(finish_level_));
    return Status::kAgain;
  }
  return Status::kTooLarge;
}

}  // namespace drey
