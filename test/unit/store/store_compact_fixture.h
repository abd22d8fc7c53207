// For the tests of compaction: a model of what the log says, in the order of its appends, and a
// workload of pins, unpins, claims and statements that is a function of a seed.
#pragma once

#include <functional>
#include <set>

#include "unit/store/store_fixture.h"

namespace drey {

// What must be there; compared with what the store answers.
struct StoreModel {
  struct Row {
    std::map<uint8_t, uint64_t> pins;  // owner's number -> pin's number
    bool mine = false;
    bool wanted() const { return mine || !pins.empty(); }
    bool operator==(const Row&) const = default;
  };
  std::map<uint64_t, Row> rows;  // by record number
  std::set<std::pair<uint8_t, uint8_t>> statements;
  bool operator==(const StoreModel&) const = default;
};

class StoreCompactTest : public StoreTest {
 protected:
  static constexpr uint64_t kRecords = 40;
  static constexpr uint8_t kOwners = 3;  // number 1 is the store's own node
  StoreModel model;                      // after what was acknowledged
  StoreModel beyond;  // and after the operation that failed, which may have come through
  uint64_t numbers = 0;
  size_t record_bytes = limits::kRecordBytesMax * 3 / 4;

  const TestRecord& record(uint64_t number) {
    auto [at, made] = cache_.try_emplace(number);
    if (made) at->second = make_record(number, record_bytes - number * 64);
    return at->second;
  }

  // ---- operations: the store's, and the model's once it is durable ----
  Status done(Status status, const Ticket& ticket, const StoreModel& after) {
    beyond = after;
    if (ok(status) || status == Status::kExists) status = store->commit(ticket);
    if (ok(status)) model = after;
    if (ok(status)) beyond = model;
    return status;
  }
  Status pin(uint8_t owner, uint64_t number, uint64_t pin_number) {
    StoreModel after = model;
    uint64_t& known = after.rows[number].pins[owner];
    known = std::max(known, pin_number);
    const TestRecord& r = record(number);
    Ticket ticket = 0;
    Status status =
        store->append_record(r.c, r.type, r.bytes, make_node(owner), pin_number, &ticket);
    return done(status, ticket, after);
  }
  Status unpin(uint8_t owner, uint64_t up_to, const std::vector<uint64_t>& which) {
    StoreModel after = model;
    std::vector<ChunkId> chunks;
    for (uint64_t number : which) {
      chunks.push_back(record(number).c);
      auto row = after.rows.find(number);
      if (row == after.rows.end()) continue;
      auto held = row->second.pins.find(owner);
      if (held != row->second.pins.end() && held->second <= up_to) row->second.pins.erase(held);
      if (owner == 1) row->second.mine = false;
      if (!row->second.wanted()) after.rows.erase(row);
    }
    Ticket ticket = 0;
    return done(store->append_unpin(make_node(owner), up_to, chunks, &ticket), ticket, after);
  }
  Status own(uint64_t number) {
    StoreModel after = model;
    after.rows[number].mine = true;
    const TestRecord& r = record(number);
    OwnedRecord owned{r.c, r.d, static_cast<uint32_t>(r.bytes.size()), r.type};
    Ticket ticket = 0;
    return done(store->own({&owned, 1}, ++numbers, &ticket), ticket, after);
  }
  Status state(StatementKind kind, uint8_t key) {
    StoreModel after = model;
    after.statements.insert({static_cast<uint8_t>(kind), key});
    Ticket ticket = 0;
    return done(store->append_statement(kind, make_key(key), as_bytes("signed"), &ticket), ticket,
                after);
  }
  Status drop(StatementKind kind, uint8_t key) {
    StoreModel after = model;
    after.statements.erase({static_cast<uint8_t>(kind), key});
    Ticket ticket = 0;
    Status status = store->remove_statement(kind, make_key(key), &ticket);
    return done(status == Status::kNotFound ? Status::kOk : status, ticket, after);
  }
  Status compact_all(CompactMode mode = CompactMode::kUrgent, uint64_t budget = 1 << 20) {
    bool more = true;
    Status status = Status::kOk;
    for (int i = 0; i < 2000 && more && ok(status); ++i)
      status = store->compact(mode, budget, &more);
    EXPECT_FALSE(more && ok(status)) << "compaction does not end";
    return status;
  }
  Status compact_step(uint64_t budget) {
    bool more = false;
    return store->compact(CompactMode::kUrgent, budget, &more);
  }

  // ---- what the store says ----
  std::map<std::string, std::string> observed() {
    std::map<std::string, std::string> all;
    for (uint8_t owner = 1; owner <= kOwners; ++owner) {
      std::array<BucketDigest, kBucketCount> digests;
      EXPECT_EQ(store->pin_digests(make_node(owner), digests), Status::kOk);
      for (size_t i = 0; i < digests.size(); ++i)
        if (digests[i].count != 0) all[digest_name(owner, i)] = text_of(digests[i]);
    }
    for (const auto& [number, r] : cache_) {
      RecordState row;
      if (ok(store->find(r.c, &row)) && row.mine) all["mine " + std::to_string(number)] = "yes";
      ChunkId c;
      if (ok(store->find_content(r.d, &c, &row)))
        all["content " + std::to_string(number)] = c == r.c ? "right" : "wrong";
    }
    for (StatementKind kind : kStatementKinds) {
      for (uint8_t key = 0; key < 255; ++key) {
        std::array<uint8_t, 64> room;
        size_t size = 0;
        if (ok(store->read_statement(kind, make_key(key), room, &size)))
          all["statement " + std::to_string(static_cast<int>(kind)) + " " + std::to_string(key)] =
              std::to_string(size);
      }
    }
    return all;
  }
  std::map<std::string, std::string> expected(const StoreModel& of) {
    std::map<std::string, std::string> all;
    std::map<std::string, BucketDigest> digests;
    for (const auto& [number, row] : of.rows) {
      const TestRecord& r = record(number);
      for (const auto& [owner, unused] : row.pins)
        add(r.c, &digests[digest_name(owner, r.c.raw[0])]);
      if (!row.mine) continue;
      all["mine " + std::to_string(number)] = "yes";
      all["content " + std::to_string(number)] = "right";
    }
    for (const auto& [name, digest] : digests) all[name] = text_of(digest);
    for (const auto& [kind, key] : of.statements)
      all["statement " + std::to_string(kind) + " " + std::to_string(key)] = "6";
    return all;
  }
  // The state after all that was acknowledged, or with the last operation, and every record of it.
  void check() {
    auto seen = observed();
    if (seen != expected(model)) {
      ASSERT_EQ(difference(seen, expected(beyond)), "") << difference(seen, expected(model));
      model = beyond;
    }
    beyond = model;
    for (const auto& [number, row] : model.rows) {
      if (row.wanted()) {
        ASSERT_EQ(read(record(number)), Status::kOk) << number;
      }
    }
  }
  // The log alone says the same.
  void check_rebuilt() {
    check();
    kill();
    for (const char* name : {"drey.index", "drey.index-wal"}) (void)disk.remove(name);
    ASSERT_EQ(open(), Status::kOk);
    ASSERT_EQ(difference(observed(), expected(model)), "");
    check();
  }

  static std::string difference(const std::map<std::string, std::string>& seen,
                                const std::map<std::string, std::string>& wanted) {
    std::string text;
    for (const auto& [key, value] : seen) {
      auto other = wanted.find(key);
      if (other == wanted.end()) text += "too much: " + key + " = " + value + "\n";
      if (other != wanted.end() && other->second != value)
        text += "differs: " + key + " = " + value + ", not " + other->second + "\n";
    }
    for (const auto& [key, value] : wanted)
      if (!seen.contains(key)) text += "missing: " + key + " = " + value + "\n";
    return text;
  }

  // ---- the workload ----
  // Step `i` of a seed; the same whatever happened before.
  Status step(uint64_t seed, uint64_t i) {
    TestRandom dice(seed * 1000 + i);
    (void)dice.next();
    uint64_t number = dice.next() % kRecords;
    auto owner = static_cast<uint8_t>(1 + dice.next() % kOwners);
    auto key = static_cast<uint8_t>(dice.next() % 6);
    StatementKind kind = kStatementKinds[dice.next() % kStatementKinds.size()];
    std::vector<uint64_t> which;
    for (int n = 0; n < 12; ++n) which.push_back(dice.next() % kRecords);
    bool held = model.rows.contains(number);
    switch (dice.next() % 16) {
      default:
        return pin(owner, number, ++numbers);
      case 6:
        return pin(owner, number, 1 + dice.next() % (numbers + 1));  // a late one
      case 7:
        return held ? own(number) : pin(owner, number, ++numbers);
      case 8:
        return unpin(owner, ++numbers, which);
      case 9:
        return unpin(owner, 1 + dice.next() % (numbers + 1), which);
      case 10:
        return state(kind, key);
      case 11:
        return drop(kind, key);
      case 12:
        return compact_step(64 * 1024);
      case 13:
        return compact_step(200 * 1024);
      case 14:
        return compact_step(1 << 20);
      case 15:
        return store->maintain();
    }
  }
  void begin_anew() {
    store = std::make_unique<Store>();
    disk.restart();
    disk.copy_from(SimDisk());
    disk.clear_faults();
    model = beyond = {};
    numbers = 0;
  }

 private:
  static std::string digest_name(uint8_t owner, size_t bucket) {
    return "digest " + std::to_string(owner) + " " + std::to_string(bucket);
  }
  static std::string text_of(const BucketDigest& digest) {
    return std::to_string(digest.count) + " " + std::to_string(digest.sum_hi) + " " +
           std::to_string(digest.sum_lo);
  }
  static void add(const ChunkId& c, BucketDigest* digest) {
    uint64_t words[2] = {0, 0};
    for (size_t i = 0; i < 16; ++i) words[i / 8] = words[i / 8] << 8 | c.raw[i];
    digest->sum_lo += words[1];
    digest->sum_hi += words[0] + (digest->sum_lo < words[1] ? 1 : 0);
    ++digest->count;
  }
  std::map<uint64_t, TestRecord> cache_;
};

}  // namespace drey
