#include "node/genesis_file.h"

#include <algorithm>

#include "crypto/hash.h"
#include "node/replace_file.h"

namespace drey {
namespace {

constexpr size_t kSumBytes = 32;  // SHA-256 of the rest: the id does not cover the signature

struct Genesis {
  size_t size = 0;
  std::array<uint8_t, limits::kStatementBytesMax + kSumBytes> bytes;
  Bytes statement() const { return Bytes(bytes).first(size); }
};

bool is_genesis_of(const MeshId& mesh, Bytes statement) {
  Statement decoded;
  return ok(decode_statement(statement, &decoded)) &&
         equal(statement_id(decoded).raw, mesh.bytes());
}

// kNotFound; kCorrupt: not this mesh's, or not whole.
Status read_copy(Disk& disk, const MeshId& mesh, Genesis* genesis) {
  Result<Disk::File> file = disk.open(kGenesisFileName, Disk::kRead);
  if (!file.ok()) return file.status();
  Result<size_t> got = disk.read_at(file.value(), 0, genesis->bytes);
  disk.close(file.value());
  if (!got.ok()) return got.status();
  if (got.value() <= kSumBytes) return Status::kCorrupt;
  genesis->size = got.value() - kSumBytes;
  Key32 sum = sha256(genesis->statement());
  bool whole = equal(sum, Bytes(genesis->bytes).subspan(genesis->size, kSumBytes));
  return whole && is_genesis_of(mesh, genesis->statement()) ? Status::kOk : Status::kCorrupt;
}

Status write_copy(Disk& disk, Genesis* genesis) {
  Key32 sum = sha256(genesis->statement());
  std::copy(sum.begin(), sum.end(), genesis->bytes.begin() + genesis->size);
  return replace_file(disk, kGenesisFileName, "drey.genesis.new",
                      Bytes(genesis->bytes).first(genesis->size + kSumBytes));
}

// The log's is the truth; a file that cannot be written is a copy less, not a reason to stop.
void mend_copy(Disk& disk, const MeshId& mesh, Genesis* from_log, Log* log) {
  Genesis copy;
  Status status = read_copy(disk, mesh, &copy);
  if (ok(status) && equal(copy.statement(), from_log->statement())) return;
  bool missing = status == Status::kNotFound;
  status = write_copy(disk, from_log);
  if (log == nullptr || (missing && ok(status))) return;
  log->warning(ok(status)
                   ? "start: the second copy of the mesh's first statement was damaged; made again"
                   : "start: the second copy of the mesh's first statement cannot be written: %s",
               status_name(status));
}

Status mend_log(Store& store, const StatementKey& key, Bytes statement, Log* log) {
  Ticket ticket = 0;
  DREY_TRY(store.append_statement(StatementKind::kMembership, key, statement, &ticket));
  DREY_TRY(store.commit(ticket));
  if (log != nullptr)
    log->warning(
        "start: the mesh's first statement was damaged in the log and is back from its copy");
  return Status::kOk;
}

// Whether the log holds anything, or held it: one that is empty is another log than this node's.
bool has_anything(Store& store, Status read) {
  StatementKey none{};
  StatementRow row;
  size_t count = 0;
  StoreStats stats = store.stats();
  if (read == Status::kCorrupt || stats.records != 0 || stats.corrupt != 0) return true;
  return ok(store.scan_statements(StatementKind::kMembership, none, {&row, 1}, &count)) &&
         count != 0;
}

}  // namespace

Status keep_genesis(Disk& disk, Store& store, const MeshId& mesh, Log* log) {
  Genesis genesis;
  StatementKey key{};
  std::copy(mesh.raw.begin(), mesh.raw.end(), key.begin());
  MutBytes room = MutBytes(genesis.bytes).first(limits::kStatementBytesMax);
  Status read = store.read_statement(StatementKind::kMembership, key, room, &genesis.size);
  if (ok(read)) {
    mend_copy(disk, mesh, &genesis, log);
    return Status::kOk;
  }
  if (read != Status::kNotFound && read != Status::kCorrupt) return read;
  if (!has_anything(store, read) || !ok(read_copy(disk, mesh, &genesis))) return Status::kOk;
  return mend_log(store, key, genesis.statement(), log);
}

}  // namespace drey
