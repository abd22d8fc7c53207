// I14: a full member, who has all keys, says that content D lies in record C, and it does not.
// Nothing of it is used before this device has opened the record and found D in it.
#include <gtest/gtest.h>

#include "codec/seal.h"
#include "unit/backup/service_world.h"
#include "unit/codec/support.h"

namespace drey::test {
namespace {

constexpr const char* kLie = "this is not what you stored; this is not what you stored";

struct Lie {
  ContentId d;
  ChunkId c;
  std::vector<uint8_t> record;
};

// A record with the right keys for `d`, and other content.
Lie make_lie(const Keyring& keyring, Compressor& compressor, ChunkType type, const ContentId& d,
             Bytes told) {
  Lie lie;
  lie.d = d;
  lie.record.resize(limits::kRecordBytesMax);
  size_t size = 0;
  EXPECT_EQ(seal(keyring, compressor, {false, CodecId::kRaw, 0}, type, d, told, lie.record, &size,
                 &lie.c),
            Status::kOk);
  lie.record.resize(size);
  return lie;
}

TEST(LyingRecords, AThousandFalseMappingsAreNeitherLookedUpNorOpened) {
  ServiceWorld w(1);
  CompressorLease lease(*w.compressors);
  ASSERT_NE(lease.get(), nullptr);
  NodeId liar;
  liar.raw.fill(0x66);
  std::vector<uint8_t> room(limits::kChunkBytesMax);
  int refused = 0;
  for (uint64_t i = 0; i < 1000; ++i) {
    ChunkType type = i % 2 == 0 ? ChunkType::kData : ChunkType::kPage;
    auto truth = random_bytes(50 + i, i + 1);
    ContentId d = content_id(w.keyring, type, truth);
    Lie lie;
    if (i % 4 < 2) {  // sealed for D, over something else
      lie = make_lie(w.keyring, *lease.get(), type, d, as_bytes(kLie + std::to_string(i)));
    } else {  // an honest record, of another content
      auto other = random_bytes(50 + i, i + 5000);
      lie = make_lie(w.keyring, *lease.get(), type, content_id(w.keyring, type, other), other);
    }
    Ticket ticket = 0;
    ASSERT_EQ(w.store->append_record(lie.c, type, lie.record, liar, i + 1, &ticket), Status::kOk);
    ASSERT_EQ(w.store->commit(ticket), Status::kOk);
    // It is held for its owner; nobody here takes it for D.
    ChunkId c;
    RecordState state;
    EXPECT_EQ(w.store->find_content(d, &c, &state), Status::kNotFound);
    size_t size = 1;
    std::fill(room.begin(), room.end(), uint8_t{0xee});
    Status status = open(w.keyring, *lease.get(), type, d, lie.record, room, &size);
    EXPECT_EQ(status, Status::kCorrupt);
    EXPECT_EQ(size, 0u);
    EXPECT_TRUE(std::all_of(room.begin(), room.begin() + 2000, [](uint8_t b) { return b == 0; }));
    refused += status == Status::kCorrupt ? 1 : 0;
  }
  EXPECT_EQ(refused, 1000);
}

// A member guessed what this device will store, and was first.
TEST(LyingRecords, WhatAnotherMemberStoredBeforeIsNotTakenForOnesOwn) {
  std::string text(3 * limits::kChunkBytesMax, 'x');
  for (size_t i = 0; i < text.size(); i += 97) text[i] = static_cast<char>('a' + i % 23);
  ServiceWorld honest(1), lied(1);
  for (ServiceWorld* w : {&honest, &lied}) {
    ASSERT_TRUE(w->node.tree.write_file("/s/file", text));
    w->world.run_for(10 * kSecond);
  }
  ASSERT_EQ(honest.back_up({"/s"}), Status::kOk);
  ASSERT_GT(honest.space.claims.size(), 2u);
  NodeId liar;
  liar.raw.fill(0x66);
  uint64_t number = 0;
  for (const auto& [c, row] : honest.space.claims) {
    CompressorLease lease(*lied.compressors);
    Lie lie = make_lie(lied.keyring, *lease.get(), row.type, row.d, as_bytes(kLie));
    Ticket ticket = 0;
    ASSERT_EQ(lied.store->append_record(lie.c, row.type, lie.record, liar, ++number, &ticket),
              Status::kOk);
    ASSERT_EQ(lied.store->commit(ticket), Status::kOk);
    lied.space.records[lie.c] = std::string(as_text(lie.record));
  }
  ASSERT_EQ(lied.back_up({"/s"}), Status::kOk);
  EXPECT_EQ(lied.space.pushes, honest.space.pushes);  // every record of its own
  SnapshotInfo info;
  ASSERT_EQ(lied.resolve("latest", &info), Status::kOk);
  CollectSink sink;
  EXPECT_EQ(lied.stream(sink, info).missing, 0u);
  EXPECT_TRUE(sink.files()["s/file"] == text);
}

// The names in a snapshot lead to lies: each is a gap, none a byte.
TEST(LyingRecords, ARestoreThatIsLiedToSaysMissingAndGivesNoByteOfIt) {
  ServiceWorld w(2);
  std::string text;
  for (uint64_t i = 0; text.size() < 4 * limits::kChunkBytesMax; ++i) text += std::to_string(i * i);
  ASSERT_TRUE(w.node.tree.write_file("/s/file", text));
  w.world.run_for(10 * kSecond);
  ASSERT_EQ(w.back_up({"/s"}), Status::kOk);
  SnapshotInfo info;
  ASSERT_EQ(w.resolve("latest", &info), Status::kOk);
  size_t lies = 0;
  for (const auto& [c, row] : w.space.claims) {
    CompressorLease lease(*w.compressors);
    Lie lie = make_lie(w.keyring, *lease.get(), row.type, row.d, as_bytes(kLie));
    std::string right = w.space.records[c];
    w.space.records[c] = std::string(as_text(lie.record));
    CollectSink sink;
    StreamResult result = w.stream(sink, info);
    EXPECT_TRUE(result.missing > 0 || !ok(result.status));
    std::string got = sink.files()["s/file"];
    for (size_t i = 0; i < got.size(); ++i)
      ASSERT_TRUE(got[i] == '?' || (i < text.size() && got[i] == text[i])) << i;
    w.space.records[c] = right;
    ++lies;
  }
  EXPECT_GT(lies, 2u);
  CollectSink sink;
  EXPECT_EQ(w.stream(sink, info).missing, 0u);
  EXPECT_TRUE(sink.files()["s/file"] == text);
}

}  // namespace
}  // namespace drey::test
