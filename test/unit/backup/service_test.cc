#include <gtest/gtest.h>

#include <random>

#include "base/text.h"
#include "codec/seal.h"

#include "unit/backup/service_world.h"

namespace drey {
namespace {

using test::CollectSink;
using test::DoneOp;
using test::kIndexLevels;
using test::ListSink;
using test::ServiceWorld;

std::string noise(size_t size, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

class Service : public ::testing::Test {
 protected:
  Service() : w(1) {}
  void write(const std::string& path, const std::string& text) {
    ASSERT_TRUE(w.node.tree.write_file(path, text));
    files[path.substr(1)] = text;
  }
  void fill() {
    for (int i = 0; i < 60; ++i)
      write("/home/u/small" + std::to_string(i),
            noise(limits::kChunkBytesMin / 9, static_cast<uint64_t>(i)));
    write("/home/u/large", noise(5 * limits::kChunkBytesMax, 100));
    write("/home/u/deep/er/text", std::string(limits::kChunkBytesMax, 'x'));
    write("/home/u/empty", "");
    w.world.run_for(10 * kSecond);  // old enough to be skipped the next time
  }
  SnapshotInfo latest() {
    SnapshotInfo info;
    EXPECT_EQ(w.resolve("latest", &info), Status::kOk);
    return info;
  }
  void expect_restores() {
    CollectSink sink;
    StreamResult result = w.stream(sink, latest());
    EXPECT_EQ(result.status, Status::kOk);
    EXPECT_EQ(result.missing, 0u);
    EndFrame end;
    auto got = sink.files(&end);
    EXPECT_EQ(end.files, files.size());
    for (const auto& [path, text] : files)
      EXPECT_TRUE(got.contains(path) && got[path] == text) << path;
  }
  ServiceWorld w;
  std::map<std::string, std::string> files;
};

TEST_F(Service, WhatWasBackedUpComesBack) {
  fill();
  ASSERT_EQ(w.back_up({"/home/u"}), Status::kOk);
  const BackupResult& result = w.service->result();
  EXPECT_EQ(result.progress.files, files.size());
  EXPECT_EQ(result.progress.errors, 0u);
  EXPECT_GT(result.progress.added_records, 0u);
  EXPECT_FALSE(result.snapshot.is_zero());
  SnapshotInfo info = latest();
  EXPECT_EQ(info.id, result.snapshot);
  EXPECT_EQ(info.set(), "default");
  EXPECT_EQ(info.paths(), std::string_view("/home/u\0", 8));
  EXPECT_EQ(info.files, files.size());
  EXPECT_EQ(info.sequence, 1u);
  EXPECT_EQ(info.node, w.self);
  expect_restores();
  EXPECT_TRUE(w.service->idle());
}

TEST_F(Service, AnUnchangedTreeAddsNoRecord) {
  fill();
  ASSERT_EQ(w.back_up({"/home/u"}), Status::kOk);
  ASSERT_EQ(w.back_up({"/home/u/"}), Status::kOk);
  EXPECT_EQ(w.service->result().progress.unchanged, files.size());
  EXPECT_EQ(w.service->result().progress.added_records, 0u);
  EXPECT_EQ(latest().sequence, 2u);
  write("/home/u/small7", "edited");
  ASSERT_EQ(w.back_up({"/home/u"}), Status::kOk);
  EXPECT_LE(w.service->result().progress.added_records, 5u);
  expect_restores();
}

TEST_F(Service, SetsAreComparedWithTheirOwnPast) {
  fill();
  ASSERT_EQ(w.back_up({"/home/u"}, "one"), Status::kOk);
  ASSERT_EQ(w.back_up({"/home/u"}, "two"), Status::kOk);
  EXPECT_EQ(w.service->result().progress.unchanged, 0u);
  EXPECT_EQ(w.service->result().progress.added_records, 0u);  // all known by content
  ASSERT_EQ(w.back_up({"/home/u"}, "one"), Status::kOk);
  EXPECT_EQ(w.service->result().progress.unchanged, files.size());
}

TEST_F(Service, ListsAndResolvesSnapshots) {
  fill();
  SnapshotInfo info;
  EXPECT_EQ(w.resolve("latest", &info), Status::kNotFound);
  for (int i = 0; i < 6; ++i) ASSERT_EQ(w.back_up({"/home/u"}), Status::kOk);
  ListSink list;
  DoneOp done;
  done.bind(&w.ready);
  ASSERT_EQ(w.service->list_snapshots(&list, &done), Status::kOk);
  EXPECT_EQ(w.service->list_snapshots(&list, &done), Status::kBusy);
  ASSERT_TRUE(w.wait(done));
  ASSERT_EQ(list.rows.size(), 6u);
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(list.rows[i].sequence, i + 1);
  std::array<char, 64> hex;
  ASSERT_TRUE(hex_encode(list.rows[2].id.bytes(), hex));
  EXPECT_EQ(w.resolve({hex.data(), 10}, &info), Status::kOk);
  EXPECT_EQ(info.sequence, 3u);
  EXPECT_EQ(w.resolve({hex.data(), 64}, &info), Status::kOk);
  EXPECT_EQ(w.resolve({hex.data(), 3}, &info), Status::kInvalid);
  EXPECT_EQ(w.resolve("zzzz", &info), Status::kInvalid);
  EXPECT_EQ(w.resolve("nobody:latest", &info), Status::kNotFound);
  w.space.names["laptop"] = w.self;
  EXPECT_EQ(w.resolve("laptop:latest", &info), Status::kOk);
  EXPECT_EQ(info.sequence, 6u);
}

TEST_F(Service, AFullMeshFailsTheBackupAndLeavesNoSnapshot) {
  fill();
  w.space.pushes_before_failure = 3;
  w.space.push_status = Status::kFull;
  EXPECT_EQ(w.back_up({"/home/u"}), Status::kFull);
  SnapshotInfo info;
  EXPECT_EQ(w.resolve("latest", &info), Status::kNotFound);
  EXPECT_EQ(w.origin->free_count(), limits::kOriginSlots);
  w.space.pushes_before_failure = UINT64_MAX;
  EXPECT_EQ(w.back_up({"/home/u"}), Status::kOk);
  expect_restores();
}

TEST_F(Service, UnwrittenClaimsMakeNoSnapshot) {
  fill();
  w.space.flush_status = Status::kIo;
  EXPECT_EQ(w.back_up({"/home/u"}), Status::kIo);
  SnapshotInfo info;
  EXPECT_EQ(w.resolve("latest", &info), Status::kNotFound);
}

TEST_F(Service, CancelEndsABackupAtAnyTime) {
  fill();
  for (uint64_t ms : {0, 1, 2, 5, 10, 20, 30, 50, 80, 120, 200}) {
    std::string_view path = "/home/u";
    BackupRequest request;
    request.paths = {&path, 1};
    DoneOp done;
    done.bind(&w.ready);
    ASSERT_EQ(w.service->backup(request, &done), Status::kOk);
    w.world.run_for(ms * kMillisecond);
    w.service->cancel_backup();
    ASSERT_TRUE(w.wait(done));
    EXPECT_TRUE(done.status == Status::kCancelled || done.status == Status::kOk);
    EXPECT_EQ(w.origin->free_count(), limits::kOriginSlots);
  }
  EXPECT_EQ(w.back_up({"/home/u"}), Status::kOk);
  expect_restores();
}

TEST_F(Service, UnreadableFilesAreNamedAndTheRestIsBackedUp) {
  fill();
  w.node.tree.fail_path("/home/u/small3", Status::kDenied);
  ASSERT_EQ(w.back_up({"/home/u"}), Status::kOk);
  EXPECT_EQ(w.service->result().progress.errors, 1u);
  ASSERT_EQ(w.service->errors().size(), 1u);
  EXPECT_EQ(w.service->errors()[0].path(), "home/u/small3");
  EXPECT_EQ(w.service->errors()[0].status, Status::kDenied);
  EXPECT_EQ(latest().errors, 1u);
  files.erase("home/u/small3");
  expect_restores();
}

TEST_F(Service, AMissingSourceIsNamed) {
  fill();
  EXPECT_EQ(w.back_up({"/home/u", "/gone"}), Status::kNotFound);
  EXPECT_EQ(w.service->result().root.path(), "gone");
}

TEST_F(Service, ADiskThatIsNotMountedMakesNoSnapshot) {
  fill();
  ASSERT_TRUE(w.node.tree.set_file_system("/home/u", 0xef53, 99));
  ASSERT_EQ(w.back_up({"/home/u"}), Status::kOk);
  uint64_t device = 0;
  w.node.tree.edit_stat("/home", [&](FileStat* stat) { device = stat->device; });
  ASSERT_TRUE(w.node.tree.set_file_system("/home/u", 0xef53, device));
  EXPECT_EQ(w.back_up({"/home/u"}), Status::kChanged);
  EXPECT_EQ(w.service->result().root.path(), "home/u");
  EXPECT_EQ(latest().sequence, 1u);
}

TEST_F(Service, MalformedRequestsAreRefused) {
  EXPECT_EQ(w.back_up({}), Status::kInvalid);
  EXPECT_EQ(w.back_up({"relative"}), Status::kInvalid);
  EXPECT_EQ(w.back_up({"/a/../b"}), Status::kInvalid);
  EXPECT_EQ(w.back_up({"/a"}, ""), Status::kInvalid);
  EXPECT_EQ(w.back_up({"/a"}, "bad/name"), Status::kInvalid);
  std::string longest = "/" + std::string(5000, 'x');
  EXPECT_EQ(w.back_up({longest}), Status::kTooLarge);
  std::vector<std::string_view> many(limits::kSourcesMax + 1, "/a");
  EXPECT_EQ(w.back_up(many), Status::kTooLarge);
}

TEST_F(Service, NestedSourcesAreWalkedOnce) {
  fill();
  ASSERT_EQ(w.back_up({"/home/u/deep", "/home//u/", "/home/u"}), Status::kOk);
  EXPECT_EQ(w.service->result().progress.files, files.size());
  expect_restores();
}

TEST_F(Service, TheWholeRootCanBeASource) {
  fill();
  write("/etc/conf", "1");
  ASSERT_EQ(w.back_up({"/"}), Status::kOk);
  EXPECT_EQ(latest().paths(), std::string_view("/\0", 2));
  expect_restores();
  ASSERT_EQ(w.back_up({"/home/u", "/"}), Status::kOk);
  EXPECT_GE(w.service->result().progress.unchanged, files.size() - 1);
}

TEST_F(Service, AFileCanBeASource) {
  fill();
  ASSERT_EQ(w.back_up({"/home/u/large"}), Status::kOk);
  std::string text = files["home/u/large"];
  files = {{"home/u/large", text}};
  expect_restores();
}

TEST_F(Service, LostRecordsAreToldAndOthersRestored) {
  fill();
  ASSERT_EQ(w.back_up({"/home/u"}), Status::kOk);
  for (const auto& [c, record] : w.space.records) {
    w.space.unreachable = {c};
    CollectSink sink;
    StreamResult result = w.stream(sink, latest());
    EXPECT_GE(result.missing, 1u);
    EXPECT_EQ(w.origin->free_count(), limits::kOriginSlots);
  }
}

TEST_F(Service, WrongBytesBehindANameAreToldAsMissing) {
  fill();
  ASSERT_EQ(w.back_up({"/home/u"}), Status::kOk);
  auto first = w.space.records.begin();
  std::string right = first->second;
  first->second = std::next(first)->second;  // a record, but of another content
  CollectSink sink;
  EXPECT_GE(w.stream(sink, latest()).missing, 1u);
  first->second = right;
  expect_restores();
}

TEST_F(Service, ALostRecordIsReplacedByAnotherOfTheSameContent) {
  fill();
  ASSERT_EQ(w.back_up({"/home/u"}), Status::kOk);
  std::map<ChunkId, std::string> before = w.space.records;
  Epoch epoch;
  epoch.id = 2;
  epoch.seed.raw[0] = 1;
  ASSERT_EQ(w.keyring.add_epoch(epoch), Status::kOk);
  std::vector<uint8_t> plain(limits::kChunkBytesMax), room(limits::kRecordBytesMax);
  for (auto& [c, record] : before) {
    OwnedRecord row = w.space.claims[c];
    CompressorLease lease(*w.compressors);
    MutBytes bytes(reinterpret_cast<uint8_t*>(record.data()), record.size());
    size_t size = 0;
    ASSERT_EQ(open(w.keyring, *lease.get(), row.type, row.d, bytes, plain, &size), Status::kOk);
    size_t sealed = 0;
    ASSERT_EQ(seal(w.keyring, *lease.get(), {}, row.type, row.d, Bytes(plain).first(size), room,
                   &sealed, &row.c),
              Status::kOk);
    ASSERT_NE(row.c, c);
    w.space.records.erase(c);
    w.space.records[row.c] = std::string(as_text(Bytes(room).first(sealed)));
    row.size = static_cast<uint32_t>(sealed);
    w.space.claim(row);
  }
  expect_restores();
}

// A revocation takes the epoch away, at any moment of a backup; the next one comes some seconds
// later.
TEST_F(Service, ABackupGoesOnUnderTheKeysThatFollowARevocation) {
  fill();
  BackupRequest request;
  std::string_view path = "/home/u";
  request.paths = {&path, 1};
  Epoch epoch;
  for (uint64_t moment = 0; moment < 12; ++moment) {
    DoneOp done;
    done.bind(&w.ready);
    uint64_t before = w.keyring.current_epoch();
    ASSERT_EQ(w.service->backup(request, &done), Status::kOk);
    w.world.run_for(moment * 7'000'000);
    w.keyring.seal_under(0);
    bool early = done.done;
    w.world.run_for(10 * kSecond);
    size_t records = w.space.records.size();
    w.world.run_for(10 * kSecond);
    EXPECT_EQ(w.space.records.size(), records) << "sealed without an epoch";
    EXPECT_TRUE(early || !done.done || ok(done.status));
    epoch.id = before + 1;
    epoch.seed.raw[0] = static_cast<uint8_t>(epoch.id);
    ASSERT_EQ(w.keyring.add_epoch(epoch), Status::kOk);
    w.keyring.seal_under(epoch.id);
    ASSERT_TRUE(w.wait(done));
    EXPECT_EQ(done.status, Status::kOk) << "moment " << moment;
    expect_restores();
    write("/home/u/large", noise(5 * limits::kChunkBytesMax, 200 + moment));
    w.world.run_for(10 * kSecond);
  }
}

TEST_F(Service, ABackupDoesNotWaitForKeysForEver) {
  fill();
  w.keyring.seal_under(0);
  EXPECT_EQ(w.back_up({"/home/u"}), Status::kTimeout);
  EXPECT_TRUE(w.service->idle());
  w.keyring.seal_under(1);
  EXPECT_EQ(w.back_up({"/home/u"}), Status::kOk);
  expect_restores();
}

TEST_F(Service, FilesWhoseRecordsAreLostAreBackedUpAnew) {
  fill();
  ASSERT_EQ(w.back_up({"/home/u"}), Status::kOk);
  for (const auto& [c, row] : w.space.claims) {
    if (row.type == ChunkType::kPage) continue;
    w.space.records.erase(c);
    ASSERT_EQ(w.store->update_holders({&c, 1}, 0, 2), Status::kOk);
  }
  w.space.missing = true;
  ASSERT_EQ(w.back_up({"/home/u"}), Status::kOk);
  EXPECT_LE(w.service->result().progress.unchanged, 1u);  // the empty file
  expect_restores();
}

TEST_F(Service, TwoStreamsAndABackupRunTogether) {
  fill();
  ASSERT_EQ(w.back_up({"/home/u"}), Status::kOk);
  SnapshotInfo info = latest();
  write("/home/u/new", noise(20 * limits::kChunkBytesMax, 55));
  std::string_view path = "/home/u";
  BackupRequest request;
  request.paths = {&path, 1};
  DoneOp backed_up, streamed, listed, refused;
  for (DoneOp* op : {&backed_up, &streamed, &listed, &refused}) op->bind(&w.ready);
  StreamRequest restore;
  restore.snapshot = info;
  StreamRequest list = restore;
  list.with_data = false;
  CollectSink one, two;
  one.budget = 100000;  // then it stands still
  Result<StreamNumber> first = w.service->open_stream(restore, &one, &streamed);
  ASSERT_TRUE(first.ok());
  w.world.run_for(kSecond);
  ASSERT_EQ(w.service->backup(request, &backed_up), Status::kOk);
  EXPECT_EQ(w.service->open_stream(restore, &two, &refused).status(), Status::kBusy);
  ASSERT_TRUE(w.service->open_stream(list, &two, &listed).ok());
  ASSERT_TRUE(w.wait(listed));
  ASSERT_TRUE(w.wait(backed_up));
  EXPECT_EQ(backed_up.status, Status::kOk);
  EXPECT_FALSE(streamed.done);
  one.budget = SIZE_MAX;
  w.service->resume_stream(first.value());
  ASSERT_TRUE(w.wait(streamed));
  auto got = one.files();
  files.erase("home/u/new");
  for (const auto& [file, text] : files) EXPECT_TRUE(got[file] == text) << file;
  EXPECT_EQ(two.files().size(), got.size());
}

TEST_F(Service, ACancelledStreamLetsEverythingGo) {
  fill();
  ASSERT_EQ(w.back_up({"/home/u"}), Status::kOk);
  for (uint64_t ms : {0, 1, 3, 7, 15, 30, 60, 100}) {
    StreamRequest request;
    request.snapshot = latest();
    DoneOp done;
    done.bind(&w.ready);
    {
      CollectSink sink;
      Result<StreamNumber> number = w.service->open_stream(request, &sink, &done);
      ASSERT_TRUE(number.ok());
      w.world.run_for(ms * kMillisecond);
      w.service->cancel_stream(number.value());
    }
    ASSERT_TRUE(w.wait(done));
    EXPECT_EQ(w.origin->free_count(), limits::kOriginSlots);
  }
}

TEST_F(Service, ABundleIsFetchedOnceForItsFiles) {
  for (int i = 0; i < 40; ++i)
    write("/s/f" + std::to_string(i), noise(limits::kChunkBytesMin / 50, static_cast<uint64_t>(i)));
  ASSERT_EQ(w.back_up({"/s"}), Status::kOk);
  w.space.fetches = 0;
  expect_restores();
  EXPECT_LE(w.space.fetches, w.space.records.size());
}

TEST_F(Service, AdoptionClaimsEveryRecordInAFreshStore) {
  fill();
  // Enough for index pages above index pages: those are met more than once on one walk.
  for (int i = 0; i < 4000; ++i)
    write("/home/u/many" + std::to_string(i % 40) + "/file with a long name " + std::to_string(i),
          std::to_string(i));
  ASSERT_EQ(w.back_up({"/home/u"}), Status::kOk);
  write("/home/u/small1", noise(2 * limits::kChunkBytesMax, 77));
  ASSERT_EQ(w.back_up({"/home/u"}), Status::kOk);
  ASSERT_GE(latest().root_level, kIndexLevels);
  // The heads are still there, the claims are not: as after recover --replace.
  std::map<ChunkId, std::string> records = w.space.records;
  std::vector<std::vector<uint8_t>> heads;
  StatementKey after{};
  std::array<StatementRow, 4> rows;
  size_t count = 0;
  ASSERT_EQ(w.store->scan_statements(StatementKind::kHead, after, rows, &count), Status::kOk);
  for (size_t i = 0; i < count; ++i) {
    heads.emplace_back(limits::kHeadBytesMax);
    size_t size = 0;
    ASSERT_EQ(w.store->read_statement(StatementKind::kHead, rows[i].key, heads.back(), &size),
              Status::kOk);
    heads.back().resize(size);
  }
  ASSERT_EQ(w.store->close(), Status::kOk);
  SimNode& other = w.world.add_node("b");
  w.store = std::make_unique<Store>();
  StoreOptions options;
  options.disk = options.log_disk = &other.disk;
  options.clock = &w.node.clock;
  options.random = &w.node.random;
  options.self = w.self;
  options.capacity_bytes = 1ull << 30;
  ASSERT_EQ(w.store->open(options), Status::kOk);
  w.space.store = w.store.get();
  for (const auto& head : heads) {
    Head decoded;
    ASSERT_EQ(decode_head(head, &decoded), Status::kOk);
    Ticket ticket = 0;
    HeadKey key = head_key(decoded.owner, decoded.sequence);
    ASSERT_EQ(w.store->append_statement(StatementKind::kHead, key, head, &ticket), Status::kOk);
    ASSERT_EQ(w.store->commit(ticket), Status::kOk);
  }
  w.start_service();
  DoneOp done;
  done.bind(&w.ready);
  ASSERT_EQ(w.service->adopt(&done), Status::kOk);
  ASSERT_TRUE(w.wait(done));
  EXPECT_EQ(done.status, Status::kOk);
  for (const auto& [c, record] : records) {
    RecordState state;
    EXPECT_EQ(w.store->find(c, &state), Status::kOk);
    EXPECT_TRUE(state.mine);
  }
}

}  // namespace
}  // namespace drey
