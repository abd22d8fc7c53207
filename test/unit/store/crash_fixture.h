// A store, what it was made to acknowledge, and the check that all of it is there: for the tests of
// power cuts, dead processes, failing calls and disks without room.
#pragma once

#include "unit/store/store_fixture.h"

namespace drey {

class StoreCrashTest : public StoreTest {
 protected:
  // What the outside was told.
  std::map<uint64_t, TestRecord> acknowledged;
  std::vector<uint8_t> statements;  // keys
  uint64_t next = 0;

  Status commit_all(Ticket ticket) {
    for (Ticket t : {record_ticket, own_ticket, ticket})
      if (Status status = store->commit(t); !ok(status)) return status;
    return Status::kOk;
  }
  Ticket record_ticket = 0, own_ticket = 0;

  // One step of a workload; stops at the first refusal of a dead disk.
  void work(uint64_t steps) {
    for (uint64_t i = 0; i < steps && !disk.is_cut(); ++i) {
      uint64_t number = next++;
      TestRecord record = make_record(number, 200 + number * 977 % 4000);
      Ticket ticket = 0;
      Status status = append(record, number, &ticket);
      record_ticket = ticket;
      OwnedRecord owned{record.c, record.d, static_cast<uint32_t>(record.bytes.size()),
                        record.type};
      if (ok(status) || status == Status::kExists)
        status = store->own({&owned, 1}, number, &ticket);
      own_ticket = ticket;
      bool has_statement = number % 4 == 0 && number / 4 < 200;
      auto key = static_cast<uint8_t>(number / 4 + 1);
      if (ok(status) && has_statement)
        status =
            store->append_statement(StatementKind::kHead, make_key(key), record.c.bytes(), &ticket);
      if (ok(status)) status = store->commit(ticket);
      if (ok(status)) {
        acknowledged[number] = record;
        if (has_statement) statements.push_back(key);
      }
      if (number % 7 == 6) (void)store->maintain();
    }
  }

  void begin_again() {
    store = std::make_unique<Store>();
    disk.restart();
    disk.copy_from(SimDisk());
  }

  void check_acknowledged() {
    for (auto& [number, record] : acknowledged) {
      ASSERT_EQ(read(record), Status::kOk) << "record " << number;
      ChunkId c;
      RecordState state;
      ASSERT_EQ(store->find_content(record.d, &c, &state), Status::kOk) << "record " << number;
      EXPECT_EQ(c, record.c);
      EXPECT_TRUE(state.mine);
      EXPECT_TRUE(state.held);
    }
    for (uint8_t key : statements) {
      std::array<uint8_t, 64> room;
      size_t size = 0;
      ASSERT_EQ(store->read_statement(StatementKind::kHead, make_key(key), room, &size),
                Status::kOk);
      EXPECT_EQ(size, 32u);
    }
    // Everything it claims to hold it can give.
    std::array<RecordRow, 8> rows;
    ChunkId after;
    size_t count = 0;
    std::vector<uint8_t> room(limits::kRecordBytesMax);
    do {
      ASSERT_EQ(store->scan_records(after, rows, &count), Status::kOk);
      for (size_t i = 0; i < count; ++i) {
        after = rows[i].c;
        size_t size = 0;
        if (rows[i].state.held) {
          EXPECT_EQ(store->read_record(after, room, &size), Status::kOk);
        }
      }
    } while (count == rows.size());
  }

  void check_and_go_on() {
    ASSERT_EQ(open(), Status::kOk);
    check_acknowledged();
    uint64_t before = acknowledged.size();
    work(3);
    EXPECT_EQ(acknowledged.size(), before + 3);
    check_acknowledged();
    ASSERT_EQ(store->close(), Status::kOk);
    ASSERT_EQ(open(), Status::kOk);
    check_acknowledged();
  }
};

}  // namespace drey
