#include "sim/sim_disk.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace drey {
namespace {

class SimDiskTest : public testing::Test {
 protected:
  static constexpr uint32_t kReadWrite = Disk::kRead | Disk::kWrite | Disk::kCreate;
  Disk::File open(std::string_view name) {
    Result<Disk::File> file = disk.open(name, kReadWrite);
    EXPECT_EQ(Status::kOk, file.status());
    return file.value();
  }
  // A file whose name and content are durable.
  Disk::File durable(std::string_view name, std::string_view content) {
    Disk::File file = open(name);
    EXPECT_EQ(Status::kOk, disk.write_at(file, 0, as_bytes(content)));
    EXPECT_EQ(Status::kOk, disk.sync(file));
    EXPECT_EQ(Status::kOk, disk.sync_dir(""));
    return file;
  }
  Status write(Disk::File file, uint64_t offset, std::string_view text) {
    return disk.write_at(file, offset, as_bytes(text));
  }
  std::string content(const std::string& name, const SimDisk* of = nullptr) {
    const std::vector<uint8_t>* data = (of == nullptr ? disk : *of).peek(name);
    return data == nullptr ? "(none)" : std::string(as_text(*data));
  }
  static SimDisk::Crash keep(SimDisk::Keep what, uint64_t seed = 0) {
    SimDisk::Crash how;
    how.keep = what;
    how.seed = seed;
    return how;
  }
  SimDisk disk;
};

TEST_F(SimDiskTest, PowerLossDropsWhatWasNotSynced) {
  Disk::File file = durable("a", "synced");
  EXPECT_EQ(Status::kOk, write(file, 3, "lost more"));
  EXPECT_EQ(Status::kOk, disk.truncate(file, 5));
  EXPECT_EQ(Status::kOk, write(file, 7, "x"));
  disk.crash({});
  EXPECT_EQ("synced", content("a"));
  EXPECT_EQ(0u, disk.open_count());
}

TEST_F(SimDiskTest, PowerLossMayKeepWhatWasNotSynced) {
  Disk::File file = durable("a", "synced");
  EXPECT_EQ(Status::kOk, write(file, 3, "kept"));
  EXPECT_EQ(Status::kOk, disk.truncate(file, 5));
  EXPECT_EQ(Status::kOk, disk.rename("a", "b"));
  disk.crash(keep(SimDisk::Keep::kAll));
  EXPECT_EQ("synke", content("b"));
  EXPECT_EQ("(none)", content("a"));
}

TEST_F(SimDiskTest, NamesNeedASyncOfTheirDirectory) {
  Disk::File file = open("new");
  EXPECT_EQ(Status::kOk, write(file, 0, "x"));
  EXPECT_EQ(Status::kOk, disk.sync(file));
  disk.crash({});
  EXPECT_EQ("(none)", content("new"));
  EXPECT_EQ(0u, disk.used_bytes());
}

TEST_F(SimDiskTest, AFileInADirectoryThatWasNotSyncedIsGone) {
  EXPECT_EQ(Status::kOk, disk.make_dir("d"));
  Disk::File file = open("d/a");
  EXPECT_EQ(Status::kOk, disk.sync(file));
  EXPECT_EQ(Status::kOk, disk.sync_dir("d"));
  disk.crash({});
  EXPECT_TRUE(disk.names().empty());
  EXPECT_EQ(Status::kOk, disk.make_dir("d"));
}

TEST_F(SimDiskTest, ARenameIsWholeOrNotAtAll) {
  disk.close(durable("a", "new"));
  disk.close(durable("b", "old"));
  EXPECT_EQ(Status::kOk, disk.make_dir("d"));
  EXPECT_EQ(Status::kOk, disk.sync_dir(""));
  EXPECT_EQ(Status::kOk, disk.rename("a", "d/a"));
  EXPECT_EQ(Status::kOk, disk.rename("d/a", "b"));
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SimDisk image;
    image.copy_from(disk);
    image.crash(keep(SimDisk::Keep::kPrefix, seed));
    std::set<std::string> states = {"new (none) old", "(none) new old", "(none) (none) new"};
    std::string state =
        content("a", &image) + " " + content("d/a", &image) + " " + content("b", &image);
    EXPECT_TRUE(states.contains(state)) << state;
  }
  EXPECT_EQ(Status::kOk, disk.sync_dir("d"));  // commits both renames, one way or the other
  disk.crash({});
  EXPECT_EQ("(none)", content("d/a"));
}

TEST_F(SimDiskTest, ARemovedNameComesBackWithoutASync) {
  disk.close(durable("a", "x"));
  EXPECT_EQ(Status::kOk, disk.remove("a"));
  disk.crash({});
  EXPECT_EQ("x", content("a"));
  EXPECT_EQ(Status::kOk, disk.remove("a"));
  EXPECT_EQ(Status::kOk, disk.sync_dir(""));
  disk.crash({});
  EXPECT_EQ("(none)", content("a"));
}

TEST_F(SimDiskTest, APrefixKeepsWhatCameFirst) {
  Disk::File file = durable("a", "0000");
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Status::kOk, write(file, static_cast<uint64_t>(i), "1"));
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SimDisk image;
    image.copy_from(disk);
    image.crash(keep(SimDisk::Keep::kPrefix, seed));
    seen.insert(content("a", &image));
  }
  EXPECT_EQ((std::set<std::string>{"0000", "1000", "1100", "1110", "1111"}), seen);
}

TEST_F(SimDiskTest, ASubsetMayKeepLaterWritesAndTearThem) {
  Disk::File file = durable("a", std::string(2048, '0'));
  EXPECT_EQ(Status::kOk, write(file, 0, std::string(1024, '1')));
  EXPECT_EQ(Status::kOk, write(file, 1024, std::string(1024, '2')));
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    SimDisk image;
    image.copy_from(disk);
    image.crash(keep(SimDisk::Keep::kSome, seed));
    std::string now = content("a", &image);
    ASSERT_EQ(2048u, now.size());
    std::string blocks;
    for (size_t at = 0; at < 2048; at += 512) {
      EXPECT_EQ(std::string(512, now[at]), now.substr(at, 512));
      blocks.push_back(now[at]);
    }
    seen.insert(blocks);
  }
  EXPECT_TRUE(seen.contains("0022"));  // later without earlier
  EXPECT_TRUE(seen.contains("1100"));
  EXPECT_TRUE(seen.contains("0102"));  // torn
  EXPECT_EQ(16u, seen.size());
}

TEST_F(SimDiskTest, SyncedDataSurvivesEveryPolicy) {
  Disk::File file = durable("a", "first");
  EXPECT_EQ(Status::kOk, write(file, 5, " second"));
  EXPECT_EQ(Status::kOk, disk.sync(file));
  EXPECT_EQ(Status::kOk, write(file, 12, " third"));
  for (auto what : {SimDisk::Keep::kNothing, SimDisk::Keep::kAll, SimDisk::Keep::kPrefix,
                    SimDisk::Keep::kSome}) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      SimDisk image;
      image.copy_from(disk);
      image.crash(keep(what, seed));
      EXPECT_EQ("first second", content("a", &image).substr(0, 12));
    }
  }
}

TEST_F(SimDiskTest, AFailedSyncLosesDataThoughALaterOneSucceeds) {
  Disk::File file = durable("a", "old");
  EXPECT_EQ(Status::kOk, write(file, 0, "new"));
  disk.fail_nth(SimDisk::Call::kSync, 1, Status::kIo);
  EXPECT_EQ(Status::kIo, disk.sync(file));
  EXPECT_EQ("new", content("a"));
  EXPECT_EQ(Status::kOk, write(file, 3, "er"));
  EXPECT_EQ(Status::kOk, disk.sync(file));
  disk.crash(keep(SimDisk::Keep::kAll));
  EXPECT_EQ("older", content("a"));
}

TEST_F(SimDiskTest, AFailedSyncMayRevertAtOnce) {
  disk.sync_failure = SimDisk::SyncFailure::kReverted;
  Disk::File file = durable("a", "old");
  EXPECT_EQ(Status::kOk, write(file, 0, "newer"));
  disk.fail_nth(SimDisk::Call::kSync, 1, Status::kIo);
  EXPECT_EQ(Status::kIo, disk.sync(file));
  EXPECT_EQ("old", content("a"));
}

TEST_F(SimDiskTest, TheNthCallFailsAsOftenAsAsked) {
  Disk::File file = durable("a", "");
  disk.fail_nth(SimDisk::Call::kWrite, 3, Status::kFull, 2);
  for (Status expected : {Status::kOk, Status::kOk, Status::kFull, Status::kFull, Status::kOk})
    EXPECT_EQ(expected, write(file, 0, "ab"));
  disk.fail_nth(SimDisk::Call::kRead, 1, Status::kIo, 0);
  std::array<uint8_t, 4> to;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Status::kIo, disk.read_at(file, 0, to).status());
  disk.clear_faults();
  EXPECT_EQ(2u, disk.read_at(file, 0, to).value());
}

TEST_F(SimDiskTest, AFailedWriteLeavesItsFirstHalf) {
  Disk::File file = durable("a", "....");
  disk.fail_nth(SimDisk::Call::kWrite, 1, Status::kIo);
  EXPECT_EQ(Status::kIo, write(file, 0, "abcd"));
  EXPECT_EQ("ab..", content("a"));
}

TEST_F(SimDiskTest, ACutStopsEverythingBeforeAfterOrWithinACall) {
  for (auto cut : {SimDisk::Cut::kBefore, SimDisk::Cut::kTorn, SimDisk::Cut::kAfter}) {
    disk.put("a", as_bytes("...."));
    Disk::File file = open("a");
    disk.cut_at(2, cut);
    EXPECT_EQ(Status::kOk, write(file, 0, "1"));
    EXPECT_FALSE(disk.is_cut());
    EXPECT_EQ(Status::kIo, write(file, 0, "2222"));
    EXPECT_TRUE(disk.is_cut());
    EXPECT_EQ(Status::kIo, write(file, 0, "3333"));
    EXPECT_EQ(Status::kIo, disk.sync(file));
    EXPECT_EQ(Status::kIo, disk.remove("a"));
    EXPECT_EQ(Status::kIo, disk.open("a", Disk::kRead).status());
    EXPECT_EQ(cut == SimDisk::Cut::kBefore ? "1..."
              : cut == SimDisk::Cut::kTorn ? "22.."
                                           : "2222",
              content("a"));
    disk.restart();
    EXPECT_FALSE(disk.is_cut());
  }
}

TEST_F(SimDiskTest, EveryMutatingCallIsCountedOnce) {
  std::vector<uint64_t> seen;
  disk.before_mutation = [&seen](uint64_t mutation) { seen.push_back(mutation); };
  Disk::File file = durable("a", "x");  // create, write, sync, sync_dir
  EXPECT_EQ(Status::kOk, disk.truncate(file, 0));
  EXPECT_EQ(Status::kOk, disk.rename("a", "b"));
  EXPECT_EQ(Status::kOk, disk.remove("b"));
  EXPECT_EQ(Status::kOk, disk.make_dir("d"));
  std::array<uint8_t, 4> to;
  EXPECT_EQ(0u, disk.read_at(file, 0, to).value());
  EXPECT_EQ((std::vector<uint64_t>{1, 2, 3, 4, 5, 6, 7, 8}), seen);
  EXPECT_EQ(8u, disk.mutation_count());
}

TEST_F(SimDiskTest, AnImageHasTheFirstHalfOfTheWriteThatIsAboutToHappen) {
  Disk::File file = durable("a", "xxxx");
  SimDisk image;
  bool torn = false;
  disk.before_mutation = [&](uint64_t) {
    image.copy_from(disk);
    torn = disk.tear_into(&image);
  };
  EXPECT_EQ(Status::kOk, write(file, 2, "1234"));
  EXPECT_TRUE(torn);
  EXPECT_EQ("xx12", content("a", &image));
  EXPECT_EQ("xx1234", content("a"));
  EXPECT_EQ(Status::kOk, disk.sync(file));
  EXPECT_FALSE(torn);
}

TEST_F(SimDiskTest, ASyncOnAHandleWhoseSyncFailedIsCounted) {
  EXPECT_EQ(Status::kOk, disk.make_dir("log"));
  Disk::File file = open("log/1");
  EXPECT_EQ(Status::kOk, write(file, 0, "1234"));
  disk.fail_nth(SimDisk::Call::kSync, 1, Status::kIo);
  EXPECT_EQ(Status::kIo, disk.sync(file));
  EXPECT_EQ(0u, disk.repeated_syncs());
  Disk::File again = open("log/1");
  EXPECT_EQ(Status::kOk, disk.sync(again));
  EXPECT_EQ(0u, disk.repeated_syncs());
  EXPECT_EQ(Status::kOk, disk.sync(file));
  EXPECT_EQ(1u, disk.repeated_syncs());
}

TEST_F(SimDiskTest, AFullDiskTakesWhatFitsAndSaysFull) {
  disk.capacity_bytes = 6;
  Disk::File file = durable("a", "1234");
  EXPECT_EQ(Status::kFull, write(file, 4, "5678"));
  EXPECT_EQ("123456", content("a"));
  EXPECT_EQ(Status::kOk, write(file, 0, "abcdef"));  // overwriting needs no room
  EXPECT_EQ(0u, disk.space().value().free_bytes);
  EXPECT_EQ(Status::kOk, disk.truncate(file, 2));
  EXPECT_EQ(Status::kOk, write(file, 2, "zz"));
}

TEST_F(SimDiskTest, AReadOnlyDiskServesReads) {
  Disk::File file = durable("a", "x");
  disk.read_only = true;
  EXPECT_EQ(Status::kReadOnly, write(file, 0, "y"));
  EXPECT_EQ(Status::kReadOnly, disk.remove("a"));
  EXPECT_EQ(Status::kReadOnly, disk.make_dir("d"));
  EXPECT_EQ(Status::kReadOnly, disk.open("a", Disk::kWrite).status());
  EXPECT_EQ(Status::kReadOnly, disk.open("b", Disk::kWrite | Disk::kCreate).status());
  EXPECT_EQ(Status::kOk, disk.sync(file));
  std::array<uint8_t, 4> to;
  EXPECT_EQ(1u, disk.read_at(file, 0, to).value());
  EXPECT_EQ("x", content("a"));
}

TEST_F(SimDiskTest, RotChangesOneByte) {
  disk.close(durable("a", "abc"));
  uint64_t before = disk.content_hash();
  EXPECT_TRUE(disk.flip("a", 1, 0x20));
  EXPECT_EQ("aBc", content("a"));
  EXPECT_NE(before, disk.content_hash());
  EXPECT_FALSE(disk.flip("a", 3, 1));
  EXPECT_FALSE(disk.flip("b", 0, 1));
  disk.crash({});
  EXPECT_EQ("aBc", content("a"));
}

TEST_F(SimDiskTest, ACopyLivesOnByItself) {
  Disk::File file = durable("a", "x");
  EXPECT_EQ(Status::kOk, write(file, 0, "y"));
  SimDisk image;
  image.copy_from(disk);
  image.crash({});
  EXPECT_EQ("x", content("a", &image));
  EXPECT_EQ("y", content("a"));
  EXPECT_EQ(Status::kOk, disk.sync(file));
}

}  // namespace
}  // namespace drey
