#include "backup/head_scan.h"
#include "backup/head_body.h"
#include "codec/head.h"
#include "crypto/hash.h"

namespace drey {

Status open_stored_head(const Keyring& keyring, const HeadKey& key, Bytes statement,
                        SnapshotInfo* info) {
  *info = {};
  split_head_key(key, &info->node, &info->sequence);
  Head head;
  DREY_TRY(decode_head(statement, &head));
  if (head.owner != info->node || head.sequence != info->sequence) return Status::kInvalid;
  if (head.sealed.size() != kHeadBodyBytes + kHeadOverheadBytes) return Status::kInvalid;
  std::array<uint8_t, kHeadBodyBytes> body;
  HeadPlace place{head.owner, head.sequence, head.epoch};
  DREY_TRY(open_head(keyring, place, head.sealed, body));
  DREY_TRY(decode_head_body(body, info));
  info->id.raw = sha256(statement);
  return Status::kOk;
}

void HeadScan::begin(const NodeId* only_owner) {
  after_ = {};
  one_owner_ = only_owner != nullptr;
  if (one_owner_) {
    owner_ = *only_owner;
    after_ = head_key(owner_, 0);  // sequences begin at 1
  }
  count = 0;
  ended = false;
  unreadable = unreadable_own = 0;
}

Status HeadScan::run() {
  count = 0;
  while (!ended && count == 0) {
    std::array<StatementRow, kBatch> rows;
    size_t found = 0;
    DREY_TRY(store->scan_statements(StatementKind::kHead, after_, rows, &found));
    ended = found < rows.size();
    for (size_t i = 0; i < found; ++i) {
      after_ = rows[i].key;
      if (one_owner_ && !equal(Bytes(after_).first(NodeId::kSize), owner_.bytes())) {
        ended = true;
        break;
      }
      size_t size = 0;
      Status status = store->read_statement(StatementKind::kHead, after_, statement_, &size);
      if (status == Status::kIo) return status;
      if (ok(status))
        status = open_stored_head(*keyring, after_, Bytes(statement_).first(size), &infos[count]);
      if (ok(status)) {
        ++count;
      } else {
        ++unreadable;
        if (infos[count].node == self) ++unreadable_own;
      }
    }
  }
  return Status::kOk;
}

}  // namespace drey
