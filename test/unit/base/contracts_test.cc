// The contracts of include/drey that base implements: cursors, pools, ops, secrets.
#include <gtest/gtest.h>

#include <vector>

#include "drey/bytes.h"
#include "drey/ids.h"
#include "drey/limits.h"
#include "drey/op.h"
#include "drey/pool.h"
#include "drey/status.h"

namespace drey {
namespace {

TEST(ByteCursors, RoundTripLittleEndian) {
  uint8_t buffer[32];
  ByteWriter writer(buffer);
  writer.u8(1);
  writer.u16(0x0203);
  writer.u32(0x04050607);
  writer.u64(0x08090a0b0c0d0e0full);
  writer.text("end");
  writer.zeros(2);
  ASSERT_TRUE(writer.ok());
  EXPECT_EQ(writer.size(), 20u);
  EXPECT_EQ(buffer[1], 3);
  ByteReader reader(writer.written());
  EXPECT_EQ(reader.u8(), 1);
  EXPECT_EQ(reader.u16(), 0x0203);
  EXPECT_EQ(reader.u32(), 0x04050607u);
  EXPECT_EQ(reader.u64(), 0x08090a0b0c0d0e0full);
  EXPECT_EQ(as_text(reader.bytes(3)), "end");
  EXPECT_EQ(reader.left(), 2u);
  EXPECT_FALSE(reader.at_end());
  reader.bytes(2);
  EXPECT_TRUE(reader.at_end());
}

TEST(ByteCursors, AnOverrunStaysFailedAndTouchesNothing) {
  uint8_t buffer[4] = {9, 9, 9, 9};
  ByteWriter writer(MutBytes(buffer, 3));
  writer.u16(1);
  writer.u16(2);
  writer.u8(3);
  EXPECT_FALSE(writer.ok());
  EXPECT_EQ(writer.size(), 2u);
  EXPECT_EQ(buffer[3], 9);
  ByteReader reader(Bytes(buffer, 3));
  EXPECT_EQ(reader.u32(), 0u);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.u8(), 0) << "failed readers give zeros";
  EXPECT_TRUE(reader.bytes(SIZE_MAX).empty());
}

TEST(Status, EveryCodeHasItsOwnName) {
  std::vector<std::string_view> names;
  for (uint8_t i = 0; i <= static_cast<uint8_t>(Status::kChanged); ++i) {
    std::string_view name = status_name(static_cast<Status>(i));
    for (std::string_view other : names) EXPECT_NE(name, other);
    names.push_back(name);
  }
  EXPECT_EQ(names.back(), "changed");
  EXPECT_STREQ(status_name(static_cast<Status>(200)), "unknown");
}

TEST(Bytes, ConstantTimeCompareAgreesWithCompareAndWipeClears) {
  Secret<4> a, b;
  a.raw = {1, 2, 3, 4};
  b.raw = {1, 2, 3, 5};
  EXPECT_FALSE(equal_constant_time(a.bytes(), b.bytes()));
  EXPECT_TRUE(equal_constant_time(a.bytes(), a.bytes()));
  EXPECT_FALSE(equal_constant_time(a.bytes(), a.bytes().first(3)));
  EXPECT_TRUE(equal_constant_time({}, {}));
  wipe(a.mut());
  EXPECT_EQ(a.raw, (std::array<uint8_t, 4>{}));
}

TEST(Pool, EmptyOneFullAndFullPlusOne) {
  Pool<int, 3> pool;
  EXPECT_EQ(pool.free_count(), 3u);
  int* slots[3];
  for (int*& slot : slots) ASSERT_NE(slot = pool.take(), nullptr);
  EXPECT_EQ(pool.take(), nullptr);
  EXPECT_EQ(pool.peak(), 3u);
  int* second = slots[1];
  pool.give(slots[1]);
  EXPECT_EQ(slots[1], nullptr) << "giving clears the giver";
  EXPECT_EQ(pool.take(), second);
  EXPECT_EQ(pool.peak(), 3u);
}

TEST(Pool, ASlotGivenTwiceOrFromElsewhereStopsTheProgram) {
  Pool<int, 2> pool;
  int* slot = pool.take();
  int* again = slot;
  pool.give(slot);
  EXPECT_DEATH(pool.give(again), "used_");
  int elsewhere[8];
  int* foreign = elsewhere + 7;
  EXPECT_DEATH(pool.give(foreign), "CHECK failed");
}

struct Steps : Op {
  std::vector<Status> seen;
  int more = 0;
  void step(Status status) override {
    seen.push_back(status);
    if (more-- > 0) complete(Status::kAgain);
  }
};

TEST(ReadyQueue, StepsInOrderWithTheStatusGiven) {
  ReadyQueue queue;
  Steps a, b;
  a.bind(&queue);
  b.bind(&queue);
  EXPECT_FALSE(queue.run());
  b.complete(Status::kIo);
  a.complete(Status::kOk);
  EXPECT_TRUE(a.is_queued());
  EXPECT_FALSE(queue.run());
  EXPECT_EQ(a.seen, std::vector<Status>{Status::kOk});
  EXPECT_EQ(b.seen, std::vector<Status>{Status::kIo});
}

TEST(ReadyQueue, AnOpThatCompletesItselfIsBoundedPerRunAndNotRecursive) {
  ReadyQueue queue;
  Steps op;
  op.bind(&queue);
  op.more = 10;
  op.complete(Status::kOk);
  EXPECT_TRUE(queue.run(4));
  EXPECT_EQ(op.seen.size(), 4u);
  EXPECT_FALSE(queue.run());
  EXPECT_EQ(op.seen.size(), 11u);
  EXPECT_TRUE(queue.empty());
}

TEST(ReadyQueue, CompletingTwiceStopsTheProgram) {
  ReadyQueue queue;
  Steps op;
  EXPECT_DEATH(op.complete(Status::kOk), "queue_");
  op.bind(&queue);
  op.complete(Status::kOk);
  EXPECT_DEATH(op.complete(Status::kOk), "queued_");
}

TEST(Limits, TheSumStaysBelowTheBoardsCeiling) {
  EXPECT_LE(limits::kRamBytes, board::kRamBytesMax);
  EXPECT_EQ(limits::kChunkBytesMax + limits::kRecordOverheadBytes, limits::kRecordBytesMax);
}

}  // namespace
}  // namespace drey
