// Builds a page tree from rows that arrive in order (a prolly tree): a page ends behind an entry
// whose key hashes so, hence the same rows give the same pages and an edit touches one path of
// pages. One buffer per level. Owned by the backup machine; one thread at a time. It writes nothing
// itself: pages come out one by one and go on when their (D, C) is known.
#pragma once

#include "backup/page.h"

namespace drey {

class PageBuilder {
 public:
  void start();
  // kOk; kAgain: a page is ready (see page()), nothing was added: resolve it, then add again;
  // kTooLarge: more than kPageLevelsMax levels, or a row that fits no page.
  Status add(const RowKey& key, Bytes body);
  // After the last row: kAgain while pages are to be resolved, kOk when root() is known.
  Status finish();

  // True while a page waits for its (D, C); its bytes do not change meanwhile.
  bool ready() const { return ready_; }
  Bytes page() const { return page_; }
  uint8_t page_level() const { return ready_level_; }
  // kTooLarge as above.
  Status resolve(const ContentId& d, const ChunkId& c);
  const PageRef& root() const { return root_; }
  uint64_t page_count() const { return page_count_; }

 private:
  struct Level {
    PageWriter writer;
    bool open = false;  // the writer holds at least one entry
    bool full = false;  // its hash says: ends here
    bool used = false;  // it has emitted a page
    KeyBuffer first;
  };
  MutBytes room(size_t level);
  Status add_to(size_t level, const RowKey& key, Bytes body);
  Status close(size_t level);
  // Closes the lowest full page, if there is one.
  bool close_full();

  std::array<Level, limits::kPageLevelsMax> levels_;
  bool ready_ = false;
  bool finished_ = false;
  bool is_root_ = false;
  uint8_t ready_level_ = 0;
  size_t finish_level_ = 0;
  uint64_t page_count_ = 0;
  Bytes page_;
  PageRef root_;
  std::array<uint8_t, limits::kPageBytesMax> leaf_;
  std::array<std::array<uint8_t, kIndexBytesMax>, limits::kPageLevelsMax - 1> index_;
};

}  // namespace drey
