// The bytes of a whole small store, made from fixed randomness: whoever changes them changes the
// format, its version and src/store/FORMAT.md.
#include "store/state_log.h"
#include "unit/store/store_fixture.h"

namespace drey {
namespace {

class GoldenTest : public StoreTest {
 protected:
  std::string hash_of(const std::string& name) {
    const std::vector<uint8_t>* bytes = disk.peek(name);
    return bytes == nullptr ? "missing" : hex_of(sha256(*bytes));
  }
  void make() {
    ASSERT_EQ(open(), Status::kOk);
    for (uint64_t i = 0; i < 4; ++i)
      ASSERT_EQ(append_durably(make_record(i, 100 + 50 * i), i + 1), Status::kOk);
    TestRecord first = make_record(0, 100);
    OwnedRecord owned{first.c, first.d, 100, first.type};
    Ticket ticket = 0;
    ASSERT_EQ(store->own({&owned, 1}, 42, &ticket), Status::kOk);
    ASSERT_EQ(store->append_pins(self, 43, {&first.c, 1}, &ticket), Status::kOk);
    ASSERT_EQ(
        store->append_statement(StatementKind::kHead, make_key(7), as_bytes("a head"), &ticket),
        Status::kOk);
    ASSERT_EQ(store->commit(ticket), Status::kOk);
    EXPECT_EQ(store->next_number(), 44u);
    ASSERT_EQ(store->close(), Status::kOk);
    StateLog state;
    ASSERT_EQ(state.open(&disk, nullptr), Status::kOk);
    ASSERT_EQ(state.put("address", as_bytes("192.0.2.1")), Status::kOk);
    ASSERT_EQ(state.close(), Status::kOk);
  }
};

TEST_F(GoldenTest, AStoreOfFormatOneHasExactlyTheseBytes) {
  make();
  ASSERT_EQ(limits::kFormatVersion, 1u);
  EXPECT_EQ(hash_of("drey.format"),
            "4db4fbc2ca7b328b181c7620293155cff9d465d60fc97ffd367c8d1b76d6137f");
  EXPECT_EQ(hash_of("log/00000001.seg"),
            "28b3ef7f2239b4ea6848106c763ae73cc41182f5e771c849aed56983134eed26");
  EXPECT_EQ(hash_of("drey.state"),
            "c49ae3c43969c11db91f1940166d1cd24bdc1be8dee5e7e7a677f55cf52088af");
}

// Unpins and drops, as appended.
TEST_F(GoldenTest, RemovalsHaveTheirGoldenBytes) {
  make();
  ASSERT_EQ(open(), Status::kOk);
  ChunkId c = make_record(0, 100).c;
  Ticket ticket = 0;
  ASSERT_EQ(store->append_unpin(self, 300, {&c, 1}, &ticket), Status::kOk);
  ASSERT_EQ(store->append_unpin(peer, 1, {&c, 1}, &ticket), Status::kOk);
  ASSERT_EQ(store->remove_statement(StatementKind::kHead, make_key(7), &ticket), Status::kOk);
  ASSERT_EQ(store->append_statement(StatementKind::kUnpin, make_key(8), as_bytes("u"), &ticket),
            Status::kOk);
  ASSERT_EQ(store->append_statement(StatementKind::kForget, make_key(9), as_bytes("f"), &ticket),
            Status::kOk);
  ASSERT_EQ(store->commit(ticket), Status::kOk);
  ASSERT_EQ(store->close(), Status::kOk);
  EXPECT_EQ(hash_of("log/00000001.seg"),
            "c3628a2a226816e8685f62d4f9f1f726b0b999607a73f6457a86b4ef90fb92e8");
}

TEST_F(GoldenTest, AStoreOfFormatOneOpensWithoutItsIndex) {
  make();
  ASSERT_EQ(disk.remove("drey.index"), Status::kOk);
  ASSERT_EQ(open(), Status::kOk);
  for (uint64_t i = 0; i < 4; ++i) EXPECT_EQ(read(make_record(i, 100 + 50 * i)), Status::kOk);
  ChunkId c;
  RecordState state;
  ASSERT_EQ(store->find_content(make_record(0, 100).d, &c, &state), Status::kOk);
  EXPECT_TRUE(state.mine && state.held);
  EXPECT_GE(store->highest_number(), 44u);
}

}  // namespace
}  // namespace drey
