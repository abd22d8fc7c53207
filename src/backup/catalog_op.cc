#include "backup/catalog_op.h"

#include "backup/files/file_table.h"

namespace drey {

void CatalogOp::start(BackupContext* context) {
  context_ = context;
  bind(context->ready);
  scan_.store = context->store;
  scan_.keyring = context->keyring;
}

Status CatalogOp::list(SnapshotSink* sink, Op* done) {
  if (running()) return Status::kBusy;
  sink_ = sink;
  begin(Query::kList, done);
  return Status::kOk;
}

Status CatalogOp::resolve(std::string_view text, SnapshotInfo* to, Op* done) {
  if (running()) return Status::kBusy;
  DREY_TRY(parse(text));
  to_ = to;
  begin(query_, done);
  return Status::kOk;
}

// "latest", "NODE:latest", or at least kPrefixDigitsMin hex digits. Sets query_ only when kOk.
Status CatalogOp::parse(std::string_view text) {
  constexpr std::string_view kLatestOf = ":latest";
  if (text == "latest") {
    query_ = Query::kLatest;
    return Status::kOk;
  }
  if (text.ends_with(kLatestOf)) {
    text.remove_suffix(kLatestOf.size());
    DREY_TRY(context_->records->find_node(text, &owner_));
    query_ = Query::kLatestOf;
    return Status::kOk;
  }
  if (text.size() < kPrefixDigitsMin || text.size() > digits_.size()) return Status::kInvalid;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return Status::kInvalid;
    digits_[i] = c;
  }
  digit_count_ = text.size();
  query_ = Query::kPrefix;
  return Status::kOk;
}

void CatalogOp::begin(Query query, Op* done) {
  query_ = query;
  done_ = done;
  enough_ = cancelled_ = has_table_ = false;
  found_ = 0;
  scan_.begin(query == Query::kLatestOf ? &owner_ : nullptr);
  context_->submit(Lane::kStore, &scan_, this);
}

void CatalogOp::cancel() { cancelled_ = true; }

void CatalogOp::step(Status status) {
  if (cancelled_) return finish(Status::kCancelled);
  if (!ok(status)) return finish(status);
  for (size_t i = 0; i < scan_.count && !enough_; ++i) take(scan_.infos[i]);
  if (!scan_.ended && !enough_) return context_->submit(Lane::kStore, &scan_, this);
  unreadable_ = scan_.unreadable;
  if (query_ == Query::kList) {
    list_table();
    return finish(Status::kOk);
  }
  finish(found_ == 0 ? Status::kNotFound : found_ == 1 ? Status::kOk : Status::kExists);
}

bool CatalogOp::has_prefix(const StatementId& id) const {
  std::array<char, 2 * StatementId::kSize> hex;
  return hex_encode(id.bytes(), hex) &&
         std::string_view(hex.data(), hex.size()).starts_with({digits_.data(), digit_count_});
}

void CatalogOp::take(const SnapshotInfo& info) {
  switch (query_) {
    case Query::kNone:
      return;
    case Query::kList:
      list_row(info);
      return;
    case Query::kPrefix:
      if (!has_prefix(info.id)) return;
      ++found_;
      *to_ = info;
      return;
    case Query::kLatest:
    case Query::kLatestOf:
      choose(info);
      return;
  }
}

// Of an owner's tables of single files the newest stands for all, behind its other snapshots.
void CatalogOp::list_row(const SnapshotInfo& info) {
  if (has_table_ && table_.node != info.node) list_table();
  if (enough_) return;
  if (info.set() == kFilesSet) {
    table_ = info;
    has_table_ = true;
  } else {
    enough_ = !sink_->row(info);
  }
}

void CatalogOp::list_table() {
  if (has_table_ && !enough_) enough_ = !sink_->row(table_);
  has_table_ = false;
}

// 2: this node, 1: a device it replaced, 0: another.
int CatalogOp::closeness(const NodeId& owner) const {
  return owner == context_->self ? 2 : context_->is_own(owner) ? 1 : 0;
}

// What a backup made comes before a table of single files. Within one owner the sequence decides.
// Between owners, where this node has no snapshot of its own, the time they told: it only chooses
// what a person is shown first.
void CatalogOp::choose(const SnapshotInfo& info) {
  bool better = found_ == 0;
  bool table = info.set() == kFilesSet, had_table = !better && to_->set() == kFilesSet;
  if (!better && table != had_table) {
    better = had_table;
  } else if (!better && info.node == to_->node) {
    better = info.sequence > to_->sequence;
  } else if (!better) {
    int rank = closeness(info.node), had = closeness(to_->node);
    better = rank > had || (rank == had && info.time_ns > to_->time_ns);
  }
  found_ = 1;
  if (better) *to_ = info;
}

void CatalogOp::finish(Status status) {
  query_ = Query::kNone;
  Op* done = done_;
  done_ = nullptr;
  sink_ = nullptr;
  to_ = nullptr;
  done->complete(status);
}

}  // namespace drey
