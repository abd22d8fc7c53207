// Chunks kept in a map: what the mesh would hold, for tests of the page tree and of whole backups.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "backup/page_builder.h"
#include "backup/page_cursor.h"
#include "crypto/hash.h"

namespace drey::test {

struct MemoryChunks {
  std::map<ChunkId, std::string> chunks;
  uint64_t added = 0;
  uint64_t added_bytes = 0;

  // D is the hash of the plaintext, C its hash again.
  std::pair<ContentId, ChunkId> put(Bytes plain) {
    ContentId d;
    d.raw = sha256(plain);
    ChunkId c;
    c.raw = sha256(d.bytes());
    if (chunks.emplace(c, std::string(as_text(plain))).second) {
      ++added;
      added_bytes += plain.size();
    }
    return {d, c};
  }
  bool get(const ChunkId& c, MutBytes to, size_t* size) const {
    auto found = chunks.find(c);
    if (found == chunks.end() || found->second.size() > to.size()) return false;
    std::copy(found->second.begin(), found->second.end(), to.begin());
    *size = found->second.size();
    return true;
  }
};

inline Status finish_loading(PageCursor& cursor, const MemoryChunks& chunks, Status status,
                             int* lost = nullptr) {
  while (status == Status::kAgain) {
    size_t size = 0;
    if (chunks.get(cursor.wants().c, cursor.room(), &size)) {
      status = cursor.loaded(size);
    } else {
      if (lost != nullptr) ++*lost;
      status = cursor.failed();
    }
  }
  return status;
}

struct TestRow {
  std::string path;
  uint64_t offset = 0;
  std::string body;
  bool operator==(const TestRow&) const = default;
};

inline std::vector<TestRow> read_all(const PageRef& root, const MemoryChunks& chunks,
                                     int* lost = nullptr) {
  static PageCursor cursor;
  std::vector<TestRow> rows;
  cursor.start(root);
  Status status = finish_loading(cursor, chunks, cursor.seek({"", 0}), lost);
  while (ok(status)) {
    std::string body(as_text(cursor.row().entry_bytes));
    rows.push_back({std::string(cursor.key().path), cursor.key().offset, body});
    status = finish_loading(cursor, chunks, cursor.next(), lost);
  }
  if (status != Status::kEnd) rows.push_back({"?", 0, status_name(status)});
  return rows;
}

}  // namespace drey::test
