// Damaged bytes of the log: torn tails, rot, misplaced entries. The store mends itself, returns
// nothing wrong, and says what it lost. Damaged indexes: store_index_test.cc.
#include "unit/store/damage_fixture.h"

#include <algorithm>

namespace drey {
namespace {

// A3: the last record cut at every 64 bytes, and at the edges of its header and body.
TEST_F(StoreDamageTest, ATornTailIsCutAtTheLastValidEntry) {
  size_t size = std::min<size_t>(limits::kRecordBytesMax, 64 * 1024);
  ASSERT_EQ(open(), Status::kOk);
  fill(3, 300);
  // After a restart the segment names the node's slot once more, 64 bytes.
  uint64_t tail = store->stats().stored_bytes + kEntryHeaderBytes;
  kill();
  SimDisk before;
  before.copy_from(disk);
  ASSERT_EQ(open(), Status::kOk);
  TestRecord torn = make_record(99, size);
  ASSERT_EQ(append(torn), Status::kOk);
  kill();
  std::vector<uint8_t> whole = file(kFirst);
  ASSERT_EQ(whole.size(), tail + kEntryHeaderBytes + size);
  std::vector<size_t> cuts;
  for (size_t at = 0; at < kEntryHeaderBytes + size; at += kStepBytes) cuts.push_back(at);
  for (size_t at : {size_t{1}, kStepBytes - 1, kStepBytes + 1, kEntryHeaderBytes + size - 1,
                    kEntryHeaderBytes + size - 63, size / 2 + 7})
    cuts.push_back(at);
  for (size_t cut : cuts) {
    for (int tail_kind = 0; tail_kind < 3; ++tail_kind) {
      // All three at every eighth place, else in turn: 1,290 cases for 64 KiB.
      if (cut % 512 != 0 && cut / kStepBytes % 3 != static_cast<size_t>(tail_kind)) continue;
      SCOPED_TRACE(std::to_string(cut) + " kind " + std::to_string(tail_kind));
      std::vector<uint8_t> spoiled(whole.begin(), whole.begin() + static_cast<long>(tail + cut));
      if (tail_kind == 1) spoiled.resize(whole.size() + 4096);  // size extended, zeros
      if (tail_kind == 2) {
        spoiled.resize(whole.size());
        TestRandom noise(cut + 1);
        ASSERT_EQ(noise.fill(MutBytes(spoiled).subspan(tail + cut)), Status::kOk);
      }
      disk.copy_from(before);
      disk.put(kFirst, spoiled);
      ASSERT_EQ(open(), Status::kOk);
      expect_all(3);
      EXPECT_EQ(read(torn), Status::kNotFound);
      EXPECT_EQ(store->stats().rebuilds, 0u);
      EXPECT_LE(file(kFirst).size(), tail);
      ASSERT_EQ(append_durably(torn), Status::kOk);
      EXPECT_EQ(read(torn), Status::kOk);
      kill();
      if (HasFailure()) return;
    }
  }
}

TEST_F(StoreDamageTest, ABadEntryInTheMiddleIsSkippedByARebuild) {
  ASSERT_EQ(open(), Status::kOk);
  fill(9, 500);
  kill();
  uint64_t entry = entry_bytes(500);
  for (size_t victim : {size_t{1}, size_t{4}, size_t{8}}) {
    for (size_t at : {size_t{0}, size_t{20}, size_t{63}, size_t{64}, size_t{300}}) {
      SCOPED_TRACE(std::to_string(victim) + " at " + std::to_string(at));
      SimDisk saved;
      saved.copy_from(disk);
      // The first entry names the node's slot, 64 bytes.
      uint64_t offset = kSegmentHeaderBytes + kEntryHeaderBytes + victim * entry + at;
      ASSERT_TRUE(disk.flip(kFirst, offset, 0x10));
      ASSERT_EQ(disk.remove("drey.index"), Status::kOk);
      ASSERT_EQ(open(), Status::kOk);
      for (size_t i = 0; i < records.size(); ++i)
        EXPECT_EQ(read(records[i]), i == victim ? Status::kNotFound : Status::kOk) << i;
      ASSERT_EQ(append_durably(records[victim]), Status::kOk);  // healed
      EXPECT_EQ(read(records[victim]), Status::kOk);
      EXPECT_EQ(store->stats().records, records.size());
      kill();
      disk.copy_from(saved);
    }
  }
}

TEST_F(StoreDamageTest, TheCheckAfterAnUncleanStartFindsEveryDamagedRecord) {
  ASSERT_EQ(open(), Status::kOk);
  fill(20, 3000);
  ASSERT_EQ(store->maintain(), Status::kOk);  // the index has followed
  kill();
  SimDisk saved;
  saved.copy_from(disk);
  uint64_t entry = entry_bytes(3000);
  for (size_t at : {size_t{0}, size_t{5}, size_t{30}, size_t{64}, size_t{1500}, size_t{3063}}) {
    disk.copy_from(saved);
    std::vector<size_t> victims = {0, 3, 4, 11, 19};
    for (size_t victim : victims)
      ASSERT_TRUE(
          disk.flip(kFirst, kSegmentHeaderBytes + kEntryHeaderBytes + victim * entry + at, 0x01));
    ASSERT_EQ(open(), Status::kOk);
    EXPECT_EQ(store->stats().rebuilds, 0u);
    EXPECT_EQ(store->stats().records, records.size() - victims.size());
    EXPECT_GE(store->stats().corrupt, victims.size());
    for (size_t i = 0; i < records.size(); ++i) {
      bool lost = std::find(victims.begin(), victims.end(), i) != victims.end();
      RecordState state;
      ASSERT_EQ(store->find(records[i].c, &state), Status::kOk);
      EXPECT_EQ(state.held, !lost) << i << " at " << at;
      // The owner sees it in the digest and pushes it again.
      if (lost) {
        ASSERT_EQ(append_durably(records[i]), Status::kOk);
      }
      EXPECT_EQ(read(records[i]), Status::kOk);
    }
    kill();
  }
}

TEST_F(StoreDamageTest, ADamagedRecordIsNeverReturnedAndHealsByAnAppend) {
  ASSERT_EQ(open(), Status::kOk);
  fill(2, 4000);
  TestRandom noise(5);
  for (int i = 0; i < 300; ++i) {
    uint64_t at = kSegmentHeaderBytes + 2 * kEntryHeaderBytes + noise.next() % 4000;
    auto mask = static_cast<uint8_t>(1u << noise.next() % 8);
    RecordState state;
    ASSERT_TRUE(disk.flip(kFirst, at, mask));
    ASSERT_EQ(read(records[0]), Status::kCorrupt);
    EXPECT_EQ(read(records[0]), Status::kNotFound);
    ASSERT_EQ(store->find(records[0].c, &state), Status::kOk);
    EXPECT_FALSE(state.held);
    ASSERT_TRUE(disk.flip(kFirst, at, mask));
    ASSERT_EQ(store->close(), Status::kOk);
    ASSERT_EQ(disk.remove("drey.index"), Status::kOk);
    ASSERT_EQ(open(), Status::kOk);
    ASSERT_EQ(read(records[0]), Status::kOk);
  }
  EXPECT_EQ(read(records[1]), Status::kOk);
}

// C5: a valid record where another one belongs.
TEST_F(StoreDamageTest, MisdirectedAndDuplicatedEntriesGiveNoWrongBytes) {
  ASSERT_EQ(open(), Status::kOk);
  fill(10, 1000);
  ASSERT_EQ(store->maintain(), Status::kOk);
  kill();
  SimDisk saved;
  saved.copy_from(disk);
  std::vector<uint8_t> good = file(kFirst);
  uint64_t entry = entry_bytes(1000);
  auto place = [&](size_t i) { return kSegmentHeaderBytes + kEntryHeaderBytes + i * entry; };
  for (size_t from = 0; from < 9; ++from) {
    for (size_t to = 0; to < 9; ++to) {
      if (from == to) continue;
      std::vector<uint8_t> bad = good;
      std::copy_n(good.begin() + static_cast<long>(place(from)), entry,
                  bad.begin() + static_cast<long>(place(to)));
      disk.copy_from(saved);
      disk.put(kFirst, bad);
      for (bool rebuild : {false, true}) {
        if (rebuild) {
          ASSERT_EQ(disk.remove("drey.index"), Status::kOk);
        }
        ASSERT_EQ(open(), Status::kOk);
        for (size_t i = 0; i < 9; ++i) {
          Status status = read(records[i]);
          EXPECT_EQ(status == Status::kOk, i != to) << from << " to " << to << " record " << i;
        }
        kill();
      }
    }
  }
}

TEST_F(StoreDamageTest, AnEntryForgedInsideARecordIsNotFound) {
  ASSERT_EQ(open(), Status::kOk);
  TestRecord inner = make_record(5, 64), outer = make_record(6, 1024);
  EntryHeader header;
  header.key = inner.c.raw;
  header.kind = 1;
  header.length = 64;
  header.body_crc = crc32c(0, inner.bytes);
  for (size_t at = 0; at + 128 <= outer.bytes.size(); at += 128) {
    encode_entry_header(header, 12345, 384 + at,
                        std::span(outer.bytes).subspan(at).first<kEntryHeaderBytes>());
    std::copy(inner.bytes.begin(), inner.bytes.end(),
              outer.bytes.begin() + static_cast<long>(at + 64));
  }
  outer.c.raw = sha256(outer.bytes);
  ASSERT_EQ(append_durably(make_record(1, 64)), Status::kOk);
  ASSERT_EQ(append_durably(outer), Status::kOk);
  ASSERT_EQ(append_durably(make_record(2, 64)), Status::kOk);
  kill();
  // Spoil the outer header, so that a scan walks through the body.
  ASSERT_TRUE(disk.flip(kFirst, kSegmentHeaderBytes + 64 + entry_bytes(64), 1));
  ASSERT_EQ(disk.remove("drey.index"), Status::kOk);
  ASSERT_EQ(open(), Status::kOk);
  EXPECT_EQ(read(inner), Status::kNotFound);
  EXPECT_EQ(read(make_record(2, 64)), Status::kOk);
}

TEST_F(StoreDamageTest, ALostSegmentHeaderCostsNothingWhileTheIndexKnowsTheSalt) {
  ASSERT_EQ(open(), Status::kOk);
  fill(5, 500);
  ASSERT_EQ(store->maintain(), Status::kOk);
  kill();
  for (size_t at = 0; at < kSegmentHeaderBytes; ++at) ASSERT_TRUE(disk.flip(kFirst, at, 0xff));
  ASSERT_EQ(open(), Status::kOk);
  expect_all(5);
  EXPECT_EQ(store->stats().rebuilds, 0u);
}

TEST_F(StoreDamageTest, ADamagedStatementIsForgottenSoThatItComesAgain) {
  ASSERT_EQ(open(), Status::kOk);
  std::vector<uint8_t> text(100, 'x');
  Ticket ticket = 0;
  ASSERT_EQ(store->append_statement(StatementKind::kMembership, make_key(1), text, &ticket),
            Status::kOk);
  ASSERT_EQ(store->commit(ticket), Status::kOk);
  ASSERT_TRUE(disk.flip(kFirst, kSegmentHeaderBytes + kEntryHeaderBytes + 50, 1));
  std::vector<uint8_t> room(100);
  size_t size = 0;
  EXPECT_EQ(store->read_statement(StatementKind::kMembership, make_key(1), room, &size),
            Status::kCorrupt);
  ASSERT_EQ(store->append_statement(StatementKind::kMembership, make_key(1), text, &ticket),
            Status::kOk);
  ASSERT_EQ(store->commit(ticket), Status::kOk);
  EXPECT_EQ(store->read_statement(StatementKind::kMembership, make_key(1), room, &size),
            Status::kOk);
}

TEST_F(StoreDamageTest, AHealedStatementIsNotLostAgainWithItsDamagedForerunner) {
  ASSERT_EQ(open(), Status::kOk);
  std::vector<uint8_t> text(100, 'x');
  std::vector<uint8_t> room(100);
  size_t size = 0;
  Ticket ticket = 0;
  auto append = [&] {
    return store->append_statement(StatementKind::kHead, make_key(1), text, &ticket);
  };
  ASSERT_EQ(append(), Status::kOk);
  ASSERT_EQ(store->commit(ticket), Status::kOk);
  ASSERT_TRUE(disk.flip(kFirst, kSegmentHeaderBytes + kEntryHeaderBytes + 50, 1));
  ASSERT_EQ(store->read_statement(StatementKind::kHead, make_key(1), room, &size),
            Status::kCorrupt);
  ASSERT_EQ(append(), Status::kOk);
  ASSERT_EQ(store->commit(ticket), Status::kOk);
  kill();
  ASSERT_EQ(open(), Status::kOk);
  EXPECT_EQ(store->read_statement(StatementKind::kHead, make_key(1), room, &size), Status::kOk);
}

TEST_F(StoreDamageTest, LostStatementsAreNamedOnce) {
  ASSERT_EQ(open(), Status::kOk);
  std::vector<uint8_t> text(100, 'x');
  std::vector<uint8_t> room(100);
  size_t size = 0;
  Ticket ticket = 0;
  ASSERT_EQ(store->append_statement(StatementKind::kHead, make_key(1), text, &ticket), Status::kOk);
  ASSERT_EQ(store->commit(ticket), Status::kOk);
  std::array<LostStatement, 4> lost;
  EXPECT_EQ(store->take_lost_statements(lost), 0u);
  ASSERT_TRUE(disk.flip(kFirst, kSegmentHeaderBytes + kEntryHeaderBytes + 50, 1));
  ASSERT_EQ(store->read_statement(StatementKind::kHead, make_key(1), room, &size),
            Status::kCorrupt);
  ASSERT_EQ(store->take_lost_statements(lost), 1u);
  EXPECT_EQ(lost[0].kind, StatementKind::kHead);
  EXPECT_EQ(lost[0].key, make_key(1));
  EXPECT_EQ(store->take_lost_statements(lost), 0u);
}

// ---- A8: the index ----

}  // namespace
}  // namespace drey
