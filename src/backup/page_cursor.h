// Walks the rows of a page tree in key order, forward, loading pages as it needs them: one leaf and
// one index page are in memory. It fetches nothing itself: a call that needs a page returns kAgain;
// the caller puts the page wants() into room() and calls loaded() or failed(), which goes on.
// One thread at a time. (A diff that skips equal pages would compare wants() of two cursors.)
#pragma once

#include "backup/page.h"

namespace drey {

class PageCursor {
 public:
  void start(const PageRef& root);
  // The first row with a key >= `key`. Going back costs a descent from the root, nothing else.
  // kOk: row() and key() are valid; kEnd; kAgain; kInvalid: the tree is malformed.
  Status seek(const RowKey& key);
  // The following row, after a kOk. Same results.
  Status next();

  // After kAgain:
  const PageRef& wants() const { return wants_; }
  MutBytes room();
  // Goes on with `size` bytes of room(). Same results as the call that returned kAgain.
  Status loaded(size_t size);
  // The page cannot be had: goes on behind everything it covers. The rows in it are lost.
  Status failed();

  RowKey key() const { return leaf_.key(); }
  const Row& row() const { return row_; }
  Bytes body() const { return leaf_.body(); }  // the row, encoded
  // The rows that follow in this leaf, for looking ahead: a copy of the reader, used until the next
  // call on the cursor.
  const PageReader& ahead() const { return leaf_; }

 private:
  Status scan_leaf();  // to the first row >= target_, in this leaf or behind it
  Status next_leaf();  // the one behind the leaf that is exhausted or lost
  Status leave_leaf(const RowKey& to);
  Status restart();       // descends from the root to target_
  Status choose_child();  // goes on in the index page to the child that covers target_
  Status advance_sibling();
  Status want(const PageRef& page);
  Status end();

  PageRef root_;
  PageRef wants_;
  bool loading_ = false;
  bool leaf_read_ = false;      // leaf_ is the page that was loaded last
  bool leaf_valid_ = false;     // leaf_ stands on a row
  bool index_valid_ = false;    // index_ is a page of level 1 and stands on the sibling
  bool sibling_valid_ = false;  // index_ stands on the child behind the chosen one: sibling_
  bool bound_valid_ = false;    // bound_: the first key behind what the index page covers
  PageRef sibling_;
  KeyBuffer target_;
  KeyBuffer bound_;
  PageReader leaf_;
  PageReader index_;
  Row row_;
  std::array<uint8_t, limits::kPageBytesMax> leaf_bytes_;
  std::array<uint8_t, kIndexBytesMax> index_bytes_;
};

}  // namespace drey
