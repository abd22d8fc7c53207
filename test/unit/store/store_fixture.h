// What the store's tests share: an arena for SQLite, a clock and randomness of their own, records
// that are a function of a number, and a store on a simulated disk.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "crypto/crc32c.h"
#include "crypto/hash.h"
#include "drey/limits.h"
#include "sim/sim_disk.h"
#include "store/log_format.h"
#include "store/sqlite_runtime.h"
#include "store/store.h"

namespace drey {

class TestClock final : public Clock {
 public:
  uint64_t up_ns() override { return now_ns += 1000; }
  int64_t wall_ns() override { return 0; }
  uint64_t now_ns = 1;
};

class TestRandom final : public Random {
 public:
  explicit TestRandom(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ull + 1) {}
  Status fill(MutBytes to) override {
    for (uint8_t& byte : to) byte = static_cast<uint8_t>(next() >> 56);
    return Status::kOk;
  }
  uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ * 0x2545f4914f6cdd1dull;
  }

 private:
  uint64_t state_;
};

inline void start_sqlite() {
  static std::vector<uint8_t> arena(4 * board::kSqliteArenaBytes);
  static TestRandom random(7);
  ASSERT_EQ(sqlite_runtime_start(arena, &random), Status::kOk);
}

struct TestRecord {
  ChunkId c;
  ContentId d;
  ChunkType type = ChunkType::kData;
  std::vector<uint8_t> bytes;
};

inline TestRecord make_record(uint64_t number, size_t size) {
  TestRecord record;
  record.bytes.resize(size);
  TestRandom random(number + 1);
  EXPECT_EQ(random.fill(record.bytes), Status::kOk);
  record.c.raw = sha256(record.bytes);
  record.d.raw = sha256(record.c.bytes());
  record.type = number % 3 == 0 ? ChunkType::kPage : ChunkType::kData;
  return record;
}

inline NodeId make_node(uint8_t number) {
  NodeId id;
  id.raw.fill(number);
  return id;
}

inline StatementKey make_key(uint8_t number) {
  StatementKey key{};
  key.fill(number);
  return key;
}

// Everything the index answers, in a form that can be compared.
struct StoreContent {
  std::map<std::string, std::string> rows;
  bool operator==(const StoreContent&) const = default;
};

inline std::string hex_of(Bytes bytes) {
  std::string text;
  for (uint8_t byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

inline StoreContent content_of(Store& store, const std::vector<NodeId>& owners) {
  StoreContent content;
  ChunkId after;
  std::array<RecordRow, 7> rows;
  size_t count = 0;
  do {
    EXPECT_EQ(store.scan_records(after, rows, &count), Status::kOk);
    for (size_t i = 0; i < count; ++i) {
      after = rows[i].c;
      const RecordState& state = rows[i].state;
      content.rows["record " + hex_of(after.bytes())] =
          std::to_string(state.held) + " " + std::to_string(state.mine) + " " +
          std::to_string(state.size) + " " + std::to_string(static_cast<int>(state.type));
    }
  } while (count == rows.size());
  for (const NodeId& owner : owners) {
    std::array<BucketDigest, kBucketCount> digests;
    EXPECT_EQ(store.pin_digests(owner, digests), Status::kOk);
    for (size_t i = 0; i < digests.size(); ++i)
      if (digests[i].count != 0)
        content.rows["digest " + hex_of(owner.bytes()) + std::to_string(i)] =
            std::to_string(digests[i].count) + " " + std::to_string(digests[i].sum_hi) + " " +
            std::to_string(digests[i].sum_lo);
  }
  for (StatementKind kind : kStatementKinds) {
    StatementKey key{};
    std::array<StatementRow, 5> statements;
    do {
      EXPECT_EQ(store.scan_statements(kind, key, statements, &count), Status::kOk);
      for (size_t i = 0; i < count; ++i) {
        key = statements[i].key;
        content.rows["statement " + std::to_string(static_cast<int>(kind)) + hex_of(key)] =
            std::to_string(statements[i].size);
      }
    } while (count == statements.size());
  }
  return content;
}

class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    start_sqlite();
    store = std::make_unique<Store>();
  }
  void TearDown() override { store.reset(); }

  StoreOptions options() {
    StoreOptions o;
    o.disk = &disk;
    o.log_disk = &disk;
    o.clock = &clock;
    o.random = &random;
    o.self = self;
    o.capacity_bytes = capacity_bytes;
    return o;
  }
  Status open() { return store->open(options()); }
  // The process dies; what is not synced stays.
  void kill() {
    store = std::make_unique<Store>();
    disk.restart();
  }
  void lose_power(const SimDisk::Crash& how) {
    store = std::make_unique<Store>();
    disk.crash(how);
  }
  Status append(const TestRecord& record, uint64_t number = 1, Ticket* ticket = nullptr) {
    Ticket unused = 0;
    return store->append_record(record.c, record.type, record.bytes, peer, number,
                                ticket == nullptr ? &unused : ticket);
  }
  Status append_durably(const TestRecord& record, uint64_t number = 1) {
    Ticket ticket = 0;
    Status status = append(record, number, &ticket);
    if (!ok(status) && status != Status::kExists) return status;
    return store->commit(ticket);
  }
  Status read(const TestRecord& record) {
    std::vector<uint8_t> room(limits::kRecordBytesMax);
    size_t size = 0;
    Status status = store->read_record(record.c, room, &size);
    if (!ok(status)) return status;
    room.resize(size);
    EXPECT_EQ(room, record.bytes);  // never anything else
    return room == record.bytes ? Status::kOk : Status::kCorrupt;
  }
  StoreContent content() { return content_of(*store, {self, peer}); }

  SimDisk disk;
  TestClock clock;
  TestRandom random{1};
  NodeId self = make_node(1);
  NodeId peer = make_node(2);
  uint64_t capacity_bytes = 0;
  std::unique_ptr<Store> store;
};

}  // namespace drey
