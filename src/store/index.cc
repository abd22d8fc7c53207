#include "store/index.h"

#include <algorithm>
#include <cstring>

#include "drey/check.h"
#include "drey/limits.h"
#include "store/index_bound.h"

namespace drey {
namespace {

// application_id of the file: outside of any row, so that it is read before SQLite opens anything.
constexpr uint32_t kCleanMark = 0x44724379;  // "DrCy"
constexpr uint32_t kDirtyMark = 0x44724474;  // "DrDt"
constexpr size_t kHeaderBytes = 100;         // of an SQLite file (its format document, 1.3)
constexpr size_t kReservedAt = 20;
constexpr size_t kUserVersionAt = 60;
constexpr size_t kApplicationIdAt = 68;

}  // namespace

// Keys are random, so both trees are without row ids: one B-tree each, no second one for the key.
// Pins are 9 bytes each: slot, number (little endian).
static constexpr const char* kSchema =
    "CREATE TABLE records(c BLOB PRIMARY KEY, place INT, size INT, flags INT, holders INT,"
    " pins BLOB) WITHOUT ROWID;"
    "CREATE TABLE contents(d BLOB PRIMARY KEY, c BLOB) WITHOUT ROWID;"
    "CREATE TABLE statements(key BLOB PRIMARY KEY, place INT, size INT) WITHOUT ROWID;"
    "CREATE TABLE segments(number INTEGER PRIMARY KEY, salt INT, indexed INT, mark INT,"
    " state INT, dead INT);"
    "CREATE TABLE nodes(slot INTEGER PRIMARY KEY, id BLOB, segment INT);"
    "CREATE TABLE meta(key INTEGER PRIMARY KEY, value);";

const char* const Index::kSql[kQueryCount] = {
    "SELECT place, size, flags, holders, pins FROM records WHERE c = ?1",
    "INSERT INTO records VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    "UPDATE records SET place=?2, size=?3, flags=?4, holders=?5, pins=?6 WHERE c = ?1",
    "DELETE FROM records WHERE c = ?1",
    "SELECT place, size, flags, holders, pins, c FROM records WHERE c > ?1 AND c <= ?2 ORDER BY c",
    "SELECT c FROM contents WHERE d = ?1",
    "INSERT INTO contents VALUES(?1, ?2) ON CONFLICT(d) DO UPDATE SET c = ?2",
    "DELETE FROM contents WHERE d = ?1",
    "SELECT place, size FROM statements WHERE key = ?1",
    "INSERT INTO statements VALUES(?1, ?2, ?3)"
    " ON CONFLICT(key) DO UPDATE SET place = ?2, size = ?3",
    "DELETE FROM statements WHERE key = ?1",
    "SELECT key, size FROM statements WHERE key > ?1 AND key <= ?2 ORDER BY key",
    "SELECT number, salt, indexed, mark, state, dead FROM segments WHERE number = ?1",
    "INSERT INTO segments VALUES(?1, ?2, ?3, ?4, ?5, 0)"
    " ON CONFLICT(number) DO UPDATE SET salt = ?2, indexed = ?3, mark = ?4, state = ?5",
    "DELETE FROM segments WHERE number = ?1",
    "SELECT number, salt, indexed, mark, state, dead FROM segments"
    " WHERE number >= ?1 AND (?2 < 0 OR state = ?2) ORDER BY number LIMIT 1",
    "SELECT number, salt, indexed, mark, state, dead FROM segments"
    " WHERE number >= ?1 AND state IN (1, 3) AND dead > 0 AND dead * ?2 >= indexed"
    " ORDER BY number LIMIT 1",
    "INSERT INTO segments VALUES(?1, 0, 64, 64, 0, max(0, ?2))"
    " ON CONFLICT(number) DO UPDATE SET dead = max(0, dead + ?2)",
    "UPDATE segments SET dead = ?2 WHERE number = ?1",
    "SELECT count(*), total(indexed), max(number), total(dead) FROM segments",
    "SELECT id, segment FROM nodes WHERE slot = ?1",
    "INSERT INTO nodes VALUES(?1, ?2, ?3)"
    " ON CONFLICT(slot) DO UPDATE SET id = ?2, segment = max(segment, ?3)",
    "SELECT value FROM meta WHERE key = ?1",
    "INSERT INTO meta VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = ?2",
};

Status Index::status_of(int code) {
  int primary = code & 0xff;
  if (primary == SQLITE_OK || primary == SQLITE_ROW || primary == SQLITE_DONE) return Status::kOk;
  last_code_ = code;
  if (code == SQLITE_IOERR_DATA) return Status::kCorrupt;  // a page's checksum
  switch (primary) {
    case SQLITE_NOMEM:
      return Status::kBusy;
    case SQLITE_FULL:
      return Status::kFull;
    case SQLITE_READONLY:
      return Status::kReadOnly;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      return code == SQLITE_IOERR_NOMEM ? Status::kBusy : Status::kIo;
    default:
      return Status::kCorrupt;  // CORRUPT, NOTADB, and what a foreign schema leads to
  }
}

Status Index::execute(const char* sql) {
  int code = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
  return status_of(code == SQLITE_OK ? code : sqlite3_extended_errcode(db_));
}

Status Index::open_file(int flags) {
  vfs_.start(disk_);
  int code = sqlite3_open_v2(IndexVfs::kFileName.data(), &db_, flags, vfs_.name());
  if (code != SQLITE_OK) {
    Status status = status_of(code);
    close();
    return status;
  }
  sqlite3_extended_result_codes(db_, 1);
  // A WAL stays where it is until the next open has judged it.
  sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  return Status::kOk;
}

Status Index::settle() {
  // EXCLUSIVE comes before the first access, so that WAL needs no shared memory. secure_delete is
  // on in Debian's build and would write every freed page. A quarter of the arena is page cache.
  DREY_TRY(
      execute("PRAGMA locking_mode=EXCLUSIVE; PRAGMA secure_delete=0;"
              "PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=1048576;"));
  constexpr size_t kCacheKib = board::kSqliteArenaBytes / 4 / 1024;
  static_assert(kCacheKib < 10000 && kCacheKib >= 64);
  char pragma[] = "PRAGMA cache_size=-00000;";
  size_t digit = sizeof pragma - 3;
  for (size_t value = kCacheKib; value != 0; value /= 10)
    pragma[digit--] = static_cast<char>('0' + value % 10);
  return execute(pragma);
}

Status Index::prepare_all() {
  for (size_t i = 0; i < kQueryCount; ++i) {
    int code =
        sqlite3_prepare_v3(db_, kSql[i], -1, SQLITE_PREPARE_PERSISTENT, &statements_[i], nullptr);
    if (code != SQLITE_OK) return status_of(sqlite3_extended_errcode(db_));
  }
  return Status::kOk;
}

// Looks at the file without SQLite: version, reserved bytes, and whether it was closed cleanly.
Status Index::read_mark(bool* exists, bool* clean) {
  *exists = *clean = false;
  Result<Disk::File> file = disk_->open(IndexVfs::kFileName, Disk::kRead);
  if (file.status() == Status::kNotFound) return Status::kOk;
  DREY_TRY(file.status());
  std::array<uint8_t, kHeaderBytes> header{};
  Result<size_t> got = disk_->read_at(file.value(), 0, header);
  disk_->close(file.value());
  DREY_TRY(got.status());
  *exists = true;
  if (got.value() < header.size()) return Status::kCorrupt;
  if (std::memcmp(header.data(), "SQLite format 3", 16) != 0) return Status::kCorrupt;
  if (header[kReservedAt] != IndexVfs::kReservedBytes) return Status::kCorrupt;
  if (load_be<uint32_t>(&header[kUserVersionAt]) != kSchemaVersion) return Status::kCorrupt;
  uint32_t mark = load_be<uint32_t>(&header[kApplicationIdAt]);
  if (mark != kCleanMark && mark != kDirtyMark) return Status::kCorrupt;
  *clean = mark == kCleanMark;
  return Status::kOk;
}

// The mark goes to the main file at once: what lies in a WAL is not seen by read_mark(). The WAL
// keeps its size: on a disk that is full by the next start, its blocks are what that has.
Status Index::set_clean(bool clean) {
  static_assert(kCleanMark == 1148339065 && kDirtyMark == 1148339316);
  DREY_TRY(
      execute(clean ? "PRAGMA application_id=1148339065;" : "PRAGMA application_id=1148339316;"));
  return execute("PRAGMA wal_checkpoint(FULL);");
}

Status Index::open(Disk* disk, bool* clean) {
  DREY_CHECK(db_ == nullptr);
  disk_ = disk;
  bool exists = false;
  DREY_TRY(read_mark(&exists, clean));
  if (!exists) return Status::kNotFound;
  bool wal = false;
  Result<Disk::File> file = disk->open(IndexVfs::kWalName, Disk::kRead);
  if (file.ok()) {
    wal = true;
    disk->close(file.value());
  } else if (file.status() != Status::kNotFound) {
    return file.status();
  }
  // A clean file is complete: a WAL beside it is stale. A dirty one without its WAL may be in the
  // middle of a checkpoint.
  if (*clean && wal) DREY_TRY(disk->remove(IndexVfs::kWalName));
  if (!*clean && !wal) return Status::kCorrupt;
  Status status = open_file(SQLITE_OPEN_READWRITE);
  if (ok(status)) status = settle();
  if (ok(status))
    status = execute(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
        "PRAGMA wal_autocheckpoint=1000;");
  if (ok(status)) status = prepare_all();
  if (ok(status) && !*clean) status = check();
  if (ok(status) && *clean) status = set_clean(false);
  if (ok(status)) status = disk->sync_dir("");  // the WAL's name
  if (ok(status)) status = execute("BEGIN");
  if (!ok(status)) close();
  return status;
}

Status Index::check() {
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v2(db_, "PRAGMA quick_check(1)", -1, &statement, nullptr);
  if (code == SQLITE_OK) code = sqlite3_step(statement);
  bool good =
      code == SQLITE_ROW &&
      std::strcmp(reinterpret_cast<const char*>(sqlite3_column_text(statement, 0)), "ok") == 0;
  sqlite3_finalize(statement);
  if (code != SQLITE_ROW) return status_of(code);
  return good ? Status::kOk : Status::kCorrupt;
}

Status Index::remove_files() {
  for (std::string_view name : {IndexVfs::kFileName, IndexVfs::kWalName, IndexVfs::kJournalName}) {
    Status status = disk_->remove(name);
    if (!ok(status) && status != Status::kNotFound) return status;
  }
  return Status::kOk;
}

Status Index::create(Disk* disk, const StoreId& store) {
  close();
  disk_ = disk;
  DREY_TRY(remove_files());
  DREY_TRY(open_file(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
  int reserved = IndexVfs::kReservedBytes;
  Status status =
      status_of(sqlite3_file_control(db_, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved));
  static_assert(IndexVfs::kPageBytes == 1024);
  if (ok(status)) status = execute("PRAGMA page_size=1024;");
  if (ok(status)) status = settle();
  // Nothing to protect before finish_build(): user_version stays 0 until then.
  if (ok(status)) status = execute("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN");
  if (ok(status)) status = execute(kSchema);
  if (ok(status)) status = prepare_all();
  if (ok(status)) {
    Bound q(*this, kPutMeta);
    q.integer(1, static_cast<uint64_t>(MetaKey::kStoreId));
    q.blob(2, store);
    status = q.run();
  }
  if (!ok(status)) close();
  return status;
}

Status Index::finish_build() {
  DREY_TRY(
      execute("COMMIT; PRAGMA synchronous=NORMAL; PRAGMA journal_mode=WAL;"
              "PRAGMA wal_autocheckpoint=1000;"));
  // Pages of the build were never synced; one sync of the file covers them all.
  Result<Disk::File> file = disk_->open(IndexVfs::kFileName, Disk::kRead | Disk::kWrite);
  DREY_TRY(file.status());
  Status synced = disk_->sync(file.value());
  disk_->close(file.value());
  DREY_TRY(synced);
  DREY_TRY(execute("PRAGMA user_version=3;"));
  static_assert(kSchemaVersion == 3);
  DREY_TRY(set_clean(false));
  DREY_TRY(disk_->sync_dir(""));
  dirty_ = 0;
  return execute("BEGIN");
}

Status Index::commit() {
  if (rolled_back()) return Status::kIo;
  if (dirty_ == 0) return Status::kOk;
  DREY_TRY(execute("COMMIT"));
  dirty_ = 0;
  return execute("BEGIN");
}

// All of the WAL goes into the database and both are synced. The WAL keeps its size: on a full disk
// the next commit needs the room. sqlite.org/wal.html, "checkpointing".
Status Index::commit_durably() {
  if (rolled_back()) return Status::kIo;
  DREY_TRY(execute("COMMIT"));
  dirty_ = 0;
  Status status =
      status_of(sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_FULL, nullptr, nullptr));
  Status begun = execute("BEGIN");
  return ok(status) ? begun : status;
}

Status Index::begin_again() {
  DREY_CHECK(rolled_back());
  dirty_ = 0;
  return execute("BEGIN");
}

Status Index::close_clean() {
  if (sync_failed() || rolled_back()) {
    close();
    return Status::kIo;
  }
  Status status = execute("COMMIT");
  // Two steps: the mark is written only after all it vouches for has been synced.
  if (ok(status)) status = execute("PRAGMA wal_checkpoint(FULL);");
  if (ok(status)) status = set_clean(true);
  close();
  return status;
}

void Index::close() {
  for (sqlite3_stmt*& statement : statements_) {
    sqlite3_finalize(statement);
    statement = nullptr;
  }
  if (db_ != nullptr) DREY_CHECK(sqlite3_close(db_) == SQLITE_OK);
  db_ = nullptr;
  dirty_ = 0;
  vfs_.stop();
}

}  // namespace drey
