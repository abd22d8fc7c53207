// Every way an index can be wrong: it is a cache, noticed to be bad and made anew from the log.
#include "store/index_vfs.h"
#include "unit/store/damage_fixture.h"

namespace drey {
namespace {

class StoreIndexTest : public StoreDamageTest {
 protected:
  StoreContent expected;
  SimDisk saved;

  void make(bool clean) {
    ASSERT_EQ(open(), Status::kOk);
    fill(40, 700);
    Ticket ticket = 0;
    std::vector<OwnedRecord> owned;
    for (const TestRecord& record : records)
      owned.push_back({record.c, record.d, 700, record.type});
    ASSERT_EQ(store->own(owned, 9, &ticket), Status::kOk);
    for (uint8_t key = 1; key < 6; ++key)
      ASSERT_EQ(store->append_statement(StatementKind::kHead, make_key(key), owned[key].c.bytes(),
                                        &ticket),
                Status::kOk);
    ASSERT_EQ(store->commit(ticket), Status::kOk);
    expected = content();
    if (clean) {
      ASSERT_EQ(store->close(), Status::kOk);
    } else {
      ASSERT_EQ(store->maintain(), Status::kOk);
    }
    kill();
    saved.copy_from(disk);
  }
  // Opens what a test made of the index and expects the content of the undamaged one.
  void check(bool rebuilt) {
    ASSERT_EQ(open(), Status::kOk);
    EXPECT_EQ(content(), expected);
    if (rebuilt) {
      EXPECT_EQ(store->stats().rebuilds, 1u);
    }
    EXPECT_EQ(store->stats().records, records.size());
    for (size_t i = 0; i < records.size(); i += 13) EXPECT_EQ(read(records[i]), Status::kOk);
    ChunkId c;
    RecordState state;
    for (size_t i = 0; i < 40; ++i)
      EXPECT_EQ(store->find_content(records[i].d, &c, &state), Status::kOk);
    kill();
    disk.copy_from(saved);
  }
};

TEST_F(StoreIndexTest, AMissingOrEmptyOrForeignIndexIsRebuilt) {
  make(true);
  ASSERT_EQ(disk.remove("drey.index"), Status::kOk);
  check(true);
  disk.put("drey.index", {});
  check(true);
  disk.put("drey.index", as_bytes("this is no database, but somebody's letter to his aunt"));
  check(true);
  std::vector<uint8_t> noise(50'000);
  ASSERT_EQ(random.fill(noise), Status::kOk);
  disk.put("drey.index", noise);
  check(true);
}

TEST_F(StoreIndexTest, AnIndexOfAnotherVersionOrStoreIsRebuilt) {
  make(true);
  std::vector<uint8_t> index = file("drey.index");
  index[63] = static_cast<uint8_t>(index[63] + 1);
  disk.put("drey.index", index);
  check(true);
  // A whole, clean index, but of another store.
  SimDisk mine;
  mine.copy_from(disk);
  disk.copy_from(SimDisk());
  ASSERT_EQ(open(), Status::kOk);
  ASSERT_EQ(append_durably(make_record(5000, 500)), Status::kOk);
  ASSERT_EQ(store->close(), Status::kOk);
  kill();
  std::vector<uint8_t> foreign = file("drey.index");
  disk.copy_from(mine);
  disk.put("drey.index", foreign);
  check(true);
}

TEST_F(StoreIndexTest, ATruncatedIndexIsRebuilt) {
  for (bool clean : {true, false}) {
    records.clear();
    kill();
    disk.copy_from(SimDisk());
    make(clean);
    std::vector<uint8_t> index = file("drey.index");
    for (size_t part = 0; part < 10; ++part) {
      SCOPED_TRACE(part);
      disk.put("drey.index", Bytes(index).first(index.size() * part / 10 + part * 17 % 1024));
      check(clean);
      if (HasFailure()) return;
    }
  }
}

TEST_F(StoreIndexTest, EveryOverwrittenPageIsNoticed) {
  make(true);
  std::vector<uint8_t> index = file("drey.index");
  size_t pages = index.size() / IndexVfs::kPageBytes;
  ASSERT_GT(pages, 10u);
  for (size_t page = 0; page < pages; ++page) {
    for (int kind = 0; kind < 4; ++kind) {
      SCOPED_TRACE("page " + std::to_string(page) + " kind " + std::to_string(kind));
      std::vector<uint8_t> bad = index;
      MutBytes target = MutBytes(bad).subspan(page * IndexVfs::kPageBytes, IndexVfs::kPageBytes);
      if (kind == 0) {
        ASSERT_EQ(random.fill(target), Status::kOk);
      }
      if (kind == 1) std::fill(target.begin(), target.end(), uint8_t{0});
      if (kind == 2) std::fill(target.begin() + 512, target.end(), uint8_t{0});
      if (kind == 3) target[900] = static_cast<uint8_t>(target[900] ^ 4);
      disk.put("drey.index", bad);
      check(false);
      if (HasFailure()) return;
    }
  }
}

TEST_F(StoreIndexTest, AMissingStaleOrForeignWalIsNoticed) {
  make(false);
  ASSERT_TRUE(disk.peek("drey.index-wal") != nullptr);
  std::vector<uint8_t> wal = file("drey.index-wal");
  ASSERT_GT(wal.size(), 1024u);
  ASSERT_EQ(disk.remove("drey.index-wal"), Status::kOk);
  check(true);
  disk.put("drey.index-wal", {});
  check(false);
  for (size_t part = 1; part < 10; ++part) {
    disk.put("drey.index-wal", Bytes(wal).first(wal.size() * part / 10));
    check(false);
  }
  for (size_t i = 0; i < 20; ++i) {
    std::vector<uint8_t> bad = wal;
    bad[random.next() % bad.size()] ^= 1;
    disk.put("drey.index-wal", bad);
    check(false);
    if (HasFailure()) return;
  }
}

TEST_F(StoreIndexTest, AStaleWalBesideACleanIndexIsIgnored) {
  make(true);
  ASSERT_EQ(open(), Status::kOk);
  fill(400, 100);
  ASSERT_EQ(store->close(), Status::kOk);
  // A WAL with the few pages that a little work touches.
  ASSERT_EQ(open(), Status::kOk);
  fill(1, 300);
  ASSERT_EQ(store->maintain(), Status::kOk);
  std::vector<uint8_t> wal = file("drey.index-wal");
  fill(400, 100);
  expected = content();
  ASSERT_EQ(store->close(), Status::kOk);
  kill();
  saved.copy_from(disk);
  disk.put("drey.index-wal", wal);
  check(false);
}

TEST_F(StoreIndexTest, AnOlderWalBesideAnUncleanIndexGivesNoOlderAnswers) {
  // Enough small records that the WAL is checkpointed and begun anew several times.
  ASSERT_EQ(open(), Status::kOk);
  std::vector<std::vector<uint8_t>> wals;
  for (int round = 0; round < 30; ++round) {
    fill(40, 100);
    ASSERT_EQ(store->maintain(), Status::kOk);
    wals.push_back(file("drey.index-wal"));
  }
  expected = content();
  std::vector<uint8_t> index = file("drey.index");
  kill();
  saved.copy_from(disk);
  for (size_t i = 0; i < wals.size(); ++i) {
    SCOPED_TRACE(i);
    disk.put("drey.index-wal", wals[i]);
    ASSERT_EQ(open(), Status::kOk);
    EXPECT_EQ(content(), expected);
    kill();
    disk.copy_from(saved);
    if (HasFailure()) return;
  }
}

TEST_F(StoreIndexTest, DamageAtRunTimeIsMendedInTheMiddleOfACall) {
  make(true);
  ASSERT_EQ(open(), Status::kOk);
  std::vector<uint8_t> index = file("drey.index");
  for (size_t at = 2 * IndexVfs::kPageBytes; at < index.size(); at += IndexVfs::kPageBytes)
    index[at + 100] ^= 0x40;
  disk.put("drey.index", index);
  EXPECT_EQ(content(), expected);
  EXPECT_LE(store->stats().rebuilds, 2u);
  fill(3, 300);
  expect_all(records.size());
}

TEST_F(StoreIndexTest, AnOlderIndexIsBroughtUpToDateByTheLog) {
  make(true);
  ASSERT_EQ(open(), Status::kOk);
  fill(30, 400);
  StoreContent newer = content();
  ASSERT_EQ(store->close(), Status::kOk);
  kill();
  disk.put("drey.index", *saved.peek("drey.index"));
  ASSERT_EQ(open(), Status::kOk);
  EXPECT_EQ(content(), newer);
  EXPECT_EQ(store->stats().rebuilds, 0u);
}

TEST_F(StoreIndexTest, AnIndexAheadOfItsLogIsRebuilt) {
  make(true);
  ASSERT_EQ(open(), Status::kOk);
  fill(5, 400);
  ASSERT_EQ(store->close(), Status::kOk);
  std::vector<uint8_t> newer = file("drey.index");
  kill();
  disk.copy_from(saved);
  disk.put("drey.index", newer);
  records.resize(40);
  check(true);
}

}  // namespace
}  // namespace drey
