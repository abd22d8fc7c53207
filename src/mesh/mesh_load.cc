// At start: every statement of the store's log back into the tables. Signatures were verified
// before the statements were written, and the log's checksums say that they are the same bytes.
#include <algorithm>

#include "mesh/mesh.h"
#include "store/store.h"

namespace drey {
namespace {

constexpr size_t kRows = 64;
// Ids lie in the store in no useful order: a statement whose parents are missing is put aside and
// the parents are read first. The deepest of a longer chain is found by the next round.
constexpr size_t kStackMax = 256;

StatementKey key_of(const StatementId& id) {
  StatementKey key{};
  std::copy(id.raw.begin(), id.raw.end(), key.begin());
  return key;
}

class Loader {
 public:
  Loader(Store* store, Membership* membership) : store_(store), membership_(membership) {}

  Status run() {
    for (bool progress = true; progress;) {
      size_t before = membership_->count();
      waiting_ = 0;
      DREY_TRY(round());
      progress = waiting_ > 0 && membership_->count() > before;
    }
    membership_->evaluate();
    return Status::kOk;
  }

 private:
  Status round() {
    StatementKey after{};
    std::array<StatementRow, kRows> rows;
    for (size_t count = kRows; count == kRows;) {
      DREY_TRY(store_->scan_statements(StatementKind::kMembership, after, rows, &count));
      for (size_t i = 0; i < count; ++i) {
        DREY_TRY(load(StatementId::from(Bytes(rows[i].key).first(StatementId::kSize))));
        after = rows[i].key;
      }
    }
    return Status::kOk;
  }

  Status load(const StatementId& id) {
    depth_ = 0;
    stack_[depth_++] = id;
    while (depth_ > 0) {
      StatementId top = stack_[depth_ - 1];
      size_t size = 0;
      Status status = Status::kExists;
      if (!membership_->has(top)) {
        status = store_->read_statement(StatementKind::kMembership, key_of(top), bytes_, &size);
        // A parent that is not there (or is damaged) comes again from a peer; so do its children.
        if (status == Status::kNotFound || status == Status::kCorrupt) return wait();
        DREY_TRY(status);
        status = membership_->insert(Bytes(bytes_).first(size));
      }
      if (status != Status::kNotFound) {
        --depth_;
        continue;
      }
      std::array<StatementId, limits::kStatementParentsMax> missing;
      size_t count = membership_->missing_parents(Bytes(bytes_).first(size), missing);
      if (count == 0 || depth_ + count > kStackMax) return wait();
      for (size_t i = 0; i < count; ++i) stack_[depth_++] = missing[i];
    }
    return Status::kOk;
  }

  Status wait() {
    ++waiting_;
    return Status::kOk;
  }

  Store* store_;
  Membership* membership_;
  size_t waiting_ = 0;
  size_t depth_ = 0;
  std::array<StatementId, kStackMax> stack_;
  std::array<uint8_t, limits::kStatementBytesMax> bytes_;
};

}  // namespace

Status load_membership(Store* store, Membership* membership) {
  Loader loader(store, membership);
  return loader.run();
}

Status load_heads(Store* store, HeadTable* heads) {
  heads->reset();
  StatementKey after{};
  std::array<StatementRow, kRows> rows;
  std::array<uint8_t, limits::kHeadBytesMax> bytes;
  for (size_t count = kRows; count == kRows;) {
    DREY_TRY(store->scan_statements(StatementKind::kHead, after, rows, &count));
    for (size_t i = 0; i < count; ++i) {
      size_t size = 0;
      Status status = store->read_statement(StatementKind::kHead, rows[i].key, bytes, &size);
      after = rows[i].key;
      if (status == Status::kNotFound || status == Status::kCorrupt) continue;  // from a peer again
      DREY_TRY(status);
      // More owners than the table holds: their heads are kept and served all the same.
      if (heads->note(rows[i].key, head_hash(Bytes(bytes).first(size))) == Status::kFull) continue;
    }
  }
  return Status::kOk;
}

Status load_forgets(Store* store, HeadTable* heads) {
  StatementKey after{};
  std::array<StatementRow, 1> row;
  std::array<uint8_t, limits::kStatementBytesMax> bytes;
  for (size_t count = 1; count == 1;) {
    DREY_TRY(store->scan_statements(StatementKind::kForget, after, row, &count));
    if (count == 0) break;
    after = row[0].key;
    size_t size = 0;
    Status status = store->read_statement(StatementKind::kForget, after, bytes, &size);
    if (status == Status::kNotFound || status == Status::kCorrupt) continue;  // from a peer again
    DREY_TRY(status);
    Bytes statement = Bytes(bytes).first(size);
    Forget forget;
    if (!ok(decode_forget(statement, &forget))) continue;
    (void)ok(heads->note_forget({forget.owner, forget.number, forget_hash(statement),
                                 forget.highest, forget.highest_hash}));
  }
  return Status::kOk;
}

Status Mesh::load(Store* store, const MeshId& mesh) {
  membership_.reset(mesh);
  DREY_TRY(load_membership(store, &membership_));
  DREY_TRY(load_heads(store, &heads_));
  DREY_TRY(load_forgets(store, &heads_));
  // What was found damaged by now is in no table: it comes again like something new.
  std::array<LostStatement, 8> lost;
  for (size_t count = lost.size(); count == lost.size();) {
    count = store->take_lost_statements(lost);
    for (size_t i = 0; i < count; ++i) {
      size_t size = 0;
      Status there = store->read_statement(lost[i].kind, lost[i].key, {}, &size);
      if (there == Status::kTooLarge) continue;  // healed meanwhile
      missing_.note(lost[i], false);
    }
  }
  if (membership_.has_genesis() || mesh.is_zero()) return Status::kOk;
  // A member's log without its genesis: damaged. The others still have it.
  return Status::kCorrupt;
}

}  // namespace drey
