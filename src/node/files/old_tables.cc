// When the heads of tables that newer ones have replaced are forgotten: many at a time, since each
// FORGET is a statement for every device and a sweep on this one.
#include "node/node.h"

namespace drey {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint64_t kTablesMax = 32;              // then at once
constexpr uint64_t kQuietNs = 3600 * kSecondNs;  // else when no file has changed for so long
constexpr uint64_t kRetryNs = 600 * kSecondNs;

}  // namespace

void Node::note_old_tables(uint64_t count) {
  old_tables_ = count;
  next_tables_ns_ = ports_.clock->up_ns() + kQuietNs;
}

void Node::forget_old_tables(uint64_t now_ns) {
  bool due = old_tables_ >= kTablesMax || (old_tables_ > 0 && now_ns >= next_tables_ns_);
  if (!due || forgetting_tables_ || stopping_ || now_ns < tables_retry_ns_) return;
  // A clone of this device may have a table that is newer than ours.
  const HeadTable::Highest* own = mesh_.heads().find(mesh_.self());
  if (own == nullptr || own->forked || mesh_.cloned()) return;
  ForgetRequest request;
  request.policy.keep_last = 1;
  request.only_set = set_tag(kFilesSet);
  tables_forgotten_.set(&ready_, this, &Node::tables_forgotten);
  tables_retry_ns_ = now_ns + kSecondNs;
  forgetting_tables_ = ok(backup_.forget(request, &tables_forgotten_));
}

void Node::tables_forgotten(Status status) {
  forgetting_tables_ = false;
  if (ok(status)) {
    old_tables_ = 0;
  } else {
    tables_retry_ns_ = ports_.clock->up_ns() + kRetryNs;
  }
}

}  // namespace drey
