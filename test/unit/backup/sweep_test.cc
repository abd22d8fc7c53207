// The sweep: claims go that no kept snapshot needs, and never one that is needed.
#include <algorithm>
#include <random>

#include "base/text.h"
#include "unit/backup/service_world.h"

namespace drey {
namespace {

using test::CollectSink;
using test::DoneOp;
using test::kIndexLevels;
using test::ServiceWorld;

std::string noise(size_t size, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

ChunkId numbered(uint64_t n) {
  std::mt19937_64 random(n);
  ChunkId c;
  for (uint8_t& byte : c.raw) byte = static_cast<uint8_t>(random());
  return c;
}

TEST(KeptSet, NeverMissesWhatWasAddedAndRarelyTakesAnythingElse) {
  std::vector<uint8_t> room(32 * 1024);
  KeptSet kept;
  kept.begin(room, 99, 0, 1);
  uint64_t most = room.size() * 8 / KeptSet::kBitsPerRecord;
  for (uint64_t i = 0; i < most; ++i) kept.add(numbered(i));
  for (uint64_t i = 0; i < most; ++i) EXPECT_TRUE(kept.has(numbered(i)));
  uint64_t wrong = 0;
  for (uint64_t i = most; i < 3 * most; ++i) wrong += kept.has(numbered(i)) ? 1 : 0;
  EXPECT_LT(wrong, 2 * most / 50);
}

TEST(KeptSet, PassesCoverEveryIdOnce) {
  EXPECT_EQ(KeptSet::passes(0, 1024), 1u);
  EXPECT_EQ(KeptSet::passes(1024 * 8 / 12, 1024), 1u);
  EXPECT_EQ(KeptSet::passes(1024 * 8 / 12 + 1, 1024), 2u);
  EXPECT_EQ(KeptSet::passes(UINT64_MAX / 2, 1024), KeptSet::kRanges);
  std::vector<uint8_t> room(64);
  for (uint32_t passes : {1u, 2u, 3u, 7u, 1000u}) {
    for (uint64_t i = 0; i < 300; ++i) {
      ChunkId c = numbered(i);
      size_t covering = 0;
      for (uint32_t pass = 0; pass < passes; ++pass) {
        KeptSet kept;
        kept.begin(room, 1, pass, passes);
        covering += kept.covers(c) ? 1 : 0;
        if (kept.covers(c)) {
          EXPECT_LT(kept.before(), c);
        }
        EXPECT_EQ(kept.is_behind(c) || kept.covers(c) || c <= kept.before(), true);
      }
      EXPECT_EQ(covering, 1u);
    }
  }
}

class Sweep : public ::testing::Test {
 protected:
  Sweep() : w(11) {}
  void write(const std::string& path, const std::string& text) {
    ASSERT_TRUE(w.node.tree.write_file(path, text));
    files[path.substr(1)] = text;
  }
  Status back_up() {
    w.world.run_for(5 * kSecond);
    Status status = w.back_up({"/home"});
    if (ok(status)) versions[w.snapshots().back().sequence] = files;
    return status;
  }
  Status forget(std::vector<uint64_t> sequences) {
    std::vector<std::string> names;
    for (const SnapshotInfo& info : w.snapshots()) {
      if (std::find(sequences.begin(), sequences.end(), info.sequence) == sequences.end()) continue;
      std::array<char, 64> hex;
      EXPECT_TRUE(hex_encode(info.id.bytes(), hex));
      names.emplace_back(hex.data(), 64);
      versions.erase(info.sequence);
    }
    std::vector<std::string_view> views(names.begin(), names.end());
    ForgetRequest request;
    request.snapshots = views;
    return w.forget(request);
  }
  Status sweep() {
    DoneOp done;
    done.bind(&w.ready);
    Status status = w.service->sweep(&done);
    if (!ok(status)) return status;
    EXPECT_TRUE(w.wait(done));
    return done.status;
  }
  std::set<ChunkId> claims() {
    std::set<ChunkId> mine;
    std::array<RecordRow, 64> rows;
    ChunkId after;
    for (size_t count = rows.size(); count == rows.size();) {
      EXPECT_EQ(w.store->scan_records(after, rows, &count), Status::kOk);
      for (size_t i = 0; i < count; ++i) {
        if (rows[i].state.mine) mine.insert(rows[i].c);
        after = rows[i].c;
      }
    }
    return mine;
  }
  // Everything that is not claimed is gone for good; what is kept restores all the same.
  void expect_only_claims_are_needed() {
    std::set<ChunkId> mine = claims();
    std::erase_if(w.space.records, [&](const auto& row) { return !mine.contains(row.first); });
    for (const SnapshotInfo& info : w.snapshots()) {
      CollectSink sink;
      StreamResult result = w.stream(sink, info);
      EXPECT_EQ(result.status, Status::kOk);
      EXPECT_EQ(result.missing, 0u);
      const auto& wanted = versions[info.sequence];
      auto got = sink.files();
      for (const auto& [path, text] : wanted)
        EXPECT_TRUE(got.contains(path) && got[path] == text) << path;
    }
  }
  void three_versions() {
    for (int i = 0; i < 30; ++i)
      write("/home/small" + std::to_string(i), noise(700, static_cast<uint64_t>(i)));
    write("/home/large", noise(4 * limits::kChunkBytesMax, 100));
    write("/home/other", noise(2 * limits::kChunkBytesMax, 101));
    ASSERT_EQ(back_up(), Status::kOk);
    write("/home/large", noise(4 * limits::kChunkBytesMax, 200));
    ASSERT_EQ(back_up(), Status::kOk);
    write("/home/small3", noise(900, 300));
    ASSERT_EQ(back_up(), Status::kOk);
  }
  ServiceWorld w;
  std::map<std::string, std::string> files;
  std::map<uint64_t, std::map<std::string, std::string>> versions;
};

TEST_F(Sweep, WithoutAForgottenSnapshotNothingGoes) {
  three_versions();
  std::set<ChunkId> before = claims();
  ASSERT_EQ(sweep(), Status::kOk);
  EXPECT_EQ(w.service->sweep_result().removed, 0u);
  EXPECT_EQ(claims(), before);
}

TEST_F(Sweep, WhatOnlyForgottenSnapshotsNeedGoes) {
  three_versions();
  std::set<ChunkId> before = claims();
  ASSERT_EQ(forget({1}), Status::kOk);
  ASSERT_EQ(sweep(), Status::kOk);
  EXPECT_GE(w.service->sweep_result().removed, 4u);
  EXPECT_EQ(w.service->sweep_result().kept + w.service->sweep_result().removed, before.size());
  EXPECT_EQ(claims().size(), w.service->sweep_result().kept);
  expect_only_claims_are_needed();
  ASSERT_EQ(sweep(), Status::kOk);
  EXPECT_EQ(w.service->sweep_result().removed, 0u);
}

TEST_F(Sweep, AllButTheNewestMayGoAndItsFirstContentsMayComeBack) {
  three_versions();
  ASSERT_EQ(forget({1, 2}), Status::kOk);
  ASSERT_EQ(sweep(), Status::kOk);
  expect_only_claims_are_needed();
  // The first version of the large file again: nobody claims it any more, so it is sealed, pushed
  // and claimed anew.
  write("/home/large", noise(4 * limits::kChunkBytesMax, 100));
  ASSERT_EQ(back_up(), Status::kOk);
  EXPECT_GE(w.service->result().progress.added_records, 4u);
  ASSERT_EQ(sweep(), Status::kOk);
  expect_only_claims_are_needed();
}

TEST_F(Sweep, AnAbortedBackupsRecordsGo) {
  three_versions();
  size_t before = claims().size();
  write("/home/new", noise(6 * limits::kChunkBytesMax, 500));
  w.space.pushes = 0;
  w.space.pushes_before_failure = 4;
  w.space.push_status = Status::kFull;
  ASSERT_EQ(back_up(), Status::kFull);
  EXPECT_GT(claims().size(), before);
  ASSERT_EQ(sweep(), Status::kOk);
  EXPECT_EQ(claims().size(), before);
}

TEST_F(Sweep, APageThatCannotBeReadEndsItWithoutRemovingAnything) {
  three_versions();
  ASSERT_EQ(forget({1}), Status::kOk);
  std::set<ChunkId> before = claims();
  w.space.unreachable.insert(w.snapshots().back().root_c);
  EXPECT_EQ(sweep(), Status::kNotEnough);
  EXPECT_EQ(claims(), before);
  w.space.unreachable.clear();
  ASSERT_EQ(sweep(), Status::kOk);
  EXPECT_LT(claims().size(), before.size());
}

// F9: a list of heads with a gap that no FORGET explains.
TEST_F(Sweep, AHeadThatIsMissingEndsItWithoutRemovingAnything) {
  three_versions();
  ASSERT_EQ(forget({1}), Status::kOk);
  std::set<ChunkId> before = claims();
  for (uint64_t missing : {2u, 3u}) {
    HeadKey key = head_key(w.self, missing);
    std::vector<uint8_t> bytes(limits::kHeadBytesMax);
    size_t size = 0;
    ASSERT_EQ(w.store->read_statement(StatementKind::kHead, key, bytes, &size), Status::kOk);
    Ticket ticket = 0;
    ASSERT_EQ(w.store->remove_statement(StatementKind::kHead, key, &ticket), Status::kOk);
    ASSERT_EQ(w.store->commit(ticket), Status::kOk);
    EXPECT_EQ(sweep(), Status::kNotEnough);
    EXPECT_EQ(claims(), before);
    ASSERT_EQ(
        w.store->append_statement(StatementKind::kHead, key, Bytes(bytes).first(size), &ticket),
        Status::kOk);
    ASSERT_EQ(w.store->commit(ticket), Status::kOk);
  }
  ASSERT_EQ(sweep(), Status::kOk);
  expect_only_claims_are_needed();
}

TEST_F(Sweep, ABackupThatBeginsEndsIt) {
  three_versions();
  ASSERT_EQ(forget({1}), Status::kOk);
  for (uint64_t delay = 0; delay < 60; delay += 3) {
    DoneOp done;
    done.bind(&w.ready);
    ASSERT_EQ(w.service->sweep(&done), Status::kOk);
    w.world.run_for(delay * kMillisecond);
    write("/home/small5", noise(800, 1000 + delay));
    ASSERT_EQ(back_up(), Status::kOk);
    ASSERT_TRUE(w.wait(done));
    EXPECT_TRUE(done.status == Status::kCancelled || done.status == Status::kOk);
    EXPECT_FALSE(w.service->sweeping());
  }
  EXPECT_EQ(w.origin->free_count(), limits::kOriginSlots);
  ASSERT_EQ(sweep(), Status::kOk);
  expect_only_claims_are_needed();
}

// The card is older than it was, or claims were damaged: what kept snapshots need is claimed again,
// and said to have been without, so that no holder is told to give anything up.
TEST_F(Sweep, WhatIsNeededAndNotClaimedIsClaimedAgain) {
  three_versions();
  std::set<ChunkId> before = claims();
  for (size_t every : {1u, 2u, 5u}) {
    std::vector<ChunkId> lost;
    size_t at = 0;
    for (const ChunkId& c : before)
      if (at++ % every == 0) lost.push_back(c);
    Ticket ticket = 0;
    ASSERT_EQ(w.store->append_unpin(w.self, w.store->next_number(), lost, &ticket), Status::kOk);
    ASSERT_EQ(w.store->commit(ticket), Status::kOk);
    ASSERT_EQ(claims().size(), before.size() - lost.size());
    ASSERT_EQ(sweep(), Status::kOk);
    EXPECT_GE(w.service->sweep_result().unclaimed, lost.size());  // shared ones twice
    EXPECT_EQ(w.service->sweep_result().removed, 0u);
    EXPECT_EQ(claims(), before);
    // Their contents are found again, too: the next backup has nothing to push.
    uint64_t pushes = w.space.pushes;
    write("/home/small1", noise(701 + every, every));
    ASSERT_EQ(back_up(), Status::kOk);
    EXPECT_LT(w.space.pushes - pushes, before.size() / 2);
    ASSERT_EQ(sweep(), Status::kOk);
    EXPECT_EQ(w.service->sweep_result().unclaimed, 0u);
    before = claims();
  }
  expect_only_claims_are_needed();
}

// A tree deep enough that its upper index pages are met again and again.
TEST_F(Sweep, TreesOfThreeLevelsAreWalkedToTheirEnd) {
  for (int i = 0; i < 4000; ++i)
    write(
        "/home/directory" + std::to_string(i % 40) + "/file with a long name " + std::to_string(i),
        std::to_string(i));
  ASSERT_EQ(back_up(), Status::kOk);
  ASSERT_GE(w.snapshots().back().root_level, kIndexLevels);
  write("/home/directory7/one more", "more");
  ASSERT_EQ(back_up(), Status::kOk);
  std::set<ChunkId> before = claims();
  ASSERT_EQ(sweep(), Status::kOk);
  EXPECT_EQ(claims(), before);
  ASSERT_EQ(forget({1}), Status::kOk);
  ASSERT_EQ(sweep(), Status::kOk);
  EXPECT_GE(w.service->sweep_result().removed, kIndexLevels + 1u);
  expect_only_claims_are_needed();
}

// The process ends at any moment of a sweep; the next one ends in the same state.
TEST_F(Sweep, AfterAStopAnywhereTheNextOneFinishes) {
  three_versions();
  uint64_t sequence = 3;
  for (uint64_t delay = 0; delay < 150; delay += 10) {
    write("/home/large", noise(4 * limits::kChunkBytesMax, 900 + delay));
    ASSERT_EQ(back_up(), Status::kOk);
    ASSERT_EQ(forget({sequence++}), Status::kOk);
    DoneOp done;
    done.bind(&w.ready);
    ASSERT_EQ(w.service->sweep(&done), Status::kOk);
    w.world.run_for(delay * kMillisecond);
    w.stop_and_start();
    ASSERT_EQ(sweep(), Status::kOk);
    expect_only_claims_are_needed();
  }
}

}  // namespace
}  // namespace drey
