// Inside src/store only: one use of a prepared statement of the index. Bind, run or step, read;
// leaving the scope resets it, so that no cursor outlives the call.
#pragma once

#include "store/index.h"

namespace drey {

class Index::Bound {
 public:
  Bound(Index& index, Query query) : index_(index), statement_(index.statements_[query]) {}
  Bound(const Bound&) = delete;
  Bound& operator=(const Bound&) = delete;
  ~Bound() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }

  // Views bound here must stay valid until the scope ends.
  void blob(int at, Bytes bytes) {
    keep(sqlite3_bind_blob(statement_, at, bytes.data(), static_cast<int>(bytes.size()),
                           SQLITE_STATIC));
  }
  void integer(int at, uint64_t value) {
    keep(sqlite3_bind_int64(statement_, at, static_cast<sqlite3_int64>(value)));
  }
  // For statements that change rows.
  Status run() {
    if (code_ == SQLITE_OK) code_ = sqlite3_step(statement_);
    if (code_ == SQLITE_DONE) ++index_.dirty_;
    return index_.status_of(code_);
  }
  // kOk: a row is there. kEnd: no more.
  Status step() {
    if (code_ == SQLITE_OK || code_ == SQLITE_ROW) code_ = sqlite3_step(statement_);
    return code_ == SQLITE_DONE ? Status::kEnd : index_.status_of(code_);
  }
  // A single row: kNotFound instead of kEnd.
  Status find() {
    Status status = step();
    return status == Status::kEnd ? Status::kNotFound : status;
  }
  uint64_t integer(int at) const {
    return static_cast<uint64_t>(sqlite3_column_int64(statement_, at));
  }
  Bytes blob(int at) const {
    const void* data = sqlite3_column_blob(statement_, at);
    return {static_cast<const uint8_t*>(data),
            static_cast<size_t>(sqlite3_column_bytes(statement_, at))};
  }

 private:
  void keep(int code) {
    if (code_ == SQLITE_OK) code_ = code;
  }
  Index& index_;
  sqlite3_stmt* statement_;
  int code_ = SQLITE_OK;
};

}  // namespace drey
