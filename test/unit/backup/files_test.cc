// Single files: versions, deletion, repeated uploads, and that no change touches its neighbours.
#include <random>

#include "unit/backup/single_files.h"

namespace drey {
namespace {

using test::path_of;
using test::ServiceWorld;
using Table = std::map<std::string, std::string>;

std::string noise(size_t size, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

class Files : public ::testing::Test {
 protected:
  Files() : w(11) {}
  // Uploads and notes what the table must hold from now on.
  FileId put(const std::string& name, const std::string& bytes, size_t piece = SIZE_MAX) {
    EXPECT_EQ(test::put(w, name, bytes, piece), Status::kOk);
    const FileResult& result = w.service->file_result();
    expected[name] = "";
    expected[path_of(name, result.id)] = bytes;
    return result.id;
  }
  void expect_table() {
    Table got = test::table(w);
    for (const auto& [path, bytes] : expected)
      EXPECT_TRUE(got.contains(path) && got[path] == bytes) << path;
    EXPECT_EQ(got.size(), expected.size());
  }
  uint64_t heads() {
    uint64_t sequence = 0;
    Key32 hash;
    return w.space.newest_head(w.self, &sequence, &hash) ? sequence : 0;
  }
  ServiceWorld w;
  Table expected;
};

TEST_F(Files, AnUploadComesBackByteForByte) {
  for (size_t size : {size_t{0}, size_t{1}, limits::kChunkBytesMin - 1, limits::kChunkBytesMin,
                      limits::kChunkBytesMax - 1, limits::kChunkBytesMax,
                      limits::kChunkBytesMax + 1, 5 * limits::kChunkBytesMax + 17})
    put("file " + std::to_string(size), noise(size, size));
  expect_table();
  EXPECT_TRUE(w.service->idle());
  EXPECT_EQ(w.origin->free_count(), limits::kOriginSlots);
}

TEST_F(Files, BytesMayComeOneAtATime) {
  put("slow", noise(limits::kChunkBytesMin * 2 + 3, 1), 1);
  put("faster", noise(limits::kChunkBytesMax * 2 + 3, 2), 777);
  expect_table();
}

TEST_F(Files, AFileOfMoreExtentsThanARowHolds) {
  put("a", "before");
  put("z", "behind");
  put("m", noise(limits::kChunkBytesAverage * kExtentsPerRow * 3, 3));
  expect_table();
  put("m", noise(limits::kChunkBytesAverage * kExtentsPerRow * 2, 4));
  expect_table();
}

TEST_F(Files, EachNameKeepsItsVersionsInTheirOrder) {
  FileId one = put("plan", "one"), two = put("plan", "two");
  w.node.clock.wall_offset_ns = 0;  // the clock loses its battery
  FileId three = put("plan", "three");
  EXPECT_LT(one.raw, two.raw);
  EXPECT_LT(two.raw, three.raw);
  expect_table();
}

TEST_F(Files, TheSameBytesAgainAreTheSameVersion) {
  std::string large = noise(3 * limits::kChunkBytesMax, 5);
  FileId small = put("small", "text"), big = put("big", large), empty = put("empty", "");
  uint64_t before = heads();
  EXPECT_EQ(put("small", "text"), small);
  EXPECT_TRUE(w.service->file_result().same);
  EXPECT_EQ(put("big", large), big);
  EXPECT_EQ(put("empty", ""), empty);
  EXPECT_EQ(heads(), before);
  expect_table();
  // Not the newest any more: a new version.
  put("small", "other");
  EXPECT_NE(put("small", "text"), small);
  EXPECT_FALSE(w.service->file_result().same);
  large[limits::kChunkBytesMax * 2] ^= 1;
  EXPECT_NE(put("big", large), big);
  EXPECT_NE(put("empty", "x"), empty);
  expect_table();
}

TEST_F(Files, ADeletedVersionGoesAloneAndItsNameWithTheLast) {
  FileId one = put("b", "one"), two = put("b", "two");
  put("a", "neighbour");
  put("c", "neighbour");
  put("b2", "neighbour");
  ASSERT_EQ(test::remove(w, one), Status::kOk);
  expected.erase(path_of("b", one));
  expect_table();
  uint64_t before = heads();
  EXPECT_EQ(test::remove(w, one), Status::kNotFound);
  EXPECT_EQ(heads(), before);
  ASSERT_EQ(test::remove(w, two), Status::kOk);
  expected.erase(path_of("b", two));
  expected.erase("b");
  expect_table();
  put("b", "again");
  expect_table();
}

TEST_F(Files, TheLastFileLeavesAnEmptyTable) {
  FileId only = put("only", "bytes");
  ASSERT_EQ(test::remove(w, only), Status::kOk);
  expected.clear();
  expect_table();
  put("next", "bytes");
  expect_table();
}

TEST_F(Files, AnyNameThatADirectoryEntryMayHaveIsKeptExactly) {
  std::vector<std::string> names = {"<img src=x onerror=alert(1)>",
                                    "\"'&;",
                                    "...",
                                    ".hidden",
                                    " ",
                                    "line\nbreak",
                                    "\x01\x7f",
                                    "\xff\xfe not UTF-8",
                                    "a\\b",
                                    std::string(255, 'n'),
                                    "\xc3\xa4\xc3\xb6",
                                    "-rf"};
  for (const std::string& name : names) put(name, name);
  expect_table();
  for (std::string_view name :
       {std::string_view("."), std::string_view(".."), std::string_view("a/b"),
        std::string_view("/"), std::string_view("a\0b", 3)})
    EXPECT_EQ(test::put(w, name, "x"), Status::kInvalid) << name;
  EXPECT_EQ(test::put(w, std::string(256, 'n'), "x"), Status::kInvalid);
  expect_table();
}

TEST_F(Files, ManyVersionsAndDeletionsInAnyOrder) {
  std::mt19937_64 random(6);
  std::vector<std::pair<std::string, FileId>> there;
  for (int i = 0; i < 150; ++i) {
    if (!there.empty() && random() % 4 == 0) {
      size_t at = random() % there.size();
      auto [name, id] = there[at];
      there.erase(there.begin() + static_cast<ptrdiff_t>(at));
      ASSERT_EQ(test::remove(w, id), Status::kOk);
      expected.erase(path_of(name, id));
      bool more = false;
      for (const auto& other : there) more = more || other.first == name;
      if (!more) expected.erase(name);
    } else {
      std::string name(1 + random() % 3, static_cast<char>('a' + random() % 4));
      there.emplace_back(name, put(name, noise(random() % 300, 100 + static_cast<uint64_t>(i))));
    }
    if (i % 30 == 0) expect_table();
  }
  expect_table();
}

// The table is larger than a page, so that changes meet rows of many pages.
TEST_F(Files, ALargeTableLosesNoRow) {
  for (int i = 0; i < 400; ++i)
    put(std::string(60, 'x') + std::to_string(i % 97), "version " + std::to_string(i));
  SnapshotInfo info;
  ASSERT_TRUE(test::newest_table(w, &info));
  EXPECT_GE(info.root_level, 1);
  expect_table();
}

TEST_F(Files, AMissingPageOfTheTableFailsTheUploadAndLosesNothing) {
  for (int i = 0; i < 200; ++i) put(std::string(60, 'x') + std::to_string(i), std::to_string(i));
  SnapshotInfo info;
  ASSERT_TRUE(test::newest_table(w, &info));
  uint64_t before = heads();
  // Its root, and then its first leaf: the table is read from the front.
  w.space.unreachable = {info.root_c};
  EXPECT_EQ(test::put(w, "new", "bytes"), Status::kNotEnough);
  w.space.unreachable.clear();
  for (const auto& [c, row] : w.space.claims)
    if (row.type == ChunkType::kPage && c != info.root_c) w.space.unreachable.insert(c);
  EXPECT_EQ(test::put(w, "new", "bytes"), Status::kNotEnough);
  w.space.unreachable.clear();
  EXPECT_EQ(heads(), before);
  expect_table();
}

TEST_F(Files, AnUploadThatCannotBeKeptIsNotAcknowledged) {
  put("old", "bytes");
  w.space.flush_status = Status::kIo;
  EXPECT_EQ(test::put(w, "new", "bytes"), Status::kIo);
  w.space.flush_status = Status::kOk;
  w.space.push_status = Status::kFull;
  w.space.pushes_before_failure = w.space.pushes;
  EXPECT_EQ(test::put(w, "new", "more bytes"), Status::kFull);
  w.space.pushes_before_failure = UINT64_MAX;
  expect_table();
  put("new", "bytes");
  expect_table();
}

TEST_F(Files, AnAcknowledgedUploadSurvivesALossOfPower) {
  for (int i = 0; i < 8; ++i) {
    put("f" + std::to_string(i % 3), noise(limits::kChunkBytesMin, static_cast<uint64_t>(i)));
    w.stop_and_start();
    expect_table();
  }
}

// Power fails at any time of an upload: what was acknowledged is there, and what was not is whole
// or not there at all.
TEST_F(Files, AnUploadThatALossOfPowerCutsIsWholeOrNotThere) {
  put("old", "bytes");
  put("z", noise(limits::kChunkBytesMin * 2, 1));
  size_t cut = 0, there = 0;
  for (uint64_t ms = 0; ms < 400; ms += ms < 40 ? 2 : 15) {
    std::string bytes = noise(3 * limits::kChunkBytesMin, ms + 1000);
    std::string name = "new " + std::to_string(ms);
    auto client = std::make_unique<test::Uploader>();
    client->world = &w;
    client->bytes = bytes;
    client->bind(&w.ready);
    auto done = std::make_unique<test::DoneOp>();
    done->bind(&w.ready);
    FileChange request;
    request.name = name;
    request.size = bytes.size();
    ASSERT_EQ(w.service->change_files(request, client.get(), done.get()), Status::kOk);
    w.world.run_for(ms * kMillisecond);
    FileId id = w.service->file_result().id;
    bool acknowledged = done->done;
    ASSERT_TRUE(!acknowledged || ok(done->status));
    w.stop_and_start();
    ++(acknowledged ? there : cut);
    Table got = test::table(w);
    if (acknowledged || got.contains(name)) {
      for (const auto& [path, contents] : got)
        if (path.starts_with(name + "/")) expected[path] = contents;
      expected[name] = "";
      if (acknowledged) expected[path_of(name, id)] = bytes;
      for (const auto& [path, contents] : got)
        EXPECT_TRUE(!path.starts_with(name + "/") || contents == bytes);
    }
    expect_table();
  }
  EXPECT_GT(cut, 0u);
  EXPECT_GT(there, 0u);
}

TEST_F(Files, ACancelledUploadLeavesTheTableAsItWas) {
  put("old", "bytes");
  std::string bytes = noise(4 * limits::kChunkBytesMax, 7);
  FileChange request;
  request.name = "new";
  request.size = bytes.size();
  for (uint64_t ms : {0, 1, 5, 20, 60, 150}) {
    test::Uploader client;
    client.world = &w;
    client.bytes = bytes;
    client.stops_at = bytes.size() / 2;
    client.bind(&w.ready);
    test::DoneOp done;
    done.bind(&w.ready);
    ASSERT_EQ(w.service->change_files(request, &client, &done), Status::kOk);
    EXPECT_EQ(w.back_up({"/home"}), Status::kBusy);
    w.world.run_for(ms * kMillisecond);
    w.service->cancel_change();
    ASSERT_TRUE(w.wait(done));
    EXPECT_EQ(done.status, Status::kCancelled);
    EXPECT_EQ(w.origin->free_count(), limits::kOriginSlots);
  }
  expect_table();
}

TEST_F(Files, BackupsAndFilesDoNotKnowEachOther) {
  ASSERT_TRUE(w.node.tree.write_file("/home/a", noise(limits::kChunkBytesMax * 2, 8)));
  ASSERT_EQ(w.back_up({"/home"}), Status::kOk);
  StatementId snapshot = w.service->result().snapshot;
  put("a", "single");
  // The same bytes as a file of a backup: nothing is stored twice.
  uint64_t pushes = w.space.pushes;
  put("b", noise(limits::kChunkBytesMax * 2, 8));
  EXPECT_LE(w.space.pushes - pushes, 2u);  // pages
  EXPECT_EQ(w.back_up({"/home"}, "files"), Status::kInvalid);
  SnapshotInfo info;
  ASSERT_EQ(w.resolve("latest", &info), Status::kOk);
  EXPECT_EQ(info.id, snapshot);
  EXPECT_EQ(w.snapshots().size(), 2u);  // the table once
  ASSERT_EQ(w.back_up({"/home"}), Status::kOk);
  EXPECT_EQ(w.service->result().progress.files, 1u);
  expect_table();
}

// Old tables go by the rule that never takes the newest of a set; the newest goes by no name.
TEST_F(Files, TheNewestTableCannotBeForgotten) {
  for (int i = 0; i < 5; ++i) put("f", std::to_string(i));
  EXPECT_EQ(w.service->file_result().old_tables, 4u);
  ForgetRequest request;
  request.policy.keep_last = 1;
  request.only_set = set_tag(kFilesSet);
  ASSERT_EQ(w.forget(request), Status::kOk);
  EXPECT_EQ(w.service->forget_result().removed, 4u);
  expect_table();
  SnapshotInfo info;
  ASSERT_TRUE(test::newest_table(w, &info));
  std::array<char, 64> hex;
  ASSERT_TRUE(hex_encode(info.id.bytes(), hex));
  std::string_view name(hex.data(), hex.size()), latest = "latest";
  request = {};
  request.snapshots = {&name, 1};
  EXPECT_EQ(w.forget(request), Status::kUnsupported);
  request.snapshots = {&latest, 1};
  EXPECT_EQ(w.forget(request), Status::kNotFound);
  put("f", "5");
  EXPECT_EQ(w.service->file_result().old_tables, 1u);
  expect_table();
}

// What only old tables needed goes, what the newest needs stays.
TEST_F(Files, ASweepBehindOldTablesTakesNothingThatIsNeeded) {
  for (int i = 0; i < 12; ++i)
    put("f" + std::to_string(i % 4),
        noise(limits::kChunkBytesMin * 2, static_cast<uint64_t>(i + 50)));
  Table all = test::table(w);
  FileId gone;
  std::string_view name;
  for (const auto& [path, bytes] : all)
    if (ok(split_file_path(path, &name, &gone))) break;
  std::string gone_path = path_of(name, gone);
  ASSERT_EQ(test::remove(w, gone), Status::kOk);
  expected.erase(gone_path);
  ForgetRequest request;
  request.policy.keep_last = 1;
  request.only_set = set_tag(kFilesSet);
  ASSERT_EQ(w.forget(request), Status::kOk);
  test::DoneOp done;
  done.bind(&w.ready);
  ASSERT_EQ(w.service->sweep(&done), Status::kOk);
  ASSERT_TRUE(w.wait(done));
  ASSERT_EQ(done.status, Status::kOk);
  EXPECT_GT(w.service->sweep_result().removed, 0u);
  // Whoever is not claimed any more is gone.
  for (auto at = w.space.records.begin(); at != w.space.records.end();) {
    RecordState state;
    bool mine = ok(w.store->find(at->first, &state)) && state.mine;
    at = mine ? std::next(at) : w.space.records.erase(at);
  }
  expect_table();
}

}  // namespace
}  // namespace drey
