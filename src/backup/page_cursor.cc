#include "backup/page_cursor.h"

namespace drey {

void PageCursor::start(const PageRef& root) {
  root_ = root;
  loading_ = leaf_read_ = leaf_valid_ = index_valid_ = sibling_valid_ = bound_valid_ = false;
  target_.clear();
}

MutBytes PageCursor::room() {
  DREY_CHECK(loading_);
  if (wants_.level == 0) return leaf_bytes_;
  return index_bytes_;
}

Status PageCursor::want(const PageRef& page) {
  wants_ = page;
  loading_ = true;
  leaf_read_ = leaf_valid_ = false;
  if (page.level != 0) index_valid_ = sibling_valid_ = false;
  return Status::kAgain;
}

Status PageCursor::end() {
  leaf_valid_ = false;
  return Status::kEnd;
}

Status PageCursor::restart() {
  bound_valid_ = false;
  return want(root_);
}

Status PageCursor::seek(const RowKey& key) {
  DREY_CHECK(!loading_);
  target_.assign(key);
  if (!leaf_valid_ || compare_keys(target_.key(), leaf_.key()) < 0) return restart();
  return scan_leaf();
}

Status PageCursor::next() {
  DREY_CHECK(!loading_ && leaf_valid_);
  Status status = leaf_.next();
  if (status == Status::kEnd) return next_leaf();
  if (!ok(status)) return status;
  return decode_row(leaf_.key(), leaf_.body(), &row_);
}

// leaf_ stands on a row that has not been compared yet.
Status PageCursor::scan_leaf() {
  while (compare_keys(leaf_.key(), target_.key()) < 0) {
    Status status = leaf_.next();
    if (ok(status)) continue;
    if (status != Status::kEnd) return status;
    if (!index_valid_) return end();  // the root is this leaf
    if (bound_valid_ && compare_keys(target_.key(), bound_.key()) >= 0) return restart();
    if (!sibling_valid_) return next_leaf();
    return choose_child();
  }
  leaf_valid_ = true;
  return decode_row(leaf_.key(), leaf_.body(), &row_);
}

// The lowest key behind the leaf becomes the target, so that no row is met twice. A leaf with rows
// beyond that key is not of this place: whoever made the tree lied.
Status PageCursor::leave_leaf(const RowKey& to) {
  if (leaf_read_ && compare_keys(leaf_.key(), to) >= 0) return Status::kInvalid;
  target_.assign(to);
  return Status::kOk;
}

Status PageCursor::next_leaf() {
  leaf_valid_ = false;
  if (index_valid_ && sibling_valid_) {
    DREY_TRY(leave_leaf(index_.key()));
    return choose_child();
  }
  if (!bound_valid_) return end();
  DREY_TRY(leave_leaf(bound_.key()));
  return restart();
}

Status PageCursor::advance_sibling() {
  Status status = index_.next();
  sibling_valid_ = ok(status);
  if (status == Status::kEnd) return Status::kOk;
  DREY_TRY(status);
  return decode_child(index_.body(), &sibling_);
}

// Takes the sibling, then every further one whose first key is not above the target.
Status PageCursor::choose_child() {
  DREY_CHECK(sibling_valid_);
  PageRef child;
  do {
    child = sibling_;
    DREY_TRY(advance_sibling());
  } while (sibling_valid_ && compare_keys(index_.key(), target_.key()) <= 0);
  child.level = static_cast<uint8_t>(wants_.level == 0 ? 0 : wants_.level - 1);
  if (child.level == 0) {
    index_valid_ = true;
    return want(child);
  }
  if (sibling_valid_) {
    bound_.assign(index_.key());
    bound_valid_ = true;
  }
  return want(child);
}

Status PageCursor::loaded(size_t size) {
  MutBytes page = room();
  loading_ = false;
  if (size > page.size()) return Status::kInvalid;
  if (wants_.level != 0) {
    DREY_TRY(index_.begin(page.first(size), wants_.level));
    DREY_TRY(advance_sibling());
    if (!sibling_valid_) return Status::kInvalid;
    return choose_child();
  }
  DREY_TRY(leaf_.begin(page.first(size), 0));
  leaf_read_ = true;
  Status status = leaf_.next();
  if (status == Status::kEnd) return next_leaf();
  DREY_TRY(status);
  return scan_leaf();
}

Status PageCursor::failed() {
  DREY_CHECK(loading_);
  loading_ = false;
  if (wants_.level != 0) {
    index_valid_ = sibling_valid_ = false;
    if (!bound_valid_) return end();
    target_.assign(bound_.key());
    return restart();
  }
  return next_leaf();
}

}  // namespace drey
